import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { computeServerNames, parseControllerConfig } from '../../../controller/config.js';
import { VERSION } from '../../../shared/version.js';
import { at, filesIn, listAt, projectFile, textAt, yamlDocuments } from '../project-files.js';
import { controllerObjects, IMAGE, NAMESPACE, nameOf, theObject } from './controller-manifests.js';

const OBJECTS = controllerObjects();
const SERVICES = OBJECTS.filter((object) => at(object, 'kind') === 'Service');
const { config, warnings } = parseControllerConfig(
  projectFile('deploy/kubernetes/config.yaml'),
  'config.yaml',
);
const POLICY = yamlDocuments(projectFile('deploy/kubernetes/network-policy.yaml'))[0];

const deployment = theObject(OBJECTS, 'Deployment');
const pod = at(deployment, 'spec.template');
const container = at(pod, 'spec.containers.0');
const ports = new Map(
  listAt(container, 'ports').map((port) => [textAt(port, 'name'), at(port, 'containerPort')]),
);

describe('the manifests of the controller', () => {
  it('use every file of the folder, or say that it is left out', () => {
    const text = projectFile('deploy/kubernetes/kustomization.yaml');
    const files = filesIn('deploy/kubernetes', '.yaml').map((file) => file.split('/').at(-1) ?? '');
    assert.ok(files.length >= 9);
    for (const file of files) {
      if (file !== 'kustomization.yaml') assert.ok(text.includes(`- ${file}\n`), file);
    }
  });

  it('have a configuration that the controller accepts without a warning', () => {
    assert.deepEqual(warnings, []);
  });

  it('open the ports that the configuration opens', () => {
    assert.deepEqual(Object.fromEntries(ports), {
      agents: config.agentListenPort,
      services: config.serviceListenPort,
      control: config.controlListenPort,
      operations: config.prometheusListenPort,
    });
  });

  it('start the program with the configuration where it looks for it', () => {
    const args = ['controller', '--config', '/app/config/config.yaml'];
    assert.deepEqual(at(container, 'args'), args);
    const configMap = theObject(OBJECTS, 'ConfigMap');
    assert.equal(at(volumeAt('/app/config'), 'configMap.name'), nameOf(configMap));
    assert.ok(at(configMap, 'data') instanceof Object);
    assert.deepEqual(Object.keys(at(configMap, 'data') as object), ['config.yaml']);
  });

  it('mount the Secrets of v3.5 and of ca init where the configuration looks for them', () => {
    const { caCertFile, caKeyFile } = config.caConfig;
    assert.deepEqual(
      [caCertFile, caKeyFile],
      ['/app/secrets/ca/tls.crt', '/app/secrets/ca/tls.key'],
    );
    const { secretsPath, currentKeyName, headerMutationKeyName } = config.serviceAuth;
    assert.deepEqual([currentKeyName, headerMutationKeyName], ['public.pem', 'public.pem']);
    const secrets = { '/app/secrets/ca': 'ca-secret', [secretsPath]: 'jwt-secret' };
    for (const [path, name] of Object.entries(secrets)) {
      assert.deepEqual(at(volumeAt(path), 'secret'), { secretName: name, defaultMode: 0o440 });
    }
  });

  it('select the pods that there are', () => {
    const selectors = [
      at(deployment, 'spec.selector.matchLabels'),
      at(theObject(OBJECTS, 'PodDisruptionBudget'), 'spec.selector.matchLabels'),
      at(POLICY, 'spec.podSelector.matchLabels'),
      ...SERVICES.map((service) => at(service, 'spec.selector')),
    ];
    assert.equal(selectors.length, 6);
    for (const selector of selectors) {
      const labels = Object.entries(selector as object);
      assert.ok(labels.length > 0);
      const ofPod = new Map(Object.entries(at(pod, 'metadata.labels') as object));
      for (const [key, value] of labels) assert.equal(ofPod.get(key), value);
    }
  });

  it('lead from Services to ports of the container', () => {
    const wanted = {
      'agent-grpc': config.agentListenPort,
      'service-api': config.serviceListenPort,
      'control-api': config.controlListenPort,
    };
    assert.deepEqual(SERVICES.map(nameOf).sort(), Object.keys(wanted).sort());
    for (const [name, port] of Object.entries(wanted)) {
      const [entry, ...more] = listAt(theObject(SERVICES, 'Service', name), 'spec.ports');
      assert.deepEqual(more, []);
      assert.equal(at(entry, 'port'), port);
      assert.equal(ports.get(textAt(entry, 'targetPort')), port);
    }
  });

  it('let in by the NetworkPolicy who comes to a port of the container', () => {
    const named = listAt(POLICY, 'spec.ingress').flatMap((rule) =>
      listAt(rule, 'ports').map((port) => textAt(port, 'port')),
    );
    assert.deepEqual(named.sort(), [...ports.keys()].sort());
  });

  it('put the names by which Services are called into the server certificate', () => {
    const names = computeServerNames(config);
    for (const service of SERVICES.map(nameOf)) {
      assert.ok(names.includes(`${service}.${NAMESPACE}.svc`), service);
      assert.ok(names.includes(`${service}.${NAMESPACE}.svc.cluster.local`), service);
    }
    assert.equal(config.serviceHostname, `service-api.${NAMESPACE}.svc`);
    assert.equal(config.controlHostname, `control-api.${NAMESPACE}.svc`);
    // kubectl port-forward, as the README has it
    assert.ok(names.includes('localhost'));
  });

  it('leave more time to stop than the controller takes', () => {
    const command = listAt(container, 'lifecycle.preStop.exec.command').join(' ');
    const waitMs = Number(/setTimeout\(\(\) => \{\}, (\d+)\)/.exec(command)?.[1]);
    const graceMs = 1000 * Number(at(pod, 'spec.terminationGracePeriodSeconds'));
    assert.ok(graceMs >= waitMs + config.limits.drainGraceMs + 10_000);
  });

  it('give memory for heap, buffers and Node.js', () => {
    const limit = textAt(container, 'resources.limits.memory');
    const limitMib = 1024 * Number(/^(\d+)Gi$/.exec(limit)?.[1]);
    const [variable] = listAt(container, 'env');
    assert.equal(at(variable, 'name'), 'NODE_OPTIONS');
    const heap = /--max-old-space-size=(\d+)/.exec(textAt(variable, 'value'))?.[1];
    const bufferMib = config.limits.processBufferBudgetBytes / 2 ** 20;
    assert.ok(Number(heap) + bufferMib + 128 <= limitMib);
    assert.match(projectFile('deploy/docker/Dockerfile'), new RegExp(`size=${String(heap)}\\n`));
  });

  it('run without root, without rights and without a token of the cluster', () => {
    const account = theObject(OBJECTS, 'ServiceAccount');
    assert.equal(at(account, 'automountServiceAccountToken'), false);
    assert.equal(at(pod, 'spec.automountServiceAccountToken'), false);
    assert.equal(at(pod, 'spec.serviceAccountName'), nameOf(account));
    const user = at(pod, 'spec.securityContext');
    assert.equal(at(user, 'runAsNonRoot'), true);
    assert.match(
      projectFile('deploy/docker/Dockerfile'),
      new RegExp(`USER ${String(at(user, 'runAsUser'))}:${String(at(user, 'runAsGroup'))}\\n`),
    );
    // the Secrets are readable by this group only
    assert.equal(at(user, 'fsGroup'), at(user, 'runAsGroup'));
    assert.deepEqual(at(container, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.ok(!OBJECTS.some((object) => /Role/.test(textAt(object, 'kind'))));
  });

  it('probe what the port for health answers', () => {
    const port = 'operations';
    assert.deepEqual(at(container, 'startupProbe.httpGet'), { path: '/livez', port });
    assert.deepEqual(at(container, 'livenessProbe.httpGet'), { path: '/livez', port });
    assert.deepEqual(at(container, 'readinessProbe.httpGet'), { path: '/readyz', port });
    assert.deepEqual(at(pod, 'metadata.annotations'), {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(config.prometheusListenPort),
    });
  });

  it('name images of this version', () => {
    assert.equal(at(container, 'image'), at(IMAGE, 'name'));
    assert.equal(at(IMAGE, 'newTag'), VERSION);
    assert.ok(config.agentImage.endsWith(`/fairlead-agent:${VERSION}`));
  });
});

/** The volume mounted at a path. */
function volumeAt(path: string): unknown {
  const mount = listAt(container, 'volumeMounts').find((one) => at(one, 'mountPath') === path);
  const name = at(mount, 'name');
  const volume = listAt(pod, 'spec.volumes').find((one) => at(one, 'name') === name);
  assert.ok(mount !== undefined && volume !== undefined, `nothing is mounted at ${path}`);
  return volume;
}
