/** A controller, an agent and a target that have IPv6 addresses only. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';

const HOST = '::1';

describe('a tunnel over IPv6 alone', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: http.Server;

  before(async () => {
    target = http.createServer((request, response) => response.end(request.headers.host));
    await once(target.listen(0, HOST), 'listening');
    rig = await FairleadRig.start({ controller: { bindAddress: HOST, serverNames: [HOST] } });
  });

  after(async () => {
    await rig.stop();
    target.close();
  });

  it('carries a request from an IPv6 caller to an IPv6 target, named by address in URL and Host', async () => {
    const { port } = target.address() as AddressInfo; // of a TCP server
    const url = `http://[${HOST}]:${port}`;
    const agent = await rig.startAgent({
      services: [{ enabled: true, type: 'generic', name: 'web', config: { url } }],
      config: { controllerHostname: `[${HOST}]:${rig.ports.agents}`, bindAddress: HOST },
    });
    const request = https.get({
      host: HOST,
      port: rig.ports.services,
      ca: rig.caPem,
      headers: { 'X-Opsmx-Token': serviceToken(rig, 'prod/generic/web') },
      agent: false,
    });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]; // of that event
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += String(piece);
    assert.deepEqual([response.statusCode, text], [200, `[${HOST}]:${port}`]);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
