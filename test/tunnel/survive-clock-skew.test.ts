import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { agentName } from '../../shared/ids.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { helloFrame, RawAgent } from '../harness/raw-agent.js';
import { WebTarget } from '../harness/web-target.js';

const HOUR_MS = 3_600_000;
/** Of what has just been issued, in ms before now. */
const BACKDATED = { least: 45_000, most: 180_000 };

describe('clocks that disagree', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start();
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

  it('by up to a minute do no harm: what is issued is valid since a minute ago', async () => {
    const file = await rig.writeAgentFiles({ services: [target.service()] });
    const agent = readFileSync(file.replace(/yaml$/u, 'crt'), 'utf8');
    const server = await serverCertificate(rig.ports.services);
    for (const certificate of [new X509Certificate(agent), server]) {
      const ageMs = Date.now() - Date.parse(certificate.validFrom);
      assert.ok(ageMs > BACKDATED.least && ageMs < BACKDATED.most, `${ageMs} ms`);
    }
  });

  it('by more: an agent whose certificate is not valid yet says so and what to check, with exit code 2', async () => {
    const validity = { notBefore: Date.now() + HOUR_MS, notAfter: Date.now() + 2 * HOUR_MS };
    const { certFile, keyFile } = await writeIdentity(rig, validity);
    const agent = await rig.startAgent({
      services: [target.service()],
      config: { certFile, keyFile },
      waitConnected: false,
    });
    assert.equal(await agent.exited, 2);
    assert.match(agent.lines.join('\n'), /is not valid before .*check the clock/u);
  });

  it('by more: a controller refuses such a certificate with the reason, in its log and to the agent', async () => {
    const validity = { notBefore: Date.now() + HOUR_MS, notAfter: Date.now() + 2 * HOUR_MS };
    const agent = await RawAgent.dial(rig, { name: 'early', validity });
    agent.send(helloFrame());
    assert.match(await agent.ended(), /AGENT_REFUSED: .*not.yet.valid/iu);
    await rig.controller.line(({ msg }) => msg === 'agent refused');
    agent.destroy();
  });

  it('by more: an agent tells of a controller whose certificate is not valid yet, and goes on trying', async () => {
    const validity = { notBefore: Date.now() + HOUR_MS, notAfter: Date.now() + 2 * HOUR_MS };
    const issued = await rig.authority.issueServerCertificate(['localhost'], { validity });
    const server = tls.createServer({
      cert: issued.certPem,
      key: issued.keyPem,
      ALPNProtocols: ['h2'],
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const agent = await rig.startAgent({
      services: [target.service()],
      config: { limits: { reconnectMinMs: 50, reconnectMaxMs: 100 } },
      dialPort: port,
      waitConnected: false,
    });
    await agent.line(({ reason }) =>
      /cannot reach the controller at localhost:\d+: its certificate is not valid yet; compare the clocks/u.test(
        String(reason),
      ),
    );
    assert.equal(await agent.stop('SIGTERM'), 0);
    await new Promise((resolve) => server.close(resolve));
  });
});

async function serverCertificate(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
    });
    socket.on('error', reject);
  });
}

async function writeIdentity(
  rig: FairleadRig,
  validity: { notBefore: number; notAfter: number },
): Promise<{ certFile: string; keyFile: string }> {
  const issued = await rig.authority.issue(
    { purpose: 'agent', agent: agentName('early') },
    { validity },
  );
  const certFile = rig.path('early.crt');
  const keyFile = rig.path('early.key');
  writeFileSync(certFile, issued.certPem);
  writeFileSync(keyFile, issued.keyPem);
  return { certFile, keyFile };
}
