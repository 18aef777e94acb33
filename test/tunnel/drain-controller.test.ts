import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { Http2Client, RawClient } from '../harness/raw-http.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

/** Far below limits.drainGraceMs (25 s): whoever stops within it did not wait for the grace period. */
const PROMPT_MS = 4000;

describe('SIGTERM on the controller', { timeout: 90_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let callers: ServiceCaller[] = [];

  /** A controller that stops is gone: each test has its own. */
  async function start(limits: Readonly<Record<string, number>> = {}): Promise<void> {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits } });
    await rig.startAgent({
      services: [target.service()],
      config: { limits: { reconnectMinMs: 50, reconnectMaxMs: 200 } },
    });
    callers = [new ServiceCaller(rig), new ServiceCaller(rig, { isHttp2: true })];
  }

  async function stop(): Promise<void> {
    for (const caller of callers) caller.close();
    callers = [];
    await rig.stop();
    await target.close();
  }

  after(() => stop());

  it('finishes what is under way, takes no connection, is not ready, and ends with 0 right after', async () => {
    await start();
    const begun = await Promise.all(callers.map((caller) => caller.begin('/quiet')));
    const waiting = callers.flatMap((caller) => [
      caller.call('/hang'),
      caller.call('/?ms=500', { method: 'POST', body: 'x'.repeat(5000) }),
    ]);
    await waitFor('the requests at the target', () => target.open === 6);
    rig.controller.process.kill('SIGTERM');
    await waitFor('not ready', async () => {
      const response = await fetch(`http://127.0.0.1:${rig.ports.operations}/readyz`);
      return !response.ok && (await response.text()).includes('stopping');
    });
    const newcomer = new ServiceCaller(rig);
    assert.match((await newcomer.call('/ok')).error ?? '', /ECONNREFUSED/u);
    newcomer.close();
    target.release();
    for (const one of begun) assert.equal((await one.outcome).text, 'head\nreleased');
    for (const outcome of await Promise.all(waiting)) {
      assert.equal(outcome.status, 200);
      assert.equal(outcome.isWhole, true);
    }
    const doneAt = performance.now();
    assert.equal(await rig.controller.exited, 0);
    const ms = Math.round(performance.now() - doneAt);
    assert.ok(ms < PROMPT_MS, `${ms} ms`);
    console.log(`# controller: gone ${ms} ms after its last request`);
    // and the agents come to the next one by themselves
    await rig.startController();
    await rig.controller.line(({ msg }) => msg === 'agent connected');
    await stop();
  });

  it('serves a request behind an answer that had begun before, on the same connection', async () => {
    await start();
    const authorization = callers[0]?.headers['authorization'] ?? '';
    const request = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`;
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    client.send(request('/quiet'));
    await client.until('the head', () => (client.received.includes('head') ? true : undefined));
    rig.controller.process.kill('SIGTERM');
    await rig.controller.line(({ msg }) => String(msg).startsWith('controller stops'));
    client.send(request('/ok'));
    await waitFor('both at the target', () => target.requests === 2);
    target.release();
    assert.match((await client.response()).text, /released/u);
    const last = await client.response();
    assert.equal(last.text, 'ok');
    assert.match(last.head, /connection: close/iu);
    client.destroy();
    await rig.controller.exited;
    await stop();
  });

  it('answers on kept-alive HTTP/1.1 with Connection: close, and leaves HTTP/2 with the right last stream', async () => {
    await start();
    const tls = { ca: rig.caPem };
    const port = rig.ports.services;
    const authorization = callers[0]?.headers['authorization'] ?? '';
    const request = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`;
    const http1 = await RawClient.connect({ port, tls });
    const first = await http1.exchange(request('/ok'));
    assert.match(first.head, /connection: keep-alive/iu);
    // one is under way when the drain begins, so that the connection is not idle
    http1.send(request('/hang'));
    const h2 = await Http2Client.connect({ port, tls });
    const goaways: { code: number; last: number }[] = [];
    h2.session.on('goaway', (code: number, last: number) => goaways.push({ code, last }));
    const headers = { authorization };
    assert.equal((await h2.request({ ...headers, ':path': '/ok' })).status, 200);
    const open = [
      h2.request({ ...headers, ':path': '/hang' }),
      h2.request({ ...headers, ':path': '/drip?n=5&ms=100' }),
      h2.request({ ...headers, ':path': '/', ':method': 'POST' }, { body: 'x'.repeat(100_000) }),
    ];
    await waitFor('the requests at the target', () => target.open >= 3);
    rig.controller.process.kill('SIGTERM');
    await waitFor('GOAWAY', () => goaways.length > 0);
    target.release();
    const answers = await Promise.all(open);
    assert.deepEqual(
      answers.map(({ status, resetCode }) => ({ status, resetCode })),
      answers.map(() => ({ status: 200, resetCode: 0 })),
    );
    // streams 1, 3, 5 and 7 were opened
    for (const { code, last } of goaways) {
      assert.equal(code, 0);
      assert.ok(last >= 7, `last stream ${last}`);
    }
    const last = await http1.response();
    assert.equal(last.text, 'released');
    assert.match(last.head, /connection: close/iu);
    await http1.closed();
    assert.equal(await rig.controller.exited, 0);
    http1.destroy();
    h2.close();
    await stop();
  });

  it('serves streams that come on an HTTP/2 connection accepted before, or tells that they were not taken', async () => {
    await start();
    const h2 = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const headers = { authorization: callers[0]?.headers['authorization'] ?? '' };
    let lastTaken = Infinity;
    h2.session.on('goaway', (_code: number, last: number) => (lastTaken = last));
    let isOver = false;
    const seen: { id: number; status: number; resetCode: number }[] = [];
    const load = (async (): Promise<void> => {
      while (!isOver && !h2.session.closed && !h2.session.destroyed) {
        const stream = h2.session.request({ ':path': '/ok', ...headers });
        let status = 0;
        stream.on('response', (fields) => (status = Number(fields[':status'])));
        stream.on('error', () => undefined);
        stream.resume();
        await new Promise((resolve) => stream.on('close', resolve));
        seen.push({ id: stream.id ?? 0, status, resetCode: stream.rstCode ?? 0 });
      }
    })();
    await waitFor('load', () => seen.length > 20);
    rig.controller.process.kill('SIGTERM');
    assert.equal(await rig.controller.exited, 0);
    isOver = true;
    await load;
    // REFUSED_STREAM comes from the own end here, for what is above the last stream: safe to send again
    const lost = seen.filter(({ id, status }) => status !== 200 && id !== 0 && id <= lastTaken);
    console.log(`# ${seen.length} streams, last taken ${lastTaken}, ${lost.length} lost`);
    assert.deepEqual(lost, []);
    h2.close();
    await stop();
  });

  it('breaks off what is left after limits.drainGraceMs, says so, and still ends with 0', async () => {
    await start({ drainGraceMs: 700 });
    const begun = await Promise.all(callers.map((caller) => caller.begin('/quiet')));
    const hanging = callers.map((caller) =>
      caller.call('/?ms=60000', { method: 'POST', body: 'x' }),
    );
    await waitFor('the requests at the target', () => target.open === 4);
    const stoppedAt = performance.now();
    assert.equal(await rig.controller.stop('SIGTERM'), 0);
    const ms = Math.round(performance.now() - stoppedAt);
    assert.ok(ms >= 650 && ms < PROMPT_MS, `${ms} ms`);
    for (const one of begun) assert.equal((await one.outcome).isWhole, false);
    for (const outcome of await Promise.all(hanging)) {
      assert.equal(outcome.status, 502);
      assert.match(outcome.text, /the controller stops/u);
    }
    assert.ok(rig.controller.lines.some((line) => line.includes('grace period is over')));
    await waitFor('the target to be left', () => target.open === 0);
    await stop();
  });

  it('a second time ends it at once', async () => {
    await start();
    const begun = await callers[0]?.begin('/quiet');
    rig.controller.process.kill('SIGTERM');
    await rig.controller.line(({ msg }) => String(msg).startsWith('controller stops'));
    const stoppedAt = performance.now();
    rig.controller.process.kill('SIGTERM');
    assert.equal(await rig.controller.exited, 143);
    assert.ok(performance.now() - stoppedAt < 1500);
    assert.equal((await begun?.outcome)?.isWhole, false);
  });
});
