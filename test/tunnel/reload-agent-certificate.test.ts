import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { agentName } from '../../shared/ids.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

describe('renewed certificate files of an agent', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let link: LossyLink;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start();
    link = await LossyLink.start(rig.ports.agents);
  });

  after(async () => {
    await link.close();
    await rig.stop();
    await target.close();
  });

  it('leave the session alone, and the next one uses them; half-written ones are waited out', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      dialPort: link.port,
      config: { limits: { reconnectMinMs: 50, reconnectMaxMs: 200 }, prometheusTLS: 'server' },
    });
    const caller = new ServiceCaller(rig);
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    const port = Number(operations);
    const first = await shownCertificate(port);
    const issued = await rig.authority.issue({ purpose: 'agent', agent: agentName('prod') });
    const begun = await caller.begin('/quiet');
    replaceFile(rig.path('agent-1.crt'), issued.certPem); // the key does not fit yet
    link.cut();
    assert.equal((await begun.outcome).isWhole, false);
    await agent.line(
      ({ msg, reason }) => msg === 'not connected' && /agent-1\.(?:crt|key)/u.test(String(reason)),
    );
    replaceFile(rig.path('agent-1.key'), issued.keyPem);
    await waitFor('an answer', async () => (await caller.call('/ok')).status === 200);
    const renewed = await waitFor('the renewed certificate on the metrics port', async () => {
      const shown = await shownCertificate(port);
      return shown.fingerprint256 !== first.fingerprint256 && shown;
    });
    assert.equal(renewed.fingerprint256, new X509Certificate(issued.certPem).fingerprint256);
    caller.close();
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

async function shownCertificate(port: number): Promise<X509Certificate> {
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
