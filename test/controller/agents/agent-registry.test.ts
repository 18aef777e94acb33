/** Who is connected, and which session a request goes to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRegistry } from '../../../controller/agents/agent-registry.js';
import type { AgentSession } from '../../../controller/agents/agent-session.js';
import { TunnelError } from '../../../shared/errors.js';
import type { ErrorCode } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import type { Route } from '../../../shared/ids.js';
import { FakeClock } from '../../harness/fake-clock.js';

const K8S: Route = { agent: agentName('prod'), service: { type: 'kubernetes', name: 'k8s' } };
const CI: Route = { agent: agentName('prod'), service: { type: 'jenkins', name: 'ci' } };

describe('the session for a route', () => {
  it('is the least loaded one that offers the service', () => {
    const { registry, add, choose } = rig();
    add({ openStreams: 5 });
    const idle = add({ openStreams: 1 });
    add({ openStreams: 0, services: { 'jenkins/ci': true } });
    add({ openStreams: 0, name: 'other' });
    assert.equal(choose(), idle);
    assert.equal(idle.uses, 1);
    assert.equal(registry.has(K8S), true);
  });

  it('goes round among equals', () => {
    const { add, choose } = rig();
    const sessions = [add(), add(), add()];
    const chosen = Array.from({ length: 9 }, choose);
    for (const session of sessions) {
      assert.equal(chosen.filter((one) => one === session).length, 3);
    }
  });

  it('is never one that drains, nor one that has failed this request', () => {
    const { registry, add, choose } = rig();
    const draining = add({ isServing: false });
    const failed = add();
    const good = add({ openStreams: 50 });
    assert.equal(choose(failed), good);
    good.isServing = false;
    assert.equal(choose(), failed);
    failed.isServing = false;
    assert.throws(() => choose(draining), isError('AGENT_NOT_CONNECTED'));
    assert.equal(registry.has(K8S), false);
  });

  it('is one that can use the service; one that cannot only if there is no other, as it says why', () => {
    const { add, choose } = rig();
    const faulty = add({ openStreams: 0, services: { 'kubernetes/k8s': false } });
    const usable = add({ openStreams: 9 });
    assert.equal(choose(), usable);
    usable.isServing = false;
    assert.equal(choose(), faulty);
  });

  it('is told from one of an agent with the same service and another name', () => {
    const { registry, add } = rig();
    add({ name: 'other' });
    assert.throws(() => registry.choose(K8S, new Set()), isError('AGENT_NOT_CONNECTED'));
  });
});

describe('a route without a session', () => {
  it('says whether the agent is there without the service', () => {
    const { registry, add } = rig();
    add();
    assert.throws(
      () => registry.choose(CI, new Set()),
      isError('SERVICE_NOT_OFFERED', /agent "prod" is connected but does not offer jenkins\/ci/),
    );
  });

  it('says when the agent was seen last, and to try again while it is expected back', () => {
    const { registry, clock, add } = rig();
    assert.throws(
      () => registry.choose(K8S, new Set()),
      isError('AGENT_NOT_CONNECTED', /\(not seen yet\)/),
    );
    assert.equal(registry.isExpectedBack(K8S.agent), false);
    const session = add();
    assert.equal(registry.isExpectedBack(K8S.agent), false, 'it is here');
    registry.remove(session.asSession);
    const lastSeen = new Date(clock.now()).toISOString();
    assert.equal(registry.isExpectedBack(K8S.agent), true);
    const error = caught(() => registry.choose(K8S, new Set()));
    assert.match(error.message, new RegExp(`last seen ${lastSeen}`));
    assert.equal(error.retryAfterSeconds, 1);
    clock.advance(15_000);
    assert.equal(registry.isExpectedBack(K8S.agent), false);
    assert.equal(caught(() => registry.choose(K8S, new Set())).retryAfterSeconds, undefined);
  });

  it('expects an agent back whose only session drains', () => {
    const { registry, add } = rig();
    add({ isServing: false });
    assert.equal(registry.isExpectedBack(K8S.agent), true);
    assert.equal(caught(() => registry.choose(K8S, new Set())).retryAfterSeconds, 1);
  });
});

describe('a reconnecting agent', () => {
  it('replaces its own ghost at once', () => {
    const { registry, add } = rig();
    const ghost = add({ instance: 'process', generation: 1 });
    const next = add({ instance: 'process', generation: 2 });
    assert.equal(ghost.closed[0]?.code, 'AGENT_LOST');
    assert.deepEqual([...registry.sessions()], [next.asSession]);
  });

  it('leaves other processes of the same name alone', () => {
    const { registry, add } = rig();
    const replica = add({ instance: 'one', generation: 1 });
    add({ instance: 'two', generation: 9 });
    assert.deepEqual(replica.closed, []);
    assert.equal([...registry.sessions()].length, 2);
  });

  it('leaves its session alone that drains, as requests are still under way on it', () => {
    const { add } = rig();
    const draining = add({ instance: 'process', generation: 1, isServing: false });
    add({ instance: 'process', generation: 2 });
    assert.deepEqual(draining.closed, []);
  });

  it('does not close a newer session with an older one that comes late', () => {
    const { add } = rig();
    const newer = add({ instance: 'process', generation: 2 });
    add({ instance: 'process', generation: 1 });
    assert.deepEqual(newer.closed, []);
  });
});

describe('waiting for an agent', () => {
  it('ends when it appears', async () => {
    const { registry, add, clock } = rig();
    const change = settled(registry.change(K8S.agent, 5000));
    add({ name: 'other' });
    assert.equal(await change.isDone(), false);
    add();
    assert.equal(await change.isDone(), true);
    assert.equal(clock.timerCount, 0);
  });

  it('ends when one of its sessions changes', async () => {
    const { registry, add } = rig();
    const session = add();
    const changes = [1, 2].map(() => settled(registry.change(K8S.agent, 5000)));
    registry.changed(session.asSession);
    for (const change of changes) assert.equal(await change.isDone(), true);
  });

  it('ends when time is up', async () => {
    const { registry, clock } = rig();
    const change = settled(registry.change(K8S.agent, 5000));
    clock.advance(4999);
    assert.equal(await change.isDone(), false);
    clock.advance(1);
    assert.equal(await change.isDone(), true);
  });
});

describe('the sessions', () => {
  it('are counted and listed, of all agents', () => {
    const { registry, add } = rig();
    add({ queuedBytes: 5 });
    const other = add({ name: 'other', queuedBytes: 7 });
    assert.equal(registry.queuedBytes, 12);
    assert.equal(registry.list().length, 2);
    registry.remove(other.asSession);
    registry.remove(other.asSession);
    assert.equal(registry.queuedBytes, 5);
  });

  it('are forgotten, and so are names that come without end', () => {
    const { registry, clock } = rig();
    for (let i = 0; i < 10_050; i++) {
      registry.remove(new FakeSession({ name: `agent-${i}` }, registry).asSession);
    }
    clock.advance(1);
    const first = { ...K8S, agent: agentName('agent-0') };
    const last = { ...K8S, agent: agentName('agent-10049') };
    assert.match(caught(() => registry.choose(first, new Set())).message, /not seen yet/);
    assert.match(caught(() => registry.choose(last, new Set())).message, /last seen/);
    assert.equal(registry.list().length, 0);
  });
});

interface FakeOptions {
  readonly name?: string;
  readonly openStreams?: number;
  readonly isServing?: boolean;
  readonly queuedBytes?: number;
  readonly instance?: string;
  readonly generation?: number;
  /** `type/name` -> whether it can be used. */
  readonly services?: Readonly<Record<string, boolean>>;
}

