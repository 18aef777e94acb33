/**
 * What the cluster refuses, it refuses through the tunnel as directly: the same text and the same exit
 * code for every status, in discovery too, and retries where the cluster asks for them.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Fault, RecordedRequest } from '../../deploy/demo/kubernetes/api-options.js';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, fewKubectls, versionsText } from '../harness/kubectl-run.js';
import { directWay, KubernetesRig } from '../harness/kubernetes-rig.js';
import type { RigCluster, Way } from '../harness/kubernetes-rig.js';

const KUBECTLS = everyKubectl();
const NOW = new Date('2024-05-06T07:08:09Z');

/** Reasons as the apiserver gives them. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};
/** Every version is refused a read with these. */
const READ_STATUSES = [401, 403, 404, 500];
/** How often a request with Retry-After is refused before it is answered. */
const BUSY_TIMES = 2;

describe('what the cluster refuses', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  let cluster: RigCluster;
  let ways: readonly [Way, Way];
  let broken: RigCluster;
  let brokenWays: readonly [Way, Way];

  before(async () => {
    rig = await KubernetesRig.start();
    cluster = await rig.startCluster({ now: () => NOW });
    cluster.fault = faultOf();
    broken = await rig.startCluster();
    await rig.startAgent({ clusters: { account: cluster, broken } });
    ways = [directWay(cluster), await rig.tunnel('prod', 'account')];
    brokenWays = [directWay(broken), await rig.tunnel('prod', 'broken')];
    await Promise.all(
      ways.flatMap((way) =>
        KUBECTLS.map(async (kubectl) => rig.run(kubectl, way, ['api-resources'])),
      ),
    );
  });
  after(async () => rig.stop());

  test(`is tried with ${versionsText(KUBECTLS)}`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const kubectl of KUBECTLS) {
    test(`has the same text and exit code for reads with kubectl ${kubectl.version}`, async () => {
      for (const status of READ_STATUSES) {
        const { err } = await refused(kubectl, status, ['get', 'configmap', 'any']);
        assert.match(err, status === 401 ? /logged in/ : new RegExp(`\\(${REASONS[status]}\\)`));
      }
    });
  }

  for (const kubectl of fewKubectls(KUBECTLS, 2)) {
    test(`has the same text and exit code for changes with kubectl ${kubectl.version}`, async () => {
      const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'any' } };
      const input = JSON.stringify(manifest);
      for (const status of Object.keys(REASONS).map(Number)) {
        const { err } = await refused(kubectl, status, ['create', '-f', '-'], input);
        assert.ok(err.length > 0);
      }
      for (const status of [403, 409, 422]) {
        await refused(kubectl, status, ['delete', 'configmap', 'any']);
        await refused(kubectl, status, ['apply', '--server-side', '-f', '-'], input);
      }
    });

    test(`has the same text when it is no Status with kubectl ${kubectl.version}`, async () => {
      for (const kind of ['text', 'html', 'empty', 'json']) {
        const { err } = await refused(kubectl, 500, ['get', 'configmap', 'any'], undefined, kind);
        assert.ok(err.length > 0);
      }
    });

    test(`is retried after Retry-After as directly with kubectl ${kubectl.version}`, async () => {
      const name = `busy-${kubectl.version.replace('.', '')}`;
      const args = ['get', 'configmaps', '-n', name, '-o', 'name'];
      await rig.runSame(kubectl, ways, args, { code: 0 });
      const attempts = cluster.api.requests
        .all()
        .filter(({ rawTarget }) => rawTarget.includes(`/${name}/`));
      assert.equal(attempts.length, 2 * (BUSY_TIMES + 1));
    });
  }

  test('has the same text in discovery', async () => {
    for (const status of [401, 403, 500]) {
      broken.fault = () => statusFault(status);
      await Promise.all(
        fewKubectls(KUBECTLS).map(async (kubectl) =>
          rig.runSame(kubectl, brokenWays, ['get', 'configmaps'], {
            code: 1,
            home: rig.home(kubectl, `fresh-${status}`),
            normalize: withoutLogHeads,
          }),
        ),
      );
    }
  });

  async function refused(
    kubectl: Kubectl,
    status: number,
    args: readonly string[],
    input?: string,
    kind = 'status',
  ) {
    const where = ['-n', `${kind}-${status}`];
    const options = { code: 1, ...(input === undefined ? {} : { input }) };
    return rig.runSame(kubectl, ways, [...args, ...where], options);
  }
});

/** Refuses what goes to namespaces whose names ask for it; busy ones only a few times. */
function faultOf(): (request: RecordedRequest) => Fault | undefined {
  const refusals = new Map<string, number>();
  return ({ rawTarget, httpVersion }) => {
    const [, kind = '', status = ''] = /\/namespaces\/([a-z]+)-(\d+)\//.exec(rawTarget) ?? [];
    if (kind === 'busy') {
      const key = `${status} ${httpVersion}`; // kubectl comes with HTTP/2, the agent with HTTP/1.1
      const times = (refusals.get(key) ?? 0) + 1;
      refusals.set(key, times);
      return times > BUSY_TIMES ? undefined : statusFault(429, { 'Retry-After': '1' });
    }
    if (kind === 'status') return statusFault(Number(status));
    const other = OTHER_BODIES[kind];
    return other === undefined ? undefined : { ...other, status: Number(status) };
  };
}

/** Bodies that are no Status. */
const OTHER_BODIES: Readonly<Record<string, Omit<Exclude<Fault, string>, 'status'>>> = {
  text: { headers: { 'Content-Type': 'text/plain' }, body: 'the back end is "down"\n' },
  html: { headers: { 'Content-Type': 'text/html' }, body: '<html><h1>Sorry</h1></html>' },
  json: { headers: { 'Content-Type': 'application/json' }, body: '{"message":"no Status"}' },
  empty: { body: '' },
};

function statusFault(status: number, headers: Readonly<Record<string, string>> = {}): Fault {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `configmaps "any": refused with ${status} — said the cluster`,
    reason: REASONS[status],
    details: { name: 'any', kind: 'configmaps', causes: [{ field: 'data', message: 'why' }] },
    code: status,
  };
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/** Without the time and process number before each line of kubectl's log. */
function withoutLogHeads(text: string): string {
  return text.replace(/^E\d{4} [\d:.]+ +\d+ /gm, '');
}
