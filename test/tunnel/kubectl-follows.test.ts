/**
 * What kubectl follows through the tunnel arrives while it happens: watches, followed logs, and the
 * commands that wait by watching. Ends on either side reach the other one. Every kubectl of this machine.
 * Delays are reported, not judged: they depend on the machine.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, fewKubectls, versionsText } from '../harness/kubectl-run.js';
import type { RunningKubectl } from '../harness/kubectl-run.js';
import { directWay, KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';
import { waitFor } from '../harness/wait-for.js';

const KUBECTLS = everyKubectl();
const NOW = new Date('2024-05-06T07:08:09Z');
const EVENTS = 8;
const LOG_LINES = 15;

describe('what kubectl follows', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  let ways: readonly [Way, Way];
  let tunnel: Way;

  before(async () => {
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ now: () => NOW });
    await rig.startAgent({ clusters: { account: cluster } });
    tunnel = await rig.tunnel('prod', 'account');
    ways = [directWay(cluster), tunnel];
  });
  after(async () => rig.stop());

  test(`is tried with ${versionsText(KUBECTLS)}`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const kubectl of KUBECTLS) {
    test(`get --watch shows each event as it happens, in order, with kubectl ${kubectl.version}`, async (t) => {
      const namespace = newNamespace(kubectl, 'watch');
      const args = ['get', 'configmaps', '-n', namespace, '--watch', '--output-watch-events'];
      addSettings(namespace, 'first', '0');
      const watches = follow(kubectl, args);
      await reached(watches, 2); // heading and what is there
      const delays = await delaysOf(EVENTS, watches, 2, (index) =>
        changeSettings(namespace, 'first', String(index)),
      );
      const [direct = [], tunnelled] = await interrupted(watches);
      assert.deepEqual(tunnelled, direct);
      report(t, 'event', delays);
    });

    test(`logs --follow shows each line as it is written with kubectl ${kubectl.version}`, async (t) => {
      const pod = newPod(newNamespace(kubectl, 'logs'));
      const logs = follow(kubectl, ['logs', 'talker', '-n', pod.namespace, '-c=main', '--follow']);
      await waitFor('the logs are open', () => following(kubectl, pod.namespace) === 2);
      const delays = await delaysOf(LOG_LINES, logs, await linesNow(logs), (index) =>
        cluster.api.appendLog(pod.namespace, 'talker', 'main', `line ${index}`),
      );
      cluster.api.objects.delete(pod);
      const results = await Promise.all(logs.map(async ({ finished }) => finished));
      assert.deepEqual(
        results.map(({ code }) => code),
        [0, 0],
      ); // the end of the log is the end
      assert.equal(results[1]?.out, results[0]?.out);
      assert.match(results[1]?.out ?? '', new RegExp(`line ${LOG_LINES - 1}\n`));
      report(t, 'line', delays);
    });

    test(`delete waits by watching until the object is gone with kubectl ${kubectl.version}`, async () => {
      const namespace = newNamespace(kubectl, 'delete');
      addSettings(namespace, 'held', '0', ['example.com/hold']);
      const args = ['delete', 'configmap/held', '-n', namespace, '--ignore-not-found=true'];
      const deletion = rig.follow(kubectl, tunnel, args);
      deletion.closeInput();
      await waitFor('kubectl watches', () => isWatched(namespace, 'configmaps'));
      let hasEnded = false;
      void deletion.finished.then(() => (hasEnded = true));
      cluster.api.objects.update(reference(namespace, 'held'), (held) => {
        held['data'] = { note: 'still here' };
      });
      assert.equal(hasEnded, false);
      const release = ['patch', 'configmap', 'held', '-n', namespace, '--type=json', '-p'];
      await rig.run(kubectl, ways[0], [
        ...release,
        '[{"op":"remove","path":"/metadata/finalizers"}]',
      ]);
      const { code, out, err } = await deletion.finished;
      assert.equal(code, 0, err);
      assert.match(out, /configmap "held" deleted/);
    });
  }

  for (const kubectl of fewKubectls(KUBECTLS)) {
    test(`rollout status and wait end when it is done with kubectl ${kubectl.version}`, async () => {
      const namespace = newNamespace(kubectl, 'rollout');
      const create = ['create', 'deployment', 'app', '--image=app:1', '-n', namespace];
      assert.equal((await rig.run(kubectl, tunnel, create)).code, 0);
      const [rollout, wait] = await Promise.all([
        rig.run(kubectl, tunnel, ['rollout', 'status', 'deployment/app', '-n', namespace]),
        rig.run(kubectl, tunnel, [
          ...['wait', 'deployment/app', '-n', namespace],
          ...['--for=condition=Available', '--timeout=30s'],
        ]),
      ]);
      assert.match(rollout.out, /successfully rolled out/);
      assert.equal(rollout.code, 0, rollout.err);
      assert.equal(wait.code, 0, wait.err);
    });

    test(`a watch that the cluster ends, ends as directly with kubectl ${kubectl.version}`, async () => {
      const path = '/api/v1/namespaces/demo/configmaps?watch=true&timeoutSeconds=1';
      const { out } = await rig.runSame(kubectl, ways, ['get', '--raw', path], { code: 0 });
      assert.match(out, /"type":"ADDED"/);
    });

    test(`a watch that breaks at the cluster does not look ended in order with kubectl ${kubectl.version}`, async () => {
      const doomed = await rig.startCluster();
      const name = `doomed-${kubectl.version.replace('.', '')}`;
      await rig.startAgent({ name, clusters: { account: doomed } });
      const way = await rig.tunnel(name, 'account');
      const path = '/api/v1/namespaces/demo/configmaps?watch=true';
      const watch = rig.follow(kubectl, way, ['get', '--raw', path]);
      await watch.untilLines(1);
      await doomed.api.close();
      const { code, err } = await watch.finished;
      assert.equal(code, 1);
      assert.match(err, /stream error|unexpected EOF|INTERNAL_ERROR/);
    });
  }

  test('nothing stays open at the cluster when kubectl is gone', async () => {
    await waitFor('no watch and no log is open', () => {
      const { watches, logFollows } = cluster.api.open();
      return watches === 0 && logFollows === 0;
    });
  });

  function newNamespace(kubectl: Kubectl, what: string): string {
    const name = `${what}-${kubectl.version.replace('.', '')}`;
    cluster.api.objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  }

  function addSettings(namespace: string, name: string, text: string, finalizers: string[] = []) {
    const metadata = { name, namespace, finalizers };
    cluster.api.objects.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text } });
  }

  function changeSettings(namespace: string, name: string, text: string): void {
    cluster.api.objects.update(reference(namespace, name), (settings) => {
      settings['data'] = { text, [`key-${text}`]: '' };
    });
  }

  function newPod(namespace: string) {
    const metadata = { name: 'talker', namespace };
    const spec = { containers: [{ name: 'main', image: 'talker:1' }] };
    cluster.api.objects.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    return { apiVersion: 'v1', kind: 'Pod', ...metadata };
  }

  /** The same command over both ways. */
  function follow(kubectl: Kubectl, args: readonly string[]): RunningKubectl[] {
    return ways.map((way) => {
      const running = rig.follow(kubectl, way, args);
      running.closeInput();
      return running;
    });
  }

  /** Requests for a followed log that have arrived. */
  function following(kubectl: Kubectl, namespace: string): number {
    return cluster.api.requests
      .all()
      .filter(({ rawTarget }) => rawTarget.includes(`/${namespace}/pods/talker/log?`)).length;
  }

  function isWatched(namespace: string, resource: string): boolean {
    return cluster.api.requests
      .all()
      .some(
        ({ rawTarget }) =>
          rawTarget.includes(`/namespaces/${namespace}/${resource}?`) &&
          rawTarget.includes('watch=true'),
      );
  }
});

