/**
 * The HTTP/2 windows of the link, as the other end is told of them: over a long link they decide how much passes,
 * and both Node and grpc-js have far smaller ones unless told.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { agentName } from '../../shared/ids.js';
import { LINK_WINDOW_BYTES, PROTOCOL_LIMITS } from '../../shared/protocol/frame.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { waitFor } from '../harness/wait-for.js';

describe('the windows of the link', { timeout: 60_000 }, () => {
  let rig: FairleadRig;

  before(async () => {
    rig = await FairleadRig.start();
  });

  after(async () => {
    await rig?.stop();
  });

  it('let two full windows of streams pass in a round trip, of which they open one half at a time', () => {
    assert.ok(LINK_WINDOW_BYTES / 2 >= 2 * PROTOCOL_LIMITS.maxWindowBytes);
  });

  it('are open at the controller, for the call and the connection', async () => {
    const { certPem, keyPem } = await rig.authority.issue({
      purpose: 'agent',
      agent: agentName('windows'),
    });
    const url = `https://localhost:${rig.ports.agents}`;
    const session = http2.connect(url, { ca: rig.caPem, cert: certPem, key: keyPem });
    try {
      await checkWindows(session);
    } finally {
      session.destroy();
    }
  });

  it('are open at the agent, for the call and the connection', async () => {
    const { certPem, keyPem } = await rig.authority.issueServerCertificate(['localhost']);
    const server = http2.createSecureServer({ cert: certPem, key: keyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: dialPort } = server.address() as AddressInfo;
    const accepted = once(server, 'session') as Promise<[http2.ServerHttp2Session]>;
    await rig.startAgent({ services: [], dialPort, waitConnected: false });
    const [session] = await accepted;
    try {
      await checkWindows(session);
    } finally {
      session.destroy();
      server.close();
    }
  });
});

async function checkWindows(session: http2.Http2Session): Promise<void> {
  await waitFor(
    'the window of the call',
    () => session.remoteSettings.initialWindowSize === LINK_WINDOW_BYTES,
  );
  await waitFor(
    'the window of the connection',
    () => session.state.remoteWindowSize === LINK_WINDOW_BYTES,
  );
}
