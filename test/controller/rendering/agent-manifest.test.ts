import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { parseAgentConfig, parseServicesConfig } from '../../../agent/config.js';
import {
  AGENT_ACCESS,
  renderAgentManifest,
  type AgentManifestOptions,
} from '../../../controller/rendering/agent-manifest.js';

const OPTIONS: AgentManifestOptions = {
  agent: 'prod-eu',
  namespace: 'tools',
  createNamespace: false,
  replicas: 3,
  image: 'registry/fairlead-agent:1',
  access: 'cluster',
  targetNamespaces: [],
  kubernetesName: 'prod',
  secretNames: [],
  prometheusTls: 'off',
  controllerHost: 'agents.example.com',
  controllerPort: 443,
  caPem: 'CA PEM\n',
  certPem: 'CERT PEM\n',
  keyPem: 'KEY PEM\n',
  notAfter: Date.UTC(2030, 0, 2),
  version: '1.2.3',
};

// Objects of Kubernetes, looked into by path; every look is compared with an expected value.
type Tree = Record<string, unknown>;

function objectsOf(overrides: Partial<AgentManifestOptions> = {}): Tree[] {
  const documents = parseAllDocuments(renderAgentManifest({ ...OPTIONS, ...overrides }));
  assert.ok(Array.isArray(documents) && documents.length > 5);
  return documents.map((document) => document.toJS() as Tree);
}

function at(tree: unknown, path: string): unknown {
  return path.split('/').reduce((value: unknown, key) => (value as Tree | undefined)?.[key], tree);
}

function one(objects: Tree[], kind: string, name = 'opsmx-agent-prod-eu'): Tree {
  const found = objects.filter(
    (object) => object['kind'] === kind && at(object, 'metadata/name') === name,
  );
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0] ?? {};
}

const kindsOf = (objects: Tree[]): string[] => objects.map((object) => String(object['kind']));

