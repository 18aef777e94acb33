/**
 * `fairlead demo`, and the bootstrap behind `npm run demo`, as a user meets them: processes of their own, the
 * printed lines pasted into another shell, and every way in which they may end.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { ChildProgram } from '../../../deploy/demo/child-program.js';
import { FAIRLEAD } from '../../harness/fairlead-rig.js';
import { tempDir } from '../../harness/temp-dir.js';
import { waitFor } from '../../harness/wait-for.js';

const BOOTSTRAP = fileURLToPath(new URL('../../../deploy/demo/bootstrap.mjs', import.meta.url));
const READY = 'Ctrl-C ends everything';
const SHELL_TIMEOUT_MS = 30_000;

/** What each kind of printed line has to show. Those that follow are ended when they have. */
const SHOWN: readonly (readonly [line: RegExp, output: RegExp])[] = [
  [/^kubectl get namespaces$/, /^kube-system\s+Active/m],
  [/^kubectl get pods --all-namespaces$/, /^demo\s+ticker\s+1\/1\s+Running/m],
  [/^kubectl get deployments -A -w$/, /^demo\s+\S+\s+\d\/\d/m],
  [/^kubectl logs -n demo ticker -f$/, /\S+\n\S+/],
  [/^curl .*\/api\/json$/, /"jobs":\[/],
  [/^curl .* -X POST -i .*\/job\/demo\/build$/, /^HTTP\/\S+ 201/m],
  [/^node \S+ agents$/, /^demo\s/m],
  [/^curl .*\/readyz$/, /ok|ready/i],
  [/^curl .*\/metrics$/, /^fairlead_\w+/m],
];

const { path: base, remove } = tempDir('demo-test');
/** With a blank, as the directories of some users have. */
const temp = join(base, 'a directory');
const home = join(base, 'home');
for (const dir of [temp, home]) mkdirSync(dir);
const ENV = { PATH: process.env['PATH'], HOME: home, TMPDIR: temp };
/** Nobody listens at the proxy: whoever asks it for loopback fails. */
const PROXIES = Object.fromEntries(
  ['http_proxy', 'https_proxy', 'all_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .map((name) => [name, 'http://127.0.0.1:9']),
);

describe('the demo', { timeout: 120_000 }, () => {
  afterEach(() => {
    for (const { pid } of processes()) process.kill(pid, 'SIGKILL');
  });
  after(remove);

  for (const [name, script] of [
    ['fairlead demo', [FAIRLEAD, 'demo']],
    ['npm run demo', [BOOTSTRAP]],
  ] as const) {
    it(`prints lines that work in another shell, behind a proxy too, and ends with Ctrl-C: ${name}`, async () => {
      const demo = await started(script, PROXIES);
      await pasteAll(demo, SHOWN.length);
      process.kill(-demo.pid, 'SIGINT');
      process.kill(demo.pid, 'SIGINT'); // npm hands on what the terminal has sent already
      assert.equal(await demo.exited, 0);
      assertNothingLeft();
      assert.equal(demo.lines.at(-1), 'Stopping …');
    });
  }

  it('ends with SIGTERM, and warns of a cluster that does not answer', async () => {
    const file = kubeconfigFile('dead.yaml', { token: 'x' });
    const demo = await started([BOOTSTRAP, '--kubeconfig', file]);
    const text = demo.lines.join('\n');
    assert.match(text, /WARNING: the cluster of .*dead\.yaml cannot be used now:\n.*refused/);
    assert.doesNotMatch(text, /ticker/);
    process.kill(demo.pid, 'SIGTERM');
    assert.equal(await demo.exited, 0);
    assertNothingLeft();
  });

  it('ends when its terminal is closed, and warns of an exec plugin that is not there', async () => {
    const apiVersion = 'client.authentication.k8s.io/v1';
    const exec = { apiVersion, command: 'no-such-plugin', interactiveMode: 'Never' };
    const file = kubeconfigFile('exec.yaml', { exec });
    const demo = await started([FAIRLEAD, 'demo', '--kubeconfig', file]);
    assert.match(demo.lines.join('\n'), /WARNING: .*\n.*"no-such-plugin" is not there/);
    process.kill(-demo.pid, 'SIGHUP');
    assert.equal(await demo.exited, 0);
    assertNothingLeft();
  });

  it('leaves nothing behind when it is killed', async () => {
    const demo = await started([BOOTSTRAP]);
    // demo, keeper, controller, agent and two targets: what the looks for leftovers below would find
    assert.deepEqual([processes().length, directories().length], [6, 1]);
    process.kill(-demo.pid, 'SIGKILL');
    assert.equal(await demo.exited, 'SIGKILL');
    await waitFor('nothing left', () => processes().length === 0 && directories().length === 0);
  });

  it('stops quietly when interrupted while starting, however far it is', async () => {
    for (const isFar of [
      () => directories().length > 0,
      () => directories().some((dir) => existsSync(join(temp, dir, 'controller.yaml'))),
      () => processes().some(({ command }) => command.includes('fairlead.js agent ')),
    ]) {
      const demo = launched([FAIRLEAD, 'demo']);
      await waitFor('a start under way', isFar);
      process.kill(-demo.pid, 'SIGINT');
      assert.equal(await demo.exited, 0);
      assertNothingLeft();
      assert.deepEqual(demo.lines.slice(1), ['', 'Stopping …']);
    }
  });

  it('leaves nothing behind when it is killed while starting', async () => {
    const demo = launched([FAIRLEAD, 'demo']);
    await waitFor('a controller', () =>
      processes().some(({ command }) => command.includes('fairlead.js controller ')),
    );
    process.kill(demo.pid, 'SIGKILL');
    await demo.exited;
    await waitFor('nothing left', () => processes().length === 0 && directories().length === 0);
  });

  it('refuses a kubeconfig that cannot be used, before anything is started', async () => {
    writeFileSync(join(base, 'empty.yaml'), '');
    writeFileSync(join(base, 'broken.yaml'), '{: nonsense');
    writeFileSync(join(base, 'contextless.yaml'), 'apiVersion: v1\nkind: Config\n');
    const refused = [
      ['missing.yaml', /does not exist/],
      ['', /is not a file/],
      ['empty.yaml', /is empty/],
      ['broken.yaml', /broken\.yaml:\d+/],
      ['contextless.yaml', /current-context is missing/],
    ] as const;
    for (const [file, message] of refused) {
      const demo = launched([FAIRLEAD, 'demo', '--kubeconfig', join(base, file)]);
      assert.equal(await demo.exited, 2, file);
      assert.equal(demo.lines.length, 1, demo.lines.join('\n'));
      assert.match(demo.lines[0] ?? '', message);
    }
    assertNothingLeft();
  });
});

/** In a group of its own, as a shell starts what is typed into it. */
function launched(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new ChildProgram({ name: 'demo', args, env: { ...ENV, ...env }, hasOwnGroup: true });
}

async function started(...[args, env]: Parameters<typeof launched>): Promise<ChildProgram> {
  const demo = launched(args, env);
  await demo.until(() => demo.lines.some((line) => line.startsWith(READY)), 60_000);
  return demo;
}

/** Runs the indented lines one after the other, each after the exports that stand before it. */
async function pasteAll(demo: ChildProgram, expectedCount: number): Promise<void> {
  const lines = demo.lines.filter((line) => /^ {2}[^ #]/.test(line)).map((line) => line.trim());
  const exports: string[] = [];
  let count = 0;
  for (const line of lines) {
    if (line.startsWith('export ')) {
      exports.push(line);
      continue;
    }
    const output = SHOWN.find(([kind]) => kind.test(line))?.[1];
    assert.ok(output, `nothing is known of the line: ${line}`);
    count += 1;
    if (isInstalled(line.split(' ')[0] ?? '')) await paste([...exports, `exec ${line}`], output);
  }
  assert.equal(count, expectedCount);
}

/** Runs lines in a shell elsewhere, until they have shown `output`. Rejects when they end without it. */
async function paste(lines: readonly string[], output: RegExp): Promise<void> {
  const env = { ...PROXIES, PATH: process.env['PATH'], HOME: home };
  const shell = spawn('bash', ['-c', lines.join('\n')], { cwd: home, env });
  let text = '';
  let hasEnded = false;
  const ended = new Promise((resolve) => shell.on('close', resolve)).then(() => (hasEnded = true));
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  }
  try {
    await waitFor(
      `${String(output)} of ${lines.at(-1)}`,
      () => output.test(text) || hasEnded,
      SHELL_TIMEOUT_MS,
    );
    assert.match(text, output, lines.at(-1));
  } finally {
    shell.kill();
    await ended;
  }
}

function isInstalled(command: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, command)));
}

/** A kubeconfig of a cluster that is not there. */
function kubeconfigFile(name: string, user: object): string {
  const file = join(base, name);
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'own',
    clusters: [{ name: 'own', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'own', user }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
  };
  writeFileSync(file, stringify(content));
  return file;
}

function assertNothingLeft(): void {
  const left = { processes: processes(), directories: directories() };
  assert.deepEqual(left, { processes: [], directories: [] });
}

/** Processes that run with the directory of this test in their environment. */
function processes(): { pid: number; command: string }[] {
  const table = execFileSync('ps', ['axeww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return table
    .split('\n')
    .filter((row) => row.includes(`TMPDIR=${temp}`))
    .map((row) => ({ pid: parseInt(row, 10), command: row.split(' PATH=')[0] ?? '' }));
}

function directories(): string[] {
  return readdirSync(temp);
}
