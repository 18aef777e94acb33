/**
 * A target that stops reading an upload: the caller is held back, memory stays flat, and the upload
 * arrives whole when the target reads on.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { latencies } from '../harness/latency.js';
import { MemoryWatch, oneDecimal, untilIdle } from '../harness/process-memory.js';
import { bodyHash, heldBack, writeBody } from '../harness/scripted-target.js';
import type { Sink } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const MIB = 1024 ** 2;
const BODY_BYTES = 64 * MIB;
/** What may wait on the way: our windows, Node's and the kernel's buffers. */
const HELD_BYTES = 40 * MIB;

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start();
  await rig.warmUp();
});
after(async () => rig.stop());

for (const protocol of ['HTTP/1.1', 'HTTP/2'] as const) {
  test(`holds back a caller that uploads 64 MiB over ${protocol} to a target that stopped reading`, async (t) => {
    await untilIdle(rig.pids);
    const memory = new MemoryWatch(rig.pids);
    const taking = rig.target.take('/stalled');
    const upload = await startUpload(protocol);
    t.after(() => upload.leave());
    let written = 0;
    const writing = writeBody(upload.sink, BODY_BYTES, (total) => (written = total));
    const call = await taking; // nothing reads it
    const heldBackAt = await heldBack(() => written);
    assert.ok(heldBackAt < HELD_BYTES, `the caller could send ${heldBackAt} bytes`);
    assert.equal((await latencies(rig, 50)).length, 50);

    const hash = createHash('sha256');
    call.request.on('data', (bytes: Buffer) => hash.update(bytes));
    const whole = new Promise((resolve) => call.request.once('end', resolve));
    await writing;
    upload.end();
    await whole;
    call.response.end('taken');
    await upload.answered();
    assert.equal(hash.digest('hex'), bodyHash(BODY_BYTES));
    const grown = memory.stop();
    t.diagnostic(
      `held back after ${oneDecimal(heldBackAt / MIB)} MiB of 64; grown by ${grown.map(oneDecimal).join(' MiB (controller), ')} MiB (agent)`,
    );
    for (const mib of grown) assert.ok(mib < 32, `grown by ${mib} MiB`);
    upload.leave();
    await rig.settled();
  });
}

interface Upload {
  readonly sink: Sink;
  end(): void;
  answered(): Promise<void>;
  leave(): void;
}

async function startUpload(protocol: 'HTTP/1.1' | 'HTTP/2'): Promise<Upload> {
  if (protocol === 'HTTP/2') {
    const caller = await Http2Caller.connect(rig.identity);
    const stream = caller.open('/stalled', 'POST', true);
    const text = new Promise<string>((resolve) => {
      let body = '';
      stream.on('data', (bytes: Buffer) => (body += bytes.toString()));
      stream.on('end', () => resolve(body));
    });
    return {
      sink: stream,
      end: () => stream.end(),
      answered: async () => assert.equal(await text, 'taken'),
      leave: () => caller.close(),
    };
  }
  const caller = await RawCaller.ask(rig.identity, {
    path: '/stalled',
    method: 'POST',
    headers: [`Content-Length: ${BODY_BYTES}`],
  });
  return {
    sink: caller.socket,
    end: () => undefined,
    answered: async () => {
      await waitFor('the answer', () => caller.text.includes('taken'));
    },
    leave: () => caller.leave(),
  };
}
