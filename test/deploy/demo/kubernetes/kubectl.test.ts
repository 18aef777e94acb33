/** Drives the demo API with every real kubectl of the machine: what people and clouddriver run. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesApi } from '../../../../deploy/demo/kubernetes/kubernetes-api.js';
import { startKubernetesApi } from '../../../../deploy/demo/kubernetes/kubernetes-api.js';
import type { Kubectl, KubectlResult } from '../../../harness/kubectl.js';
import { findKubectls, KubectlHome, kubeconfigText, minorOf } from '../../../harness/kubectl.js';
import type { DemoCertificates } from '../demo-certificates.js';
import { createDemoCertificates } from '../demo-certificates.js';

const kubectls = findKubectls();

function deployment(image: string): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'app' } },
      template: {
        metadata: { labels: { app: 'app' } },
        spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 80 }] }] },
      },
    },
  });
}

/** Runs commands in one namespace of one server. */
class Script {
  constructor(
    readonly home: KubectlHome,
    readonly namespace: string,
  ) {}

  async run(line: string, input?: string): Promise<KubectlResult> {
    const args = line.split(' ').map((word) => word.replaceAll('~', ' '));
    return this.home.run(['-n', this.namespace, ...args], input === undefined ? {} : { input });
  }

  /** Runs and expects success; returns stdout. */
  async ok(line: string, input?: string): Promise<string> {
    const result = await this.run(line, input);
    assert.equal(result.code, 0, `kubectl ${line}: ${result.stderr}`);
    return result.stdout;
  }

  /** Runs and expects failure; returns stderr. */
  async fails(line: string, input?: string): Promise<string> {
    const result = await this.run(line, input);
    assert.notEqual(result.code, 0, `kubectl ${line} succeeded: ${result.stdout}`);
    return result.stderr;
  }
}

async function rolloutCommands(script: Script): Promise<void> {
  await script.ok('apply -o json -f -', deployment('nginx:1'));
  await script.ok('rollout status deploy/app --timeout=20s');
  await script.ok('apply -f -', deployment('nginx:2'));
  await script.ok('rollout status deploy/app --timeout=20s');
  assert.match(await script.ok('rollout history deploy/app'), /1 +<none>\n2 +<none>/);
  await script.ok('rollout undo deploy/app --to-revision=1');
  assert.equal(
    await script.ok('get deploy app -o jsonpath={.spec.template.spec.containers[0].image}'),
    'nginx:1',
  );
  await script.ok('rollout pause deploy/app');
  await script.ok('rollout resume deploy/app');
  await script.ok('rollout restart deploy/app');
  await script.ok('scale deploy/app --replicas=1');
  await script.ok('wait --for=condition=Available deploy/app --timeout=20s');
}

async function patchCommands(script: Script): Promise<void> {
  const strategic =
    '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:1"}]}}}}';
  await script.ok(`patch deploy app --type strategic --patch ${strategic}`);
  await script.ok('patch deploy app --type merge --patch {"metadata":{"labels":{"merged":"yes"}}}');
  await script.ok(
    'patch deploy app --type json --patch [{"op":"add","path":"/metadata/labels/json","value":"yes"}]',
  );
  const shown = await script.ok(
    'get deploy app -o jsonpath={.spec.template.spec.containers[*].name}|{.metadata.labels}',
  );
  assert.match(shown, /^(side main|main side)\|/);
  assert.match(shown, /"merged":"yes"/);
  assert.match(shown, /"json":"yes"/);
}

async function applyCommands(script: Script): Promise<void> {
  const unknownField = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'bad' },
    nonsense: 1,
  });
  assert.match(await script.fails('apply -f -', unknownField), /unknown field "nonsense"/);
  await script.ok('apply --server-side=true --force-conflicts -f -', deployment('nginx:3'));
  const conflict = await script.fails(
    'apply --server-side=true --field-manager=other -f -',
    deployment('nginx:4'),
  );
  assert.match(
    conflict,
    /conflict with "kubectl".*: \.spec\.template\.spec\.containers\[name="main"\]\.image/,
  );
}

