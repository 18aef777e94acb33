import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { agentSessions, onlySession } from '../harness/agent-sessions.js';
import { lineAfter, reloaded, replaceFile } from '../harness/changed-files.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

describe("an agent's changed files, while it serves", { timeout: 90_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let other: WebTarget;
  let agent: ChildProgram;
  let config: string;
  let session: string;

  before(async () => {
    target = await WebTarget.start();
    other = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits: { agentWaitMs: 0 } } });
    writeFileSync(rig.path('token'), 'first\n');
    agent = await rig.startAgent({ services: [target.service(), secretService()] });
    config = rig.path('agent-1.yaml');
    session = await onlySession(rig);
  });

  after(async () => {
    await rig.stop();
    await target.close();
    await other.close();
  });

  function secretService(): Record<string, unknown> {
    return target.service('secret', { type: 'bearer', tokenFile: rig.path('token') });
  }

  function writeServices(outgoingServices: readonly unknown[]): void {
    replaceFile(rig.path('agent-1-services.yaml'), stringify({ outgoingServices }));
  }

  it('services that change while the agent dials are told to the session that it gets', async () => {
    const link = await LossyLink.start(rig.ports.agents);
    // hello says what there is when it is sent, some round trips before the welcome
    link.impair({ delayMs: 500 });
    const services = rig.path('agent-2-services.yaml');
    const late = new ServiceCaller(rig, { route: 'late/generic/late' });
    const program = await rig.startAgent({
      name: 'late',
      services: [target.service('early')],
      dialPort: link.port,
      waitConnected: false,
    });
    try {
      await waitFor('the dial', () => link.connections > 0);
      const fresh = stringify({ outgoingServices: [target.service('late')] });
      await reloaded(program, () => replaceFile(services, fresh));
      await waitFor('the service', async () => (await late.call('/ok')).status === 200);
    } finally {
      late.close();
      await program.stop('SIGTERM');
      await link.close();
      await waitFor('its end', async () => (await agentSessions(rig, 'late')).length === 0);
    }
  });

  it('a replaced services file: added, changed and removed services take effect, a stream on another service goes on', async () => {
    const caller = new ServiceCaller(rig);
    const added = new ServiceCaller(rig, { route: 'prod/generic/added' });
    assert.equal((await added.call('/ok')).status, 503);
    target.hold();
    const begun = await caller.begin('/quiet');
    writeServices([target.service(), secretService(), other.service('added')]);
    const changedAt = performance.now();
    await waitFor('the added service', async () => (await added.call('/ok')).status === 200);
    const ms = Math.round(performance.now() - changedAt);
    assert.ok(ms < 10_000, `${ms} ms`);
    console.log(`# added service reachable ${ms} ms after its file was replaced`);
    assert.equal(other.open, 0);
    const before = other.requests;

    // changed: the same name at another place; by signal, as that is quicker
    await reloaded(agent, () =>
      writeServices([target.service(), secretService(), target.service('added')]),
    );
    assert.equal((await added.call('/ok')).status, 200);
    assert.equal(other.requests, before, 'the old place is not asked any more');

    await reloaded(agent, () => writeServices([target.service(), secretService()]));
    const gone = await waitFor('the removed service', async () => {
      const outcome = await added.call('/ok');
      return outcome.status === 503 && outcome;
    });
    assert.equal(gone.code, 'SERVICE_NOT_OFFERED');

    target.release();
    assert.equal((await begun.outcome).text, 'head\nreleased');
    assert.equal(await onlySession(rig), session, 'the session was kept');
    caller.close();
    added.close();
  });

  it('a service changed under its own stream lets the stream finish', async () => {
    const caller = new ServiceCaller(rig);
    target.hold();
    const begun = await caller.begin('/quiet');
    await reloaded(agent, () => writeServices([other.service(), secretService()]));
    const before = other.requests;
    assert.equal((await caller.call('/ok')).status, 200);
    assert.equal(other.requests, before + 1);
    target.release();
    const outcome = await begun.outcome;
    assert.equal(outcome.isWhole, true, outcome.error);
    await reloaded(agent, () => writeServices([target.service(), secretService()]));
    caller.close();
  });

  it('a rotated credential file of a target is used by the next requests', async () => {
    const caller = new ServiceCaller(rig, { route: 'prod/generic/secret' });
    assert.equal((await caller.call('/authorization')).text, 'Bearer first');
    replaceFile(rig.path('token'), 'second\n');
    await waitFor(
      'the new token',
      async () => (await caller.call('/authorization')).text === 'Bearer second',
    );
    assert.equal(await onlySession(rig), session);
    caller.close();
  });

  it('a changed agentInfo, which is told with the next session, is named as what needs a restart', async () => {
    const seen = agent.lines.length;
    const outgoingServices = [target.service(), secretService()];
    const agentInfo = { annotations: { region: 'eu' } };
    await reloaded(agent, () =>
      replaceFile(rig.path('agent-1-services.yaml'), stringify({ outgoingServices, agentInfo })),
    );
    assert.match(await lineAfter(agent, seen, 'need a restart'), /agentInfo/u);
    await reloaded(agent, () => writeServices(outgoingServices));
  });

  it('a faulty file is refused with file, line and reason, and the old one stays in force', async () => {
    const caller = new ServiceCaller(rig);
    const seen = agent.lines.length;
    replaceFile(rig.path('agent-1-services.yaml'), 'outgoingServices:\n  - nmae: web\n');
    agent.process.kill('SIGHUP');
    const refused = await lineAfter(agent, seen, 'new configuration refused');
    assert.match(refused, /agent-1-services\.yaml:2/u);
    assert.match(refused, /nmae/u);
    assert.equal((await caller.call('/ok')).status, 200);
    assert.equal(await onlySession(rig), session);
    await reloaded(agent, () => writeServices([target.service(), secretService()]));
    caller.close();
  });

  it('a services file that is gone for a moment changes nothing', async () => {
    const caller = new ServiceCaller(rig);
    const seen = agent.lines.length;
    const file = rig.path('agent-1-services.yaml');
    renameSync(file, `${file}.away`);
    agent.process.kill('SIGHUP');
    await lineAfter(agent, seen, 'new configuration refused');
    assert.equal((await caller.call('/ok')).status, 200);
    await reloaded(agent, () => renameSync(`${file}.away`, file));
    caller.close();
  });

  it('the log level takes effect at once; what needs a restart is named', async () => {
    const caller = new ServiceCaller(rig);
    const settings = parse(readFileSync(config, 'utf8')) as Record<string, unknown>; // written by the rig
    const seen = agent.lines.length;
    replaceFile(
      config,
      stringify({ ...settings, logLevel: 'warn', controllerServerName: 'localhost' }),
    );
    agent.process.kill('SIGHUP');
    assert.match(await lineAfter(agent, seen, 'need a restart'), /controllerServerName/u);
    assert.doesNotMatch(agent.lines.slice(seen).join('\n'), /"logLevel"/u);
    // info is silent now, and this would be said at info
    const quiet = agent.lines.length;
    replaceFile(config, stringify({ ...settings, logLevel: 'warn' }));
    agent.process.kill('SIGHUP');
    assert.equal((await caller.call('/ok')).status, 200);
    await reloaded(agent, () => replaceFile(config, stringify(settings)));
    assert.equal(
      agent.lines.slice(quiet).filter((line) => line.includes('configuration reloaded')).length,
      1,
    );
    assert.equal(await onlySession(rig), session);
    caller.close();
  });
});
