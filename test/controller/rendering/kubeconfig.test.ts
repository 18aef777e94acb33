import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  renderKubeconfig,
  type KubeconfigOptions,
} from '../../../controller/rendering/kubeconfig.js';
import { TunnelError } from '../../../shared/errors.js';

const OPTIONS: KubeconfigOptions = {
  agent: 'prod-eu',
  name: 'prod',
  serverUrl: 'https://services.example.com:9002/agents/prod-eu/kubernetes/prod',
  caPem: 'CA PEM\n',
  credential: {
    kind: 'certificate',
    certPem: 'CERT PEM\n',
    keyPem: 'KEY PEM\n',
    notAfter: Date.UTC(2030, 0, 2),
  },
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('renderKubeconfig', () => {
  it('has one cluster, user and context, everything inline, keys always in this order', () => {
    const text = renderKubeconfig(OPTIONS);
    const withoutComments = text.replace(/^#.*\n/gm, '');
    assert.equal(
      withoutComments,
      `apiVersion: v1
kind: Config
clusters:
  - name: prod.prod-eu
    cluster:
      server: https://services.example.com:9002/agents/prod-eu/kubernetes/prod
      certificate-authority-data: ${base64('CA PEM\n')}
users:
  - name: prod.prod-eu
    user:
      client-certificate-data: ${base64('CERT PEM\n')}
      client-key-data: ${base64('KEY PEM\n')}
contexts:
  - name: prod.prod-eu
    context:
      cluster: prod.prod-eu
      user: prod.prod-eu
current-context: prod.prod-eu
`,
    );
    assert.equal(text, renderKubeconfig(OPTIONS));
  });

  it('says in front how to use it, until when, and how Spinnaker takes it', () => {
    const text = renderKubeconfig(OPTIONS);
    assert.match(text, /^# Reaches the kubernetes service "prod" of agent "prod-eu"/);
    assert.match(text, /until 2030-01-02T00:00:00\.000Z/);
    assert.match(text, /kubectl --kubeconfig/);
    assert.match(text, /configserver:/);
  });

  it('keeps base64 on one line, however long', () => {
    const text = renderKubeconfig({ ...OPTIONS, caPem: 'x'.repeat(9000) });
    assert.ok(text.includes(`certificate-authority-data: ${base64('x'.repeat(9000))}\n`));
  });

  it('keeps every name a string for readers of YAML 1.1 and 1.2', () => {
    for (const name of [
      'yes',
      'on',
      'null',
      '~',
      '1_000',
      '12:30:45',
      '0x1f',
      '017',
      '2030-01-02',
      '1e3',
      '.5',
      '=',
      '<<',
      '- a',
      'a: b',
      '#a',
      '"',
      "'",
      '&a',
      '*a',
      '!x',
      '%',
      '@',
      '`',
      ' a ',
      'é ☸',
    ]) {
      for (const version of ['1.1', '1.2'] as const) {
        const text = renderKubeconfig({
          ...OPTIONS,
          name,
          agent: 'a',
          credential: { kind: 'token', token: name },
        });
        const config = parse(text, { version }) as {
          users: { name: unknown; user: { token: unknown } }[];
        };
        assert.equal(config.users[0]?.user.token, name);
        assert.equal(config.users[0].name, `${name}.a`);
      }
    }
  });

  it('never contains what Spring would take for a placeholder', () => {
    const bad = { ...OPTIONS, serverUrl: 'https://${user.home}/' };
    assert.throws(
      () => renderKubeconfig(bad),
      (reason: unknown) =>
        reason instanceof TunnelError && reason.code === 'CONTROL_REQUEST_INVALID',
    );
  });

  it('survives a round trip through YAML for any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        fc.pre(!name.includes('${') && !/\p{Cc}/u.test(name));
        const config = parse(renderKubeconfig({ ...OPTIONS, name }), { version: '1.1' }) as {
          'current-context': string;
        };
        assert.equal(config['current-context'], `${name}.prod-eu`);
      }),
      { numRuns: 200 },
    );
  });
});