function reference(namespace: string, name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name };
}

async function reached(followers: readonly RunningKubectl[], count: number): Promise<void> {
  await Promise.all(followers.map(async (follower) => follower.untilLines(count)));
}

/** How many lines all have, once all have the same. */
async function linesNow(followers: readonly RunningKubectl[]): Promise<number> {
  return waitFor('all have the same lines', () => {
    const counts = new Set(followers.map(({ lines }) => lines.length));
    const [count] = counts;
    return counts.size === 1 && count !== undefined && count > 0 ? count : false;
  });
}

/**
 * Writes one thing after the other, each only when the one before has been shown by all, which proves
 * that nothing is held back. Returns the delays of the last follower, ms.
 */
async function delaysOf(
  count: number,
  followers: readonly RunningKubectl[],
  linesBefore: number,
  write: (index: number) => void,
): Promise<number[]> {
  const delays: number[] = [];
  for (let index = 0; index < count; index++) {
    const writtenMs = performance.now();
    write(index);
    await reached(followers, linesBefore + index + 1);
    const shown = followers.at(-1)?.lines[linesBefore + index];
    assert.ok(shown !== undefined);
    delays.push(shown.atMs - writtenMs);
  }
  return delays;
}

/** Interrupts all as Ctrl-C does; their lines. */
async function interrupted(followers: readonly RunningKubectl[]): Promise<string[][]> {
  return Promise.all(
    followers.map(async (follower) => {
      follower.kill('SIGINT');
      await follower.finished;
      return follower.lines.map(({ text }) => text);
    }),
  );
}

function report(t: TestContext, what: string, delays: readonly number[]): void {
  const sorted = [...delays].sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const max = sorted.at(-1) ?? 0;
  t.diagnostic(`${what} shown after ${median.toFixed(1)} ms (median), ${max.toFixed(1)} ms (most)`);
}
