import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { agentName } from '../../shared/ids.js';
import { replaceFile } from '../harness/changed-files.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { shownCertificate } from '../harness/shown-certificate.js';
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
      config: { limits: { reconnectMinMs: 50, reconnectMaxMs: 200 } },
    });
    const caller = new ServiceCaller(rig);
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
    caller.close();
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('of its port for metrics are shown from the next look on, to clients that verify', async () => {
    const write = async (): Promise<string> => {
      const { certPem, keyPem } = await rig.authority.issueServerCertificate(['localhost']);
      replaceFile(rig.path('metrics.key'), keyPem);
      replaceFile(rig.path('metrics.crt'), certPem);
      return new X509Certificate(certPem).fingerprint256;
    };
    const first = await write();
    const agent = await rig.startAgent({
      services: [target.service()],
      config: {
        prometheusTLS: 'server',
        prometheusCertFile: rig.path('metrics.crt'),
        prometheusKeyFile: rig.path('metrics.key'),
      },
    });
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    const shown = async (): Promise<string> =>
      (await shownCertificate(Number(operations), rig.caPem)).fingerprint256;
    assert.equal(await shown(), first);
    const second = await write();
    agent.process.kill('SIGHUP');
    await waitFor('the renewed certificate', async () => (await shown()) === second);
    writeFileSync(rig.path('metrics.crt'), 'no certificate');
    agent.process.kill('SIGHUP');
    await agent.line(
      ({ msg, err }) =>
        String(msg).startsWith('new configuration refused') &&
        JSON.stringify(err).includes('metrics.crt'),
    );
    assert.equal(await shown(), second, 'the old one stays');
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
