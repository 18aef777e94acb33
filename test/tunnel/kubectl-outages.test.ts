/**
 * What kubectl says when the tunnel cannot serve it: soon, with the name of what failed and where, and
 * never with the words by which clouddriver takes objects for gone. With cold caches the first request
 * is one of discovery, with warm ones it is the command's own. Every kubectl of this machine.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { targetCertificate, writeTargetKubeconfig } from '../../deploy/demo/demo-files.js';
import { systemClock } from '../../shared/clock.js';
import { requestWith } from '../harness/kubeconfig-request.js';
import type { Kubectl } from '../harness/kubectl.js';
import { everyKubectl, versionsText } from '../harness/kubectl-run.js';
import { KubernetesRig, kubernetesService } from '../harness/kubernetes-rig.js';
import type { Way, WayOptions } from '../harness/kubernetes-rig.js';
import { waitFor } from '../harness/wait-for.js';

const KUBECTLS = everyKubectl();
const HEAD_TIMEOUT_MS = 1_000;
/** kubectl's own retries take ten seconds; without them it is done long before. */
const SOON_MS = 8_000;

const MANIFEST = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'any', namespace: 'demo' },
});
/** Commands whose requests come from warm caches. */
const WARM: readonly { readonly args: string; readonly input?: string }[] = [
  { args: '-o json get pods,deployments -n demo' },
  { args: 'create --validate=false -f -', input: MANIFEST },
  { args: 'delete configmap/any -n demo --ignore-not-found=true' },
  { args: 'logs ticker -n demo' },
];

