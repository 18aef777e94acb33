import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseControllerConfig } from '../../../controller/config.js';
import { TUNNEL_SERVICE } from '../../../shared/protocol/tunnel-rpc.js';
import { at, filesIn, projectFile, textAt, yamlDocuments } from '../project-files.js';
import { controllerObjects, idOf, NAMESPACE, nameOf, theObject } from './controller-manifests.js';

const FOLDER = 'deploy/kubernetes/fronts';
const CONFIG = projectFile('deploy/kubernetes/config.yaml');
const { config } = parseControllerConfig(CONFIG, 'config.yaml');
const SERVICE = theObject(controllerObjects(), 'Service', 'agent-grpc');

/** Where a front leads to: the host name that agents dial there, and name and port of a Service. */
type Way = readonly [host: unknown, service: unknown, port: unknown];

/** What each file has to be like, and where it leads. */
const FRONTS: Readonly<Record<string, (documents: readonly unknown[]) => Way>> = {
  'aws-nlb.yaml': ([service]) => {
    assert.deepEqual(at(service, 'spec.selector'), at(SERVICE, 'spec.selector'));
    assert.equal(at(service, 'spec.type'), 'LoadBalancer');
    assert.equal(at(service, 'spec.ports.0.port'), config.agentAdvertisePort);
    const target = at(service, 'spec.ports.0.targetPort');
    assert.equal(target, at(SERVICE, 'spec.ports.0.targetPort'));
    // leads to the pods itself, as the Service does
    return [config.agentHostname, nameOf(SERVICE), at(SERVICE, 'spec.ports.0.port')];
  },
  'envoy-passthrough.yaml': ([envoy]) => {
    const chain = at(envoy, 'static_resources.listeners.0.filter_chains.0');
    assert.equal(at(chain, 'filters.0.name'), 'envoy.filters.network.tcp_proxy');
    const cluster = at(envoy, 'static_resources.clusters.0');
    assert.equal(at(chain, 'filters.0.typed_config.cluster'), at(cluster, 'name'));
    const address = at(
      cluster,
      'load_assignment.endpoints.0.lb_endpoints.0.endpoint.address.socket_address',
    );
    const host = at(chain, 'filter_chain_match.server_names.0');
    return [host, serviceOf(textAt(address, 'address')), at(address, 'port_value')];
  },
  'gateway-api-tlsroute.yaml': ([gateway, route]) => {
    const listener = at(gateway, 'spec.listeners.0');
    assert.equal(at(listener, 'protocol'), 'TLS');
    assert.equal(at(listener, 'tls.mode'), 'Passthrough');
    assert.equal(at(listener, 'port'), config.agentAdvertisePort);
    assert.equal(at(route, 'spec.parentRefs.0.name'), nameOf(gateway));
    assert.equal(at(route, 'spec.parentRefs.0.sectionName'), at(listener, 'name'));
    const host = at(route, 'spec.hostnames.0');
    assert.equal(at(listener, 'hostname'), host);
    const backend = at(route, 'spec.rules.0.backendRefs.0');
    return [host, at(backend, 'name'), at(backend, 'port')];
  },
  'ingress-nginx-passthrough.yaml': ([ingress]) => {
    assert.equal(annotationOf(ingress, 'ssl-passthrough'), 'true');
    return wayOfIngress(ingress);
  },
  'ingress-nginx-terminating.yaml': ([ingress]) => {
    assert.deepEqual(at(ingress, 'spec.tls.0.hosts'), [config.agentHostname]);
    return wayOfIngress(ingress);
  },
  'istio-passthrough.yaml': ([gateway, service]) => {
    assert.equal(at(gateway, 'spec.servers.0.tls.mode'), 'PASSTHROUGH');
    assert.equal(at(gateway, 'spec.servers.0.port.number'), config.agentAdvertisePort);
    assert.equal(at(service, 'spec.gateways.0'), nameOf(gateway));
    const host = at(service, 'spec.tls.0.match.0.sniHosts.0');
    assert.equal(at(gateway, 'spec.servers.0.hosts.0'), host);
    const destination = at(service, 'spec.tls.0.route.0.destination');
    return [host, serviceOf(textAt(destination, 'host')), at(destination, 'port.number')];
  },
  'traefik-passthrough.yaml': ([ingress]) => {
    assert.equal(at(ingress, 'spec.tls.passthrough'), true);
    const route = at(ingress, 'spec.routes.0');
    const host = /^HostSNI\(`(.+)`\)$/.exec(textAt(route, 'match'))?.[1];
    return [host, at(route, 'services.0.name'), at(route, 'services.0.port')];
  },
};

