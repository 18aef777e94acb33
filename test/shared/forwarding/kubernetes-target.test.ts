import assert from 'node:assert/strict';
import { readFileSync, unlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { kubernetesEnvironmentFrom } from '../../../shared/forwarding/kubernetes-environment.js';
import type { KubernetesEnvironment } from '../../../shared/forwarding/kubernetes-environment.js';
import { call, startEchoServer } from './echo-server.js';
import type { EchoServer } from './echo-server.js';
import { startRig } from './target-rig.js';
import type { TargetRig } from './target-rig.js';
import { temporaryFolder } from './temporary-folder.js';
import { createCa } from './throwaway-certificates.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a kubernetes service', () => {
  const folder = temporaryFolder();
  const serverCa = createCa('cluster CA');
  const clientCa = createCa('client CA');
  const otherCa = createCa('other CA');
  const client = clientCa.issue('admin');
  const rigs: TargetRig[] = [];
  let server: EchoServer;
  before(async () => {
    server = await startEchoServer(serverCa.issue('kube-apiserver', ['named.example']), clientCa);
  });
  after(async () => {
    for (const rig of rigs) rig.catalog.stop();
    await server.close();
  });

  let files = 0;
  const kubeconfigText = (user: object, cluster: object = {}) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [
        {
          name: 'k',
          cluster: {
            server: `https://127.0.0.1:${server.port}`,
            'certificate-authority-data': base64(serverCa.cert),
            ...cluster,
          },
        },
      ],
      users: [{ name: 'u', user }],
    });
  const start = async (
    config: object,
    kubernetes: Partial<KubernetesEnvironment> = {},
  ): Promise<TargetRig> => {
    const rig = await startRig([{ type: 'kubernetes', name: 'prod', config }], kubernetes);
    rigs.push(rig);
    return rig;
  };
  /** A rig with a kubeconfig of this user and cluster. */
  const startWith = (user: object, cluster: object = {}) =>
    start({ kubeConfig: folder.write(`kubeconfig-${++files}`, kubeconfigText(user, cluster)) });
  const seenWith = async (user: object, cluster: object = {}) =>
    call((await startWith(user, cluster)).target('kubernetes/prod'));
  const faultWith = async (user: object, cluster: object = {}) =>
    (await startWith(user, cluster)).fault('kubernetes/prod');

  describe('by kubeconfig', () => {
    it('uses a client certificate, inline or from files beside the kubeconfig', async () => {
      const inline = {
        'client-certificate-data': base64(client.cert),
        'client-key-data': base64(client.key),
      };
      assert.equal((await seenWith(inline)).clientName, 'admin');
      folder.write('admin.crt', client.cert);
      folder.write('admin.key', client.key);
      folder.write('cluster.crt', serverCa.cert);
      const relative = { 'client-certificate': 'admin.crt', 'client-key': './admin.key' };
      const cluster = {
        'certificate-authority-data': undefined,
        'certificate-authority': 'cluster.crt',
      };
      assert.equal((await seenWith(relative, cluster)).clientName, 'admin');
    });

    it('prefers inline data to files, as kubectl does', async () => {
      const user = {
        'client-certificate-data': base64(client.cert),
        'client-key-data': base64(client.key),
        'client-certificate': '/nonexistent',
        'client-key': '/nonexistent',
      };
      const seen = await seenWith(user, { 'certificate-authority': '/nonexistent' });
      assert.equal(seen.clientName, 'admin');
    });

    it('uses a token, a token file and a password', async () => {
      assert.equal((await seenWith({ token: 'abc' })).authorization, 'Bearer abc');
      folder.write('kube-token', 'from-file\n');
      const tokenFile = { tokenFile: 'kube-token', token: 'not this' };
      assert.equal((await seenWith(tokenFile)).authorization, 'Bearer from-file');
      const basic = await seenWith({ username: 'me', password: 'pass' });
      assert.equal(basic.authorization, `Basic ${base64('me:pass')}`);
      assert.equal((await seenWith({})).authorization, '');
    });

    it('uses an exec plugin: its token, its certificate, and the cluster it was told of', async () => {
      const status = {
        token: 'exec-token',
        clientCertificateData: client.cert,
        clientKeyData: client.key,
      };
      const answer = { apiVersion: 'client.authentication.k8s.io/v1beta1', kind: 'ExecCredential' };
      folder.write('answer.json', JSON.stringify({ ...answer, status }));
      folder.write(
        'login',
        `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" > ${folder.path}/info\ncat "$1"\n`,
        0o700,
      );
      const seen = await seenWith(
        {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1beta1',
            command: './login',
            args: [`${folder.path}/answer.json`],
            provideClusterInfo: true,
          },
        },
        { 'tls-server-name': 'named.example' },
      );
      assert.equal(seen.authorization, 'Bearer exec-token');
      assert.equal(seen.clientName, 'admin');
      assert.equal(seen.serverName, 'named.example');
      const info = readFileSync(`${folder.path}/info`, 'utf8');
      assert.deepEqual((JSON.parse(info) as { spec: { cluster: object } }).spec.cluster, {
        server: `https://127.0.0.1:${server.port}`,
        'tls-server-name': 'named.example',
        'certificate-authority-data': base64(serverCa.cert),
        config: null,
      });
    });

    it('changes the endpoint when an exec plugin issues another certificate, and only then', async () => {
      const answer = (pair: { cert: string; key: string }) => ({
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { clientCertificateData: pair.cert, clientKeyData: pair.key },
      });
      folder.write('issued.json', JSON.stringify(answer(client)));
      folder.write('issue', `#!/bin/sh\ncat ${folder.path}/issued.json\n`, 0o700);
      const command = { apiVersion: 'client.authentication.k8s.io/v1', command: './issue' };
      const rig = await startWith({ exec: command });
      const target = rig.target('kubernetes/prod');
      const first = target.endpoint();
      assert.equal(first.tls?.key, client.key);
      const refuse = async () => {
        rig.clock.advance(2_000);
        target.credentialRefused();
        await target.authorization();
      };
      await refuse();
      await rig.look();
      assert.equal(target.endpoint(), first);
      folder.write('issued.json', JSON.stringify(answer(clientCa.issue('renewed'))));
      await refuse();
      assert.notEqual(target.endpoint(), first);
      assert.equal((await call(target)).clientName, 'renewed');
    });

    it('keeps the base path of the server', async () => {
      const seen = await seenWith({}, { server: `https://127.0.0.1:${server.port}/k8s/c-1/` });
      assert.equal(seen.path, '/k8s/c-1/x');
    });

    it('trusts any CA of a bundle, and no other', async () => {
      const data = (pem: string) => ({ 'certificate-authority-data': base64(pem) });
      await seenWith({}, data(`${otherCa.cert}\n${serverCa.cert}`));
      await assert.rejects(seenWith({}, data(otherCa.cert)), /self.signed|verify|issuer/i);
    });

    it('skips verification only if told to, and says so once', async () => {
      const cluster = {
        'certificate-authority-data': undefined,
        'insecure-skip-tls-verify': true,
      };
      const rig = await startWith({}, cluster);
      await call(rig.target('kubernetes/prod'));
      await rig.look();
      assert.equal(rig.lines.length, 1);
      assert.match(rig.lines[0]?.msg ?? '', /cluster "k": insecure-skip-tls-verify is set/);
    });

    it('uses another context by name', async () => {
      const kubeConfig = folder.write('contexts', kubeconfigText({ token: 'x' }));
      const rig = await start({ kubeConfig, context: 'none' });
      assert.match(rig.fault('kubernetes/prod'), /no context "none" \(it has c\)/);
    });

    const exec = (changes: object) => ({
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'x', ...changes },
    });
    const faults: [string, object, object, RegExp][] = [
      ['no server', {}, { server: '' }, /cluster "k": server is missing$/],
      ['a server without scheme', {}, { server: 'h:443' }, /cluster "k": server is not a URL/],
      ['bad base64', {}, { 'certificate-authority-data': '?' }, /authority-data is not base64$/],
      [
        'a CA file that is missing',
        {},
        { 'certificate-authority-data': '', 'certificate-authority': 'none.crt' },
        /cluster "k": certificate-authority ".*\/none\.crt" does not exist$/,
      ],
      [
        'a key file that is missing',
        { 'client-certificate-data': base64(client.cert), 'client-key': 'none.key' },
        {},
        /user "u": client-key ".*\/none\.key" does not exist$/,
      ],
      [
        'a certificate without key',
        { 'client-certificate-data': base64(client.cert) },
        {},
        /user "u": client-certificate needs a client-key$/,
      ],
      [
        'a key of another certificate',
        { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(otherCa.key) },
        {},
        /is not the key of .*context "c" user "u"/,
      ],
      ['a password alone', { password: 'hunter2' }, {}, /user "u": username is missing/],
      ['exec without command', exec({ command: '' }), {}, /exec\.command is missing$/],
      [
        'exec of an old version',
        exec({ apiVersion: 'client.authentication.k8s.io/v1alpha1' }),
        {},
        /exec\.apiVersion found "client\.authentication\.k8s\.io\/v1alpha1"; expected/,
      ],
      ['exec that asks', exec({ interactiveMode: 'Always' }), {}, /there is nobody to ask$/],
      [
        'exec not installed',
        exec({ command: 'no-such-thing' }),
        {},
        /"no-such-thing" is not there/,
      ],
    ];
    for (const [what, user, cluster, message] of faults) {
      it(`is not usable with ${what}, and says so`, async () => {
        const text = await faultWith(user, cluster);
        assert.match(text, message);
        assert.ok(!text.includes('hunter2'));
      });
    }

    it('follows a changed file; a bad one is reported once and leaves the old state', async () => {
      const file = folder.write('changing', kubeconfigText({ token: 'one' }));
      const rig = await start({ kubeConfig: file });
      const target = rig.target('kubernetes/prod');
      const endpoint = target.endpoint();
      folder.write('changing', kubeconfigText({ token: 'two' }));
      await rig.look();
      assert.equal(target.authorization(), 'Bearer two');
      assert.equal(target.endpoint(), endpoint);
      folder.write('changing', 'kind: [');
      await rig.look();
      await rig.look();
      assert.equal(target.authorization(), 'Bearer two');
      unlinkSync(file);
      await rig.look();
      assert.equal(target.authorization(), 'Bearer two');
      folder.write('changing', kubeconfigText({ token: 'x' }, { 'tls-server-name': 'n' }));
      await rig.look();
      assert.notEqual(target.endpoint(), endpoint);
      assert.deepEqual(
        rig.lines.map(({ level, msg }) => `${level} ${msg.replace(/:.*/s, '')}`),
        [
          'error the old state stays in use',
          'error the old state stays in use',
          'info the service is in order again',
        ],
      );
    });

    it('keeps what an exec plugin issued when nothing of the kubeconfig changed', async () => {
      const answer = {
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { token: 'x' },
      };
      const runs = `${folder.path}/runs`;
      folder.write(
        'count',
        `#!/bin/sh\necho >> ${runs}\necho '${JSON.stringify(answer)}'\n`,
        0o700,
      );
      const rig = await startWith(exec({ command: './count' }));
      await rig.look();
      await rig.look();
      assert.equal(rig.target('kubernetes/prod').authorization(), 'Bearer x');
      assert.equal(readFileSync(runs, 'utf8'), '\n');
    });
  });

  describe('by the service account of the pod', () => {
    const tokenFile = folder.write('token', 'sa-one\n');
    const caFile = folder.write('ca.crt', serverCa.cert);
    const inCluster = () => ({
      inCluster: { host: '127.0.0.1', port: server.port, tokenFile, caFile, namespace: undefined },
    });

    it('calls the API server with its token, and verifies it', async () => {
      const rig = await start({}, inCluster());
      const seen = await call(rig.target('kubernetes/prod'));
      assert.equal(seen.authorization, 'Bearer sa-one');
      const other = { ...inCluster().inCluster, caFile: folder.write('o.crt', otherCa.cert) };
      const distrusting = await start({}, { inCluster: other });
      await assert.rejects(
        call(distrusting.target('kubernetes/prod')),
        /self.signed|verify|issuer/i,
      );
    });

    it('follows a rotated token within a minute and after a refusal', async () => {
      const rig = await start({}, inCluster());
      const target = rig.target('kubernetes/prod');
      folder.write('token', 'sa-two');
      rig.clock.advance(60_000);
      assert.equal(await target.authorization(), 'Bearer sa-two');
      folder.write('token', 'sa-three');
      rig.clock.advance(2_000);
      target.credentialRefused();
      assert.equal(await target.authorization(), 'Bearer sa-three');
    });

    it('follows a rotated CA', async () => {
      const rig = await start({}, inCluster());
      const target = rig.target('kubernetes/prod');
      const before = target.endpoint();
      folder.write('ca.crt', `${serverCa.cert}${otherCa.cert}`);
      await rig.look();
      assert.notEqual(target.endpoint(), before);
      await call(target);
    });

    it('gives way to a kubeconfig, also one that appears later, and never comes back', async () => {
      const defaultKubeconfig = `${folder.path}/default-kubeconfig`;
      const rig = await start({}, { ...inCluster(), defaultKubeconfig });
      const target = rig.target('kubernetes/prod');
      assert.notEqual(await target.authorization(), 'Bearer abc');
      folder.write('default-kubeconfig', kubeconfigText({ token: 'abc' }));
      await rig.look();
      assert.equal(target.authorization(), 'Bearer abc');
      unlinkSync(defaultKubeconfig);
      await rig.look();
      assert.equal(target.authorization(), 'Bearer abc');
    });

    it('stands in for a kubeconfig that is named but missing, with a warning', async () => {
      const rig = await start({ kubeConfig: '/nonexistent/k' }, inCluster());
      rig.target('kubernetes/prod');
      assert.match(rig.lines[0]?.msg ?? '', /"\/nonexistent\/k" does not exist: the service acc/);
    });

    it('is not used when a context is asked for, or outside of a cluster', async () => {
      const asked = await start({ context: 'c' }, inCluster());
      assert.match(asked.fault('kubernetes/prod'), /kubeconfig ".*" does not exist$/);
      const outside = await start({});
      assert.match(outside.fault('kubernetes/prod'), /kubeconfig ".*" does not exist$/);
    });
  });
});

describe('kubernetesEnvironmentFrom', () => {
  it('reads what Kubernetes tells a pod', () => {
    const env = {
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '6443',
      POD_NAMESPACE: 'ns',
    };
    const { inCluster, execEnv } = kubernetesEnvironmentFrom(env);
    assert.equal(inCluster?.host, '10.96.0.1');
    assert.equal(inCluster.port, 6443);
    assert.equal(inCluster.namespace, 'ns');
    assert.equal(execEnv, env);
  });

  it('knows when there is none', () => {
    assert.equal(kubernetesEnvironmentFrom({}).inCluster, undefined);
    const broken = { KUBERNETES_SERVICE_HOST: 'h', KUBERNETES_SERVICE_PORT: 'x' };
    assert.equal(kubernetesEnvironmentFrom(broken).inCluster, undefined);
    const noNamespace = { KUBERNETES_SERVICE_HOST: 'h', POD_NAMESPACE: '' };
    assert.equal(kubernetesEnvironmentFrom(noNamespace).inCluster?.namespace, undefined);
  });
});
