import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import type { CallOptions, CallerOptions } from '../harness/service-caller.js';
import { WebTarget } from '../harness/web-target.js';

const AGENTS = 3;
const BODY = 'x'.repeat(3000);

/** Steady load: each kind calls again when its last call is over. */
const LOADS: readonly (CallerOptions & {
  what: string;
  path: string;
  call: CallOptions;
  text: string;
})[] = [
  { what: 'h1 GET', path: '/ok', call: {}, text: 'ok' },
  { what: 'h1 POST', path: '/', call: { method: 'POST', body: BODY }, text: '3000' },
  { what: 'h1 slow GET', path: '/drip?n=5&ms=60', call: {}, text: '0\n1\n2\n3\n4\nend' },
  { what: 'h1 slow POST', path: '/?ms=200', call: { method: 'POST', body: BODY }, text: '3000' },
  { what: 'h2 GET', isHttp2: true, path: '/ok', call: {}, text: 'ok' },
  { what: 'h2 POST', isHttp2: true, path: '/', call: { method: 'POST', body: BODY }, text: '3000' },
  {
    what: 'h2 slow POST',
    isHttp2: true,
    path: '/?ms=200',
    call: { method: 'POST', body: BODY },
    text: '3000',
  },
  { what: 'new connection GET', isKeptAlive: false, path: '/ok', call: {}, text: 'ok' },
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

  it('fails no request of steady load: GET and POST, kept-alive HTTP/1.1, HTTP/2 and new connections', async () => {
    const start = () => rig.startAgent({ services: [target.service()] });
    const agents = await Promise.all(Array.from({ length: AGENTS }, start));
    let isOver = false;
    let made = 0;
    const failures: string[] = [];
    const before = target.requests;
    const loads = LOADS.map(async ({ what, path, call, text, ...options }) => {
      const caller = new ServiceCaller(rig, options);
      while (!isOver) {
        const outcome = await caller.call(path, call);
        made++;
        if (outcome.status !== 200 || !outcome.isWhole || outcome.text !== text) {
          failures.push(`${what}: ${JSON.stringify(outcome)}`);
        }
        await delay(3);
      }
      caller.close();
    });
    for (let i = 0; i < AGENTS; i++) {
      const exit = await agents[i]?.stop('SIGTERM');
      assert.equal(exit, 0);
      agents[i] = await start();
    }
    isOver = true;
    await Promise.all(loads);
    console.log(
      `# rolling restart of ${AGENTS} agents: ${made} requests made, ${failures.length} lost`,
    );
    assert.deepEqual(failures, []);
    assert.ok(made > 200, `only ${made} requests were made`);
    assert.equal(target.requests - before, made, 'none was sent twice');
    for (const agent of agents) await agent.stop('SIGTERM');
  });
});
