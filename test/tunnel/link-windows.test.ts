/**
 * The HTTP/2 windows of the link, as the other end is told of them: over a long link they decide how much passes,
 * and both Node and grpc-js have far smaller ones unless told.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { LINK_WINDOW_BYTES, PROTOCOL_LIMITS } from '../../shared/protocol/frame.js';
import { encodeBatch } from '../harness/encoded-batch.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { helloFrame } from '../harness/raw-agent.js';
import { grpcMessage, RawLink } from '../harness/raw-link.js';
import { waitFor } from '../harness/wait-for.js';

/** Unless told otherwise (RFC 9113, section 6.9.2). */
const HTTP2_WINDOW_BYTES = 65_535;

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

  it('are open at the controller for an agent that it knows, for the call and the connection', async () => {
    const link = await RawLink.dial(rig, { agent: 'windows' });
    try {
      assert.equal(link.session.remoteSettings.initialWindowSize, HTTP2_WINDOW_BYTES);
      assert.equal(link.session.state.remoteWindowSize, HTTP2_WINDOW_BYTES);
      const hello = grpcMessage(encodeBatch([helloFrame()]));
      link.call().write(hello);
      await checkWindows(link.session, hello.length);
    } finally {
      link.destroy();
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

/** `spent`: bytes sent so far, too few for the other end to open its windows again. */
async function checkWindows(session: http2.Http2Session, spent = 0): Promise<void> {
  await waitFor(
    'the window of the call',
    () => session.remoteSettings.initialWindowSize === LINK_WINDOW_BYTES,
  );
  await waitFor(
    'the window of the connection',
    () => session.state.remoteWindowSize === LINK_WINDOW_BYTES - spent,
  );
}
