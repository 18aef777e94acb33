/**
 * Large bodies both ways arrive byte for byte in constant memory, alone and eight at once. 256 MiB each
 * way here, as more shows nothing new; FAIRLEAD_LARGE_BODIES=1 makes it 1 GiB.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { MemoryWatch, oneDecimal, untilIdle } from '../harness/process-memory.js';
import { bodyHash, writeBody } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';

const MIB = 1024 ** 2;
const BODY_BYTES = (process.env['FAIRLEAD_LARGE_BODIES'] === '1' ? 1024 : 256) * MIB;
const AT_ONCE = 8;
/** Constant: windows of at most 16 MiB a stream, buffers of TLS and sockets, and garbage not yet collected. */
const GROWTH_MIB = 128;

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start();
  await download(16 * MIB); // warm
  await upload(16 * MIB);
});
after(async () => rig.stop());

test(`downloads ${BODY_BYTES / MIB} MiB whole in constant memory`, async (t) => {
  const grown = await measured(t, BODY_BYTES, async () => {
    assert.equal(await download(BODY_BYTES), bodyHash(BODY_BYTES));
  });
  for (const mib of grown) assert.ok(mib < GROWTH_MIB, `grown by ${mib} MiB`);
});

test(`uploads ${BODY_BYTES / MIB} MiB whole in constant memory`, async (t) => {
  const grown = await measured(t, BODY_BYTES, async () => {
    assert.equal(await upload(BODY_BYTES), bodyHash(BODY_BYTES));
  });
  for (const mib of grown) assert.ok(mib < GROWTH_MIB, `grown by ${mib} MiB`);
});

test(`carries four downloads and four uploads of ${BODY_BYTES / AT_ONCE / MIB} MiB at once, each whole`, async (t) => {
  const bytes = BODY_BYTES / AT_ONCE;
  const grown = await measured(t, BODY_BYTES, async () => {
    const transfers = Array.from({ length: AT_ONCE }, (_, i) =>
      i % 2 === 0 ? download(bytes) : upload(bytes),
    );
    const hashes = await Promise.all(transfers);
    assert.deepEqual(hashes, Array(AT_ONCE).fill(bodyHash(bytes)));
  });
  for (const mib of grown) assert.ok(mib < 2 * GROWTH_MIB, `grown by ${mib} MiB`);
});

async function measured(
  t: { diagnostic(text: string): void },
  bytes: number,
  transfer: () => Promise<void>,
): Promise<number[]> {
  await untilIdle(rig.pids);
  const memory = new MemoryWatch(rig.pids);
  const start = performance.now();
  await transfer();
  const seconds = (performance.now() - start) / 1000;
  const grown = memory.stop();
  t.diagnostic(
    `${oneDecimal(bytes / MIB / seconds)} MiB/s; grown by ${grown.map(oneDecimal).join(' MiB (controller), ')} MiB (agent)`,
  );
  await rig.settled();
  return grown;
}

/** Hash of what arrived. */
async function download(bytes: number): Promise<string> {
  const response = await answered(`/body?bytes=${bytes}`, 'GET');
  const hash = createHash('sha256');
  let arrived = 0;
  for await (const piece of response) {
    hash.update(piece as Buffer); // no encoding is set
    arrived += (piece as Buffer).length;
  }
  assert.equal(arrived, bytes);
  return hash.digest('hex');
}

/** Hash of what arrived at the target. */
async function upload(bytes: number): Promise<string> {
  const response = await answered('/upload', 'PUT', bytes);
  let text = '';
  for await (const piece of response) text += (piece as Buffer).toString();
  const taken: unknown = JSON.parse(text);
  assert.ok(typeof taken === 'object' && taken !== null && 'sha256' in taken);
  return String(taken.sha256);
}

function answered(path: string, method: string, bodyBytes = 0): Promise<IncomingMessage> {
  const { port, ca, token } = rig.identity;
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        port,
        ca,
        host: '127.0.0.1',
        servername: 'localhost',
        agent: false,
        path,
        method,
        headers: { 'X-Opsmx-Token': token },
      },
      resolve,
    );
    request.on('error', reject);
    void writeBody(request, bodyBytes).then(() => request.end());
  });
}
