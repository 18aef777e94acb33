/** One session over real gRPC with a controller that the test plays. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connectOnce } from '../../../agent/controller-link/connect-once.js';
import type { ConnectParts, SessionEnd } from '../../../agent/controller-link/connect-once.js';
import { startTunnelServer } from '../../../controller/agents/tunnel-server.js';
import { systemClock } from '../../../shared/clock.js';
import type { Clock } from '../../../shared/clock.js';
import { TunnelError } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import { silentLog } from '../../../shared/log.js';
import { isNonceSigned, newNonce } from '../../../shared/protocol/agent-proof.js';
import { BufferBudget } from '../../../shared/protocol/buffer-budget.js';
import type { HelloFrame, ResponseHead } from '../../../shared/protocol/frame.js';
import { linkOverCall } from '../../../shared/protocol/tunnel-rpc.js';
import { TunnelSession } from '../../../shared/protocol/tunnel-session.js';
import type { HandshakeFrame } from '../../../shared/protocol/tunnel-session.js';
import { testAuthority } from '../../controller/certificates/test-authority.js';
import { RecordingHandler } from '../../shared/protocol/recording-handler.js';
import { TEST_LIMITS, requestHead, welcomeFrame } from '../../shared/protocol/session-pair.js';
import { waitFor } from '../../harness/wait-for.js';

const authority = testAuthority();
const issued = await authority.issue({ purpose: 'agent', agent: agentName('prod') });
const identity = {
  caPem: authority.caPem,
  certPem: issued.certPem,
  keyPem: issued.keyPem,
  certificateDer: new X509Certificate(issued.certPem).raw,
};

describe('a session with a controller', () => {
  it('serves after a welcome, carries streams, and ends when the controller closes it', async (context) => {
    const controller = await startController(context, (session, frame) => {
      if (frame.kind === 'hello') welcome(session, frame);
    });
    const parts = connectParts();
    const session = await connectOnce(controller.address, parts);
    assert.ok('tunnel' in session);
    assert.equal(session.welcome.session, 'session');
    assert.equal(parts.clock.running(), 0, 'nothing holds the process open any more');

    const caller = new RecordingHandler();
    parts.accept = (stream) => stream.sendHead({ ...OK, ended: true });
    controller.session().open(requestHead(), caller);
    await waitFor('the response', () => caller.events.length > 0);
    assert.deepEqual(caller.events, ['head 200']);

    controller.session().close(new TunnelError('AGENT_REFUSED', 'expired'), true);
    const end = await session.closed;
    assert.deepEqual([end.error.code, end.final], ['AGENT_REFUSED', true]);
  });

  it('says who it is in hello', async (context) => {
    const hellos: HelloFrame[] = [];
    const controller = await startController(context, (session, frame) => {
      if (frame.kind === 'hello') hellos.push(frame);
      session.close(new TunnelError('DRAINING', 'x'));
    });
    const session = await connectOnce(controller.address, connectParts());
    assert.ok('end' in session && session.end.error.code === 'DRAINING');
    const [hello] = hellos;
    assert.deepEqual(
      [hello?.instance, hello?.generation, hello?.hostname, hello?.window],
      ['instance', 7, 'host', TEST_LIMITS.initialWindowBytes],
    );
  });

  it('is proven by a signature when the controller asks for one', async (context) => {
    const nonce = newNonce();
    let isProven = false;
    const hellos: HelloFrame[] = [];
    const controller = await startController(context, (session, frame) => {
      if (frame.kind === 'hello') {
        hellos.push(frame);
        session.send({ kind: 'challenge', nonce });
      }
      if (frame.kind !== 'proof') return;
      const certificate = new X509Certificate(frame.certificate);
      isProven = isNonceSigned(nonce, frame.signature, certificate);
      const [hello] = hellos;
      if (hello !== undefined) welcome(session, hello);
    });
    const session = await connectOnce(controller.address, connectParts());
    assert.ok('tunnel' in session);
    assert.equal(isProven, true);
    session.tunnel.close(new TunnelError('DRAINING', 'x'));
    await session.closed;
  });

  it('tells when the controller drains, while it goes on', async (context) => {
    const controller = await startController(context, (session, frame) => {
      if (frame.kind === 'hello') welcome(session, frame);
    });
    const session = await connectOnce(controller.address, connectParts());
    assert.ok('tunnel' in session);
    const drained = controller.session().drain('the controller stops');
    await session.draining;
    assert.equal(session.tunnel.isServing, false);
    assert.notEqual(session.tunnel.state, 'closed');
    await drained;
    controller.session().close(new TunnelError('DRAINING', 'x'));
    assert.equal((await session.closed).error.code, 'DRAINING');
  });
});

describe('a session that cannot be opened', () => {
  it('because nobody listens says so', async (context) => {
    const controller = await startController(context, () => undefined);
    controller.close();
    const end = await failure(connectOnce(controller.address, connectParts()));
    assert.equal(end.error.code, 'AGENT_LOST');
    assert.equal(end.final, false);
  });

  it('because the controller says nothing is given up after limits.connectTimeoutMs', async (context) => {
    const controller = await startController(context, () => undefined);
    const parts = connectParts({ connectTimeoutMs: 200 });
    const end = await failure(connectOnce(controller.address, parts));
    assert.equal(end.error.code, 'HEARTBEAT_LOST');
    assert.match(end.error.message, /no welcome within 0\.2 s \(limits\.connectTimeoutMs\)/);
    assert.equal(parts.clock.running(), 0);
  });

  it('because the controller chose a version that was not offered says so', async (context) => {
    const controller = await startController(context, (session) => {
      session.send({ ...welcomeFrame(1), version: 99 });
    });
    const end = await failure(connectOnce(controller.address, connectParts()));
    assert.equal(end.error.code, 'PROTOCOL_VIOLATION');
    assert.match(end.error.message, /version 99 was not offered/);
  });

  it('because the other end is no controller says so', async (context) => {
    const controller = await startController(context, (session) => {
      session.send({ kind: 'proof', certificate: Buffer.alloc(0), signature: Buffer.alloc(0) });
    });
    const end = await failure(connectOnce(controller.address, connectParts()));
    assert.match(end.error.message, /unexpected proof from the controller/);
  });
});

const OK: ResponseHead = { status: 200, reason: '', headers: [], ended: false };

type OnHandshake = (session: TunnelSession, frame: HandshakeFrame) => void;

/** A port for agents, without TLS, whose handshake the test plays. */
async function startController(context: TestContext, onHandshake: OnHandshake) {
  const sessions: TunnelSession[] = [];
  const server = await startTunnelServer({
    port: 0,
    bindAddress: '127.0.0.1',
    tls: undefined,
    connectTimeoutMs: 5000,
    clock: systemClock,
    log: silentLog(),
    onCall: (call) => {
      const link = linkOverCall(call, () => call.destroy());
      const session: TunnelSession = new TunnelSession({
        link,
        isDialer: false,
        limits: TEST_LIMITS,
        processBudget: new BufferBudget(TEST_LIMITS.sessionBufferBudgetBytes),
        clock: systemClock,
        peerText: () => 'the agent',
        events: {
          onHandshake: (frame) => onHandshake(session, frame),
          onStream: () => undefined,
          onPeerChanged: () => undefined,
          onRtt: () => undefined,
          onClosed: () => undefined,
        },
      });
      sessions.push(session);
      link.start({
        receive: (message) => session.receive(message),
        lost: (error) => session.linkLost(error),
      });
    },
  });
  context.after(() => {
    for (const session of sessions) session.close(new TunnelError('DRAINING', 'end of test'));
    server.close();
  });
  return {
    address: { host: '127.0.0.1', port: server.address.port },
    session: () => sessions[0] ?? assert.fail('no session'),
    close: () => server.close(),
  };
}

