/**
 * Clusters behind one controller stay apart: kubectl's caches, the routes of credentials, and the
 * identities that callers claim. And what shares a name shares the work.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { writeTargetKubeconfig } from '../../deploy/demo/demo-files.js';
import type { RecordedRequest } from '../../deploy/demo/kubernetes/api-options.js';
import { requestWith } from '../harness/kubeconfig-request.js';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, fewKubectls } from '../harness/kubectl-run.js';
import { CLUSTER_TOKEN, KubernetesRig, kubernetesService } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';

const KUBECTLS = fewKubectls(everyKubectl());
const CONFIGMAPS = '/api/v1/namespaces/demo/configmaps';

describe('clusters behind one controller', { timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  /** Of different versions: `old` has policy/v1beta1 only, `recent` policy/v1. */
  let clusters: Readonly<Record<'old' | 'recent', RigCluster>>;
  let old: Way;
  let recent: Way;

  before(async () => {
    rig = await KubernetesRig.start();
    clusters = {
      old: await rig.startCluster({ version: '1.20' }),
      recent: await rig.startCluster({ version: '1.31' }),
    };
    await rig.startAgent({ clusters });
    old = await rig.tunnel('prod', 'old');
    recent = await rig.tunnel('prod', 'recent');
  });
  after(async () => rig.stop());
  beforeEach(() => {
    for (const { api } of Object.values(clusters)) api.requests.clear();
  });

  for (const kubectl of KUBECTLS) {
    test(`do not mix up their versions in the caches of kubectl ${kubectl.version}`, async () => {
      const home = rig.home(kubectl, 'shared');
      for (const way of [recent, old, recent, old]) {
        const list = ['get', 'poddisruptionbudgets', '-n', 'demo', '-o', 'name'];
        const { code, out, err } = await rig.run(kubectl, way, list, { home });
        assert.equal(code, 0, err);
        assert.match(out, /poddisruptionbudget\.policy\/web/);
      }
      assert.equal(countOf(clusters.recent, '/apis/policy/v1/namespaces/demo/'), 2);
      assert.equal(countOf(clusters.old, '/apis/policy/v1beta1/namespaces/demo/'), 2);
    });

    test(`are not reached with the credential of another one by kubectl ${kubectl.version}`, async () => {
      const crossed = crossedKubeconfig();
      // (get --raw leaves the path of the server out, so the credential alone decides)
      for (const home of [rig.home(kubectl, 'shared'), rig.home(kubectl, 'fresh')]) {
        for (const args of [
          ['get', 'pods'],
          ['create', 'configmap', 'any'],
        ]) {
          const { code, err, out } = await rig.run(kubectl, crossed, args, { home });
          assert.equal(code, 1);
          assert.match(
            err,
            /the path is that of prod\/kubernetes\/old, the credential stands for prod\/kubernetes\/recent/,
          );
          assert.doesNotMatch(err + out, /not ?found|forbidden/i);
        }
      }
      assert.deepEqual(clusters.old.api.requests.all(), []);
    });

    test(`see the agent, whomever kubectl ${kubectl.version} claims to be`, async () => {
      const { api } = clusters.recent;
      const claims = [
        ['--as=system:admin', '--as-group=system:masters'],
        ['--token=of-somebody-else'],
      ];
      for (const claim of claims) {
        const list = ['get', 'configmaps', '-n', 'demo', ...claim];
        const { code, err } = await rig.run(kubectl, recent, list);
        assert.equal(code, 0, err);
        const creation = ['create', 'configmap', `by-${nameOf(kubectl)}`, '--dry-run=server'];
        await rig.run(kubectl, recent, [...creation, ...claim]);
      }
      assert.ok(api.requests.all().length >= 4);
      for (const request of api.requests.all()) assertFromAgent(request);
    });
  }

  test('are not reached past the route of the credential by any spelling of the path', async () => {
    const base = '/agents/prod/kubernetes';
    const paths = [
      `${base}/old${CONFIGMAPS}`,
      `${base}/recent/../old${CONFIGMAPS}`,
      `${base}/recent/%2e%2e/old${CONFIGMAPS}`,
      `${base}/recent/..%2fold${CONFIGMAPS}`,
      `//agents/prod/kubernetes/old${CONFIGMAPS}`,
      `${base}/%6fld${CONFIGMAPS}`,
      `${base}//old${CONFIGMAPS}`,
      `/AGENTS/prod/kubernetes/old${CONFIGMAPS}`,
      `${base}/recent${base}/old${CONFIGMAPS}`,
    ];
    for (const path of paths) {
      const answer = await requestWith(recent.kubeconfig, { path, isWholePath: true });
      assert.notEqual(answer.status, 200, path);
    }
    const named = await requestWith(recent.kubeconfig, {
      path: CONFIGMAPS,
      headers: {
        Host: 'old.kubernetes.prod',
        'X-Forwarded-Host': 'old.kubernetes.prod',
        'X-Forwarded-Prefix': `${base}/old`,
        'X-Original-URL': `${base}/old${CONFIGMAPS}`,
      },
    });
    assert.equal(named.status, 200);
    assert.deepEqual(clusters.old.api.requests.all(), []);
  });

  test('refuse two credentials that disagree, and one of no meaning', async () => {
    const token = await rig.fairlead.token('prod', 'kubernetes', 'old');
    const answer = await requestWith(recent.kubeconfig, {
      path: CONFIGMAPS,
      headers: { Authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 401);
    assert.match(answer.body.toString(), /CREDENTIALS_DISAGREE/);
    const bare = rig.fairlead.path('without-certificate');
    writeTargetKubeconfig(bare, {
      url: serverOf(recent),
      ca: rig.fairlead.caPem,
      token: CLUSTER_TOKEN,
    });
    const [kubectl] = KUBECTLS;
    assert.ok(kubectl !== undefined);
    const { code, err } = await rig.run(
      kubectl,
      { name: 'bare', kubeconfig: bare },
      ['get', 'pods'],
      {
        home: rig.home(kubectl, 'shared'),
      },
    );
    assert.equal(code, 1);
    assert.match(err, /You must be logged in to the server/);
    for (const { api } of Object.values(clusters)) assert.deepEqual(api.requests.all(), []);
  });

  test('never get a name that a caller claims in a header, however it is spelt', async () => {
    const headers = {
      'impersonate-USER': ['system:admin', 'root'],
      'Impersonate-Group': 'system:masters',
      'IMPERSONATE-UID': '0',
      'Impersonate-Extra-Scopes': 'all',
      'x-remote-user': 'system:admin',
      'X-Remote-Group': 'system:masters',
      'X-Remote-Extra-Any': 'all',
      'X-Spinnaker-User': 'admin',
    };
    const token = Buffer.from('of-somebody-else').toString('base64url');
    const upgrade = {
      Connection: 'Upgrade, Impersonate-User',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
      'Sec-WebSocket-Protocol': `v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${token}`,
    };
    await requestWith(recent.kubeconfig, { path: CONFIGMAPS, headers });
    await requestWith(recent.kubeconfig, {
      path: CONFIGMAPS,
      headers: { ...headers, Connection: 'keep-alive, Authorization, X-Remote-User' },
    });
    await requestWith(recent.kubeconfig, { path: CONFIGMAPS, headers: { ...headers, ...upgrade } });
    const requests = clusters.recent.api.requests.all();
    assert.equal(requests.length, 3);
    for (const request of requests) assertFromAgent(request);
    assert.equal(headersOf(requests[2])['sec-websocket-protocol'], 'v5.channel.k8s.io');
  });

  /** The way to `old` with the credential for `recent`. */
  function crossedKubeconfig(): Way {
    const kubeconfig = rig.fairlead.path('crossed');
    const text = readFileSync(recent.kubeconfig, 'utf8');
    writeFileSync(kubeconfig, text.replace('/kubernetes/recent', '/kubernetes/old'));
    assert.notEqual(readFileSync(kubeconfig, 'utf8'), text);
    return { name: 'crossed', kubeconfig };
  }
});