let instances = 0;

/** As much of an agent's session as the registry uses. */
class FakeSession {
  readonly asSession: AgentSession;
  readonly closed: TunnelError[] = [];
  isServing: boolean;
  uses = 0;

  constructor(options: FakeOptions, registry: AgentRegistry) {
    const { openStreams = 0, queuedBytes = 0, generation = 1 } = options;
    const { services = { 'kubernetes/k8s': true } } = options;
    this.isServing = options.isServing ?? true;
    const isServing = (): boolean => this.isServing;
    const session = {
      name: agentName(options.name ?? 'prod'),
      instance: { id: options.instance ?? `instance-${instances++}`, generation },
      tunnel: {
        openStreams,
        queuedBytes,
        get isServing() {
          return isServing();
        },
        close: (error: TunnelError) => {
          this.closed.push(error);
          registry.remove(this.asSession);
        },
      },
      offers: ({ type, name }: Route['service']) => {
        const configured = services[`${type}/${name}`];
        return configured === undefined ? undefined : { type, name, configured };
      },
      used: () => {
        this.uses++;
      },
      snapshot: () => ({ name: options.name }),
    };
    this.asSession = session as unknown as AgentSession;
  }
}

function rig() {
  const clock = new FakeClock();
  const registry = new AgentRegistry(clock);
  const sessions: FakeSession[] = [];
  const add = (options: FakeOptions = {}): FakeSession => {
    const session = new FakeSession(options, registry);
    sessions.push(session);
    registry.add(session.asSession);
    return session;
  };
  const choose = (...failed: readonly unknown[]): FakeSession | undefined => {
    const excluded = failed.filter((one) => one instanceof FakeSession);
    const chosen = registry.choose(K8S, new Set(excluded.map(({ asSession }) => asSession.tunnel)));
    return sessions.find(({ asSession }) => asSession === chosen);
  };
  return { clock, registry, add, choose };
}

function isError(code: ErrorCode, says = /./) {
  return (reason: unknown): boolean =>
    reason instanceof TunnelError && reason.code === code && says.test(reason.message);
}

function caught(action: () => unknown): TunnelError {
  try {
    action();
  } catch (reason) {
    if (reason instanceof TunnelError) return reason;
  }
  return assert.fail('no error');
}

function settled(promise: Promise<void>): { isDone(): Promise<boolean> } {
  let isDone = false;
  void promise.then(() => (isDone = true));
  return {
    isDone: async () => {
      for (let i = 0; i < 5; i++) await Promise.resolve();
      return isDone;
    },
  };
}
