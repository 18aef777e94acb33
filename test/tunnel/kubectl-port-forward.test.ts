/**
 * port-forward through the tunnel, with every kubectl of this machine: over SPDY, and from 1.30 on over
 * WebSocket too. Many connections at once, a large download among them, and one that breaks.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { minorOf } from '../harness/kubectl.js';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, versionsText } from '../harness/kubectl-run.js';
import type { RunningKubectl } from '../harness/kubectl-run.js';
import { KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';
import { waitFor } from '../harness/wait-for.js';

const KUBECTLS = everyKubectl();
const CONNECTIONS = 20;
const LARGE = randomBytes(8_000_003);
const LARGE_SUM = sum(LARGE);

describe('port-forward through the tunnel', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  let tunnel: Way;
  let offline: Way;
  let inPod: Server;

  before(async () => {
    inPod = await startPodServer();
    const { port } = inPod.address() as AddressInfo; // a listening TCP server has an address
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ podPorts: { 'demo/ticker': { 8080: port } } });
    await rig.startAgent({ clusters: { account: cluster } });
    tunnel = await rig.tunnel('prod', 'account');
    offline = await rig.tunnel('never', 'account');
  });
  after(async () => {
    await rig.stop();
    inPod.close();
    inPod.closeAllConnections();
  });

  test(`is tried with ${versionsText(KUBECTLS)}`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const kubectl of KUBECTLS) {
    for (const transport of transportsOf(kubectl)) {
      const title = `kubectl ${kubectl.version} over ${transport}`;
      const env = { KUBECTL_PORT_FORWARD_WEBSOCKETS: String(transport === 'websocket') };

      test(`carries many connections, a large download among them, with ${title}`, async () => {
        const args = ['port-forward', '-n', 'demo', 'pod/ticker', ':8080'];
        const forwarder = rig.follow(kubectl, tunnel, args, { env });
        const port = await forwardedPort(forwarder);
        const bodies = Array.from({ length: CONNECTIONS }, () => randomBytes(40_000));
        const [large] = await Promise.all([
          fetched(port, '/large'),
          ...(survivesBrokenConnections(kubectl) ? [breakOff(port)] : []),
          ...bodies.map(async (body) => {
            assert.ok((await fetched(port, '/echo', body)).equals(body));
          }),
        ]);
        assert.equal(sum(large), LARGE_SUM);
        assert.ok((await fetched(port, '/large')).equals(LARGE), 'it serves further connections');
        forwarder.kill('SIGINT');
        await forwarder.finished;
      });

      test(`says which agent is not connected with ${title}`, async () => {
        const args = ['port-forward', '-n', 'demo', 'pod/ticker', ':8080'];
        const { code, err } = await rig.run(kubectl, offline, args, { env });
        assert.equal(code, 1);
        assert.match(err, /agent "never" is not connected/);
        assert.doesNotMatch(err, /not ?found|forbidden/i);
      });
    }
  }

  test('uses the transports that were asked for', () => {
    const upgrades = new Set(
      cluster.api.requests
        .all()
        .filter(({ rawTarget }) => rawTarget.endsWith('/portforward'))
        .map(({ method, headers }) => `${method} ${headerOf(headers, 'upgrade')}`),
    );
    const expected = KUBECTLS.flatMap(transportsOf).map((transport) =>
      transport === 'websocket' ? 'GET websocket' : 'POST SPDY/3.1',
    );
    assert.deepEqual([...upgrades].sort(), [...new Set(expected)].sort());
  });

  test('leaves nothing open at the cluster when kubectl is gone', async () => {
    await waitFor('no upgrade is open', () => cluster.api.open().upgrades === 0);
  });
});

function transportsOf(kubectl: Kubectl): readonly ('SPDY/3.1' | 'websocket')[] {
  return minorOf(kubectl) < 30 ? ['SPDY/3.1'] : ['SPDY/3.1', 'websocket'];
}

/** Before 1.32 a connection that breaks can stall others in kubectl itself, with or without a tunnel. */
function survivesBrokenConnections(kubectl: Kubectl): boolean {
  return minorOf(kubectl) >= 32;
}

/** The port of this machine that kubectl says it listens on. */
async function forwardedPort(forwarder: RunningKubectl): Promise<number> {
  await forwarder.untilLines(1);
  const port = /127\.0\.0\.1:(\d+)/.exec(forwarder.text)?.[1];
  assert.ok(port !== undefined, forwarder.err);
  return Number(port);
}

/** What runs in the pod: an echo, a large file, and a body that never ends. */
async function startPodServer(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/echo') request.pipe(response);
    else if (request.url === '/large') response.end(LARGE);
    else response.write(LARGE.subarray(0, 100_000));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A request on a connection of its own. */
async function fetched(port: number, path: string, body?: Buffer): Promise<Buffer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { Connection: 'close' },
    ...(body === undefined ? {} : { method: 'POST', body }),
  });
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

/** A connection that is reset in the middle of the answer. */
async function breakOff(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /endless HTTP/1.1\r\nHost: pod\r\n\r\n');
  await once(socket, 'data');
  socket.resetAndDestroy();
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return headers[at + 1];
}

function sum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
