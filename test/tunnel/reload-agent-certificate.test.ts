import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { agentName } from '../../shared/ids.js';
import { replaceFile } from '../harness/changed-files.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const DAY_MS = 86_400_000;

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
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    const expiry = () =>
      rig.metric('fairlead_certificate_expiration_timestamp_seconds', Number(operations));
    const first = await expiry();
    const issued = await rig.authority.issue(
      { purpose: 'agent', agent: agentName('prod') },
      { validity: { notBefore: Date.now() - DAY_MS, notAfter: Date.now() + 30 * DAY_MS } },
    );
    const begun = await caller.begin('/quiet');
    replaceFile(rig.path('agent-1.crt'), issued.certPem); // the key does not fit yet
    link.cut();
    assert.equal((await begun.outcome).isWhole, false);
    await agent.line(
      ({ msg, reason }) => msg === 'not connected' && /agent-1\.(?:crt|key)/u.test(String(reason)),
    );
    replaceFile(rig.path('agent-1.key'), issued.keyPem);
    await waitFor('an answer', async () => (await caller.call('/ok')).status === 200);
    await waitFor('the renewed expiry in the metrics', async () => (await expiry()) !== first);
    caller.close();
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
