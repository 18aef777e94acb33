import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  agentConfigFormat,
  parseAgentConfig,
  parseServicesConfig,
  servicesConfigFormat,
} from '../../agent/config.js';
import { TunnelError } from '../../shared/errors.js';
import { undescribedOptions } from '../shared/config/undescribed-options.js';

const agent = (text: string) => parseAgentConfig(text, 'a.yaml');
const services = (text: string) => parseServicesConfig(text, 's.yaml');
const faultOf = (read: () => unknown) => {
  try {
    read();
  } catch (reason) {
    assert.ok(reason instanceof TunnelError && reason.code === 'CONFIG_INVALID');
    return reason.message;
  }
  return assert.fail('expected an error');
};

describe('agent configuration', () => {
  it("has v3.5's defaults", () => {
    const { config, warnings } = agent('{}');
    assert.deepEqual(warnings, []);
    assert.deepEqual(config.controllers, [{ host: 'forwarder-controller', port: 9001 }]);
    assert.equal(config.caCertFile, '/app/config/ca.pem');
    assert.equal(config.caCert64, undefined);
    assert.equal(config.certFile, '/app/secrets/agent/tls.crt');
    assert.equal(config.keyFile, '/app/secrets/agent/tls.key');
    assert.equal(config.servicesConfigPath, '/app/config/services.yaml');
    assert.equal(config.insecureControllerAllowed, false);
    assert.equal(config.prometheusListenPort, 9102);
  });

  it('takes empty texts as not set, as the Go versions do', () => {
    const { config } = agent(
      'certFile: ""\nservicesConfigPath: ""\ncaCertFile: ""\ncontrollerHostname: ""',
    );
    assert.equal(config.controllers[0]?.host, 'forwarder-controller');
    assert.equal(config.certFile, '/app/secrets/agent/tls.crt');
    assert.equal(config.servicesConfigPath, '/app/config/services.yaml');
    assert.equal(config.caCertFile, '/app/config/ca.pem');
  });

  it('needs a certificate of its own for TLS on the metrics port', () => {
    for (const mode of ['server', 'mutual\nprometheusClientCAFile: /ca.pem']) {
      const text = `prometheusTLS: ${mode}\n`;
      const fault = faultOf(() => agent(text));
      assert.match(fault, /a\.yaml:\d+:\d+: key "prometheusCertFile": is missing, expected a file/);
      assert.match(fault, /a\.yaml:\d+:\d+: key "prometheusKeyFile": is missing, expected a file/);
      agent(`${text}prometheusCertFile: /tls.crt\nprometheusKeyFile: /tls.key`);
    }
  });

  it('takes one controller or several, not both', () => {
    assert.deepEqual(agent('controllerHostname: "[::1]:443"').config.controllers, [
      { host: '::1', port: 443 },
    ]);
    assert.deepEqual(agent('controllerHostnames: [a:1, b:2]').config.controllers, [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]);
    const both = 'controllerHostname: a:1\ncontrollerHostnames: [b:2]';
    assert.match(
      faultOf(() => agent(both)),
      /cannot stand beside controllerHostname/,
    );
    assert.match(
      faultOf(() => agent('controllerHostname: host')),
      /expected host:port/,
    );
  });

  it('describes every option of both files', () => {
    assert.deepEqual(undescribedOptions(agentConfigFormat.options), []);
    assert.deepEqual(undescribedOptions(servicesConfigFormat.options), []);
  });

  it('knows the later spellings', () => {
    assert.equal(agent('servicesConfigFile: /s.yaml').config.servicesConfigPath, '/s.yaml');
    assert.ok(agent('insecureControllerConnection: true').config.insecureControllerAllowed);
    const different = 'servicesConfigPath: a\nservicesConfigFile: b';
    assert.match(
      faultOf(() => agent(different)),
      /says something else/,
    );
  });

  it('says that dial retries are not needed', () => {
    const { warnings } = agent('dialMaxRetries: 3\ndialRetryTime: 10');
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /^a\.yaml:1:1: .*reconnects for ever/);
  });
});

