/**
 * What kubectl changes through the tunnel it changes as directly, and says the same: one script of
 * clouddriver's own command lines and some more, in two namespaces of one cluster at once, one of them
 * reached through the tunnel. Every kubectl of this machine.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, fewKubectls, versionsText } from '../harness/kubectl-run.js';
import type { KubectlResult } from '../harness/kubectl-run.js';
import { directWay, KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';
import { waitFor } from '../harness/wait-for.js';

const KUBECTLS = everyKubectl();
/** The cluster's clock stands still, so that no timestamp differs. */
const NOW = new Date('2024-05-06T07:08:09Z');

/** One command; words are separated by spaces. The exit code is 0 unless given. */
interface Step {
  readonly args: string;
  /** A manifest for standard input, as JSON. */
  readonly input?: object;
  readonly code?: number;
}

const DEPLOYMENT = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'app', labels: { app: 'app' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'app' } },
    template: {
      metadata: { labels: { app: 'app' } },
      spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 80 }] }] },
    },
  },
});
const SETTINGS = (name: string, data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { app: 'app' } },
  data,
});
const GENERATED = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { generateName: 'run-', labels: { app: 'app' } },
};

/** Every version runs these, one after the other. */
const STEPS: readonly Step[] = [
  { args: '-o json apply -f -', input: DEPLOYMENT('app:1') },
  { args: 'rollout status deployment/app' },
  { args: 'apply -f -', input: DEPLOYMENT('app:1') },
  { args: '-o json apply -f -', input: DEPLOYMENT('app:2') },
  { args: 'scale deployment/app --replicas=3' },
  { args: 'rollout history deployment/app' },
  { args: 'rollout undo deployment/app --to-revision=1' },
  { args: 'rollout pause deployment/app' },
  { args: 'rollout resume deployment/app' },
  { args: 'rollout restart deployment/app' },
  { args: 'rollout status deployment/app' },
  {
    args: 'apply --server-side=true -o json -f -',
    input: SETTINGS('settings', { a: '1', b: '1' }),
  },
  {
    args: 'apply --server-side=true --field-manager=other -o json -f -',
    input: SETTINGS('settings', { a: '2' }),
    code: 1,
  },
  {
    args: 'apply --server-side=true --force-conflicts=true --field-manager=other -o json -f -',
    input: SETTINGS('settings', { a: '2' }),
  },
  { args: 'create -o json -f -', input: GENERATED },
  { args: 'create -f -', input: SETTINGS('settings', {}), code: 1 },
  { args: 'replace -o json -f -', input: SETTINGS('settings', { c: '3' }) },
  { args: 'replace -o json -f -', input: SETTINGS('absent', {}), code: 1 },
  { args: 'patch configmap settings --type merge --patch {"data":{"c":null,"d":"4"}} -o json' },
  { args: 'patch configmap settings --type merge --patch {"data":{"d":"4"}}' },
  {
    args: 'patch deployment app --type strategic --patch {"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"A","value":"1"}]}]}}}}',
  },
  {
    args: 'patch configmap settings --record --type json --patch [{"op":"add","path":"/data/e","value":"5"}] -o json',
  },
  {
    args: 'patch configmap settings --type json --patch [{"op":"test","path":"/data/e","value":"6"}]',
    code: 1,
  },
  { args: 'get configmap settings -o yaml' },
  { args: 'delete configmap/settings --ignore-not-found=true --wait=false' },
  { args: 'delete configmap/settings --ignore-not-found=true' },
  { args: 'delete configmap/settings', code: 1 },
  { args: 'delete deployment -l=app=app --ignore-not-found=true --cascade=foreground', code: 0 },
  { args: 'get all,configmaps -l app=app -o name' },
];
/** These hardly vary with the version. */
const MORE_STEPS: readonly Step[] = [
  { args: 'create configmap more --from-literal=a=1' },
  { args: 'create configmap more --from-literal=a=1', code: 1 },
  { args: 'label configmap more tier=back' },
  { args: 'annotate configmap more note=text' },
  { args: 'apply --dry-run=server -o yaml -f -', input: SETTINGS('dry', { a: '1' }) },
  { args: 'get configmap dry', code: 1 },
  { args: 'apply -f -', input: { ...DEPLOYMENT('x'), spec: { replicas: 1 } }, code: 1 },
  { args: 'apply -f -', input: SETTINGS('diffed', { a: '1' }) },
  { args: 'diff -f -', input: SETTINGS('diffed', { a: '1' }) },
  { args: 'diff -f -', input: SETTINGS('diffed', { a: '2' }), code: 1 },
  { args: 'create deployment quick --image=quick:1 --replicas=1' },
  { args: 'wait deployment/quick --for=condition=Available --timeout=30s' },
  { args: 'set image deployment/quick quick=quick:2' },
  { args: 'expose deployment quick --port=80' },
  { args: 'autoscale deployment quick --min=1 --max=3' },
  { args: 'delete deployment/quick --grace-period=0 --cascade=orphan' },
  { args: 'get replicasets -l app=quick -o name' },
  { args: 'delete replicasets,services,hpa --all' },
];

