/**
 * Targets that close their connection right after a response, while the caller reads slowly: the body arrives
 * whole whatever frames it, and the agent lives on.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { systemClock } from '../../shared/clock.js';
import { serviceToken } from '../harness/caller-credentials.js';
import { chunked } from '../harness/callers.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { RecordingTarget } from '../harness/recording-target.js';
import { Http2Caller, RawCaller } from '../harness/slow-caller.js';
import type { CallerIdentity } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const BODY = randomBytes(3_000_000);
const SHA = createHash('sha256').update(BODY).digest('hex');
const FRAMINGS: Readonly<Record<string, readonly [string, Buffer]>> = {
  'nothing but the close': ['', BODY],
  'its length': [`Content-Length: ${BODY.length}\r\n`, BODY],
  chunks: ['Transfer-Encoding: chunked\r\n', chunked(BODY)],
};

describe(
  'a target that closes after its response, and a caller that reads slowly',
  { timeout: 90_000 },
  () => {
    let rig: FairleadRig;
    let agent: ChildProgram;
    let targets: RecordingTarget[];

    before(async () => {
      const made = await makeCertificateAuthority(
        { keyType: 'ecdsa', name: 'Target' },
        systemClock,
      );
      const authority = certificateAuthorityFromPem(made, systemClock);
      const { certPem: cert, keyPem: key } = await authority.issueServerCertificate(['127.0.0.1']);
      const plain = await RecordingTarget.start();
      const secure = await RecordingTarget.start({ tls: { cert, key } });
      targets = [plain, secure];
      rig = await FairleadRig.start();
      const caCert64 = Buffer.from(made.certPem).toString('base64');
      const service = (name: string, config: object) => ({
        type: 'generic',
        name,
        enabled: true,
        config,
      });
      agent = await rig.startAgent({
        services: [
          service('http', { url: `http://127.0.0.1:${plain.port}` }),
          service('https', { url: `https://127.0.0.1:${secure.port}`, caCert64 }),
        ],
      });
    });

    after(async () => {
      await rig.stop();
      for (const target of targets) await target.close();
    });

    function identity(service: string): CallerIdentity {
      const token = serviceToken(rig, `prod/generic/${service}`);
      return { port: rig.ports.services, ca: rig.caPem, token };
    }

    function answerWith(headers: string, body: Buffer): void {
      for (const target of targets) {
        target.answer = () => (socket) => {
          const head = `HTTP/1.1 200 OK\r\nConnection: close\r\n${headers}\r\n`;
          socket.end(Buffer.concat([Buffer.from(head), body]));
        };
      }
    }

    for (const service of ['http', 'https']) {
      for (const [framing, [headers, body]] of Object.entries(FRAMINGS)) {
        test(`get through whole, framed by ${framing}, from ${service}`, async () => {
          answerWith(headers, body);
          const caller = await Http2Caller.connect(identity(service));
          const sums = await Promise.all(
            Array.from({ length: 6 }, async (_, i) => {
              const stream = caller.open(`/?${i}`);
              const hash = createHash('sha256');
              // stops now and then, so that the target is held back and has closed long before
              for await (const bytes of stream) {
                hash.update(bytes as Buffer); // no encoding is set
                await delay(1);
              }
              return `${hash.digest('hex')} ${stream.rstCode ?? 0}`;
            }),
          );
          assert.deepEqual(sums, Array(6).fill(`${SHA} 0`));
          caller.close();
          assert.equal(agent.process.exitCode, null);
        });
      }
    }

    test('are given up when the caller leaves in the middle, and the agent serves on', async () => {
      for (const [headers, body] of Object.values(FRAMINGS)) {
        answerWith(headers, body);
        const callers = await Promise.all(
          Array.from({ length: 6 }, () =>
            RawCaller.ask(identity('http'), { path: '/', isStopped: true }),
          ),
        );
        await waitFor('the requests', async () => {
          return (await rig.metric('fairlead_streams_open')) > 0;
        });
        for (const caller of callers) caller.leave();
        await waitFor('the end of them', async () => {
          return (await rig.metric('fairlead_streams_open')) === 0;
        });
      }
      assert.equal(agent.process.exitCode, null);
      assert.ok(!agent.lines.some((line) => line.includes('internal fault')));
    });
  },
);
