import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { identityOfCertificate } from '../../../shared/certificates/certificate-identity.js';
import { connectedAgent } from '../control-api/control-fixture.js';
import { run, startControlServer } from './command-fixture.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('fairlead kubeconfig', () => {
  it('writes YAML and nothing else to stdout', async (t) => {
    const { env } = await startControlServer(t);
    const { code, out, err } = await run(['kubeconfig', '--agent', 'a', '--name', 'k'], { env });
    assert.equal(code, 0, err);
    assert.equal(err, '');
    assert.equal((parse(out) as { kind: string }).kind, 'Config');
    const dash = await run(['kubeconfig', '--agent', 'a', '--name', 'k', '-o', '-'], { env });
    assert.match(dash.out, /^# Reaches/);
  });

  it('takes the connection from options before the environment', async (t) => {
    const { env } = await startControlServer(t);
    const options = ['--controller', env['FAIRLEAD_CONTROLLER'] ?? ''];
    const wrong = { ...env, FAIRLEAD_CONTROLLER: 'https://127.0.0.1:1' };
    assert.equal((await run(['agents', ...options], { env: wrong })).code, 0);
    const withoutScheme = (env['FAIRLEAD_CONTROLLER'] ?? '').replace('https://', '');
    assert.equal((await run(['agents', '--controller', withoutScheme], { env })).code, 0);
  });

  it('writes a file for its owner only and says so on stderr', async (t) => {
    const { env, dir } = await startControlServer(t);
    const file = join(dir, 'a.kubeconfig');
    const argv = ['kubeconfig', '--agent', 'a', '--name', 'k', '-o', file, '--credential', 'token'];
    const { code, out, err } = await run(argv, { env });
    assert.equal(code, 0, err);
    assert.equal(out, '');
    assert.match(err, /wrote .*a\.kubeconfig[^]*kubectl --kubeconfig/);
    assert.equal(modeOf(file), 0o600);
    assert.match(readFileSync(file, 'utf8'), /token: token-for-a\/kubernetes\/k/);
  });

  it('replaces a file only with --force, and asks for no credential before it knows', async (t) => {
    const { env, dir, captured } = await startControlServer(t);
    const file = join(dir, 'old');
    writeFileSync(file, 'old');
    chmodSync(file, 0o644);
    const argv = ['kubeconfig', '--agent', 'a', '--name', 'k', '-o', file];
    const refused = await run(argv, { env });
    assert.equal(refused.code, 2);
    assert.match(refused.err, /old exists already\n {2}use --force/);
    assert.equal(readFileSync(file, 'utf8'), 'old');
    assert.equal(captured.lines.length, 0);
    assert.equal((await run([...argv, '--force'], { env })).code, 0);
    assert.match(readFileSync(file, 'utf8'), /kind: Config/);
    assert.equal(modeOf(file), 0o600);
  });

  it('refuses places where it cannot write, with the reason', async (t) => {
    const { env, dir, captured } = await startControlServer(t);
    const base = ['kubeconfig', '--agent', 'a', '--name', 'k', '-o'];
    const directory = join(dir, 'sub');
    mkdirSync(directory);
    const missing = await run([...base, join(dir, 'no/such/file')], { env });
    assert.equal(missing.code, 2);
    assert.match(missing.err, /directory does not exist/);
    assert.equal(captured.lines.length, 0, 'no credential was issued for nothing');
    const folder = await run([...base, directory, '--force'], { env });
    assert.equal(folder.code, 2);
    assert.match(folder.err, /is a directory/);
    const link = join(dir, 'link');
    symlinkSync(join(dir, 'elsewhere'), link);
    assert.equal((await run([...base, link], { env })).code, 2);
    assert.equal((await run([...base, link, '--force'], { env })).code, 0);
    assert.ok(!existsSync(join(dir, 'elsewhere')), 'the secret went through the link');
  });

  it("passes on the controller's reason for refusing a name, with exit code 2", async (t) => {
    const { env } = await startControlServer(t);
    const { code, err } = await run(['kubeconfig', '--agent', 'Prod EU', '--name', 'k'], { env });
    assert.equal(code, 2);
    assert.match(err, /^fairlead: 'agentName' is invalid: it becomes part of the names/);
  });
});

describe('fairlead agent-manifest', () => {
  it('passes every option on', async (t) => {
    const { env, dir } = await startControlServer(t);
    const file = join(dir, 'agent.yaml');
    const argv = [
      'agent-manifest',
      '--agent',
      'team-a',
      '--namespace',
      'tools',
      '--create-namespace',
    ];
    argv.push('--replicas', '2', '--image', 'reg/x:1', '--rbac', 'namespaced', '--name', 'team');
    argv.push('--target-namespace', 'app-a', 'app-b', '--secret-name', 'jenkins');
    argv.push('--prometheus-tls', 'server', '-o', file);
    const { code, err } = await run(argv, { env });
    assert.equal(code, 0, err);
    assert.match(err, /kubectl apply -f/);
    const text = readFileSync(file, 'utf8');
    assert.match(text, /kind: Namespace\nmetadata:\n {2}name: tools\n/);
    assert.match(text, /replicas: 2\n/);
    assert.match(text, /image: reg\/x:1\n/);
    assert.match(text, /name: opsmx-agent-team-a\n {2}namespace: app-b\n/);
    assert.match(text, /name: team\n/);
    assert.match(text, /- jenkins\n/);
    assert.match(text, /secretName: opsmx-agent-team-a-metrics\n/);
    assert.equal(modeOf(file), 0o600);
  });
});