describe('when the tunnel cannot serve it', { concurrency: 2, timeout: 300_000 }, () => {
  let rig: KubernetesRig;
  /** By what is wrong with what they lead to. */
  let ways: Readonly<Record<'good' | 'down' | 'silent' | 'untrusted' | 'left', Way>>;
  let never: Way;
  let unoffered: Way;

  before(async () => {
    const limits = { responseHeadTimeoutMs: HEAD_TIMEOUT_MS, agentWaitMs: 200 };
    rig = await KubernetesRig.start({ controller: { limits } });
    const [good, down, silent, untrusted] = await Promise.all(
      [1, 2, 3, 4].map(async () => rig.startCluster()),
    );
    assert.ok(good !== undefined && down !== undefined); // four were asked for
    assert.ok(silent !== undefined && untrusted !== undefined);
    const agents = [
      await rig.startAgent({ clusters: { good, down, silent, untrusted } }),
      await rig.startAgent({ name: 'left', clusters: { left: good } }),
    ];
    ways = {
      good: await rig.tunnel('prod', 'good'),
      down: await rig.tunnel('prod', 'down'),
      silent: await rig.tunnel('prod', 'silent'),
      untrusted: await rig.tunnel('prod', 'untrusted'),
      left: await rig.tunnel('left', 'left'),
    };
    never = await rig.tunnel('never', 'account');
    unoffered = await rig.tunnel('prod', 'unoffered');
    for (const way of Object.values(ways)) {
      await Promise.all(KUBECTLS.map(async (kubectl) => discover(kubectl, way)));
    }
    // all caches are warm; now things go wrong
    await Promise.all(agents.map(async (agent) => agent.stop()));
    await down.api.close();
    silent.fault = () => 'hang';
    const wrongCa = rig.fairlead.path('wrong-ca');
    const { ca } = await targetCertificate(systemClock);
    writeTargetKubeconfig(wrongCa, { url: untrusted.api.url, ca, token: 'any' });
    await rig.fairlead.startAgent({
      config: { limits },
      services: [
        good.service('good'),
        down.service('down'),
        silent.service('silent'),
        kubernetesService('untrusted', { kubeConfig: wrongCa }),
      ],
    });
  });
  after(async () => rig.stop());

  test(`kubectl ${versionsText(KUBECTLS)} is tried`, () => {
    assert.ok(KUBECTLS.length > 0);
  });

  for (const kubectl of KUBECTLS) {
    test(`kubectl ${kubectl.version} says that the target refuses connections`, async () => {
      await saysEverywhere(kubectl, ways.down, [
        /target of kubernetes\/down: connection refused \(between agent and target; TARGET_UNREACHABLE; /,
      ]);
    });

    test(`kubectl ${kubectl.version} says that the certificate of the target is not trusted`, async () => {
      await saysEverywhere(kubectl, ways.untrusted, [
        /target of kubernetes\/untrusted: its certificate is not signed by a trusted CA \(between agent and target; /,
      ]);
    });

    test(`kubectl ${kubectl.version} says that the target is silent`, async () => {
      const texts = [
        /target of kubernetes\/silent sent no response head within 1 s .*\(between agent and target; /,
      ];
      const [list] = WARM;
      assert.ok(list !== undefined);
      await says(kubectl, ways.silent, list.args.split(' '), texts);
    });
  }

  for (const kubectl of KUBECTLS) {
    test(`kubectl ${kubectl.version} says which agent is not connected`, async () => {
      await untilNotExpectedBack();
      const [cold] = await Promise.all([
        says(
          kubectl,
          never,
          ['get', 'pods'],
          [/agent "never" is not connected \(not seen yet\) \(at the agent; /],
        ),
        says(
          kubectl,
          unoffered,
          ['get', 'pods'],
          [/agent "prod" is connected but does not offer kubernetes\/unoffered \(at the agent; /],
        ),
        saysEverywhere(kubectl, ways.left, [
          /agent "left" is not connected \(last seen \S+Z\) \(at the agent; /,
        ]),
      ]);
      assert.ok(cold.ms < SOON_MS);
    });
  }

  test('other accounts are served meanwhile', async () => {
    for (const kubectl of KUBECTLS) {
      const { code, err } = await rig.run(kubectl, ways.good, ['get', 'pods', '-n', 'demo']);
      assert.equal(code, 0, err);
    }
  });

  /** With a fresh home, where discovery fails, and with a warm one, where the commands do. */
  async function saysEverywhere(kubectl: Kubectl, way: Way, texts: readonly RegExp[]) {
    const home = rig.home(kubectl, `cold-${way.name}`);
    await says(kubectl, way, ['get', 'pods'], texts, { home });
    for (const { args, input } of WARM) {
      await says(kubectl, way, args.split(' '), texts, input === undefined ? {} : { input });
    }
  }

  async function says(
    kubectl: Kubectl,
    way: Way,
    args: readonly string[],
    texts: readonly RegExp[],
    options: WayOptions = {},
  ) {
    const result = await rig.run(kubectl, way, args, options);
    const what = `kubectl ${kubectl.version} ${args.join(' ')}`;

    assert.equal(result.code, 1, what);
    // the last line is kubectl's own error, its quotes escaped; a Warning before it is not enough
    const error = (result.err.trim().split('\n').at(-1) ?? '').replaceAll('\\"', '"');
    for (const text of texts) assert.match(error, text, what);
    assert.doesNotMatch(
      result.err + result.out,
      /not ?found|forbidden|\b404\b|resource type/i,
      what,
    );
    assert.ok(result.ms < SOON_MS, `${what} took ${result.ms} ms`);
    return result;
  }

  async function discover(kubectl: Kubectl, way: Way): Promise<void> {
    const { code, err } = await rig.run(kubectl, way, ['api-resources']);
    assert.equal(code, 0, err);
  }

  /** An agent that has just left is expected back for a while, and callers are asked to try again. */
  async function untilNotExpectedBack(): Promise<void> {
    await waitFor(
      'the agent is not expected back',
      async () => {
        const { headers } = await requestWith(ways.left.kubeconfig, { path: '/version' });
        return headers['retry-after'] === undefined;
      },
      30_000,
    );
  }
});
