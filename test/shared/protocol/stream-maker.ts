/** Streams over a writer, without a session. */
import assert from 'node:assert/strict';
import { BufferBudget } from '../../../shared/protocol/buffer-budget.js';
import type { FairWriter } from '../../../shared/protocol/fair-writer.js';
import { ReceiveWindow, SendWindow } from '../../../shared/protocol/flow-window.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';
import type { StreamHost } from '../../../shared/protocol/tunnel-stream.js';

/** Makes streams that send through the writer, with all the credit there can be unless told, and receive nothing. */
export function streamMaker(
  writer: FairWriter,
): (id: number, creditBytes?: number) => TunnelStream {
  const host: StreamHost = {
    sendNow: (frame) => writer.sendNow(frame),
    hasData: (one) => writer.hasData(one),
    streamClosed: (one) => writer.forget(one),
    handlerThrew: (reason) => assert.fail(String(reason)),
  };
  const sizing = {
    maxWindowBytes: 0,
    budget: new BufferBudget(0),
    rttMs: () => undefined,
    nowMs: () => 0,
    reachedBytes: 0,
    openedStreams: 0,
  };
  return (id, creditBytes = PROTOCOL_LIMITS.maxWindowBytes) =>
    new TunnelStream({
      id,
      host,
      sendWindow: new SendWindow(creditBytes),
      receiveWindow: new ReceiveWindow(0, sizing),
      sending: 'body',
      receiving: 'head',
    });
}
