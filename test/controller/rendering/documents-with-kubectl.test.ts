import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { AGENT_ACCESS, renderAgentManifest } from '../../../controller/rendering/agent-manifest.js';
import { renderKubeconfig } from '../../../controller/rendering/kubeconfig.js';
import { startKubernetesApi } from '../../../deploy/demo/kubernetes/kubernetes-api.js';
import { temporaryDirectory, testAuthority } from '../certificates/test-authority.js';
import { agentName } from '../../../shared/ids.js';
import { kubectl, kubectlBinaries } from './real-kubectl.js';

const BINARIES = kubectlBinaries();
const SKIP = BINARIES.length === 0 ? 'no kubectl on PATH' : false;

describe('rendered documents and real kubectl', { skip: SKIP }, () => {
  it('reads every part of a kubeconfig, in each version', async (t) => {
    const home = temporaryDirectory(t);
    const file = join(home, 'kubeconfig');
    const base = {
      agent: 'prod-eu',
      serverUrl: 'https://h:1/agents/prod-eu/kubernetes/x',
      caPem: 'CA',
    };
    const credential = { kind: 'certificate', certPem: 'C', keyPem: 'K', notAfter: 0 } as const;
    for (const binary of BINARIES) {
      // As YAML 1.1, which kubectl reads, none of these would be a string without quotes.
      for (const name of ['prod', 'yes', '1e3', 'my account: #1']) {
        writeFileSync(file, renderKubeconfig({ ...base, name, credential }));
        const view = ['config', 'view', '--raw', '-o', 'json', '--kubeconfig', file];
        const { out, err } = await kubectl(binary, view, { home });
        const config = JSON.parse(out) as Record<string, unknown>;
        assert.equal(config['current-context'], `${name}.prod-eu`, err);
        assert.deepEqual(config['users'], [
          {
            name: `${name}.prod-eu`,
            user: { 'client-certificate-data': 'Qw==', 'client-key-data': 'Sw==' },
          },
        ]);
        assert.deepEqual(config['clusters'], [
          {
            name: `${name}.prod-eu`,
            cluster: { server: base.serverUrl, 'certificate-authority-data': 'Q0E=' },
          },
        ]);
      }
    }
  });

  it('applies a manifest of every access, and finds nothing to change the second time', async (t) => {
    const home = temporaryDirectory(t);
    const authority = testAuthority();
    const issued = await authority.issue({ purpose: 'agent', agent: agentName('prod-eu') });
    for (const [position, binary] of BINARIES.entries()) {
      const api = await startKubernetesApi({ seed: false });
      t.after(() => api.close());
      const access = AGENT_ACCESS[position % AGENT_ACCESS.length] ?? 'cluster';
      const input = renderAgentManifest({
        agent: 'prod-eu',
        namespace: 'tools',
        createNamespace: true,
        replicas: 3,
        image: 'fairlead-agent:1',
        access,
        targetNamespaces: ['default'],
        kubernetesName: 'prod',
        secretNames: ['jenkins'],
        prometheusTls: 'mutual',
        controllerHost: 'agents.example.com',
        controllerPort: 9001,
        caPem: authority.caPem,
        ...issued,
        version: '1',
      });
      const apply = ['--server', api.url, 'apply', '-f', '-'];
      const first = await kubectl(binary, apply, { home, input });
      assert.equal(first.code, 0, `${basename(binary)} ${access}: ${first.err}`);
      assert.match(first.out, /deployment\.apps\/opsmx-agent-prod-eu created/);
      const second = await kubectl(binary, apply, { home, input });
      assert.equal(second.code, 0, second.err);
      const lines = second.out.trimEnd().split('\n');
      assert.ok(lines.length >= 8);
      assert.deepEqual(
        // kubectl replaces the selector of a budget every time (its patchStrategy in policy/v1).
        lines.filter((line) => !/ unchanged$|^poddisruptionbudget.* configured$/.test(line)),
        [],
        basename(binary),
      );
      await api.close();
    }
  });
});