describe('fronts', () => {
  it('are the files that are checked here', () => {
    const files = filesIn(FOLDER, '.yaml').map((file) => file.split('/').at(-1));
    assert.deepEqual(files, Object.keys(FRONTS));
  });

  for (const [file, wayOf] of Object.entries(FRONTS)) {
    it(`lead agents to the controller (${file})`, () => {
      const documents = yamlDocuments(projectFile(`${FOLDER}/${file}`));
      const wanted = [config.agentHostname, nameOf(SERVICE), config.agentListenPort];
      assert.deepEqual(wayOf(documents), wanted);
      for (const document of documents) {
        if (at(document, 'metadata') === undefined) continue; // not an object of Kubernetes
        assert.equal(at(document, 'metadata.namespace'), NAMESPACE);
      }
      assert.ok(projectFile('deploy/EXPOSING.md').includes(file));
    });
  }

  it('are no objects of the folder: applying that again would undo them', () => {
    const ofFolder = new Set(controllerObjects().map(idOf));
    for (const file of Object.keys(FRONTS)) {
      for (const document of yamlDocuments(projectFile(`${FOLDER}/${file}`))) {
        if (at(document, 'metadata') === undefined) continue; // not an object of Kubernetes
        assert.ok(!ofFolder.has(idOf(document)), `${file}: ${idOf(document)}`);
      }
    }
  });

  it('that end TLS let the whole session through, and only the one method', () => {
    const text = projectFile(`${FOLDER}/ingress-nginx-terminating.yaml`);
    const [ingress] = yamlDocuments(text);
    assert.equal(annotationOf(ingress, 'backend-protocol'), 'GRPC');
    assert.equal(annotationOf(ingress, 'proxy-body-size'), '0');
    const heartbeatSeconds = config.limits.heartbeatIntervalMs / 1000;
    for (const name of ['proxy-read-timeout', 'proxy-send-timeout']) {
      assert.ok(Number(annotationOf(ingress, name)) > heartbeatSeconds);
    }
    const path = at(ingress, 'spec.rules.0.http.paths.0');
    assert.equal(at(path, 'path'), TUNNEL_SERVICE.Connect.path);
    assert.equal(at(path, 'pathType'), 'Exact');
  });

  it('that end TLS name the option that the controller then needs', () => {
    const option = 'insecureAgentConnections: true';
    assert.ok(projectFile(`${FOLDER}/ingress-nginx-terminating.yaml`).includes(option));
    const { config: insecure } = parseControllerConfig(`${CONFIG}\n${option}\n`, 'x');
    assert.equal(insecure.insecureAgentConnections, true);
  });
});

function wayOfIngress(ingress: unknown): Way {
  const rule = at(ingress, 'spec.rules.0');
  const service = at(rule, 'http.paths.0.backend.service');
  return [at(rule, 'host'), at(service, 'name'), at(service, 'port.number')];
}

function annotationOf(ingress: unknown, name: string): unknown {
  const annotations = Object.entries(at(ingress, 'metadata.annotations') as object);
  return new Map<string, unknown>(annotations).get(`nginx.ingress.kubernetes.io/${name}`);
}

/** `agent-grpc` of `agent-grpc.spinnaker.svc.cluster.local`. */
function serviceOf(host: string): string {
  const [name = '', ...rest] = host.split('.');
  assert.equal(rest.join('.'), `${NAMESPACE}.svc.cluster.local`);
  return name;
}
