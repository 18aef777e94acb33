/**
 * exec, attach and cp through the tunnel, with every kubectl of this machine and over every transport
 * that it knows: SPDY in all, WebSocket from 1.29 on.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { minorOf } from '../harness/kubectl.js';
import type { Kubectl } from '../harness/kubectl.js';
import {
  everyKubectl,
  fewKubectls,
  hasTerminals,
  resizeTerminal,
  versionsText,
} from '../harness/kubectl-run.js';
import { directWay, KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';
import { tempDir } from '../harness/temp-dir.js';
import { waitFor } from '../harness/wait-for.js';

const KUBECTLS = everyKubectl();
const COPIED_BYTES = 4_000_003;
const EXEC = ['exec', '-n', 'demo', 'ticker'];

/** A kubectl and how it asks for an upgrade. */
interface Variant {
  readonly kubectl: Kubectl;
  readonly transport: 'SPDY/3.1' | 'websocket';
  readonly env: Readonly<Record<string, string>>;
  readonly title: string;
}

function variantsOf(kubectl: Kubectl): Variant[] {
  const transports =
    minorOf(kubectl) < 29 ? (['SPDY/3.1'] as const) : (['SPDY/3.1', 'websocket'] as const);
  return transports.map((transport) => ({
    kubectl,
    transport,
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(transport === 'websocket') },
    title: `kubectl ${kubectl.version} over ${transport}`,
  }));
}

