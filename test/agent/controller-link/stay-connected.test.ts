/** The loop that keeps an agent connected: waits, addresses in turn, a new session before an old one ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  FailedSession,
  ServingSession,
  SessionEnd,
} from '../../../agent/controller-link/connect-once.js';
import { DIAL_AGAIN_MS, MAX_DIALS } from '../../../agent/controller-link/first-to-serve.js';
import { ControllerLink } from '../../../agent/controller-link/stay-connected.js';
import { TunnelError } from '../../../shared/errors.js';
import { silentLog } from '../../../shared/log.js';
import type { TunnelSession } from '../../../shared/protocol/tunnel-session.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { welcomeFrame } from '../../shared/protocol/session-pair.js';

const LOST = new TunnelError('AGENT_LOST', 'connection failed');
const LIMITS = { reconnectMinMs: 500, reconnectMaxMs: 10_000 };

describe('an agent whose controller cannot be reached', () => {
  it('tries again for ever, with waits that grow to the longest', async () => {
    const rig = start();
    const waits: number[] = [];
    for (let i = 0; i < 15; i++) {
      await rig.fail();
      waits.push(await rig.waitForNextAttempt());
    }
    assert.ok(
      waits.every((wait) => wait >= 250 && wait <= 10_000),
      waits.join(),
    );
    assert.ok((waits[0] ?? 0) <= 500 && (waits.at(-1) ?? 0) >= 5000, waits.join());
    assert.equal(rig.reconnects.length, 15);
    assert.equal(rig.link.lastError, LOST);
    await rig.stop();
  });

  it('holds the process open while it waits, as nothing else does', async () => {
    const rig = start();
    await rig.fail();
    assert.equal(rig.clock.keepAliveCount, 1);
    await rig.stop();
    assert.equal(rig.clock.timerCount, 0);
  });

  it('takes its addresses in turn and counts its attempts', async () => {
    const rig = start({ controllers: ['one', 'two'] });
    for (let i = 0; i < 3; i++) {
      await rig.fail();
      await rig.waitForNextAttempt();
    }
    assert.deepEqual(
      rig.attempts.map(({ host, generation }) => [host, generation]),
      [
        ['one', 1],
        ['two', 2],
        ['one', 3],
        ['two', 4],
      ],
    );
    await rig.stop();
  });
});

describe('a dial that hears nothing', () => {
  it('is not waited for alone: others begin beside it, and the first that serves is taken', async () => {
    const rig = start({ controllers: ['one', 'two'] });
    assert.equal(await rig.waitForNextAttempt(), DIAL_AGAIN_MS);
    assert.equal(await rig.waitForNextAttempt(), DIAL_AGAIN_MS);
    rig.clock.advance(60_000);
    await settle();
    assert.equal(rig.attempts.length, MAX_DIALS, 'no more at once, however long they take');
    assert.deepEqual(
      rig.attempts.map(({ host, generation }) => [host, generation]),
      [
        ['one', 1],
        ['two', 1],
        ['one', 1],
      ],
      'of one generation, or the last to come would replace the first that serves',
    );
    const session = await rig.serve(1);
    assert.deepEqual(rig.link.sessions, [session.tunnel]);
    assert.deepEqual(
      rig.attempts.map(({ signal }) => signal.aborted),
      [true, true, true],
    );
    const late = await rig.serve(0);
    assert.equal(late.closed.length, 1);
    await rig.fail(undefined, 2);
    assert.deepEqual(rig.link.sessions, [session.tunnel]);
    rig.clock.advance(60_000);
    await settle();
    assert.equal(rig.attempts.length, 3);
    assert.deepEqual(rig.reconnects, []);
    await rig.stop();
  });

  it('fails by itself, and the others go on', async () => {
    const rig = start();
    await rig.waitForNextAttempt();
    await rig.fail(undefined, 0);
    assert.deepEqual(rig.reconnects, ['AGENT_LOST']);
    assert.equal(rig.attempts[1]?.signal.aborted, false);
    await rig.fail(undefined, 1);
    assert.ok(
      (await rig.waitForNextAttempt()) <= 500,
      'all have failed: a wait as after any failure',
    );
    await rig.stop();
  });

  it('is given up when the agent stops, and none begins after that', async () => {
    const rig = start();
    await rig.waitForNextAttempt();
    rig.link.close();
    assert.deepEqual(
      rig.attempts.map(({ signal }) => signal.aborted),
      [true, true],
    );
    rig.clock.advance(60_000);
    for (const index of [0, 1]) await rig.fail(undefined, index);
    await rig.running;
    assert.equal(rig.attempts.length, 2);
    assert.equal(rig.clock.timerCount, 0);
  });
});

describe('an agent that is refused', () => {
  it('tries again at the longest wait, as a new certificate may be mounted', async () => {
    const rig = start();
    const refusal = new TunnelError('AGENT_REFUSED', 'expired');
    await rig.fail({ error: refusal, final: true });
    assert.equal(await rig.waitForNextAttempt(), 10_000);
    assert.equal(rig.link.lastError, refusal);
    await rig.stop();
  });
});

describe('an agent whose session ended', () => {
  it('connects anew after a short wait when the session had lasted', async () => {
    const rig = start();
    for (let i = 0; i < 8; i++) {
      await rig.fail();
      await rig.waitForNextAttempt();
    }
    const session = await rig.serve();
    rig.clock.advance(10_000);
    await session.end();
    assert.ok((await rig.waitForNextAttempt()) <= 500);
    await rig.stop();
  });

  it('waits longer and longer for a controller that ends each session at once', async () => {
    const rig = start();
    let wait = 0;
    for (let i = 0; i < 10; i++) {
      const session = await rig.serve();
      await session.end();
      wait = await rig.waitForNextAttempt();
    }
    assert.ok(wait >= 5000, `${wait} ms`);
    await rig.stop();
  });

  it('offers no session and tells why, until it has another', async () => {
    const rig = start();
    const session = await rig.serve();
    assert.equal(rig.link.current, session.tunnel);
    assert.equal(rig.link.lastError, undefined);
    await session.end();
    assert.equal(rig.link.current, undefined);
    assert.equal(rig.link.lastError, LOST);
    await rig.waitForNextAttempt();
    const next = await rig.serve();
    assert.equal(rig.link.current, next.tunnel);
    assert.equal(rig.link.lastError, undefined);
    assert.equal(rig.changes(), 3);
    await rig.stop();
  });
});

describe('an agent whose controller drains', () => {
  it('connects anew at once, before the old session ends', async () => {
    const rig = start({ controllers: ['one', 'two'] });
    const old = await rig.serve();
    rig.clock.advance(60_000);
    await old.drain();
    assert.equal(rig.attempts.length, 2, 'without a wait');
    const next = await rig.serve();
    assert.deepEqual(rig.link.sessions, [old.tunnel, next.tunnel]);
    assert.equal(rig.link.current, next.tunnel);
    await old.end();
    assert.deepEqual(rig.link.sessions, [next.tunnel]);
    assert.equal(rig.attempts.length, 2, 'the end of the old one is no loss');
    assert.equal(rig.link.lastError, undefined);
    await rig.stop();
  });

  it('does not connect in a loop without waits when each new session drains at once', async () => {
    const rig = start();
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const session = await rig.serve();
      await session.drain();
      waits.push(await rig.waitForNextAttempt());
    }
    assert.ok(
      waits.every((wait) => wait >= 250),
      waits.join(),
    );
    assert.ok((waits.at(-1) ?? 0) >= 5000, waits.join());
    await rig.stop();
  });

  it('waits as usual when the next one cannot be reached, and keeps the old session meanwhile', async () => {
    const rig = start();
    const old = await rig.serve();
    rig.clock.advance(60_000);
    await old.drain();
    await rig.fail();
    assert.deepEqual(rig.link.sessions, [old.tunnel]);
    assert.ok((await rig.waitForNextAttempt()) <= 500);
    await rig.stop();
  });
});

describe('an agent that stops', () => {
  it('drains every session, and connects no more', async () => {
    const rig = start();
    const old = await rig.serve();
    rig.clock.advance(60_000);
    await old.drain();
    const next = await rig.serve();
    const drained = rig.link.drain('the agent stops');
    assert.deepEqual([old.drained, next.drained], [['the agent stops'], ['the agent stops']]);
    await drained;
    await old.end();
    await next.end();
    await rig.running;
    assert.equal(rig.attempts.length, 2);
  });

  it('at once, ends its sessions and its waits', async () => {
    const rig = start();
    const session = await rig.serve();
    rig.link.close();
    assert.equal(session.closed[0]?.code, 'DRAINING');
    await session.end();
    await rig.running;

    const waiting = start();
    await waiting.fail();
    waiting.link.close();
    await waiting.running;
    assert.equal(waiting.clock.timerCount, 0);
  });

  it('while it connects, ends the session that comes of it', async () => {
    const rig = start();
    rig.link.close();
    const session = await rig.serve();
    assert.equal(session.closed[0]?.code, 'DRAINING');
    await session.end();
    await rig.running;
    assert.equal(rig.attempts.length, 1);
  });
});

/** A link whose attempts the test answers. */
function start({ controllers = ['one'] }: { controllers?: readonly string[] } = {}) {
  const clock = new FakeClock();
  const attempts: Attempt[] = [];
  const reconnects: string[] = [];
  let changes = 0;
  const link = new ControllerLink({
    controllers: controllers.map((host) => ({ host, port: 9001 })),
    limits: LIMITS,
    clock,
    log: silentLog(),
    connect: ({ host }, generation, signal) =>
      new Promise((answer) => attempts.push({ host, generation, signal, answer })),
    onChange: () => {
      changes++;
    },
    onReconnect: (reason) => void reconnects.push(reason),
  });
  const running = link.run();

  /** Answers the last attempt, or that of the index. */
  const respond = async (session: ServingSession | FailedSession, index = -1): Promise<void> => {
    const attempt = attempts.at(index);
    assert.ok(attempt?.answer !== undefined, 'an attempt is under way');
    attempt.answer(session);
    attempt.answer = undefined;
    await settle();
  };
  return {
    link,
    clock,
    attempts,
    reconnects,
    running,
    changes: () => changes,
    fail: (end: SessionEnd = { error: LOST, final: false }, index = -1) => respond({ end }, index),
    async serve(index = -1): Promise<FakeSession> {
      const session = new FakeSession();
      await respond(session.serving, index);
      return session;
    },
    /** Moves time on until there is an attempt; how long that took. */
    async waitForNextAttempt(): Promise<number> {
      const before = attempts.length;
      const startedMs = clock.monotonicMs();
      while (attempts.length === before && clock.monotonicMs() - startedMs < 60_000) {
        clock.advance(10);
        await settle();
      }
      return clock.monotonicMs() - startedMs;
    },
    /** Stops the link; attempts that are under way fail. */
    async stop(): Promise<void> {
      link.close();
      for (const { answer } of attempts) answer?.({ end: { error: LOST, final: false } });
      await settle();
      for (const session of [...link.sessions]) (session as unknown as FakeTunnel).end();
      await running;
    },
  };
}

