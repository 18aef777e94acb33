/**
 * Bodies through the tunnel are the same bytes as without it: large ones up to the cluster's limit and
 * its refusal past it, compressed ones with their ETags, and the requests that kubectl sends and saves
 * itself thanks to its caches.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RecordedRequest } from '../../deploy/demo/kubernetes/api-options.js';
import { requestWith } from '../harness/kubeconfig-request.js';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, fewKubectls, versionsText } from '../harness/kubectl-run.js';
import { directWay, KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';

const KUBECTLS = fewKubectls(everyKubectl());
const NOW = new Date('2024-05-06T07:08:09Z');
/** The apiserver's limit for request bodies. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

describe('bodies', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  /** One for each kubectl, so that its requests are told from others. */
  const clusters: Record<string, RigCluster> = {};
  let ways: readonly [Way, Way];
  let tunnel: Way;

  before(async () => {
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ now: () => NOW });
    for (const kubectl of KUBECTLS) {
      clusters[nameOf(kubectl)] = await rig.startCluster({ now: () => NOW });
    }
    await rig.startAgent({ clusters: { account: cluster, ...clusters } });
    tunnel = await rig.tunnel('prod', 'account');
    ways = [directWay(cluster), tunnel];
  });
  after(async () => rig.stop());

  for (const kubectl of KUBECTLS) {
    test(`of 3 MiB are created and changed, of one byte more refused as directly, with kubectl ${kubectl.version}`, async () => {
      const namespace = newNamespace(`large-${nameOf(kubectl)}`);
      const small = largeManifest('small', 1000);
      const overhead = (await sentLength(kubectl, namespace, small)) - 1000;
      const most = MAX_BODY_BYTES - overhead;
      const largest = largeManifest('large', most);
      assert.equal(await sentLength(kubectl, namespace, largest), MAX_BODY_BYTES);
      const { err } = await rig.runSame(kubectl, ways, create(namespace), {
        code: 1,
        input: largeManifest('over!', most + 1),
      });
      assert.match(err, /too large/i);
    });
  }

  for (const kubectl of KUBECTLS) {
    test(`and caches lead to the same requests as directly with kubectl ${kubectl.version}`, async () => {
      const own = clusters[nameOf(kubectl)];
      assert.ok(own !== undefined);
      const pair = [directWay(own), await rig.tunnel('prod', nameOf(kubectl))];
      const commands = ['get pods -A', 'explain deployment.spec', 'explain deployment.spec'];
      for (const command of commands) {
        const seen: object[][] = [];
        for (const way of pair) {
          own.api.requests.clear();
          const { code, err } = await rig.run(kubectl, way, command.split(' '));
          assert.equal(code, 0, err);
          seen.push(own.api.requests.all().map(comparable).sort(byText));
        }
        assert.deepEqual(seen[1], seen[0], command);
      }
    });
  }

  test(`are tried with ${versionsText(KUBECTLS)}`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  test('that are compressed pass unchanged with their ETags, and so does 304', async () => {
    const headers = { 'Accept-Encoding': 'gzip', Accept: 'application/json' };
    for (const path of ['/openapi/v2', '/openapi/v3/apis/apps/v1']) {
      const [direct, tunnelled] = await Promise.all(
        ways.map(async ({ kubeconfig }) => requestWith(kubeconfig, { path, headers })),
      );
      assert.ok(direct !== undefined && tunnelled !== undefined);
      const { 'content-encoding': encoding } = tunnelled.headers;
      assert.equal(encoding, direct.headers['content-encoding']);
      if (path === '/openapi/v2') assert.equal(encoding, 'gzip'); // others may be too small
      assert.equal(tunnelled.headers['content-type'], direct.headers['content-type']);
      assert.ok(tunnelled.body.equals(direct.body), 'the bodies are equal');
      const { etag } = tunnelled.headers;
      assert.ok(etag !== undefined && etag === direct.headers.etag);
      const again = await requestWith(tunnel.kubeconfig, {
        path,
        headers: { ...headers, 'If-None-Match': etag },
      });
      assert.equal(again.status, 304);
      assert.equal(again.body.length, 0);
      assert.equal(again.headers.etag, etag);
    }
  });

  function newNamespace(name: string): string {
    cluster.api.objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  }

  /** Creates something through the tunnel; the length of the body that reached the cluster. */
  async function sentLength(kubectl: Kubectl, namespace: string, input: string): Promise<number> {
    const { code, err } = await rig.run(kubectl, tunnel, create(namespace), { input });
    assert.equal(code, 0, err);
    const { requests } = cluster.api;
    const sent = requests.all().findLast(({ rawTarget }) => rawTarget.includes(`/${namespace}/`));
    return Number(sent === undefined ? 0 : headerOf(sent, 'content-length'));
  }
});

function nameOf(kubectl: Kubectl): string {
  return kubectl.version.replace('.', '-');
}

function create(namespace: string): string[] {
  return ['create', '--validate=false', '-n', namespace, '-f', '-'];
}

/** A ConfigMap with so many bytes of data, which kubectl sends as JSON. */
function largeManifest(name: string, bytes: number): string {
  const metadata = { name };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { a: 'x'.repeat(bytes) },
  });
}

/** What of a request must not depend on the way. */
function comparable(request: RecordedRequest): object {
  const { method, rawTarget } = request;
  const names = ['accept', 'accept-encoding', 'if-none-match', 'user-agent', 'content-type'];
  const headers = names.map((name) => [name, headerOf(request, name)]);
  return { method, rawTarget, headers };
}

function byText(one: object, other: object): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

function headerOf(request: RecordedRequest, name: string): string | undefined {
  const { headers } = request;
  const index = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return index < 0 ? undefined : headers[index + 1];
}
