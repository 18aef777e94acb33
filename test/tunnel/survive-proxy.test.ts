import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { ConnectProxy } from '../harness/connect-proxy.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { WebTarget } from '../harness/web-target.js';

describe('an agent behind a proxy', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let proxy: ConnectProxy;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start();
    proxy = await ConnectProxy.start();
  });

  beforeEach(() => {
    proxy.targets.length = 0;
    proxy.credentials = undefined;
  });

  after(async () => {
    await proxy.close();
    await rig.stop();
    await target.close();
  });

  function start(env: Record<string, string>, waitConnected = true): Promise<ChildProgram> {
    const limits = { reconnectMinMs: 50, reconnectMaxMs: 200 };
    return rig.startAgent({ services: [target.service()], config: { limits }, env, waitConnected });
  }

  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY']) {
    it(`dials through ${name} with CONNECT, and TLS is end to end`, async () => {
      const agent = await start({ [name]: proxy.url() });
      assert.deepEqual(proxy.targets, [`localhost:${rig.ports.agents}`]);
      const caller = new ServiceCaller(rig);
      assert.equal((await caller.call('/bytes?n=100000')).text.length, 100_000);
      caller.close();
      assert.equal(await agent.stop('SIGTERM'), 0);
    });
  }

  for (const list of ['localhost', 'example.com, localhost', '*', 'localhost:9001']) {
    it(`dials directly with NO_PROXY="${list}"`, async () => {
      const agent = await start({ HTTPS_PROXY: proxy.url(), NO_PROXY: list });
      assert.deepEqual(proxy.targets, []);
      assert.equal(await agent.stop('SIGTERM'), 0);
    });
  }

  it('dials through the proxy when NO_PROXY names others only, empty items included', async () => {
    const agent = await start({ HTTPS_PROXY: proxy.url(), NO_PROXY: 'example.com,,.internal,' });
    assert.equal(proxy.targets.length, 1);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('sends the password of the proxy, never logs it, and says when it is refused', async () => {
    proxy.credentials = 'me:s3cret-word';
    const agent = await start({ HTTPS_PROXY: proxy.url() });
    assert.equal(await agent.stop('SIGTERM'), 0);
    const refused = await start({ HTTPS_PROXY: proxy.url('me:wrong-word') }, false);
    const { reason } = await refused.line(({ msg }) => msg === 'not connected');
    assert.match(
      String(reason),
      /cannot reach the controller at localhost:\d+: the proxy did not let/u,
    );
    assert.equal(await refused.stop('SIGTERM'), 0);
    for (const line of [...agent.lines, ...refused.lines]) {
      assert.doesNotMatch(line, /s3cret-word|wrong-word/u);
    }
  });

  it('comes back through the proxy when the controller restarts', async () => {
    const agent = await start({ HTTPS_PROXY: proxy.url() });
    await rig.controller.stop('SIGKILL');
    await rig.startController();
    await rig.controller.line(({ msg }) => msg === 'agent connected');
    assert.ok(proxy.targets.length >= 2);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