/** An attempt to connect, and the way to answer it. */
interface Attempt {
  readonly host: string;
  readonly generation: number;
  readonly signal: AbortSignal;
  answer: ((session: ServingSession | FailedSession) => void) | undefined;
}

/** A session's tunnel as the link uses it. */
interface FakeTunnel {
  isServing: boolean;
  end(): void;
}

class FakeSession {
  readonly serving: ServingSession;
  readonly tunnel: TunnelSession;
  readonly drained: string[] = [];
  readonly closed: TunnelError[] = [];
  readonly #fake: FakeTunnel;
  #onDrain: () => void = () => undefined;
  #onEnd: (end: SessionEnd) => void = () => undefined;

  constructor() {
    const tunnel = {
      isServing: true,
      drain: (reason: string) => {
        this.drained.push(reason);
        return Promise.resolve();
      },
      close: (error: TunnelError) => void this.closed.push(error),
      end: () => this.#onEnd({ error: LOST, final: false }),
    };
    this.#fake = tunnel;
    // the link uses nothing else of a session
    this.tunnel = tunnel as unknown as TunnelSession;
    this.serving = {
      tunnel: this.tunnel,
      welcome: welcomeFrame(0),
      draining: new Promise((resolve) => (this.#onDrain = resolve)),
      closed: new Promise((resolve) => (this.#onEnd = resolve)),
    };
  }

  /** The controller drains. */
  async drain(): Promise<void> {
    this.#fake.isServing = false;
    this.#onDrain();
    await settle();
  }

  /** The session is over. */
  async end(): Promise<void> {
    this.#fake.isServing = false;
    this.#onEnd({ error: LOST, final: false });
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
