/**
 * What is sent again when a session dies before the response head: GET once, through another agent of the
 * same name; POST never, wherever the link breaks.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceRig } from '../harness/service-rig.js';
import type { Ask } from '../harness/service-rig.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { seededRandom } from '../harness/seeded-random.js';

describe('with two agents of one name, one of them killed', () => {
  let rig: ServiceRig;
  before(async () => {
    rig = await ServiceRig.start({ agents: 2 });
  });
  after(async () => rig.stop());

  test('a GET without an answer is served by the other one, a POST gets 502 and reaches the target once', async (t) => {
    rig.target.on.set('/slow', ({ response }) => {
      setTimeout(() => response.end('served'), 1500);
    });
    // least loaded first: requests alternate between the two
    const gets = Array.from({ length: 10 }, async (_, i) => rig.ask(`/slow?get=${i}`));
    const posts = Array.from({ length: 10 }, async (_, i) =>
      rig.ask(`/slow?post=${i}`, { method: 'POST', body: 'x' }),
    );
    await waitFor('all at the target', () => rig.target.seen.length === 20);
    rig.agent.process.kill('SIGKILL');

    const served = await Promise.all(gets);
    assert.deepEqual(
      served.map(({ status, text }) => `${status} ${text}`),
      Array(10).fill('200 served'),
    );
    const again = rig.target.seen.filter((line) => line.startsWith('GET')).length - 10;
    assert.ok(again > 0, 'some were with the killed agent');

    const answers = (await Promise.all(posts)).map(({ status }) => status);
    const lost = answers.filter((status) => status === 502).length;
    assert.equal(answers.filter((status) => status === 200).length, 10 - lost);
    assert.ok(lost > 0, 'some were with the killed agent');
    for (let i = 0; i < 10; i++) assert.equal(rig.target.count(`POST /slow?post=${i}`), 1);
    t.diagnostic(`${again} of 10 GETs served again, ${lost} of 10 POSTs lost and not sent again`);
  });
});

describe('with two agents of one name whose targets may be silent for a second', () => {
  let rig: ServiceRig;
  before(async () => {
    rig = await ServiceRig.start({
      agents: 2,
      controller: { limits: { responseHeadTimeoutMs: 1000 } },
      agent: { limits: { responseHeadTimeoutMs: 60_000 } },
    });
  });
  after(async () => rig.stop());

  test('a GET that was sent again has its answer for as long as it lasts: only the first was silent', async () => {
    // the controller waits for 5 s more than the target has
    const lastsMs = 7000;
    rig.target.on.set('/again', ({ response }) => {
      if (rig.target.count('GET /again') === 1) return; // never answered
      response.write('begun ');
      setTimeout(() => response.end('ended'), lastsMs);
    });
    const answer = rig.ask('/again');
    await waitFor('the request', () => rig.target.count('GET /again') === 1);
    const [, ...ofAgents] = await rig.metrics('fairlead_streams_open');
    rig.agents[ofAgents.indexOf(1)]?.process.kill('SIGKILL');
    assert.equal((await answer).text, 'begun ended');
    assert.equal(rig.target.count('GET /again'), 2);
  });
});

describe('with three agents of one name, two of them killed one after the other', () => {
  let rig: ServiceRig;
  before(async () => {
    rig = await ServiceRig.start({ agents: 3 });
  });
  after(async () => rig.stop());

  test('a GET is sent once more and never again; what changes something or has a body is not, by no method', async (t) => {
    const open = new Set<ServerResponse>();
    rig.target.on.set('/held', ({ response }) => {
      open.add(response);
      response.on('close', () => open.delete(response));
    });
    const kinds: readonly Ask[] = [
      { method: 'GET' },
      { method: 'GET', body: 'x', headers: { 'Content-Length': '1' } },
      { method: 'POST' },
      { method: 'DELETE' },
    ];
    const requests = Array.from({ length: 96 }, (_, i) => ({ i, ...kinds[i % kinds.length] }));
    const statuses = new Map<number, number>();
    const answers = requests.map(async ({ i, ...how }) =>
      statuses.set(i, (await rig.ask(`/held?id=${i}`, how)).status),
    );
    await waitFor('all at the target', () => open.size === requests.length);
    for (const agent of rig.agents.slice(0, 2)) {
      const answered = statuses.size;
      agent.process.kill('SIGKILL');
      await waitFor('some to be lost, and the others at the target', () => {
        return statuses.size > answered && statuses.size + open.size === requests.length;
      });
    }
    for (const response of open) response.end('served');
    await Promise.all(answers);

    const times = (i: number): number =>
      rig.target.seen.filter((l) => l.endsWith(`id=${i}`)).length;
    const isBareGet = ({ method, body }: Ask): boolean => method === 'GET' && body === undefined;
    for (const request of requests) {
      const most = isBareGet(request) ? 2 : 1;
      assert.ok(times(request.i) <= most, `${request.method}: ${times(request.i)} times`);
    }
    const lost = requests.filter(({ i }) => statuses.get(i) === 502);
    const lostGets = lost.filter(isBareGet);
    assert.ok(lostGets.length > 0 && lostGets.every(({ i }) => times(i) === 2), 'lost twice');
    t.diagnostic(
      `${requests.length} requests, ${lost.length} lost, ${lostGets.length} of them GETs that were lost twice`,
    );
    await rig.settled();
  });
});

describe('with a link that is cut again and again', () => {
  let rig: ServiceRig;
  before(async () => {
    rig = await ServiceRig.start({
      link: { delayMs: 2 },
      controller: { limits: { reconnectMinMs: 20, reconnectMaxMs: 50 } },
    });
  });
  after(async () => rig.stop());

  test('no POST reaches the target twice, none hangs, and a 200 means that it was there', async (t) => {
    const random = seededRandom(3);
    const answers = new Map<number, number>();
    rig.target.on.set('/change', ({ request, response }) => {
      request.resume();
      request.on('end', () => setTimeout(() => response.end('done'), random() * 10));
    });
    let isDone = false;
    let id = 0;
    let cuts = 0;
    const callers = Array.from({ length: 8 }, async () => {
      while (!isDone) {
        const mine = ++id;
        const body = Buffer.alloc(Math.floor(random() * 20_000));
        const answer = rig.ask(`/change?id=${mine}`, { method: 'POST', body });
        answers.set(
          mine,
          await answer.then(
            ({ status }) => status,
            () => 0,
          ),
        );
      }
    });
    try {
      for (; cuts < 25; cuts++) {
        // before send, between send and response, after it: wherever each request happens to be
        await delay(random() * 60);
        rig.link?.cut();
        const served = rig.target.seen.length;
        await waitFor('requests to reach the target again', () => rig.target.seen.length > served);
      }
    } finally {
      isDone = true;
      await Promise.all(callers);
    }

    const counts = new Map<number, number>();
    for (const line of rig.target.seen) {
      const number = Number(line.split('id=')[1]);
      counts.set(number, (counts.get(number) ?? 0) + 1);
    }
    const by = (status: number): number =>
      [...answers.values()].filter((one) => one === status).length;
    t.diagnostic(
      `${cuts} cuts, ${answers.size} POSTs: ${by(200)} answered, ${by(502)} lost (502), ${by(503)} not sent (503), ${by(0)} broken; none twice`,
    );
    for (const [number, status] of answers) {
      const count = counts.get(number) ?? 0;
      assert.ok(count <= 1, `POST ${number} reached the target ${count} times`);
      if (status === 200) assert.equal(count, 1);
      if (status === 503) assert.equal(count, 0, '503 says that it was not sent');
    }
    assert.ok(by(200) > 0 && by(502) > 0, 'the cuts met requests at different points');
    await rig.settled();
  });

  test('a GET whose caller has had a 103 of the target is not sent again', async () => {
    rig.target.on.set('/hint', ({ response }) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
    });
    const caller = await RawCaller.ask(rig.identity, { path: '/hint' });
    await waitFor('the hint', () => caller.text.includes('HTTP/1.1 103 '));
    rig.link?.cut();
    await waitFor('the answer', () => caller.text.includes('HTTP/1.1 502 '));
    assert.equal(rig.target.count('GET /hint'), 1);
    caller.leave();
    await rig.settled();
  });

  test('a switch of protocols that was not answered is not sent again', async () => {
    let switches = 0;
    rig.target.onSwitch = () => switches++;
    const caller = await RawCaller.ask(rig.identity, {
      path: '/exec',
      headers: ['Connection: Upgrade', 'Upgrade: x'],
    });
    await waitFor('the switch at the target', () => switches === 1);
    rig.link?.cut();
    await waitFor('the answer', () => caller.text.includes('HTTP/1.1 502 '));
    assert.equal(switches, 1);
    caller.leave();
    rig.target.cut();
    await rig.settled();
  });
});
