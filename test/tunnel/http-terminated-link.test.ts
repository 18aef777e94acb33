/**
 * An agent whose TLS ends at an ingress before the controller: it proves its key inside the session.
 * What the ingress lets through is judged by that proof alone.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { after, before, describe, test } from 'node:test';
import * as tls from 'node:tls';
import { parseAgentConfig } from '../../agent/config.js';
import { connectOnce } from '../../agent/controller-link/connect-once.js';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { systemClock } from '../../shared/clock.js';
import { agentName } from '../../shared/ids.js';
import { BufferBudget } from '../../shared/protocol/buffer-budget.js';
import { connectCaller } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';

const DAY_MS = 86_400_000;

let rig: FairleadRig;
let target: RecordingTarget;
let ingress: tls.Server;

before(async () => {
  target = await RecordingTarget.start();
  rig = await FairleadRig.start({ controller: { insecureAgentConnections: true } });
  const { certPem: cert, keyPem: key } = await rig.authority.issueServerCertificate(['localhost']);
  // as an ingress that knows nothing of agents: it asks for no client certificate
  ingress = tls.createServer({ cert, key, ALPNProtocols: ['h2'] }, (near) => {
    const far = net.connect(rig.ports.agents, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => ingress.listen(0, '127.0.0.1', resolve));
});

after(async () => {
  await rig?.stop();
  await target?.close();
  ingress?.close();
});

function ingressPort(): number {
  return (ingress.address() as net.AddressInfo).port; // it listens
}

/** Starts an agent behind the ingress, with other files of identity if given. */
async function startAgent(pair?: { certPem: string; keyPem: string }): Promise<ChildProgram> {
  const config: Record<string, unknown> = { limits: { reconnectMinMs: 50, reconnectMaxMs: 100 } };
  if (pair !== undefined) {
    config['certFile'] = rig.path('other.crt');
    config['keyFile'] = rig.path('other.key');
    writeFileSync(rig.path('other.crt'), pair.certPem);
    writeFileSync(rig.path('other.key'), pair.keyPem);
  }
  return rig.startAgent({
    services: [
      {
        enabled: true,
        type: 'jenkins',
        name: 'ci',
        config: { url: `http://127.0.0.1:${target.port}` },
      },
    ],
    dialPort: ingressPort(),
    waitConnected: false,
    config,
  });
}

test('the controller says loudly that this port has no TLS', () => {
  assert.ok(rig.controller.lines.some((line) => line.includes('agents connect WITHOUT TLS')));
});

describe('an agent behind an ingress that ends TLS', () => {
  test('is let in by proof of its key, and serves', async () => {
    const agent = await startAgent();
    await agent.line((line) => line['msg'] === 'connected');
    const token = serviceToken(rig, 'prod/jenkins/ci');
    const caller = await connectCaller('h2', rig.ports.services, { ca: rig.caPem }, basic(token));
    target.answer = () => answerOf(200, [], 'through the ingress');
    assert.equal((await caller.send({ target: '/' })).text, 'through the ingress');
    caller.close();
    await agent.stop();
  });

  test('an RSA key proves itself as well', async () => {
    const authority = certificateAuthorityFromPem(
      { certPem: rig.caPem, keyPem: readFileSync(rig.path('ca', 'ca-key.pem'), 'utf8') },
      systemClock,
      { leafKeyType: 'rsa' },
    );
    const pair = await authority.issue({ purpose: 'agent', agent: agentName('rsa') });
    const agent = await startAgent(pair);
    await agent.line((line) => line['msg'] === 'connected');
    await agent.stop();
  });

  test('a certificate of another CA is refused with a reason', async () => {
    const made = await makeCertificateAuthority(
      { keyType: 'ecdsa', name: 'Fairlead CA' },
      systemClock,
    );
    const foreign = certificateAuthorityFromPem(made, systemClock);
    const agent = await startAgent(
      await foreign.issue({ purpose: 'agent', agent: agentName('prod') }),
    );
    const line = await agent.line((one) => one['msg'] === 'refused by the controller');
    assert.match(String(line['reason']), /was not issued by the CA in use/);
    assert.equal(line['code'], 'AGENT_REFUSED');
    await rig.controller.line((one) => one['msg'] === 'agent refused');
    await agent.stop('SIGKILL');
  });

  test('whoever does not hold the key of the certificate is refused with a reason', async () => {
    const victim = await rig.authority.issue({ purpose: 'agent', agent: agentName('prod') });
    const thief = await rig.authority.issue({ purpose: 'agent', agent: agentName('thief') });
    const outcome = await connectAs(new X509Certificate(victim.certPem).raw, thief.keyPem);
    assert.ok('end' in outcome);
    assert.match(outcome.end.error.message, /did not prove possession of the key/);
    assert.equal(outcome.end.error.code, 'AGENT_REFUSED');
    assert.equal(outcome.end.final, true);
  });

  test('certificates of other purposes, expired ones and nonsense are refused with a reason', async () => {
    const past = { notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS };
    const control = await rig.authority.issue({ purpose: 'control', name: 'oes' });
    const agent = { purpose: 'agent', agent: agentName('prod') } as const;
    const expired = await rig.authority.issue(agent, { validity: past });
    const der = ({ certPem }: { certPem: string }): Buffer => new X509Certificate(certPem).raw;
    for (const [certificate, keyPem, text] of [
      [der(control), control.keyPem, /a control certificate was used/],
      [der(expired), expired.keyPem, /expired at/],
      [Buffer.from('nonsense'), control.keyPem, /no readable certificate/],
    ] as const) {
      const outcome = await connectAs(certificate, keyPem);
      assert.ok('end' in outcome);
      assert.match(outcome.end.error.message, text);
    }
  });

  /** Dials as an agent would, with any certificate and key for the proof. */
  function connectAs(certificateDer: Buffer, keyPem: string) {
    const { limits } = parseAgentConfig('logLevel: info', 'agent.yaml').config;
    return connectOnce(
      { host: '127.0.0.1', port: rig.ports.agents },
      {
        identity: { caPem: '', certPem: '', keyPem, certificateDer },
        useTls: false,
        serverName: undefined,
        limits,
        processBudget: new BufferBudget(limits.processBufferBudgetBytes),
        clock: systemClock,
        version: 'test',
        hostname: 'test',
        instance: 'test',
        generation: 1,
        services: () => [],
        annotations: () => ({}),
        onStream: () => undefined,
        onRtt: () => undefined,
        onHandlerFault: () => undefined,
      },
    );
  }
});

describe('a stranger who speaks to the port without TLS', () => {
  test('is not served, whatever he says, and nobody notices', async () => {
    const agent = await startAgent();
    await agent.line((line) => line['msg'] === 'connected');
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      '\0'.repeat(100),
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxx',
    ]) {
      const socket = net.connect(rig.ports.agents, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(bytes);
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    assert.equal(agent.lines.filter((line) => line.includes('not connected')).length, 0);
    await agent.stop();
  });
});
