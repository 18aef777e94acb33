import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { identityOfCertificate } from '../../../shared/certificates/certificate-identity.js';
import { causeOf, controlFixture } from './control-fixture.js';

interface Kubeconfig {
  clusters: { cluster: Record<string, string> }[];
  users: { user: Record<string, string> }[];
  contexts: { context: Record<string, string> }[];
}

describe('generateKubeconfig', () => {
  it('answers YAML with a certificate for the route and a URL that names it', async () => {
    const { call, authority } = await controlFixture();
    const answer = await call('generateKubeconfig', { agentName: 'prod-eu', name: 'my acc' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['Content-Type'], 'application/yaml');
    const config = parse(answer.body) as Kubeconfig; // compared field by field
    assert.deepEqual(config.clusters[0]?.cluster, {
      server: 'https://services.example.com:9002/agents/prod-eu/kubernetes/my%20acc',
      'certificate-authority-data': Buffer.from(authority.caPem).toString('base64'),
    });
    const data = config.users[0]?.user['client-certificate-data'] ?? '';
    const certificate = new X509Certificate(Buffer.from(data, 'base64'));
    assert.deepEqual(identityOfCertificate(certificate), {
      purpose: 'service',
      route: { agent: 'prod-eu', service: { type: 'kubernetes', name: 'my acc' } },
    });
  });

  it('puts a token in place of the certificate, and a namespace, on request', async () => {
    const { call } = await controlFixture();
    const request = { agentName: 'a', name: 'k', credential: 'token', namespace: 'apps' };
    const config = parse((await call('generateKubeconfig', request)).body) as Kubeconfig;
    assert.deepEqual(config.users[0]?.user, { token: 'token-for-a/kubernetes/k' });
    assert.equal(config.contexts[0]?.context['namespace'], 'apps');
  });

  it('uses a host name per route where a service domain is configured, and says so where not', async () => {
    const request = { agentName: 'a', name: 'k', address: 'host' };
    const without = await (await controlFixture()).call('generateKubeconfig', request);
    assert.equal(without.status, 400);
    assert.match(causeOf(without), /^'address' is invalid: .*serviceDomain/);
    const addresses = {
      agentHostname: 'a',
      agentPort: 1,
      serviceHostname: 's',
      servicePort: 2,
      controlHostname: 'c',
      controlPort: 3,
      serviceDomain: 'svc.example.com',
    };
    const answer = await (await controlFixture({ addresses })).call('generateKubeconfig', request);
    const config = parse(answer.body) as Kubeconfig;
    assert.match(
      config.clusters[0]?.cluster['server'] ?? '',
      /^https:\/\/a-k-[a-z2-7]{12}\.svc\.example\.com:2$/,
    );
  });

  it('refuses names that would not survive where they go, with what is allowed', async () => {
    const { call, captured } = await controlFixture();
    const refused: [object, RegExp][] = [
      [{ agentName: 'Prod EU', name: 'k' }, /^'agentName' is invalid: .*lower-case .* 1 to 51/],
      [{ agentName: 'a'.repeat(52), name: 'k' }, /^'agentName' is invalid/],
      [{ agentName: '-a', name: 'k' }, /^'agentName' is invalid/],
      [{ agentName: 'a', name: 'x/y' }, /^'name' is invalid: .*URL path/],
      [{ agentName: 'a', name: '..' }, /^'name' is invalid: .*URL path/],
      [{ agentName: 'a', name: '${user.home}' }, /^'name' is invalid/],
      [{ agentName: 'a', name: 'k', namespace: 'Apps' }, /^'namespace' is invalid/],
      [
        { agentName: 'a', name: 'k', credential: 'password' },
        /^'credential' .*certificate, token$/,
      ],
    ];
    for (const [request, cause] of refused) {
      const answer = await call('generateKubeconfig', request);
      assert.equal(answer.status, 400, JSON.stringify(request));
      assert.match(causeOf(answer), cause);
    }
    assert.equal(captured.lines.filter((line) => line['audit'] === true).length, 0);
  });
});

describe('generateAgentManifest', () => {
  interface KubeObject {
    kind: string;
    metadata: { namespace?: string };
    data?: Record<string, string>;
    spec?: { replicas?: number; template?: { spec: { containers: { image: string }[] } } };
  }
  const objects = (text: string): KubeObject[] =>
    (parseAllDocuments(text) as { toJS(): unknown }[]).map((one) => one.toJS() as KubeObject);

  it('answers YAML with a certificate for the agent and sound defaults', async () => {
    const { call } = await controlFixture();
    const answer = await call('generateAgentManifest', { agentName: 'prod-eu' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['Content-Type'], 'application/yaml');
    const all = objects(answer.body);
    const secret = all.find((one) => one.kind === 'Secret');
    const certificate = new X509Certificate(Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64'));
    assert.deepEqual(identityOfCertificate(certificate), { purpose: 'agent', agent: 'prod-eu' });
    const deployment = all.find((one) => one.kind === 'Deployment');
    assert.equal(deployment?.spec?.replicas, 3);
    assert.equal(deployment.metadata.namespace, 'default');
    assert.equal(deployment.spec.template?.spec.containers[0]?.image, 'fairlead-agent:v9.8.7');
  });

  it('takes the image from the request, else from the configuration', async () => {
    const { call } = await controlFixture({ agentImage: 'registry/agent:1' });
    const configured = await call('generateAgentManifest', { agentName: 'a' });
    assert.match(configured.body, /image: registry\/agent:1\n/);
    const requested = await call('generateAgentManifest', {
      agentName: 'a',
      image: 'mine@sha256:0',
    });
    assert.match(requested.body, /image: mine@sha256:0\n/);
  });

  it('refuses values that Kubernetes would refuse later, with what is allowed', async () => {
    const { call, captured } = await controlFixture();
    const refused: [object, RegExp][] = [
      [{ agentName: 'Prod_EU' }, /^'agentName' is invalid: it becomes part of the names/],
      [{ agentName: 'a', namespace: 'No Such' }, /^'namespace' is invalid/],
      [{ agentName: 'a', replicas: 0 }, /^'replicas' is invalid: .* from 1 to 100$/],
      [{ agentName: 'a', replicas: '3' }, /cannot unmarshal string into field replicas/],
      [{ agentName: 'a', createNamespace: 'yes' }, /cannot unmarshal string .* type bool/],
      [{ agentName: 'a', rbac: 'root' }, /^'rbac' .*cluster, namespaced, view, none$/],
      [{ agentName: 'a', prometheusTLS: 'on' }, /^'prometheusTLS' .*off, server, mutual$/],
      [{ agentName: 'a', targetNamespaces: ['ok', 'Not'] }, /^'targetNamespaces' is invalid/],
      [{ agentName: 'a', targetNamespaces: 'ok' }, /type list of strings/],
      // they would be dropped, and the rights be those of the whole cluster
      [{ agentName: 'a', targetNamespaces: ['ok'] }, /^'targetNamespaces' .*rbac "cluster" would/],
      [
        { agentName: 'a', targetNamespaces: ['ok'], rbac: 'view' },
        /^'targetNamespaces' .*rbac "view" would/,
      ],
      [{ agentName: 'a', secretNames: [''] }, /^'secretNames' is invalid/],
      [{ agentName: 'a', image: 'x y' }, /^'image' is invalid/],
    ];
    for (const [request, cause] of refused) {
      const answer = await call('generateAgentManifest', request);
      assert.equal(answer.status, 400, JSON.stringify(request));
      assert.match(causeOf(answer), cause);
    }
    assert.equal(captured.lines.filter((line) => line['audit'] === true).length, 0);
  });
});
