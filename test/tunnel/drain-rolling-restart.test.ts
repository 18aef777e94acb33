import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import type { CallOptions, CallerOptions } from '../harness/service-caller.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const AGENTS = 3;
/** Longer than every request of the load; watches and upgrades outlive it. */
const DRAIN_GRACE_MS = 2000;
const BODY = 'x'.repeat(3000);
const DRIPPED = '0\n1\n2\n3\n4\nend';

/** Steady load: each kind calls again when its last call is over. */
const LOADS: readonly (CallerOptions & {
  what: string;
  path: string;
  call: CallOptions;
  text: string;
})[] = [
  { what: 'h1 GET', path: '/ok', call: {}, text: 'ok' },
  { what: 'h1 POST', path: '/', call: { method: 'POST', body: BODY }, text: '3000' },
  { what: 'h1 slow GET', path: '/drip?n=5&ms=60', call: {}, text: DRIPPED },
  { what: 'h1 slow POST', path: '/?ms=200', call: { method: 'POST', body: BODY }, text: '3000' },
  { what: 'h2 GET', isHttp2: true, path: '/ok', call: {}, text: 'ok' },
  { what: 'h2 POST', isHttp2: true, path: '/', call: { method: 'POST', body: BODY }, text: '3000' },
  { what: 'h2 slow GET', isHttp2: true, path: '/drip?n=5&ms=200', call: {}, text: DRIPPED },
  {
    what: 'h2 slow POST',
    isHttp2: true,
    path: '/?ms=200',
    call: { method: 'POST', body: BODY },
    text: '3000',
  },
  { what: 'new connection GET', isKeptAlive: false, path: '/ok', call: {}, text: 'ok' },
];

/** Each begins again where it was broken off. */
const WATCHERS: readonly (CallerOptions & { what: string })[] = [
  { what: 'h1 watch' },
  { what: 'h2 watch', isHttp2: true },
];

describe('a rolling restart of three agents of one name', { timeout: 90_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { requestLog: 'failures', logLevel: 'info' } });
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

  it('fails no request of steady load, and breaks what outlives the grace so that its reader knows', async () => {
    const limits = { drainGraceMs: DRAIN_GRACE_MS };
    const start = () => rig.startAgent({ services: [target.service()], config: { limits } });
    const agents = await Promise.all(Array.from({ length: AGENTS }, start));
    const over = new AbortController();
    const traffic = new Traffic(rig, target, over.signal);
    const before = target.requests;
    const running = [
      ...LOADS.map((load) => traffic.load(load)),
      ...WATCHERS.map((watcher) => traffic.watch(watcher)),
      traffic.echo(),
    ];
    for (let i = 0; i < AGENTS; i++) {
      const exit = await agents[i]?.stop('SIGTERM');
      assert.equal(exit, 0);
      agents[i] = await start();
    }
    await traffic.caughtUp();
    over.abort();
    await Promise.all(running);
    const { made, breaks, failures } = traffic;
    console.log(
      `# rolling restart of ${AGENTS} agents: ${made} requests made, ${failures.length} lost; long ones broken off: ${JSON.stringify(breaks)}`,
    );
    assert.deepEqual(failures, []);
    assert.ok(made > 200, `only ${made} requests were made`);
    assert.equal(target.requests - before, made, 'none was sent twice');
    // every agent was stopped, whichever they were on
    assert.deepEqual(Object.keys(breaks).sort(), ['echo', 'h1 watch', 'h2 watch']);
    for (const agent of agents) await agent.stop('SIGTERM');
  });
});

/** Callers of all kinds, until the signal; what they saw. */
class Traffic {
  made = 0;
  /** How often each long-lived stream was broken off. */
  readonly breaks: Record<string, number> = {};
  readonly failures: string[] = [];
  readonly #rig: FairleadRig;
  readonly #target: WebTarget;
  readonly #over: AbortSignal;
  /** How many events each watcher has. */
  readonly #seen = new Map<string, () => number>();

  constructor(rig: FairleadRig, target: WebTarget, over: AbortSignal) {
    this.#rig = rig;
    this.#target = target;
    this.#over = over;
  }

  async load({ what, path, call, text, ...options }: (typeof LOADS)[number]): Promise<void> {
    const caller = new ServiceCaller(this.#rig, options);
    while (!this.#over.aborted) {
      const outcome = await caller.call(path, call);
      this.made++;
      if (outcome.status !== 200 || !outcome.isWhole || outcome.text !== text) {
        this.failures.push(`${what}: ${JSON.stringify(outcome)}`);
      }
      await delay(3);
    }
    caller.close();
  }

  /** Reads events without a gap, over as many requests as it takes. */
  async watch({ what, ...options }: (typeof WATCHERS)[number]): Promise<void> {
    const caller = new ServiceCaller(this.#rig, options);
    for (let next = 0; !this.#over.aborted;) {
      this.made++;
      const from = next;
      const begun = await caller.begin(`/events?from=${from}`, { signal: this.#over });
      this.#seen.set(what, () => from + wholeLines(begun.text).length);
      const outcome = await begun.outcome;
      const lines = wholeLines(outcome.text);
      const isGapless = lines.every((line, i) => line === String(from + i));
      if (outcome.status !== 200 || outcome.isWhole || !isGapless) {
        this.failures.push(`${what}: ${JSON.stringify(outcome)}`);
      }
      next = from + lines.length;
      this.#broken(what);
    }
    caller.close();
  }

  /** Waits until no watcher lacks anything of what has happened by now. */
  async caughtUp(): Promise<void> {
    const { events } = this.#target;
    const isThere = (): boolean => [...this.#seen.values()].every((seen) => seen() >= events);
    await waitFor('the watchers to have every event', isThere);
  }

  /** Types lines into an upgraded connection and reads them back; opens another when it breaks. */
  async echo(): Promise<void> {
    const { ports, caPem: ca } = this.#rig;
    const token = serviceToken(this.#rig, 'prod/generic/web');
    const headers = ['Connection: Upgrade', 'Upgrade: echo'];
    while (!this.#over.aborted) {
      const caller = await RawCaller.ask(
        { port: ports.services, ca, token },
        { path: '/echo', headers },
      );
      const leave = (): void => caller.leave();
      this.#over.addEventListener('abort', leave);
      const sent = await this.#typed(caller);
      this.#over.removeEventListener('abort', leave);
      const [head = '', echoed = ''] = caller.text.split('\r\n\r\n');
      const isOrderly = (await caller.ended) === 'end';
      const isEcho = echoed.length > 0 && sent.startsWith(echoed);
      if (!head.includes(' 101 ') || isOrderly || !isEcho) {
        this.failures.push(`echo: ${JSON.stringify({ head, sent, echoed, isOrderly })}`);
      }
      this.#broken('echo');
    }
  }

  /** What was typed until the connection ended. */
  async #typed(caller: RawCaller): Promise<string> {
    let sent = '';
    await waitFor('the switch', () => caller.text.includes('\r\n\r\n'));
    for (let i = 0; !caller.socket.destroyed && !caller.socket.readableEnded; i++) {
      const line = `line ${i}\n`;
      sent += line;
      caller.socket.write(line);
      await delay(10);
    }
    return sent;
  }

  #broken(what: string): void {
    if (!this.#over.aborted) this.breaks[what] = (this.breaks[what] ?? 0) + 1;
  }
}

/** Without a last line that was cut. */
function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
