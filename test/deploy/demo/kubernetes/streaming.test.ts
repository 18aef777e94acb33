/** exec, cp, attach and port-forward of the demo API with every real kubectl, over SPDY and WebSocket. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { KubernetesApi } from '../../../../deploy/demo/kubernetes/kubernetes-api.js';
import { startKubernetesApi } from '../../../../deploy/demo/kubernetes/kubernetes-api.js';
import type { Kubectl } from '../../../harness/kubectl.js';
import { findKubectls, KubectlHome, kubeconfigText, minorOf } from '../../../harness/kubectl.js';
import type { DemoCertificates } from '../demo-certificates.js';
import { createDemoCertificates } from '../demo-certificates.js';

const kubectls = findKubectls();
const hasScript = spawnSync('script', ['--version']).status === 0;

/** A TCP server that sends back what it gets and half-closes after the other side has. */
async function startEchoServer(): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port; // a listening TCP server has an address
}

describe('demo pods under real kubectl', { concurrency: 2, timeout: 120_000 }, () => {
  let api: KubernetesApi;
  let certificates: DemoCertificates;
  let echo: Server;
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-demo-pod-'));

  before(async () => {
    certificates = createDemoCertificates();
    echo = await startEchoServer();
    api = await startKubernetesApi({
      tls: certificates.server,
      tokens: [{ token: 'demo', user: 'alice' }],
      allowProcesses: true,
      workDirectory: folder,
      podPorts: { 'demo/ticker': { 7000: portOf(echo) } },
    });
  });
  after(async () => {
    await api.close();
    echo.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const homeOf = (kubectl: Kubectl): KubectlHome =>
    new KubectlHome(
      kubectl,
      kubeconfigText({
        server: api.url,
        ca: certificates.ca.cert,
        token: 'demo',
        namespace: 'demo',
      }),
    );

  const upgradesOf = (path: string): string[] =>
    api.requests
      .all()
      .filter((request) => request.rawTarget.includes(path))
      .map(({ headers }) => {
        const at = headers.findIndex((name, index) => index % 2 === 0 && /^upgrade$/i.test(name));
        return headers[at + 1] ?? '';
      });

  for (const kubectl of kubectls) {
    it(`runs commands and copies files with kubectl ${kubectl.version}`, async () => {
      const home = homeOf(kubectl);
      try {
        const failed = await home.run([
          'exec',
          'ticker',
          '--',
          'sh',
          '-c',
          'echo out; echo err >&2; exit 3',
        ]);
        assert.deepEqual([failed.code, failed.stdout], [3, 'out\n']);
        assert.match(failed.stderr, /^err\n.*exit code 3/s);
        const bytes = randomBytes(1_000_003);
        const cat = await home.runBytes(['exec', '-i', 'ticker', '--', 'cat'], { input: bytes });
        assert.ok(cat.stdout.equals(bytes), cat.stderr);
        const file = `copy-${kubectl.version}`;
        writeFileSync(join(home.folder, 'source'), bytes);
        const copied = await home.run(['cp', 'source', `ticker:${file}`]);
        assert.equal(copied.code, 0, copied.stderr);
        assert.ok(readFileSync(join(folder, file)).equals(bytes));
        const back = await home.run(['cp', `ticker:${file}`, 'back']);
        assert.equal(back.code, 0, back.stderr);
        assert.ok(readFileSync(join(home.folder, 'back')).equals(bytes));
      } finally {
        home.close();
      }
    });

    it(`forwards parallel connections with kubectl ${kubectl.version}`, async () => {
      const home = homeOf(kubectl);
      try {
        const child = home.start(['port-forward', 'pod/ticker', ':7000']);
        assert.ok(child.stdout);
        const lines = createInterface({ input: child.stdout });
        const [line] = (await once(lines, 'line')) as [string]; // readline emits one text
        const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
        await Promise.all(
          Array.from({ length: 8 }, async (_, index) => {
            const sent = randomBytes(200_000 + index).toString('hex');
            const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
            socket.end(sent); // half-closed: the echo ends only when it has seen our end
            assert.equal(await text(socket), sent);
          }),
        );
      } finally {
        home.close();
      }
    });
  }

  it(
    'was asked for WebSockets by new versions and for SPDY by old ones',
    { skip: kubectls.length < 2 },
    () => {
      const execs = upgradesOf('/exec?');
      assert.ok(execs.includes('websocket') || !kubectls.some((kubectl) => minorOf(kubectl) >= 30));
      assert.ok(execs.includes('SPDY/3.1') || !kubectls.some((kubectl) => minorOf(kubectl) < 30));
      const forwards = upgradesOf('/portforward');
      assert.ok(
        forwards.includes('websocket') || !kubectls.some((kubectl) => minorOf(kubectl) >= 31),
      );
    },
  );

  it('ends everything when kubectl leaves', async () => {
    const deadline = Date.now() + 5000;
    while (api.open().upgrades > 0) {
      assert.ok(Date.now() < deadline, 'upgraded connections are left over');
      await delay(10);
    }
  });

  for (const kubectl of [...new Set([kubectls[0], kubectls.at(-1)])]) {
    if (kubectl === undefined) continue;
    it(
      `tells a terminal's size and its changes with kubectl ${kubectl.version}`,
      { skip: hasScript ? false : 'needs script(1)' },
      async () => {
        const home = homeOf(kubectl);
        const exec = `${kubectl.path} exec -it ticker -- sh`;
        const inTerminal = `stty cols 91 rows 31; tty > tty.txt; ${exec}; echo "code $?"`;
        const terminal = spawn('script', ['-qec', inTerminal, '/dev/null'], {
          cwd: home.folder,
          env: {
            PATH: process.env['PATH'],
            HOME: home.folder,
            KUBECONFIG: join(home.folder, 'config'),
          },
        });
        let shown = '';
        terminal.stdout.on('data', (bytes: Buffer) => (shown += bytes.toString('utf8')));
        const until = async (pattern: RegExp): Promise<void> => {
          const deadline = Date.now() + 10_000;
          while (!pattern.test(shown)) {
            assert.ok(Date.now() < deadline, `no ${pattern.source} in: ${shown}`);
            await delay(10);
          }
        };
        try {
          await until(/\$ $/);
          terminal.stdin.write('stty size\n');
          await until(/31 91/);
          const device = readFileSync(join(home.folder, 'tty.txt'), 'utf8').trim();
          spawnSync('stty', ['-F', device, 'cols', '77', 'rows', '22']);
          for (let attempt = 0; attempt < 100 && !/22 77/.test(shown); attempt += 1) {
            terminal.stdin.write('stty size\n');
            await delay(50);
          }
          await until(/22 77/);
          terminal.stdin.write('exit 4\n');
          await until(/code 4/);
        } finally {
          terminal.kill('SIGKILL');
          home.close();
        }
      },
    );
  }

  it('falls back from WebSocket to SPDY on a cluster that does not translate', async () => {
    const newest = kubectls.at(-1);
    assert.ok(newest);
    const old = await startKubernetesApi({ version: '1.28' });
    const home = new KubectlHome(newest, kubeconfigText({ server: old.url, namespace: 'demo' }));
    try {
      const result = await home.run(['exec', 'ticker', '--', 'echo', 'hello']);
      assert.deepEqual([result.code, result.stdout], [0, 'hello\n'], result.stderr);
    } finally {
      home.close();
      await old.close();
    }
  });
});

describe('demo pods without processes', { timeout: 60_000 }, () => {
  let api: KubernetesApi;
  before(async () => {
    api = await startKubernetesApi({ version: '1.31' });
  });
  after(() => api.close());

  interface Run {
    readonly out: string;
    readonly err: string;
    readonly status: string;
  }

  /** Runs a command over WebSocket v5. */
  async function exec(command: readonly string[], input?: string): Promise<Run> {
    const query = command.map((word) => `&command=${encodeURIComponent(word)}`).join('');
    const socket = new WebSocket(
      `${api.url.replace('http', 'ws')}/api/v1/namespaces/demo/pods/ticker/exec?stdin=true&stdout=true&stderr=true${query}`,
      'v5.channel.k8s.io',
    );
    const channels: string[] = ['', '', '', ''];
    socket.on('message', (data: Buffer) => {
      const channel = data[0] ?? 0;
      channels[channel] = (channels[channel] ?? '') + data.subarray(1).toString('utf8');
    });
    socket.once('open', () => {
      if (input !== undefined) socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(input)]));
      socket.send(Buffer.from([255, 0]));
    });
    const [code] = (await once(socket, 'close')) as [number]; // ws documents (code, reason)
    assert.equal(code, 1000);
    return { out: channels[1] ?? '', err: channels[2] ?? '', status: channels[3] ?? '' };
  }

  it('have a shell with a few programs', async () => {
    const cases: [string[], string | undefined, string, number][] = [
      [['echo', 'a', 'b'], undefined, 'a b\n', 0],
      [['cat'], 'from stdin', 'from stdin', 0],
      [
        ['sh', '-c', 'false && echo no || echo "yes $HOSTNAME"; exit 7'],
        undefined,
        'yes ticker\n',
        7,
      ],
      [['sh'], 'echo one\nexit 2\necho two\n', 'one\n', 2],
      [['env'], undefined, 'HOSTNAME=ticker\nPATH=/bin:/usr/bin\n', 0],
      [['tar'], undefined, '', 127],
    ];
    for (const [command, input, out, code] of cases) {
      const run = await exec(command, input);
      assert.equal(run.out, out, command.join(' '));
      const status =
        code === 0 ? /"status":"Success"/ : new RegExp(`"reason":"ExitCode","message":"${code}"`);
      assert.match(run.status, status, command.join(' '));
    }
  });

  it('refuse an unknown subprotocol and a missing pod before any upgrade', async () => {
    const refusal = (path: string, protocol: string) =>
      new Promise<number | undefined>((resolve) => {
        const socket = new WebSocket(`${api.url.replace('http', 'ws')}${path}`, protocol);
        socket.once('unexpected-response', (request, response) => {
          request.destroy();
          resolve(response.statusCode);
        });
      });
    const pods = '/api/v1/namespaces/demo/pods';
    assert.equal(
      await refusal(`${pods}/ticker/exec?stdout=1&command=date`, 'v9.channel.k8s.io'),
      403,
    );
    assert.equal(
      await refusal(`${pods}/nobody/exec?stdout=1&command=date`, 'v5.channel.k8s.io'),
      404,
    );
    assert.equal(await refusal(`${pods}/ticker/exec?stdout=1`, 'v5.channel.k8s.io'), 400);
    assert.equal(api.open().upgrades, 0);
  });
});