test('three agents of one name share the requests of kubectl', async () => {
  const rig = await KubernetesRig.start();
  try {
    const tokens = ['one', 'two', 'three'].map((user) => ({ token: `token-${user}`, user }));
    const cluster = await rig.startCluster({ tokens });
    for (const { token, user } of tokens) {
      const kubeConfig = rig.fairlead.path(`to-cluster-${user}`);
      writeTargetKubeconfig(kubeConfig, { url: cluster.api.url, ca: cluster.ca, token });
      await rig.fairlead.startAgent({ services: [kubernetesService('shared', { kubeConfig })] });
    }
    const way = await rig.tunnel('prod', 'shared');
    const [kubectl] = KUBECTLS;
    assert.ok(kubectl !== undefined);
    for (let i = 0; i < 12; i++) {
      const { code, err } = await rig.run(kubectl, way, ['get', 'configmaps', '-n', 'demo']);
      assert.equal(code, 0, err);
    }
    const served = tokens.map(
      ({ user }) => cluster.api.requests.all().filter((request) => request.user === user).length,
    );
    // equally loaded agents take turns, discovery requests included
    assert.ok(Math.min(...served) >= 4, `served ${served.join(', ')}`);
  } finally {
    await rig.stop();
  }
});

function countOf(cluster: RigCluster, path: string): number {
  return cluster.api.requests.all().filter(({ rawTarget }) => rawTarget.startsWith(path)).length;
}

function nameOf(kubectl: Kubectl): string {
  return kubectl.version.replace('.', '-');
}

function serverOf({ kubeconfig }: Way): string {
  return /server: (\S+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? '';
}

/** Asserts that a request carries the credential of the agent and nobody's name. */
function assertFromAgent(request: RecordedRequest): void {
  const { authorization, ...others } = headersOf(request);
  assert.equal(authorization, `Bearer ${CLUSTER_TOKEN}`);
  assert.equal(request.user, 'agent-of-the-cluster');
  for (const [name, value] of Object.entries(others)) {
    assert.doesNotMatch(name, /^(impersonate-|x-remote-|x-spinnaker-|x-opsmx-)/);
    assert.doesNotMatch(value, /somebody-else|system:(admin|masters)/);
  }
}

/** Headers by lower-case name, those of one name joined. */
function headersOf(request: RecordedRequest | undefined): Record<string, string> {
  const { headers = [] } = request ?? {};
  const all: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase();
    all[name] = [all[name], headers[i + 1] ?? ''].filter((value) => value !== undefined).join(', ');
  }
  return all;
}
