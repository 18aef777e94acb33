/**
 * The bare gRPC tunnel, as its own process pair: what it answers, and that a broken one is not taken for a
 * slow one.
 */
import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { z } from 'zod';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { systemClock } from '../../shared/clock.js';
import { ScriptedTarget } from '../harness/scripted-target.js';
import { startBareTunnel } from './bare-tunnel.js';
import type { BareTunnel } from './bare-tunnel.js';
import { reportOf, startProgram } from './bench-program.js';
import { WireDialer } from './wire-connection.js';
import type { WireResponse } from './wire-connection.js';

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const CALLERS = 8;

describe('the bare gRPC tunnel', { timeout: 60_000 }, () => {
  let pair: { readonly ca: string; readonly cert: string; readonly key: string };
  let target: ScriptedTarget;
  let programs: ChildProgram[];
  let tunnel: BareTunnel;

  before(async () => {
    const pem = await makeCertificateAuthority({ keyType: 'ecdsa', name: 'bench' }, systemClock);
    const authority = certificateAuthorityFromPem(pem, systemClock);
    const { certPem, keyPem } = await authority.issueServerCertificate(['localhost']);
    pair = { ca: authority.caPem, cert: certPem, key: keyPem };
  });

  beforeEach(async () => {
    target = await ScriptedTarget.start();
    target.on.set('/bytes', ({ response }) => {
      response.writeHead(200, { 'Content-Length': ALL_BYTES.length }).end(ALL_BYTES);
    });
    programs = [];
    const start = (name: string, options: unknown): ChildProgram => {
      const program = startProgram(name, options);
      programs.push(program);
      return program;
    };
    tunnel = await startBareTunnel(start, { targetPort: target.port, ...pair });
  });

  afterEach(async () => {
    await Promise.all(programs.map((program) => program.stop('SIGKILL')));
    await target.close();
  });

  async function get(path: string, { endpoint } = tunnel.plainCallers): Promise<WireResponse> {
    const connection = await new WireDialer(endpoint).dial();
    try {
      return await connection.exchange({ path });
    } finally {
      connection.close();
    }
  }

  it('answers requests that come together, each with the bytes of the target', async () => {
    const responses = await Promise.all(Array.from({ length: CALLERS }, () => get('/bytes')));
    for (const { status, text } of responses) {
      assert.deepEqual([status, text], [200, ALL_BYTES.toString('latin1')]);
    }
    assert.deepEqual(target.seen, Array(CALLERS).fill('GET /bytes'));
  });

  it('answers requests that come one after another', async () => {
    for (let n = 0; n < 3; n++) assert.equal((await get('/bytes')).status, 200);
  });

  it('answers callers over TLS', async () => {
    const { status, text } = await get('/bytes', tunnel.tlsCallers);
    assert.deepEqual([status, text], [200, ALL_BYTES.toString('latin1')]);
  });

  it('answers 502 when the target fails', async () => {
    await target.close();
    const { status, text } = await get('/bytes');
    assert.equal(status, 502);
    assert.match(text, /ECONNREFUSED/);
  });

  for (const [broken, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    it(`ends with a fault when its ${broken === 0 ? 'near' : 'far'} end is gone`, async () => {
      await programs[broken]?.stop('SIGKILL');
      const left = programs[other];
      assert.ok(left);
      await assert.rejects(
        reportOf(left, 'fault', z.object({})),
        /bare-\w+: the call between the ends broke/,
      );
      assert.equal(await left.exited, 1);
    });
  }
});
