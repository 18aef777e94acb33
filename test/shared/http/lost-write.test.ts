/**
 * Connections that are reset between the read of a turn and its two writes. The tested end and the network share the
 * process of the test: only so a reset falls there each time.
 */
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import * as tls from 'node:tls';
import { dialController } from '../../../agent/controller-link/controller-dial.js';
import { startTunnelServer } from '../../../controller/agents/tunnel-server.js';
import { systemClock } from '../../../shared/clock.js';
import { agentName } from '../../../shared/ids.js';
import { startCallerListener } from '../../../shared/intake/caller-listener.js';
import { silentLog } from '../../../shared/log.js';
import { testAuthority } from '../../controller/certificates/test-authority.js';
import { LossyLink } from '../../harness/lossy-link.js';
import { CALL_HEADERS } from '../../harness/raw-link.js';
import { waitFor } from '../../harness/wait-for.js';

const authority = testAuthority();
const { certPem: cert, keyPem: key } = await authority.issueServerCertificate(['localhost']);
const agent = await authority.issue({ purpose: 'agent', agent: agentName('prod') });
const SECURE = { cert, key, ca: authority.caPem };
/** An empty gRPC message. */
const MESSAGE = Buffer.alloc(5);

describe('a connection that is reset between a read and two writes', () => {
  it('ends the call of an agent', async (context) => {
    const controller = http2.createSecureServer(SECURE);
    controller.on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.respond({ 'content-type': 'application/grpc' });
      stream.write(MESSAGE);
    });
    await new Promise<void>((resolve) => controller.listen(0, '127.0.0.1', resolve));
    context.after(() => controller.close());
    const { port } = controller.address() as AddressInfo; // no pipe
    const link = await network(context, port);

    const { certPem, keyPem } = agent;
    const identity = { caPem: authority.caPem, certPem, keyPem, serverName: 'localhost' };
    const { call, destroy } = dialController({ host: '127.0.0.1', port: link.port }, identity);
    context.after(destroy);
    let ending: string | undefined;
    call.on('error', ({ message }) => (ending = message));
    call.once('data', () => {
      link.cut();
      call.write(MESSAGE);
      call.write(MESSAGE);
    });
    await waitFor('the call to end', () => ending);
    assert.match(String(ending), /UNAVAILABLE/);
  });

  it('ends the call that an agent has made', async (context) => {
    let isOver = false;
    let isOpen = false;
    const controller = await startTunnelServer({
      port: 0,
      bindAddress: '127.0.0.1',
      tls: SECURE,
      connectTimeoutMs: 600_000,
      clock: systemClock,
      log: silentLog(),
      onCall: (call) => {
        isOpen = true;
        call.on('error', () => undefined);
        call.on('cancelled', () => (isOver = true));
        call.once('data', () => {
          link.cut();
          call.write(MESSAGE);
          call.write(MESSAGE);
        });
      },
    });
    context.after(() => controller.close());
    const link = await network(context, controller.address.port);
    const session = connect(context, link.port);
    const stream = session.request(CALL_HEADERS);
    stream.on('error', () => undefined);
    stream.write(MESSAGE);
    await waitFor('the call', () => isOpen);
    await waitFor('the call to end', () => isOver);
  });

  it('ends the request of a caller', async (context) => {
    let isOver = false;
    let isOpen = false;
    const listener = await startCallerListener({
      port: 0,
      bindAddress: '127.0.0.1',
      what: 'callers',
      option: 'x',
      tls: SECURE,
      limits: {
        maxHeaderBytes: 65_536,
        maxTargetBytes: 65_536,
        callerIdleTimeoutMs: 600_000,
        callerHeadersTimeoutMs: 600_000,
      },
      log: silentLog(),
      onExchange: (exchange) => {
        isOpen = true;
        exchange.onClose = () => (isOver = true);
        link.cut();
        exchange.sendHead({ status: 200, reason: '', headers: [], ended: false });
        exchange.sendData(MESSAGE, () => undefined);
        exchange.sendData(MESSAGE, () => undefined);
      },
      onFault: (_exchange, error) => assert.fail(error.message),
    });
    context.after(async () => listener.close());
    const link = await network(context, listener.address.port);
    const session = connect(context, link.port);
    session.request({ ':path': '/' }).on('error', () => undefined);
    await waitFor('the request', () => isOpen);
    await waitFor('the request to end', () => isOver);
  });
});

async function network(context: TestContext, port: number): Promise<LossyLink> {
  const link = await LossyLink.start(port);
  context.after(async () => link.close());
  return link;
}

/** An HTTP/2 client over TLS. */
function connect(context: TestContext, port: number): http2.ClientHttp2Session {
  const { certPem, keyPem } = agent;
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.caPem,
    cert: certPem,
    key: keyPem,
    ALPNProtocols: ['h2'],
  });
  const session = http2.connect('https://localhost', { createConnection: () => socket });
  session.on('error', () => undefined);
  context.after(() => session.destroy());
  return session;
}
