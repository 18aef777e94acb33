/**
 * What kubectl reads through the tunnel is, byte for byte, what it reads directly: every kubectl of this
 * machine, through the generated kubeconfig, clouddriver's own command lines among them.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { everyKubectl, fewKubectls, versionsText } from '../harness/kubectl-run.js';
import { directWay, KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';

const KUBECTLS = everyKubectl();
/** The cluster's clock stands still at noon, long ago: no age changes from one run to the next. */
const NOW = new Date(Math.floor(Date.now() / 86_400_000 - 400.5) * 86_400_000 + 43_200_000);
const BULK = 1200;
/** The ten kinds that clouddriver caches by default. */
const CACHED_KINDS =
  'deployment.apps,replicaSet.apps,daemonSet.apps,statefulSet.apps,job.batch,cronJob.batch,pod,ingress,service,networkPolicy';

/** Every version runs these; words are separated by spaces. */
const READS = [
  `-o json get ${CACHED_KINDS} --namespace=demo`,
  'get deployments,pods,services,configmaps,secrets,events -n demo',
  'get pods -A -o wide',
  'get pods,deployments -n demo -o yaml',
  'describe deployment web -n demo',
  'api-resources',
  'explain deployment.spec.strategy',
  'auth can-i list pods',
  'logs db-0 -n demo -c=db',
  'logs job/migrate -n demo -c=migrate',
  'top po --containers -n demo',
];
/** These hardly vary with the version. */
const MORE_READS = [
  'get nodes -o wide',
  'get ns -o name',
  'get deployment web -n demo -o jsonpath={.spec.replicas}',
  'get pods -n demo -l app=web -o custom-columns=NAME:.metadata.name,UID:.metadata.uid',
  'get pods -n demo --field-selector=status.phase=Running --sort-by=.metadata.name',
  'get configmap web-settings -n demo -o json',
  '-o json get event -n demo --field-selector involvedObject.name=web,involvedObject.kind=Deployment',
  '-o json get customresourcedefinition',
  'get hpa,pdb,sc,resourcequota -A',
  'describe node node-1',
  'describe pod ticker -n demo',
  'describe service web -n demo',
  'api-versions',
  'explain pod --recursive',
  'auth can-i --list',
  'top nodes',
  'top po ticker --containers -n demo',
  'logs db-0 -n demo --tail=1 --timestamps',
  'rollout status deployment/web -n demo',
  'rollout history deployment/web -n demo',
  'rollout history deployment/web -n demo --revision=1',
  'version -o json',
  'get --raw /openapi/v2',
  'get --raw /apis/apps/v1/namespaces/demo/deployments?limit=1&labelSelector=app%3Dweb',
];
/** These end with exit code 1 and a text from the cluster. */
const REFUSED_READS = [
  'get pod no-such-pod -n demo',
  'get nosuchkind',
  'logs no-such-pod -n demo',
  'top po no-such-pod -n demo',
  'get --raw /no/such/path',
];

describe('what kubectl reads', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  let ways: readonly [Way, Way];

  before(async () => {
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ now: () => NOW });
    for (let i = 0; i < BULK; i++) addSettings(cluster, i);
    cluster.api.appendLog(
      'demo',
      'db-0',
      'db',
      'a line — with "quotes"\tand a tab\n\nand an empty line',
    );
    await rig.startAgent({ clusters: { account: cluster } });
    ways = [directWay(cluster), await rig.tunnel('prod', 'account')];
  });
  after(async () => rig.stop());

  test(`${versionsText(KUBECTLS)} are the versions found`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const kubectl of KUBECTLS) {
    test(`is the same as directly with kubectl ${kubectl.version}`, async () => {
      for (const read of READS) {
        const { out } = await rig.runSame(kubectl, ways, read.split(' '), { code: 0 });
        assert.ok(out.length > 0, `${read} prints something`);
      }
    });

    test(`is complete over many pages with kubectl ${kubectl.version}`, async () => {
      const list = ['get', 'configmaps', '-n', 'bulk', '-o', 'name'];
      const { out } = await rig.runSame(kubectl, ways, list, { code: 0 });
      assert.equal(out.trim().split('\n').length, BULK);
      const small = await rig.run(kubectl, ways[1], [...list, '--chunk-size=250']);
      assert.equal(small.out, out);
      const pages = cluster.api.requests
        .all()
        .filter(({ rawTarget }) => /bulk\/configmaps\?continue=.*limit=250/.test(rawTarget));
      assert.ok(pages.length >= 4, `${pages.length} further pages of 250`);
    });
  }

  for (const kubectl of fewKubectls(KUBECTLS, 2)) {
    test(`is the same in less common forms with kubectl ${kubectl.version}`, async () => {
      for (const read of MORE_READS) {
        await rig.runSame(kubectl, ways, read.split(' '), { code: 0 });
      }
      for (const read of REFUSED_READS) {
        const { err } = await rig.runSame(kubectl, ways, read.split(' '), { code: 1 });
        assert.ok(err.length > 0, `${read} says why`);
      }
    });

    test(`is the same with clouddriver's flags before the verb with kubectl ${kubectl.version}`, async () => {
      for (const debug of [[], ['-v', '9']]) {
        const outs = await Promise.all(
          ways.map(async (way) => {
            const prefix = [
              ...['--request-timeout=30', ...debug, `--kubeconfig=${way.kubeconfig}`],
              ...[`--context=${await contextOf(way)}`, '--namespace=demo'],
            ];
            const list = [...prefix, '-o', 'json', 'get', CACHED_KINDS, '-l=app=web'];
            const { code, out } = await rig.run(kubectl, way, list);
            assert.equal(code, 0);
            return out;
          }),
        );
        assert.equal(outs[1], outs[0]);
        assert.match(outs[0] ?? '', /"kind": "Deployment"/);
      }
    });
  }

  async function contextOf(way: Way): Promise<string> {
    const [kubectl] = KUBECTLS;
    assert.ok(kubectl);
    const { out } = await rig.run(kubectl, way, ['config', 'current-context']);
    return out.trim();
  }
});

function addSettings(cluster: RigCluster, index: number): void {
  const { objects } = cluster.api;
  if (index === 0) {
    objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bulk' } });
  }
  objects.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `settings-${String(index).padStart(4, '0')}`, namespace: 'bulk' },
    data: { text: 'x'.repeat(300) },
  });
}
