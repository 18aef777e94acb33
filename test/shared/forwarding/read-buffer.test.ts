/** What plain connections to targets bring through the buffer they share: whole, in memory of its size, held back. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Dispatcher } from 'undici';
import { THROUGH_READ_BUFFER } from '../../../shared/forwarding/read-buffer.js';
import { TargetPools } from '../../../shared/forwarding/target-pool.js';
import type { TargetEndpoint } from '../../../shared/forwarding/target.js';
import { ScriptedTarget, heldBack, writeBody } from '../../harness/scripted-target.js';
import { seededRandom } from '../../harness/seeded-random.js';

const MIB = 1024 ** 2;
/** What a read asks for. */
const READ_BYTES = 64 * 1024;
/** More than the head of an answer takes, which its first piece may share memory with. */
const HEAD_BYTES = 1024;

let target: ScriptedTarget;
let pools: TargetPools;
let endpoint: TargetEndpoint;

beforeEach(async () => {
  target = await ScriptedTarget.start();
  const { port } = target;
  endpoint = {
    host: '127.0.0.1',
    port,
    authority: `127.0.0.1:${port}`,
    basePath: '',
    tls: undefined,
  };
  const limits = { targetConnectTimeoutMs: 10_000, targetKeepAliveMs: 10_000 };
  pools = new TargetPools({ ...limits, maxHeaderBytes: 64 * 1024 });
});

afterEach(async () => {
  await pools.close();
  await target.close();
});

describe('bodies of plain targets', { timeout: 60_000 }, () => {
  it('stay what they are while other connections are read', async () => {
    const random = seededRandom(1);
    const bodies = Array.from({ length: 16 }, () => randomBytes(MIB + Math.floor(random() * MIB)));
    for (const [i, body] of bodies.entries()) {
      target.on.set(`/${i}`, ({ response }) => {
        for (let at = 0; at < body.length;) {
          const size = 1 + Math.floor(random() * (i % 2 === 0 ? 2000 : 200_000));
          response.write(body.subarray(at, at + size));
          at += size;
        }
        response.end();
      });
    }
    const answers = bodies.map((_, i) => ask(`/${i}`));
    const read = await Promise.all(answers.map(async (answer) => answer.whole));
    for (const [i, body] of bodies.entries()) {
      // pieces as they are now, after all reads
      assert.ok(Buffer.concat(read[i] ?? []).equals(body), `body ${i}`);
    }
  });

  it('are read into the one buffer', async () => {
    target.on.set('/marked', ({ response }) => response.end('a mark of its own'));
    await ask('/marked').whole;
    const { buffer } = THROUGH_READ_BUFFER;
    assert.ok(Buffer.isBuffer(buffer) && buffer.includes('a mark of its own'));
  });

  it('take memory of their size', async () => {
    target.on.set('/small', ({ response }) => response.end('x'.repeat(100)));
    const [small] = await ask('/small').whole;
    assert.equal(small?.length, 100);
    assert.ok(small.buffer.byteLength < HEAD_BYTES, `${small.buffer.byteLength} bytes`);
    const large = await ask(`/body?bytes=${MIB}&framed=1`).whole;
    assert.ok(large.length >= MIB / READ_BYTES);
    for (const { buffer, length } of large) {
      const isOfItsSize = buffer.byteLength < length + HEAD_BYTES;
      assert.ok(isOfItsSize, `${length} bytes in ${buffer.byteLength}`);
    }
  });

  it('hold the target back while their reader pauses, and go on when it does', async () => {
    let written = 0;
    target.on.set('/huge', ({ response }) => {
      void writeBody(response, 256 * MIB, (total) => (written = total)).then(() => response.end());
    });
    const answer = ask('/huge');
    answer.isPaused = true;
    answer.isKeeping = false;
    const heldBackAt = await heldBack(() => written);
    assert.ok(heldBackAt < 32 * MIB, `${heldBackAt} bytes`);
    answer.go();
    await answer.whole;
    assert.equal(answer.bytes, 256 * MIB);
  });
});

function ask(path: string): Answer {
  const answer = new Answer();
  pools.poolOf(endpoint, endpoint).dispatch({ method: 'GET', path }, answer);
  return answer;
}

/** The pieces of a body, kept as they came. */
class Answer implements Dispatcher.DispatchHandler {
  readonly whole: Promise<Buffer[]>;
  isPaused = false;
  isKeeping = true;
  bytes = 0;
  readonly #pieces: Buffer[] = [];
  #resolve: (pieces: Buffer[]) => void = () => undefined;
  #reject: (reason: Error) => void = () => undefined;
  #resume: () => void = () => undefined;

  constructor() {
    this.whole = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  go(): void {
    this.isPaused = false;
    this.#resume();
  }

  onConnect(): void {
    // nothing breaks it off
  }

  onHeaders(_status: number, _headers: Buffer[], resume: () => void): boolean {
    this.#resume = resume;
    return true;
  }

  onData(piece: Buffer): boolean {
    this.bytes += piece.length;
    if (this.isKeeping) this.#pieces.push(piece);
    return !this.isPaused;
  }

  onComplete(): void {
    this.#resolve(this.#pieces);
  }

  onError(reason: Error): void {
    this.#reject(reason);
  }
}
