import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { initCa } from '../../../controller/commands/ca-init.js';
import { startKubernetesApi } from '../../../deploy/demo/kubernetes/kubernetes-api.js';
import type { KubernetesApi } from '../../../deploy/demo/kubernetes/kubernetes-api.js';
import { systemClock } from '../../../shared/clock.js';
import { findKubectls, kubeconfigText, KubectlHome, type Kubectl } from '../../harness/kubectl.js';
import { at, listAt, ROOT, textAt, yamlDocuments } from '../project-files.js';
import { controllerObjects, idOf, NAMESPACE } from './controller-manifests.js';

const KUBECTLS = findKubectls();
// the oldest one (its kustomize is of 2019) and the newest
const TRIED = [...new Set([KUBECTLS.at(0), KUBECTLS.at(-1)])].filter(
  (kubectl): kubectl is Kubectl => kubectl !== undefined,
);
const FOLDER = join(ROOT, 'deploy/kubernetes');

describe('kubectl apply', { skip: TRIED.length === 0 ? 'no kubectl on PATH' : false }, () => {
  for (const kubectl of TRIED) {
    describe(`of ${kubectl.version}`, () => {
      let api: KubernetesApi;
      let home: KubectlHome;

      before(async () => {
        api = await startKubernetesApi({ seed: false });
        home = new KubectlHome(
          kubectl,
          kubeconfigText({ server: api.url, namespace: 'spinnaker' }),
        );
        await run(['create', 'namespace', 'spinnaker']);
      });

      after(async () => {
        home.close();
        await api.close();
      });

      async function run(args: readonly string[]): Promise<string> {
        const { stdout, stderr, code } = await home.run(args);
        assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
        return stdout;
      }

      it('takes the Secrets of ca init and then the folder, and again without a change', async () => {
        const secrets = join(home.folder, 'secrets');
        await initCa({ dir: secrets, namespace: 'spinnaker' }, systemClock);
        await run(['apply', '-f', join(secrets, 'controller-secrets.yaml')]);
        const first = await run(['apply', '-k', FOLDER]);
        assert.equal(first.trim().split('\n').length, controllerObjects().length, first);
        const second = await run(['apply', '-k', FOLDER]);
        assert.match(second, /deployment.apps\/fairlead-controller unchanged/);
        assert.doesNotMatch(second, /created/);
        await refersToWhatIsThere(run);
      });

      it('makes of the folder what the other tests look at', async () => {
        const made = yamlDocuments(await run(['kustomize', FOLDER]));
        assert.deepEqual(made.map(idOf).sort(), controllerObjects().map(idOf).sort());
        for (const object of made) assert.equal(at(object, 'metadata.namespace'), NAMESPACE);
      });

      it('takes the Service of the AWS load balancer and the example of a NetworkPolicy', async () => {
        await run(['apply', '-f', join(FOLDER, 'fronts/aws-nlb.yaml')]);
        await run(['apply', '-f', join(FOLDER, 'network-policy.yaml')]);
        const typeOf = async (name: string): Promise<string> =>
          run(['get', 'service', name, '-o', 'jsonpath={.spec.type}']);
        assert.equal(await typeOf('agent-grpc-nlb'), 'LoadBalancer');
        await run(['apply', '-k', FOLDER]); // as for any later change of the configuration
        assert.equal(await typeOf('agent-grpc-nlb'), 'LoadBalancer');
        assert.equal(await typeOf('agent-grpc'), 'ClusterIP');
      });

      it('would notice a field that does not exist', async () => {
        const file = join(home.folder, 'wrong.yaml');
        writeFileSync(
          file,
          JSON.stringify({
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: 'wrong' },
            spec: { ports: [{ port: 1, targetport: 2 }] },
          }),
        );
        const { code, stderr } = await home.run(['apply', '-f', file]);
        assert.equal(code, 1);
        assert.match(stderr, /targetport/);
      });
    });
  }
});

/** ConfigMap, Secrets and ServiceAccount of the pod exist under the names that the Deployment uses. */
async function refersToWhatIsThere(
  run: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  const get = ['get', 'deployment', 'fairlead-controller', '-o', 'json'];
  const pod = at(JSON.parse(await run(get)), 'spec.template.spec');
  const configMaps = listAt(pod, 'volumes').map((volume) => at(volume, 'configMap.name'));
  const secrets = listAt(pod, 'volumes').map((volume) => at(volume, 'secret.secretName'));
  const names = [
    ...configMaps.filter(isText).map((name) => ['configmap', name]),
    ...secrets.filter(isText).map((name) => ['secret', name]),
    ['serviceaccount', textAt(pod, 'serviceAccountName')],
  ];
  assert.equal(names.length, 4);
  for (const name of names) await run(['get', ...name]);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
