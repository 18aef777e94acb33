/** `targetKeepAliveMs: 0`: an agent that keeps no connection to its targets. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ServiceRig } from '../harness/service-rig.js';

describe('an agent that keeps no connection to its targets', { timeout: 60_000 }, () => {
  let rig: ServiceRig;

  before(async () => {
    rig = await ServiceRig.start({ agent: { limits: { targetKeepAliveMs: 0 } } });
  });

  after(async () => rig.stop());

  test('asks each time over another one, and says that it is the last request there', async () => {
    rig.target.on.set('/where', ({ request, response }) => {
      request.resume();
      request.on('end', () => {
        response.end(`${request.socket.remotePort} ${request.headers.connection ?? ''}`);
      });
    });
    const seen = new Set<string>();
    for (const ask of [{}, {}, { method: 'POST', body: 'x' }, { method: 'PUT', body: 'y' }]) {
      const { status, text } = await rig.ask('/where', ask);
      assert.equal(status, 200, text);
      assert.match(text, /^\d+ close$/u);
      seen.add(text);
    }
    assert.equal(seen.size, 4);
    await rig.settled();
  });
});