describe('services file', () => {
  it('reads what v3.5 reads', () => {
    const { config } = services(`
agentInfo: {annotations: {region: eu, cost-center: 0815}}
outgoingServices:
  - enabled: true
    name: ci
    type: jenkins
    annotations: {description: builds}
    config:
      url: https://jenkins.example/ci
      insecure: true
      credentials: {type: basic, username: dXNlcg==, password: cGFzcw==}
  - enabled: true
    name: cluster
    type: kubernetes
    namespaces: [{name: blue, namespaces: [a, b]}, {name: green}]
    config: {kubeConfig: /k.yaml}
incomingServices:
  - {name: front50, port: 8080, destination: controller, serviceType: front50, destinationService: front50}
`);
    assert.deepEqual(config.agentInfo.annotations, { region: 'eu', 'cost-center': '0815' });
    const [ci, cluster] = config.outgoingServices;
    assert.ok(ci?.kind === 'generic' && cluster?.kind === 'kubernetes');
    assert.equal(ci.config.credentials.username?.reveal(), 'dXNlcg==');
    assert.equal(cluster.config.kubeConfig, '/k.yaml');
    assert.deepEqual(cluster.namespaces, [
      { name: 'blue', namespaces: ['a', 'b'] },
      { name: 'green', namespaces: [] },
    ]);
    assert.equal(config.incomingServices[0]?.port, 8080);
  });

  it('refuses a name that is advertised twice, also through a namespace item', () => {
    const text = `
outgoingServices:
  - {enabled: true, name: blue, type: kubernetes}
  - {enabled: true, name: c, type: kubernetes, namespaces: [{name: blue}]}
`;
    assert.match(
      faultOf(() => services(text)),
      /^s\.yaml:4:5: .*"kubernetes\/blue" is enabled/,
    );
  });

  it('lets a name repeat in another type or in an entry that is not enabled', () => {
    services(`
outgoingServices:
  - {enabled: true, name: a, type: argocd}
  - {enabled: true, name: a, type: carinainstance}
  - {enabled: false, name: a, type: argocd}
`);
  });

  it('reports a repeated name beside other faults', () => {
    const text = `
outgoingServices:
  - {enabled: true, name: a, type: x}
  - {enabled: true, name: a, type: x}
  - {enabled: true, type: x}
`;
    assert.match(
      faultOf(() => services(text)),
      /^2 problems:/,
    );
  });

  it('explains the keys of version 2', () => {
    const { config, warnings } = services('services: [{name: a, type: b}]\ncommands: []');
    assert.deepEqual(config.outgoingServices, []);
    assert.match(warnings[0] ?? '', /rename it to outgoingServices/);
    assert.match(warnings[1] ?? '', /remote commands are not supported/);
  });

  it('says that aws services are skipped', () => {
    const aws = '{enabled: true, name: a, type: aws, config: {credentials: {type: iam}}}';
    const { config, warnings } = services(`outgoingServices: [${aws}]`);
    assert.equal(config.outgoingServices[0]?.kind, 'unsupported');
    assert.match(warnings[0] ?? '', /service "aws\/a" is skipped/);
  });

  it('finds unknown keys by the type of the service', () => {
    const text = `
outgoingServices:
  - {enabled: true, name: a, type: kubernetes, config: {kubeconfig: x, url: y}}
  - {enabled: true, name: b, type: jenkins, config: {credentials: {pasword: x}}}
`;
    const message = faultOf(() => services(text));
    assert.match(message, /config\.kubeconfig": is not known here; did you mean "kubeConfig"/);
    assert.match(message, /config\.url": is not known here; known are kubeConfig, context/);
    assert.match(message, /pasword": is not known here; did you mean "password"/);
  });

  it('lets an agent listen for its controller only', () => {
    const to = (destination: string) =>
      `incomingServices: [{name: x, port: 1, destination: ${destination}, serviceType: a, destinationService: b}]`;
    services(to('controller'));
    assert.match(
      faultOf(() => services(to('other'))),
      /expected controller/,
    );
  });

  it('refuses two listeners on one port unless their addresses differ', () => {
    const listener = (address: string) =>
      `{port: 80, bindAddress: ${address}, destination: controller, serviceType: a, destinationService: b}`;
    services(`incomingServices: [${listener('127.0.0.1')}, ${listener('"::1"')}]`);
    const same = `incomingServices: [${listener('127.0.0.1')}, ${listener('127.0.0.1')}]`;
    assert.match(
      faultOf(() => services(same)),
      /port 80 is taken/,
    );
  });
});
