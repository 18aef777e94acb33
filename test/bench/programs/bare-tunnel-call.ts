/**
 * The gRPC call between the two ends of the bare tunnel (bare-near-program.ts, bare-far-program.ts): messages
 * are JSON arrays of all requests, or all responses, that one turn of the event loop brought; but the first of
 * a turn leaves at once when the turn before had one only.
 */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { streamsOfBytes } from '../../../shared/protocol/tunnel-rpc.js';
import type { DuplexCall } from '../../../shared/protocol/tunnel-rpc.js';

/** From near to far. Headers are raw: name, value, name, value. */
export type BareRequest = readonly [id: number, method: string, path: string, headers: string[]];

/** From far to near. A character of the body is a byte (latin1). */
export type BareResponse = readonly [id: number, status: number, headers: string[], body: string];

/** The service: one method, messages as bytes. */
export const BARE_SERVICE = {
  Carry: streamsOfBytes('/fairlead.bench.BareTunnel/Carry'),
} as const satisfies ServiceDefinition;

/** For both ends: a turn of 512 callers goes into one message. */
export const NO_MESSAGE_LIMIT = { 'grpc.max_receive_message_length': -1 } as const;

/** What goes the other way. */
type Opposite<Item> = Item extends BareRequest ? BareResponse : BareRequest;

/**
 * Takes what the other end sends; the returned function sends to it. When the call breaks this throws into
 * the event loop, which ends the program with a fault.
 */
export function carryOver<Item extends BareRequest | BareResponse>(
  call: DuplexCall,
  receive: (item: Item) => void,
): (item: Opposite<Item>) => void {
  call.on('data', (message) => {
    const items = JSON.parse(message.toString()) as Item[]; // the other end is built with this one
    for (const item of items) receive(item);
  });
  call.on('error', (reason) => callBroke(reason.message));
  for (const event of ['end', 'close', 'cancelled'] as const)
    call.on(event, () => callBroke(event));

  let batch: Opposite<Item>[] = [];
  let sentInTurn = 0;
  let isAlone = false;
  const flush = (): void => {
    const items = batch;
    batch = [];
    if (items.length > 0) call.write(Buffer.from(JSON.stringify(items)));
  };
  return (item) => {
    batch.push(item);
    sentInTurn++;
    // one caller only, as it seems: HTTP/2 writes in this turn what it is given before setImmediate
    if (isAlone && sentInTurn === 1) process.nextTick(flush);
    if (sentInTurn > 1) return;
    setImmediate(() => {
      isAlone = sentInTurn === 1;
      sentInTurn = 0;
      flush();
    });
  };
}

function callBroke(how: string): never {
  throw new Error(`the call between the ends broke: ${how}`);
}