function welcome(session: TunnelSession, hello: HelloFrame): void {
  session.send(welcomeFrame(TEST_LIMITS.initialWindowBytes));
  session.established(hello);
}

type TestParts = ConnectParts & {
  accept: ConnectParts['onStream'];
  readonly clock: CountingClock;
};

function connectParts({ connectTimeoutMs = 10_000 } = {}): TestParts {
  const parts: TestParts = {
    identity,
    useTls: false,
    serverName: undefined,
    limits: { ...TEST_LIMITS, connectTimeoutMs },
    processBudget: new BufferBudget(TEST_LIMITS.sessionBufferBudgetBytes),
    clock: countingClock(),
    version: '0.0.0',
    hostname: 'host',
    instance: 'instance',
    generation: 7,
    services: () => [],
    annotations: () => ({}),
    onStream: (stream, head) => parts.accept(stream, head),
    onHandlerFault: (reason) => assert.fail(String(reason)),
    onRtt: () => undefined,
    accept: () => undefined,
  };
  return parts;
}

async function failure(opening: ReturnType<typeof connectOnce>): Promise<SessionEnd> {
  const session = await opening;
  assert.ok('end' in session);
  return session.end;
}

type CountingClock = Clock & { running(): number };

/** The real clock, and how many of its timers hold the process open. */
function countingClock(): CountingClock {
  let running = 0;
  return {
    ...systemClock,
    running: () => running,
    after(ms, action, keepsAlive = false) {
      if (!keepsAlive) return systemClock.after(ms, action);
      running++;
      let isRunning = true;
      const end = (): void => {
        if (isRunning) running--;
        isRunning = false;
      };
      const timer = systemClock.after(ms, () => (end(), action()), true);
      return { cancel: () => (end(), timer.cancel()) };
    },
  };
}
