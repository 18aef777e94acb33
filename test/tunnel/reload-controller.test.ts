import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import { systemClock } from '../../shared/clock.js';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { onlySession } from '../harness/agent-sessions.js';
import { lineAfter, refused, reloaded, replaceFile } from '../harness/changed-files.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { shownCertificate } from '../harness/shown-certificate.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

describe("a controller's changed files, while it serves", { timeout: 90_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let link: LossyLink;
  let agent: ChildProgram;
  let session: string;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits: { agentWaitMs: 0 } } });
    link = await LossyLink.start(rig.ports.agents);
    agent = await rig.startAgent({
      services: [target.service()],
      incoming: [
        {
          name: 'front50',
          port: 0,
          destination: 'controller',
          serviceType: 'front50',
          destinationService: 'front50',
        },
      ],
      dialPort: link.port,
      config: { limits: { reconnectMinMs: 50, reconnectMaxMs: 200 } },
    });
    session = await onlySession(rig);
  });

  after(async () => {
    await link.close();
    await rig.stop();
    await target.close();
  });

  it('token keys: an added one signs, tokens of a removed one are refused, streams go on', async () => {
    const old = new ServiceCaller(rig);
    const begun = await old.begin('/quiet');
    const file = (name: string): string => rig.path('ca', 'service-auth', name);
    writeFileSync(file('next.pem'), randomBytes(32).toString('hex'));
    const config = changedConfig(rig, (settings) => {
      settings['serviceAuth'] = {
        ...(settings['serviceAuth'] as object), // written by the rig
        currentKeyName: 'public.pem',
      };
    });
    await reloaded(rig.controller, () => replaceFile(rig.path('controller.yaml'), config));
    assert.equal((await old.call('/ok')).status, 200);

    // a key that is needed is gone: refused, and what was in force stays
    const key = readFileSync(file('public.pem'));
    rmSync(file('public.pem'));
    await refused(rig.controller, () => undefined, /public\.pem/u);
    assert.equal((await old.call('/ok')).status, 200);

    // another key under that name: tokens of the former one are worth nothing
    writeFileSync(file('public.pem'), randomBytes(32).toString('hex'));
    await reloaded(rig.controller, () => undefined);
    const outcome = await old.call('/ok');
    assert.equal(outcome.status, 401);
    const renewed = new ServiceCaller(rig);
    assert.equal((await renewed.call('/ok')).status, 200);

    await reloaded(rig.controller, () => writeFileSync(file('public.pem'), key));
    assert.equal((await old.call('/ok')).status, 200);
    target.release();
    assert.equal((await begun.outcome).isWhole, true);
    target.hold();
    assert.equal(await onlySession(rig), session);
    old.close();
    renewed.close();
  });

  it('services beside the controller: agents learn of them, and of their end', async () => {
    const listens = await agent.line(({ msg }) =>
      String(msg).startsWith('incoming service listens'),
    );
    const ask = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${Number(listens['port'])}/ok`)).status;
    assert.equal(await ask(), 503);
    const front50 = { ...target.service('front50'), type: 'front50' };
    const withService = changedConfig(rig, (settings) => {
      settings['services'] = { outgoingServices: [front50] };
    });
    const without = readFileSync(rig.path('controller.yaml'), 'utf8');
    await reloaded(rig.controller, () => replaceFile(rig.path('controller.yaml'), withService));
    await waitFor('the new service', async () => (await ask()) === 200);
    await reloaded(rig.controller, () => replaceFile(rig.path('controller.yaml'), without));
    await waitFor('its end', async () => (await ask()) === 503);
    assert.equal(await onlySession(rig), session);
  });

  it('the log level takes effect at once', async () => {
    const caller = new ServiceCaller(rig);
    const before = readFileSync(rig.path('controller.yaml'), 'utf8');
    const quiet = changedConfig(rig, (settings) => (settings['logLevel'] = 'error'));
    const seen = rig.controller.lines.length;
    replaceFile(rig.path('controller.yaml'), quiet);
    rig.controller.process.kill('SIGHUP');
    await waitFor('silence', async () => {
      const lines = rig.controller.lines.length;
      await caller.call('/ok');
      // each request is logged at info
      return (await onlySession(rig)) === session && rig.controller.lines.length === lines;
    });
    assert.ok(rig.controller.lines.length > seen - 1);
    await reloaded(rig.controller, () => replaceFile(rig.path('controller.yaml'), before));
    caller.close();
  });

  it('a faulty configuration is refused with file and line, and the old one stays', async () => {
    const caller = new ServiceCaller(rig);
    const before = readFileSync(rig.path('controller.yaml'), 'utf8');
    await refused(
      rig.controller,
      () => replaceFile(rig.path('controller.yaml'), `${before}limitz: {}\n`),
      /controller\.yaml:\d+:\d+: .*limitz/u,
    );
    assert.equal((await caller.call('/ok')).status, 200);
    await reloaded(rig.controller, () => replaceFile(rig.path('controller.yaml'), before));
    caller.close();
  });

  it('another CA beside the old one: new connections see its certificate, sessions and old credentials live on', async () => {
    const caller = new ServiceCaller(rig);
    const begun = await caller.begin('/quiet');
    const oldCa = rig.caPem;
    const fresh = await makeCertificateAuthority(
      { keyType: 'ecdsa', name: 'Next CA' },
      systemClock,
    );
    assert.match((await shownCertificate(rig.ports.services)).issuer, /Fairlead CA/u);

    // half done: the key belongs to another certificate
    await refused(
      rig.controller,
      () => replaceFile(rig.path('ca', 'ca-key.pem'), fresh.keyPem),
      /ca-(?:cert|key)\.pem/u,
    );
    assert.match((await shownCertificate(rig.ports.services)).issuer, /Fairlead CA/u);

    await reloaded(rig.controller, () =>
      replaceFile(rig.path('ca', 'ca-cert.pem'), fresh.certPem + oldCa),
    );
    for (const port of [rig.ports.services, rig.ports.agents, rig.ports.control]) {
      assert.match((await shownCertificate(port)).issuer, /Next CA/u);
    }
    assert.equal(await onlySession(rig), session, 'the control certificate of the old CA is good');
    target.release();
    assert.equal((await begun.outcome).isWhole, true);
    // the agent's certificate is of the old CA, what it trusts (the same file) holds both
    link.cut();
    const again = new ServiceCaller(rig);
    await waitFor('an answer', async () => (await again.call('/ok')).status === 200);
    assert.notEqual(await onlySession(rig), session);
    caller.close();
    again.close();
  });
});

describe('a CA that is replaced as SECURITY.md has it', { timeout: 60_000 }, () => {
  it('cuts off nobody who was given what the step before issued', async () => {
    const rig = await FairleadRig.start();
    try {
      const certFile = rig.path('ca', 'ca-cert.pem');
      const oldCa = rig.caPem;
      const next = await makeCertificateAuthority(
        { keyType: 'ecdsa', name: 'Next CA' },
        systemClock,
      );
      /** What a kubeconfig trusts that is issued now. */
      const issued = async (): Promise<string> => {
        const target = ['--agent', 'prod', '--name', 'kubernetes'];
        const { code, output } = await rig.client('kubeconfig', ...target);
        assert.equal(code, 0, output);
        const data = /certificate-authority-data: (\S+)/u.exec(output)?.[1] ?? '';
        return Buffer.from(data, 'base64').toString();
      };
      const accepting = async (ca: string): Promise<boolean> => {
        const { ports } = rig;
        const all = [ports.services, ports.agents, ports.control];
        const seen = await Promise.all(
          all.map(async (port) => {
            const shown = shownCertificate(port, ca);
            return shown.then(
              () => true,
              () => false,
            );
          }),
        );
        assert.equal(new Set(seen).size, 1, 'the same at all ports');
        return seen[0] === true;
      };
      const first = await issued();

      await reloaded(rig.controller, () => replaceFile(certFile, oldCa + next.certPem));
      assert.equal(await accepting(first), true);
      const second = await issued();

      const seen = rig.controller.lines.length;
      await refused(
        rig.controller,
        () => replaceFile(rig.path('ca', 'ca-key.pem'), next.keyPem),
        /ca-(?:cert|key)\.pem/u,
      );
      await reloaded(rig.controller, () => replaceFile(certFile, next.certPem + oldCa));
      assert.match(await lineAfter(rig.controller, seen, 'another CA issues'), /SECURITY\.md/u);
      assert.equal(await accepting(second), true);
      assert.equal(await accepting(first), false, 'which is why there are steps');
      const third = await issued();

      await reloaded(rig.controller, () => replaceFile(certFile, next.certPem));
      assert.equal(await accepting(second), true);
      assert.equal(await accepting(third), true);
    } finally {
      await rig.stop();
    }
  });
});

/** The controller's configuration with a change in it, as text. */
function changedConfig(
  rig: FairleadRig,
  change: (settings: Record<string, unknown>) => void,
): string {
  const settings = parse(readFileSync(rig.path('controller.yaml'), 'utf8')) as Record<
    string,
    unknown
  >; // written by the rig
  change(settings);
  return stringify(settings);
}