describe('fairlead service-credentials', () => {
  it('prints a credential to paste, or JSON to pipe', async (t) => {
    const { env } = await startControlServer(t);
    const argv = ['service-credentials', '--agent', 'a', '--type', 'jenkins', '--name', 'ci'];
    const text = await run(argv, { env });
    assert.equal(text.code, 0, text.err);
    assert.equal(
      text.out,
      'url       https://services.example.com:9002\nusername  ci.a\npassword  token-for-a/jenkins/ci\n',
    );
    const json = await run([...argv, '-o', 'json'], { env });
    const reply = JSON.parse(json.out) as { credentialType: string; caCert: string };
    assert.equal(reply.credentialType, 'basic');
    assert.ok(reply.caCert);
  });
});

describe('fairlead control-credentials', () => {
  it('writes files with which the control API can be called', async (t) => {
    const { env, dir } = await startControlServer(t);
    const made = join(dir, 'made');
    const argv = ['control-credentials', '--name', 'ci', '--dir', made];
    const { code, out, err } = await run(argv, { env });
    assert.equal(code, 0, err);
    assert.equal(out, '');
    const certificate = new X509Certificate(readFileSync(join(made, 'control-cert.pem')));
    assert.deepEqual(identityOfCertificate(certificate), { purpose: 'control', name: 'ci' });
    assert.equal(modeOf(join(made, 'control-key.pem')), 0o600);
    const files = [
      ['--ca', join(made, 'ca-cert.pem')],
      ['--cert', join(made, 'control-cert.pem')],
      ['--key', join(made, 'control-key.pem')],
    ].flat();
    const own = { FAIRLEAD_CONTROLLER: env['FAIRLEAD_CONTROLLER'] ?? '' };
    assert.equal((await run(['agents', ...files], { env: own })).code, 0);
    const again = await run(argv, { env });
    assert.equal(again.code, 2);
    assert.match(again.err, /already holds/);
    assert.doesNotMatch(
      again.err,
      /stops working/,
      'a further certificate takes nothing from the old one',
    );
    assert.equal((await run([...argv, '--force'], { env })).code, 0);
  });

  it('prints JSON without a directory', async (t) => {
    const { env } = await startControlServer(t);
    const { out } = await run(['control-credentials', '--name', 'ci'], { env });
    assert.equal((JSON.parse(out) as { name: string }).name, 'ci');
  });
});

describe('fairlead agents', () => {
  it('prints a table, or the statistics as JSON', async (t) => {
    const { env, agents } = await startControlServer(t);
    agents.push(connectedAgent());
    const table = await run(['agents'], { env });
    assert.equal(table.code, 0, table.err);
    const [titles = '', line = '', end] = table.out.split('\n');
    assert.match(
      titles,
      /^NAME +SESSION +STATE +VERSION +HOST +REMOTE +SERVICES +CONNECTED +RTT +STREAMS$/,
    );
    assert.match(
      line,
      /^prod-eu {2}session-1 {2}serving {2}1\.2\.3 +pod-1 {2}192\.0\.2\.1:5000 {2}kubernetes\/prod {2}\d+d\d+h +13ms {2}3$/,
    );
    assert.equal(end, '');
    const json = await run(['agents', '-o', 'json'], { env });
    const { connectedAgents } = JSON.parse(json.out) as { connectedAgents: unknown[] };
    assert.equal(connectedAgents.length, 1);
  });

  it('says on stderr that nobody is connected', async (t) => {
    const { env } = await startControlServer(t);
    assert.deepEqual(await run(['agents'], { env }), {
      code: 0,
      out: '',
      err: 'no agent is connected\n',
    });
  });
});

describe('fairlead ca init', () => {
  it('prints the paths of what it made', async (t) => {
    const { dir } = await startControlServer(t);
    const made = join(dir, 'ca');
    const { code, out, err } = await run(['ca', 'init', '--dir', made, '--also-agent', 'a']);
    assert.equal(code, 0, err);
    const paths = out.trimEnd().split('\n');
    assert.ok(paths.includes(join(made, 'controller-secrets.yaml')));
    assert.ok(paths.includes(join(made, 'agent-cert.pem')));
    assert.ok(paths.every((path) => existsSync(path)));
    assert.match(err, /kubectl apply -f .*controller-secrets\.yaml/);
    assert.equal((await run(['ca', 'init', '--dir', made])).code, 2);
  });
});
