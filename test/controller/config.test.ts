import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  computeServerNames,
  controllerConfigFormat,
  parseControllerConfig,
} from '../../controller/config.js';
import { TunnelError } from '../../shared/errors.js';
import { undescribedOptions } from '../shared/config/undescribed-options.js';

const REQUIRED = `
agentHostname: agents.example
controlHostname: control.example
serviceHostname: services.example
serviceAuth: {currentKeyName: key1, headerMutationKeyName: key2}
`;
const parse = (text: string) => parseControllerConfig(REQUIRED + text, 'c.yaml');
const faults = (text: string) => {
  try {
    parseControllerConfig(text, 'c.yaml');
  } catch (reason) {
    assert.ok(reason instanceof TunnelError && reason.code === 'CONFIG_INVALID');
    return reason.message;
  }
  return assert.fail('expected an error');
};

describe('controller configuration', () => {
  it("has v3.5's defaults", () => {
    const { config, warnings } = parse('');
    assert.deepEqual(warnings, []);
    assert.equal(config.agentListenPort, 9001);
    assert.equal(config.serviceListenPort, 9002);
    assert.equal(config.controlListenPort, 9003);
    assert.equal(config.prometheusListenPort, 9102);
    assert.equal(config.agentAdvertisePort, undefined);
    assert.equal(config.serviceAuth.secretsPath, '/app/secrets/serviceAuth');
    assert.deepEqual(config.caConfig, {
      caCertFile: '/app/secrets/ca/tls.crt',
      caKeyFile: '/app/secrets/ca/tls.key',
    });
    assert.equal(config.insecureAgentConnections, false);
    assert.deepEqual(config.services, { outgoingServices: [], incomingServices: [] });
  });

  it('names every required option that is missing', () => {
    const message = faults('webhook: x');
    for (const key of [
      'agentHostname',
      'controlHostname',
      'serviceHostname',
      'serviceAuth.currentKeyName',
      'serviceAuth.headerMutationKeyName',
    ]) {
      assert.ok(message.includes(`key "${key}": is missing`), key);
    }
  });

  it("reads the charts' file, warning of what has no effect", () => {
    const { config, warnings } = parse(`
agentAdvertisePort: 443
remoteCommandHostname: forwarder-controller
agents: {}
webhook: http://sapor:8085/hook
agentUseTLS: true
services:
  outgoingServices:
    - {name: front50, type: front50, enabled: true, config: {url: "http://spin-front50:8080"}}
  incomingServices:
    - {name: clouddriver, port: 7002, useHTTP: true, destination: opsmx-agent, destinationService: agent-clouddriver, serviceType: clouddriver}
`);
    assert.equal(config.agentAdvertisePort, 443);
    assert.equal(config.services.incomingServices[0]?.destination, 'opsmx-agent');
    assert.deepEqual(
      warnings.map((warning) => /key "(\w+)"/.exec(warning)?.[1]),
      ['remoteCommandHostname', 'agents', 'webhook', 'agentUseTLS'],
    );
  });

  it('takes both spellings of insecureAgentConnections, and refuses a contradiction', () => {
    assert.ok(parse('insecureAgentConnections: true').config.insecureAgentConnections);
    assert.ok(parse('insecureagentconnections: true').config.insecureAgentConnections);
    const both = 'insecureagentconnections: true\ninsecureAgentConnections: false';
    assert.match(faults(REQUIRED + both), /says the opposite/);
  });

  it('takes an advertised port of 0 as not set, and a listening port of 0 as any free one', () => {
    const { config } = parse('agentAdvertisePort: 0\nagentListenPort: 0\nserviceListenPort: 0');
    assert.equal(config.agentAdvertisePort, undefined);
    assert.equal(config.agentListenPort, 0);
    assert.equal(config.serviceListenPort, 0);
  });

  it('refuses two listeners on one port', () => {
    assert.match(
      faults(`${REQUIRED}controlListenPort: 9002`),
      /^c\.yaml:6:1: key "controlListenPort": is the same port as serviceListenPort$/,
    );
  });

  it('explains host names that are more than that', () => {
    assert.match(faults(`${REQUIRED}serverNames: ["https://x"]`), /without "https:\/\/"/);
    assert.match(faults(`${REQUIRED}serverNames: ["x:443"]`), /without a port/);
  });

  it('needs a CA for mutual TLS on the metrics port', () => {
    assert.match(faults(`${REQUIRED}prometheusTLS: mutual`), /prometheusClientCAFile": is missing/);
    parse('prometheusTLS: mutual\nprometheusClientCAFile: /ca.pem');
  });

  it('takes a certificate of the metrics port with its key, or none', () => {
    parse('prometheusTLS: server');
    parse('prometheusTLS: server\nprometheusCertFile: /tls.crt\nprometheusKeyFile: /tls.key');
    assert.match(
      faults(`${REQUIRED}prometheusTLS: server\nprometheusCertFile: /tls.crt`),
      /^c\.yaml:\d+:\d+: key "prometheusKeyFile": is missing, expected a file, as prometheusCertFile is there$/,
    );
    assert.match(
      faults(`${REQUIRED}prometheusTLS: server\nprometheusKeyFile: /tls.key`),
      /key "prometheusCertFile": is missing/,
    );
  });

  it('refuses a key name that is a path', () => {
    const text = REQUIRED.replace('key1', '../key1');
    assert.match(faults(text), /expected the name of a file in serviceAuth\.secretsPath/);
  });

  it('needs a destination for a plain incoming port, none for one routed by credential', () => {
    const port = (more: string) => `services: {incomingServices: [{name: x, port: 7002${more}}]}`;
    assert.match(faults(REQUIRED + port(', useHTTP: true')), /3 problems/);
    parse(port(''));
  });

  it('describes every option', () =>
    assert.deepEqual(undescribedOptions(controllerConfigFormat.options), []));
});

describe('computeServerNames', () => {
  it("keeps v3.5's order and adds what is absent", () => {
    const { config } = parse('serverNames: [extra.example, control.example, 10.0.0.1]');
    assert.deepEqual(computeServerNames(config), [
      'extra.example',
      'control.example',
      '10.0.0.1',
      'agents.example',
      'services.example',
    ]);
  });

  it('adds the wildcard of serviceDomain', () => {
    const { config } = parse('serviceDomain: routes.example');
    assert.equal(computeServerNames(config).at(-1), '*.routes.example');
  });
});
