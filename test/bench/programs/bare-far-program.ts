/**
 * The target's end of the bare tunnel; bare-near-program.ts tells what that is, and what it leaves out.
 * Reports that it is ready when its call has reached the near end.
 */
import { Client, credentials } from '@grpc/grpc-js';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { BARE_SERVICE, NO_MESSAGE_LIMIT, carryOver } from './bare-tunnel-call.js';
import type { BareRequest } from './bare-tunnel-call.js';
import { readOptions, report } from './program-options.js';

const { nearPort, targetPort, ca } = await readOptions(
  z.object({ nearPort: z.number(), targetPort: z.number(), ca: z.string() }),
);

const pool = new Pool(`http://127.0.0.1:${targetPort}`, { headersTimeout: 0, bodyTimeout: 0 });
const client = new Client(`127.0.0.1:${nearPort}`, credentials.createSsl(Buffer.from(ca)), {
  ...NO_MESSAGE_LIMIT,
  'grpc.ssl_target_name_override': 'localhost',
  'grpc.enable_http_proxy': 0,
});
const { path, requestSerialize, responseDeserialize } = BARE_SERVICE.Carry;
const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
const send = carryOver(call, forward);
call.on('metadata', () => report('ready', {}));

function forward([id, method, path, headers]: BareRequest): void {
  pool.dispatch({ method, path, headers }, new Exchange(id));
}

/** A request at the target. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #id: number;
  #status = 0;
  #headers: string[] = [];
  #body = '';

  constructor(id: number) {
    this.#id = id;
  }

  onConnect(): void {
    // needed by undici; nothing here cancels
  }

  onHeaders(status: number, raw: Buffer[]): boolean {
    this.#status = status;
    this.#headers = raw.map(latin1);
    return true;
  }

  onData(bytes: Buffer): boolean {
    this.#body += latin1(bytes);
    return true;
  }

  onComplete(): void {
    send([this.#id, this.#status, this.#headers, this.#body]);
  }

  onError({ message }: Error): void {
    send([this.#id, 502, ['Content-Length', String(message.length)], message]);
  }
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}