describe('what kubectl changes', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  let direct: Way;
  let tunnel: Way;

  before(async () => {
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ now: () => NOW });
    await rig.startAgent({ clusters: { account: cluster } });
    direct = directWay(cluster);
    tunnel = await rig.tunnel('prod', 'account');
  });
  after(async () => rig.stop());

  test(`${versionsText(KUBECTLS)} are the versions found`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const kubectl of KUBECTLS) {
    test(`is the same as directly with kubectl ${kubectl.version}`, async () => {
      const ways = namespaces(`every${kubectl.version.replace('.', '')}`);
      for (const step of STEPS) await take(kubectl, ways, step);
    });
  }

  for (const kubectl of fewKubectls(KUBECTLS, 2)) {
    test(`is the same with less common commands with kubectl ${kubectl.version}`, async () => {
      const ways = namespaces(`few${kubectl.version.replace('.', '')}`);
      for (const step of MORE_STEPS) await take(kubectl, ways, step);
    });
  }

  test('reaches the cluster once per command', () => {
    const creations = cluster.api.requests
      .all()
      .filter(({ method, rawTarget }) => method === 'POST' && rawTarget.includes('/configmaps'))
      .map(({ rawTarget }) => /namespaces\/([^/]+)-(direct|tunnel)\//.exec(rawTarget));
    const count = (way: string) => creations.filter((match) => match?.[2] === way).length;
    assert.ok(count('tunnel') > KUBECTLS.length, 'there were some');
    assert.equal(count('tunnel'), count('direct'));
  });

  /** The two ways, each with a new namespace. */
  function namespaces(name: string): readonly [Way, Way] {
    const pair = [
      { ...direct, namespace: `${name}-direct` },
      { ...tunnel, namespace: `${name}-tunnel` },
    ] as const;
    for (const { namespace } of pair) {
      cluster.api.objects.create({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace },
      });
    }
    return pair;
  }

  async function take(
    kubectl: Kubectl,
    ways: readonly [Way, Way],
    { args, input, code = 0 }: Step,
  ): Promise<KubectlResult> {
    await waitFor('deployments are settled', () =>
      ways.every(({ namespace }) => settled(namespace)),
    );
    return rig.runSame(kubectl, ways, args.split(' '), {
      code,
      normalize: (text) => normalized(text, ways),
      ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    });
  }

  /** Whether the controllers have nothing left to write into the status of a deployment. */
  function settled(namespace: string | undefined): boolean {
    return cluster.api.objects
      .list('apps/v1', 'Deployment', namespace)
      .every(({ metadata, spec, status }) => {
        const { replicas, paused } = spec as { replicas: number; paused?: boolean }; // as the API defines them
        const now = (status ?? {}) as Readonly<Record<string, number>>;
        if (now['observedGeneration'] !== metadata.generation) return false;
        return (
          paused === true ||
          [now['replicas'], now['updatedReplicas'], now['availableReplicas']].every(
            (count) => count === replicas,
          )
        );
      });
  }
});

/** Without what is another one for each object or namespace, and kubectl's own clock. */
function normalized(text: string, ways: readonly Way[]): string {
  return ways
    .reduce((rest, { namespace = '' }) => rest.replaceAll(namespace, 'NAMESPACE'), text)
    .replace(/("?uid"?: "?)[0-9a-f-]{36}/g, '$1UID')
    .replace(/("?resourceVersion"?: "?)\d+/g, '$1VERSION')
    .replace(/\brun-[a-z0-9]{5}\b/g, 'run-SUFFIX')
    .replace(/(restartedAt"?: "?)[^"\n]+/g, '$1TIME')
    .replace(/\/(LIVE|MERGED)-\d+\//g, '/$1/')
    .replace(/^([-+]{3} \S+)\t.*/gm, '$1'); // the time of diff's temporary files
}