describe('renderAgentManifest', () => {
  it('holds what an agent needs, in an order that apply can follow', () => {
    assert.deepEqual(kindsOf(objectsOf()), [
      'ServiceAccount',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Secret',
      'ConfigMap',
      'PodDisruptionBudget',
      'Deployment',
    ]);
  });

  it('creates the namespace only on request, as delete -f would remove it', () => {
    assert.ok(!kindsOf(objectsOf()).includes('Namespace'));
    const objects = objectsOf({ createNamespace: true });
    assert.deepEqual(objects[0], {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'tools' },
    });
  });

  it('puts every namespaced object into the namespace, so that apply -n cannot scatter them', () => {
    const clusterWide = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);
    for (const access of AGENT_ACCESS) {
      for (const object of objectsOf({ access, createNamespace: true })) {
        if (clusterWide.has(String(object['kind']))) continue;
        assert.equal(at(object, 'metadata/namespace'), 'tools');
      }
    }
  });

  it("uses v3.5's names, labels and selector", () => {
    const objects = objectsOf();
    const deployment = one(objects, 'Deployment');
    // Selectors cannot change: with any other one, apply over an agent of v3.5 would fail.
    assert.deepEqual(at(deployment, 'spec/selector'), {
      matchLabels: { app: 'opsmx-agent-prod-eu' },
    });
    for (const path of ['metadata/labels', 'spec/template/metadata/labels']) {
      const labels = at(deployment, path) as Record<string, string>;
      assert.equal(labels['app'], 'opsmx-agent-prod-eu');
      assert.equal(labels['agent.opsmx.com/name'], 'prod-eu');
      assert.equal(labels['agent.opsmx.com/role'], 'agent');
      assert.equal(labels['app.kubernetes.io/name'], 'fairlead-agent');
    }
  });

  it('carries the certificate as a TLS secret where the agent looks for it', () => {
    const objects = objectsOf();
    const secret = one(objects, 'Secret');
    assert.equal(secret['type'], 'kubernetes.io/tls');
    assert.deepEqual(secret['data'], {
      'tls.crt': Buffer.from('CERT PEM\n').toString('base64'),
      'tls.key': Buffer.from('KEY PEM\n').toString('base64'),
    });
    const deployment = one(objects, 'Deployment');
    const mounts = at(deployment, 'spec/template/spec/containers/0/volumeMounts') as Tree[];
    const mount = mounts.find((candidate) => candidate['mountPath'] === '/app/secrets/agent');
    const volumes = at(deployment, 'spec/template/spec/volumes') as Tree[];
    const volume = volumes.find((candidate) => candidate['name'] === mount?.['name']);
    assert.equal(at(volume, 'secret/secretName'), 'opsmx-agent-prod-eu');
    assert.equal(at(volume, 'secret/defaultMode'), 0o440);
  });

  it('carries a configuration and services that the agent itself accepts', () => {
    const config = one(objectsOf(), 'ConfigMap');
    const configFile = String(at(config, 'data/configFile'));
    const { config: agent, warnings } = parseAgentConfig(configFile, 'config.yaml');
    assert.deepEqual(warnings, []);
    assert.deepEqual(agent.controllers, [{ host: 'agents.example.com', port: 443 }]);
    assert.equal(Buffer.from(agent.caCert64 ?? '', 'base64').toString(), 'CA PEM\n');
    // not ca.pem, which a user's opsmx-services-<agent> may well have for a target
    assert.equal(agent.caCertFile, '/app/config/controller-ca.pem');
    const services = parseServicesConfig(String(at(config, 'data/services.yaml')), 'services.yaml');
    assert.deepEqual(services.warnings, []);
    assert.deepEqual(
      services.config.outgoingServices.map(({ type, name, enabled }) => ({ type, name, enabled })),
      [{ type: 'kubernetes', name: 'prod', enabled: true }],
    );
  });

  it('has an example in services.yaml that is right as well', () => {
    const text = String(at(one(objectsOf(), 'ConfigMap'), 'data/services.yaml'));
    const example = text.match(/^# {2} ?- ?[^]*?(?=\noutgoingServices)/m)?.[0].replace(/^#/gm, '');
    assert.ok(example !== undefined);
    const file = `outgoingServices:\n${example}\n`;
    const { config, warnings } = parseServicesConfig(file, 'services.yaml');
    assert.deepEqual(warnings, []);
    assert.equal(config.outgoingServices[0]?.type, 'jenkins');
  });

  it("leaves a user's own opsmx-services-<agent> alone and lets it take precedence", () => {
    const objects = objectsOf();
    const names = objects.map((object) => at(object, 'metadata/name'));
    assert.ok(!names.includes('opsmx-services-prod-eu'));
    const volumes = at(one(objects, 'Deployment'), 'spec/template/spec/volumes') as Tree[];
    const volume = volumes.find((candidate) => candidate['name'] === 'config');
    assert.deepEqual(at(volume, 'projected/sources'), [
      {
        configMap: {
          name: 'opsmx-agent-prod-eu',
          items: [{ key: 'services.yaml', path: 'services.yaml' }],
        },
      },
      { configMap: { name: 'opsmx-services-prod-eu', optional: true } },
      { secret: { name: 'opsmx-services-prod-eu', optional: true } },
      {
        configMap: {
          name: 'opsmx-agent-prod-eu',
          items: [{ key: 'configFile', path: 'config.yaml' }],
        },
      },
    ]);
  });

  it('replaces the pods when certificate, configuration or services change, and only then', () => {
    const annotation = (overrides: Partial<AgentManifestOptions>): string => {
      const annotations = at(
        one(objectsOf(overrides), 'Deployment'),
        'spec/template/metadata/annotations',
      ) as Record<string, string>;
      return annotations['agent.opsmx.com/settings-sha256'] ?? '';
    };
    const before = annotation({});
    assert.match(before, /^[0-9a-f]{64}$/);
    assert.equal(annotation({ replicas: 5, image: 'other' }), before);
    for (const change of [
      { certPem: 'NEW' },
      { keyPem: 'NEW' },
      { caPem: 'NEW' },
      { controllerHost: 'new' },
      { kubernetesName: 'new' },
    ]) {
      assert.notEqual(annotation(change), before);
    }
  });

  it('runs without privileges, with a heap and buffers that fit its memory limit', () => {
    const objects = objectsOf();
    const pod = at(one(objects, 'Deployment'), 'spec/template/spec');
    assert.equal(at(pod, 'securityContext/runAsNonRoot'), true);
    assert.ok(Number(at(pod, 'securityContext/runAsUser')) > 0);
    assert.equal(at(pod, 'securityContext/seccompProfile/type'), 'RuntimeDefault');
    assert.deepEqual(at(pod, 'containers/0/securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(at(pod, 'containers/0/resources/requests'), { cpu: '100m', memory: '128Mi' });
    const limits = at(pod, 'containers/0/resources/limits') as Record<string, string>;
    assert.deepEqual(Object.keys(limits), ['memory']);
    const environment = at(pod, 'containers/0/env') as Tree[];
    const options = environment.find((variable) => variable['name'] === 'NODE_OPTIONS');
    const heapMib = Number(String(options?.['value']).split('=')[1]);
    const config = parse(String(at(one(objects, 'ConfigMap'), 'data/configFile'))) as Tree;
    const bufferMib = Number(at(config, 'limits/processBufferBudgetBytes')) / 1024 / 1024;
    assert.ok(heapMib + bufferMib + 100 <= Number.parseInt(limits['memory'] ?? '', 10));
  });

  it('outlives the drain of its requests when it is stopped', () => {
    const pod = at(one(objectsOf(), 'Deployment'), 'spec/template/spec');
    const configFile = String(at(one(objectsOf(), 'ConfigMap'), 'data/configFile'));
    const { config } = parseAgentConfig(configFile, 'config.yaml');
    const graceMs = Number(at(pod, 'terminationGracePeriodSeconds')) * 1000;
    assert.ok(graceMs >= config.limits.drainGraceMs + 10_000);
  });

  it('probes the operations port that the agent has by default', () => {
    const container = at(one(objectsOf(), 'Deployment'), 'spec/template/spec/containers/0');
    assert.equal(at(container, 'livenessProbe/httpGet/path'), '/livez');
    assert.equal(at(container, 'readinessProbe/httpGet/path'), '/readyz');
    const configFile = String(at(one(objectsOf(), 'ConfigMap'), 'data/configFile'));
    const { config } = parseAgentConfig(configFile, 'config.yaml');
    assert.equal(at(container, 'ports/0/containerPort'), config.prometheusListenPort);
    assert.deepEqual(at(container, 'args'), ['agent', '--config', '/app/config/config.yaml']);
  });

  it('survives the loss of a node and never blocks its drain', () => {
    const objects = objectsOf({ replicas: 1 });
    assert.equal(at(one(objects, 'PodDisruptionBudget'), 'spec/maxUnavailable'), 1);
    const pod = at(one(objects, 'Deployment'), 'spec/template/spec');
    assert.equal(at(pod, 'topologySpreadConstraints/0/whenUnsatisfiable'), 'ScheduleAnyway');
    assert.equal(
      at(
        pod,
        'affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm/topologyKey',
      ),
      'kubernetes.io/hostname',
    );
  });
});

describe('access of an agent', () => {
  const roleOf = (binding: Tree): unknown => at(binding, 'roleRef/name');

  it('is cluster-admin for cluster', () => {
    const binding = one(objectsOf(), 'ClusterRoleBinding');
    assert.equal(roleOf(binding), 'cluster-admin');
    assert.deepEqual(binding['subjects'], [
      { kind: 'ServiceAccount', name: 'opsmx-agent-prod-eu', namespace: 'tools' },
    ]);
  });

  it('is admin of certain namespaces for namespaced, its own without a list', () => {
    const bindings = (targets: string[]): Tree[] =>
      objectsOf({ access: 'namespaced', targetNamespaces: targets }).filter(
        (object) => at(object, 'roleRef/kind') === 'ClusterRole',
      );
    const spaces = (found: Tree[]): unknown[] =>
      found.map((object) => at(object, 'metadata/namespace'));
    assert.deepEqual(spaces(bindings(['a', 'b'])), ['a', 'b']);
    assert.deepEqual(spaces(bindings([])), ['tools']);
    assert.ok(bindings(['a']).every((binding) => roleOf(binding) === 'admin'));
    assert.ok(!kindsOf(objectsOf({ access: 'namespaced' })).includes('ClusterRoleBinding'));
  });

  it('is reading for view, and no binding has the name under which cluster binds', () => {
    const objects = objectsOf({ access: 'view' });
    const bindings = objects.filter((object) => object['kind'] === 'ClusterRoleBinding');
    // roleRef cannot change either.
    assert.deepEqual(
      bindings.map((binding) => [at(binding, 'metadata/name'), roleOf(binding)]),
      [
        ['opsmx-agent-prod-eu-view', 'view'],
        ['opsmx-agent-prod-eu-view-cluster', 'opsmx-agent-prod-eu-view-cluster'],
      ],
    );
    const verbs = objects
      .filter((object) => object['kind'] === 'ClusterRole')
      .flatMap((role) => role['rules'] as Tree[])
      .flatMap((rule) => rule['verbs'] as string[]);
    assert.ok(verbs.length > 0);
    assert.deepEqual(
      verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb)),
      [],
    );
  });

  it('is nothing in the cluster for none, and no kubernetes service is offered then', () => {
    const objects = objectsOf({ access: 'none' });
    assert.ok(!kindsOf(objects).some((kind) => kind.startsWith('ClusterRole')));
    const services = parse(String(at(one(objects, 'ConfigMap'), 'data/services.yaml'))) as Tree;
    assert.deepEqual(services['outgoingServices'], []);
  });

  it('to Secrets is by name only, whatever else it may do', () => {
    for (const access of AGENT_ACCESS) {
      const role = one(
        objectsOf({ access, secretNames: ['jenkins'] }),
        'Role',
        'opsmx-agent-prod-eu-secrets',
      );
      const [rule, ...others] = role['rules'] as Tree[];
      assert.deepEqual(others, []);
      // A rule without names would open every Secret of the namespace.
      assert.deepEqual(rule?.['resourceNames'], ['opsmx-services-prod-eu', 'jenkins']);
      const empty = one(objectsOf({ access }), 'Role', 'opsmx-agent-prod-eu-secrets');
      assert.ok((at(empty, 'rules/0/resourceNames') as string[]).length > 0);
    }
  });
});