describe('through the tunnel', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  let ways: readonly [Way, Way];
  let tunnel: Way;
  let offline: Way;
  /** Where the containers' processes run. */
  const container = tempDir('container');

  before(async () => {
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ allowProcesses: true, workDirectory: container.path });
    cluster.fault = ({ rawTarget }) => {
      const status = /\/namespaces\/refused-(\d+)\/pods\/any\/exec/.exec(rawTarget)?.[1];
      return status === undefined
        ? undefined
        : { status: Number(status), body: 'refused by the cluster' };
    };
    for (const name of ['refused-403', 'refused-500']) {
      cluster.api.objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      cluster.api.objects.create(podIn(name));
    }
    await rig.startAgent({ clusters: { account: cluster } });
    tunnel = await rig.tunnel('prod', 'account');
    offline = await rig.tunnel('never', 'account');
    ways = [directWay(cluster), tunnel];
  });
  after(async () => {
    await rig.stop();
    container.remove();
  });

  test(`exec is tried with ${versionsText(KUBECTLS)}`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const variant of KUBECTLS.flatMap(variantsOf)) {
    const { kubectl, transport, env, title } = variant;

    test(`exec gives output, errors and exit code as directly with ${title}`, async () => {
      const script = `echo out; echo err >&2; exit 7 # ${title}`;
      const result = await rig.runSame(kubectl, ways, [...EXEC, '--', 'sh', '-c', script], {
        code: 7,
        env,
      });
      assert.equal(result.out, 'out\n');
      assert.match(result.err, /^err\n/);
      assert.deepEqual(upgradesOf(title), [transport, transport]); // at the first try
    });

    test(`exec passes input on until its end with ${title}`, async () => {
      const input = randomBytes(COPIED_BYTES);
      const { code, out, err } = await rig.run(
        kubectl,
        tunnel,
        [...EXEC, '-i', '--', 'sha256sum'],
        { env, input },
      );
      assert.equal(code, 0, err);
      assert.equal(out, `${sha256(input)}  -\n`);
    });

    test(`cp copies both ways with ${title}`, async () => {
      const home = rig.home(kubectl, `cp-${transport.slice(0, 3)}`);
      mkdirSync(home, { recursive: true });
      const bytes = randomBytes(COPIED_BYTES);
      writeFileSync(join(home, 'there'), bytes);
      const file = `file-${kubectl.version}-${transport.slice(0, 3)}`;
      const options = { env, home };
      const there = await rig.run(kubectl, tunnel, ['cp', 'there', `demo/ticker:${file}`], options);
      assert.equal(there.code, 0, there.err);
      assert.ok(readFileSync(join(container.path, file)).equals(bytes));
      const back = await rig.run(kubectl, tunnel, ['cp', `demo/ticker:${file}`, 'back'], options);
      assert.equal(back.code, 0, back.err);
      assert.ok(readFileSync(join(home, 'back')).equals(bytes));
    });

    test(
      `exec has a terminal that can be resized with ${title}`,
      { skip: hasTerminals() ? false : 'no script of util-linux' },
      async () => {
        const shell = rig.follow(kubectl, tunnel, [...EXEC, '-it', '--', 'sh'], {
          env,
          terminal: { rows: 33, columns: 77 },
        });
        const [terminal] = await shell.untilLines(1);
        await waitFor('a prompt', () => shell.text.includes('$ '));
        shell.write('stty size\n');
        await waitFor('the first size', () => shell.text.includes('33 77'));
        resizeTerminal(terminal?.text.trim() ?? '', 44, 111);
        // the size travels on a stream of its own: it may be overtaken by the command
        await waitFor('the new size', async () => {
          shell.write('stty size\n');
          await waitFor('an answer', () => /\d+ \d+\s+\$ $/.test(shell.text));
          return shell.text.includes('44 111');
        });
        shell.write('exit 5\n');
        const { code } = await shell.finished;
        assert.equal(code, 5);
      },
    );

    test(`exec says which agent is not connected with ${title}`, async () => {
      const home = rig.home(kubectl, offline.name);
      const { code, err } = await rig.run(kubectl, offline, [...EXEC, '--', 'true'], { env, home });
      assert.equal(code, 1);
      assert.match(err, /agent "never" is not connected/);
      assert.doesNotMatch(err, /not ?found|forbidden/i);
    });
  }

  for (const variant of fewKubectls(KUBECTLS).flatMap(variantsOf)) {
    const { kubectl, env, title } = variant;

    test(`an upgrade that is refused says why as directly with ${title}`, async () => {
      const commands = [
        ['exec', '-n', 'demo', 'no-such-pod', '--', 'true'],
        [...EXEC, '-c', 'no-such-container', '--', 'true'],
        ['exec', '-n', 'refused-403', 'any', '--', 'true'],
        ['exec', '-n', 'refused-500', 'any', '--', 'true'],
      ];
      for (const command of commands) await rig.runSame(kubectl, ways, command, { code: 1, env });
    });

    test(`attach shows output and takes input with ${title}`, async () => {
      const args = ['attach', '-i', '-n', 'demo', 'ticker', '-c', 'ticker'];
      const attached = rig.follow(kubectl, tunnel, args, { env });
      await attached.untilLines(1); // a tick
      attached.write('said by the caller\n');
      await waitFor('what was said', () => attached.text.includes('said by the caller\n'));
      attached.kill('SIGINT');
      await attached.finished;
    });

    test(`eight execs at once do not mix with ${title}`, async () => {
      const numbers = Array.from({ length: 8 }, (_, index) => index);
      await Promise.all(
        numbers.map(async (number) => {
          const script = `echo ${number}; exit ${number}`;
          const command = [...EXEC, '--', 'sh', '-c', script];
          const { code, out } = await rig.run(kubectl, tunnel, command, { env });
          assert.deepEqual([code, out], [number, `${number}\n`]);
        }),
      );
    });

    test(`the process ends when its caller leaves with ${title}`, async () => {
      const sleeper = rig.follow(
        kubectl,
        tunnel,
        [...EXEC, '--', 'sh', '-c', 'echo on; exec sleep 600'],
        {
          env,
        },
      );
      await sleeper.untilLines(1);
      sleeper.kill('SIGKILL');
      await sleeper.finished;
    });
  }

  test('nothing stays open at the cluster when kubectl is gone', async () => {
    await waitFor('no upgrade is open', () => cluster.api.open().upgrades === 0);
  });

  /** How the upgrades of a command were asked for. */
  function upgradesOf(command: string): string[] {
    return cluster.api.requests
      .all()
      .filter(({ rawTarget }) =>
        new URL(rawTarget, 'http://any').searchParams.getAll('command').join(' ').includes(command),
      )
      .map(({ headers }) => {
        const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'upgrade');
        return headers[at + 1] ?? '';
      });
  }
});

function podIn(namespace: string) {
  const spec = { containers: [{ name: 'main', image: 'any:1' }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'any', namespace }, spec };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
