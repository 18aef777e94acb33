/**
 * The recipe for TLS on an agent's port for metrics: the manifest of the published command, with the Secret
 * of the example beside it, is a configuration that the agent accepts, and its pods fit together.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ChildProgram } from '../../../deploy/demo/child-program.js';
import { FAIRLEAD, FairleadRig } from '../../harness/fairlead-rig.js';
import { at, listAt, projectFile, textAt, yamlDocuments } from '../project-files.js';

const EXAMPLE = 'deploy/kubernetes/agent/metrics-certificate.yaml';
const SERVICES_FILE = 'services.yaml';

describe('an agent manifest with TLS for metrics', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  /** What cert-manager makes of the example. */
  let secret: { name: string; files: Readonly<Record<string, string>> };

  before(async () => {
    rig = await FairleadRig.start();
    const [certificate] = yamlDocuments(projectFile(EXAMPLE));
    const names = listAt(certificate, 'spec.dnsNames').map(String);
    const { certPem, keyPem } = await rig.authority.issueServerCertificate(names);
    secret = {
      name: textAt(certificate, 'spec.secretName'),
      files: { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': rig.caPem },
    };
    assert.ok(listAt(certificate, 'spec.usages').includes('server auth'));
  });

  after(() => rig?.stop());

  async function manifest(mode: string): Promise<readonly unknown[]> {
    const args = ['--agent', 'prod-eu', '--namespace', 'fairlead', '--prometheus-tls', mode];
    const { code, output } = await rig.client('agent-manifest', ...args);
    assert.equal(code, 0, output);
    return yamlDocuments(output);
  }

  const objectOf = (objects: readonly unknown[], kind: string): unknown =>
    objects.find((object) => at(object, 'kind') === kind);
  const podOf = (objects: readonly unknown[]): unknown =>
    at(objectOf(objects, 'Deployment'), 'spec.template');

  /** Lays out the pod's files below a folder of the test and lets the agent check them. */
  async function check(objects: readonly unknown[], files: Readonly<Record<string, string>>) {
    const root = rig.path('pod');
    rmSync(root, { recursive: true, force: true });
    const place = (path: string, content: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    };
    const own = objectOf(objects, 'Secret');
    for (const name of ['tls.crt', 'tls.key']) {
      const data = at(own, 'data') as Readonly<Record<string, string>>;
      place(`/app/secrets/agent/${name}`, Buffer.from(data[name] ?? '', 'base64').toString());
    }
    const settings = at(objectOf(objects, 'ConfigMap'), 'data');
    // this cluster's ServiceAccount is not what is tested
    place(`/app/config/${SERVICES_FILE}`, 'outgoingServices: []\n');
    const defaults = { certFile: 'secrets/agent/tls.crt', keyFile: 'secrets/agent/tls.key' };
    const lines = Object.entries({
      ...defaults,
      servicesConfigPath: `config/${SERVICES_FILE}`,
    }).map(([key, path]) => `${key}: /app/${path}\n`);
    const config = textAt(settings, 'configFile') + lines.join('');
    place('/app/config/config.yaml', config.replaceAll('/app/', `${root}/app/`));
    for (const [name, content] of Object.entries(files)) place(name, content);
    const program = new ChildProgram({
      name: 'agent --check',
      args: [FAIRLEAD, 'agent', '--config', join(root, 'app/config/config.yaml'), '--check'],
    });
    return { code: await program.exited, output: program.lines.join('\n') };
  }

  /** The Secret's files where the pod mounts them. */
  function mounted(pod: unknown): Record<string, string> {
    const volume = listAt(pod, 'spec.volumes').find(
      (one) => at(one, 'secret.secretName') === secret.name,
    );
    const mount = listAt(pod, 'spec.containers.0.volumeMounts').find(
      (one) => at(one, 'name') === textAt(volume, 'name'),
    );
    const path = textAt(mount, 'mountPath');
    return Object.fromEntries(
      Object.entries(secret.files).map(([name, content]) => [`${path}/${name}`, content]),
    );
  }

  for (const mode of ['server', 'mutual']) {
    it(`is accepted by the agent, with the Secret of the example (${mode})`, async () => {
      const objects = await manifest(mode);
      const pod = podOf(objects);
      const files = mounted(pod);
      const checked = await check(objects, files);
      assert.equal(checked.code, 0, checked.output);
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        assert.equal(textAt(pod, `spec.containers.0.${probe}.httpGet.scheme`), 'HTTPS');
      }
      const annotations = at(pod, 'metadata.annotations') as Readonly<Record<string, string>>;
      assert.equal(annotations['prometheus.io/scheme'], 'https');
      const needed = mode === 'mutual' ? /\.(?:crt|key)$/ : /tls\.(?:crt|key)$/;
      for (const name of Object.keys(files).filter((file) => needed.test(file))) {
        const without = Object.entries(files).filter(([file]) => file !== name);
        const { code, output } = await check(objects, Object.fromEntries(without));
        assert.equal(code, 2, output);
        assert.ok(output.includes(name), `${name} is not missed: ${output}`);
      }
    });
  }

  it('has nothing of it by default', async () => {
    const objects = await manifest('off');
    assert.doesNotMatch(JSON.stringify(objects), /-metrics|prometheusTLS|HTTPS|scheme/);
  });
});