async function objectCommands(script: Script): Promise<void> {
  const generated = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { generateName: 'gen-' },
    data: { a: 'b' },
  });
  assert.match(await script.ok('create -o name -f -', generated), /^configmap\/gen-\w{5}\n$/);
  const stale = await script.ok('create configmap c1 --from-literal=a=b -o json');
  await script.ok('replace -o json -f -', stale.replace('"b"', '"c"'));
  assert.match(await script.fails('replace -f -', stale.replace('"b"', '"d"')), /\(Conflict\)/);
  assert.match(
    await script.fails('get pod nope'),
    /Error from server \(NotFound\): pods "nope" not found/,
  );
  await script.ok('create job j1 --image=busybox -- true');
  await script.ok('wait --for=condition=complete job/j1 --timeout=20s');
  assert.match(await script.ok('logs job/j1'), /started/);
  assert.match(await script.ok('auth can-i create pods'), /yes/);
}

async function readCommands(script: Script): Promise<void> {
  assert.match(await script.ok('get pods -n demo'), /^NAME +READY +STATUS +RESTARTS +AGE\n/);
  const paged = await script.ok('get pods,services -n demo --chunk-size=2 -o name');
  assert.equal(paged.trim().split('\n').length, 10);
  assert.match(
    await script.ok(
      'get pods -n demo -l app~in~(web),!gone --field-selector status.phase=Running -o name',
    ),
    /^(pod\/web-\S+\n){3}$/,
  );
  assert.match(await script.ok('top pod -n demo --containers'), /ticker +ticker/);
  assert.match(await script.ok('explain deploy.spec.replicas'), /Number of desired pods/);
  assert.match(await script.ok('describe deploy web -n demo'), /3 desired \| 3 updated/);
  assert.match(await script.ok('logs ticker -c=ticker -n demo'), /ticker started/);
}

async function deleteCommands(script: Script): Promise<void> {
  await script.ok('delete deploy/app --ignore-not-found=true --cascade=foreground');
  assert.equal(await script.ok('get deploy,rs,pods -l app=app -o name'), '');
  await script.ok('delete deploy/app --ignore-not-found=true');
}

async function broadScript(kubectl: Kubectl, api: KubernetesApi, certificates: DemoCertificates) {
  const kubeconfig = kubeconfigText({ server: api.url, ca: certificates.ca.cert, token: 'demo' });
  const home = new KubectlHome(kubectl, kubeconfig);
  try {
    const script = new Script(home, `t-${kubectl.version.replace('.', '-')}`);
    await script.ok(`create namespace ${script.namespace}`);
    await rolloutCommands(script);
    await patchCommands(script);
    await applyCommands(script);
    await objectCommands(script);
    await readCommands(script);
    await deleteCommands(script);
    await script.ok(`delete namespace ${script.namespace}`);
  } finally {
    home.close();
  }
}

describe('demo Kubernetes API under real kubectl', { concurrency: 2, timeout: 240_000 }, () => {
  let api: KubernetesApi;
  let certificates: DemoCertificates;

  before(async () => {
    certificates = createDemoCertificates();
    api = await startKubernetesApi({
      tls: certificates.server,
      tokens: [{ token: 'demo', user: 'alice' }],
      version: '1.31',
      timings: { podStartMs: 20, podStopMs: 10, jobRunMs: 10, reconcileMs: 2 },
    });
  });
  after(() => api.close());

  it('finds at least one kubectl', () => {
    assert.ok(kubectls.length > 0, 'no kubectl on PATH or in FAIRLEAD_KUBECTL_DIR');
  });

  for (const kubectl of kubectls) {
    it(`serves the whole set of commands to kubectl ${kubectl.version}`, () =>
      broadScript(kubectl, api, certificates));
  }
});

describe('two demo clusters of different versions', () => {
  const newest = kubectls.at(-1);

  it('serve their own discovery to one kubectl with one home', async () => {
    assert.ok(newest);
    const old = await startKubernetesApi({ version: '1.20', seed: false });
    const recent = await startKubernetesApi({ version: '1.33', seed: false });
    try {
      for (const [api, expected, other] of [
        [old, 'policy/v1beta1', 'policy/v1'],
        [recent, 'policy/v1', 'policy/v1beta1'],
      ] as const) {
        const home = new KubectlHome(newest, kubeconfigText({ server: api.url }));
        const versions = (await home.run(['api-versions'])).stdout.split('\n');
        home.close();
        assert.ok(versions.includes(expected));
        assert.ok(!versions.includes(other));
      }
      const isAggregated = (api: KubernetesApi) =>
        api.requests.all().filter((request) => request.rawTarget.startsWith('/apis/')).length === 0;
      assert.equal(minorOf(newest) >= 27, isAggregated(recent));
      assert.equal(isAggregated(old), false);
    } finally {
      await Promise.all([old.close(), recent.close()]);
    }
  });
});
