/**
 * The demo as a new user meets it: started by its two commands, its printed lines pasted into another
 * shell, and ended in every way that a terminal knows. Nothing may be left behind.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAIRLEAD } from '../../harness/fairlead-rig.js';
import { findKubectls } from '../../harness/kubectl.js';
import { tempDir } from '../../harness/temp-dir.js';
import { waitFor } from '../../harness/wait-for.js';

const BOOTSTRAP = fileURLToPath(new URL('../../../deploy/demo/bootstrap.mjs', import.meta.url));
const START_MS = 60_000;

/** A demo in a process group of its own, as a shell starts a job. */
class RunningDemo {
  readonly process: ChildProcess;
  output = '';
  exitCode: number | NodeJS.Signals | undefined;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.process = spawn(process.execPath, [...args], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
    }
    this.process.on('exit', (code, signal) => (this.exitCode = code ?? signal ?? 1));
  }

  async started(): Promise<void> {
    await waitFor('the demo', () => this.output.includes('Ctrl-C ends everything'), START_MS);
  }

  /** To the whole group, as a terminal does. */
  signal(signal: NodeJS.Signals): void {
    process.kill(-(this.process.pid ?? 0), signal);
  }

  async ended(): Promise<number | NodeJS.Signals> {
    return waitFor('the end of the demo', () => this.exitCode, START_MS);
  }

  /** The lines to paste, comments included. */
  get lines(): string[] {
    return this.output.split('\n').flatMap((line) => (line.startsWith('  ') ? [line.trim()] : []));
  }
}

describe('the demo', { timeout: 240_000 }, () => {
  // a folder with a space in its name, and a proxy that is not there
  let dir: ReturnType<typeof tempDir>;
  let env: NodeJS.ProcessEnv;

  before(() => {
    dir = tempDir('demo test');
    env = {
      ...process.env,
      TMPDIR: dir.path,
      HOME: dir.path,
      HTTPS_PROXY: 'http://127.0.0.1:1',
      https_proxy: 'http://127.0.0.1:1',
    };
  });
  after(() => dir.remove());

  /** Processes that work in the demo's folder, by their command lines and environment. */
  function leftovers(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((pid) => {
        try {
          const environment = readFileSync(join('/proc', pid, 'environ'), 'utf8');
          return environment.includes(`TMPDIR=${dir.path}\0`)
            ? [readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ')]
            : [];
        } catch {
          return []; // it has ended
        }
      })
      .filter((line) => line !== '');
  }

  async function assertNothingLeft(): Promise<void> {
    await waitFor('no process', () => leftovers().length === 0, 20_000).catch(() => {
      assert.deepEqual(leftovers(), []);
    });
    assert.deepEqual(
      readdirSync(dir.path).filter((name) => name.startsWith('fairlead-demo-')),
      [],
    );
  }

  test('prints lines that work in another shell, and Ctrl-C ends it', async () => {
    const demo = new RunningDemo([BOOTSTRAP], env);
    try {
      await demo.started();
      const hasKubectl = findKubectls().length > 0;
      const exports = demo.lines.filter((line) => line.startsWith('export '));
      assert.ok(exports.length >= 3);
      const expected: readonly [RegExp, RegExp][] = [
        [/^kubectl get namespaces$/, /demo +Active/],
        [/^kubectl get pods --all-namespaces$/, /Running/],
        [/^kubectl get deployments -A -w$/, /AVAILABLE/],
        [/^kubectl logs -n demo ticker -f$/, /\S/],
        [/^curl .*\/api\/json$/, /"jobs"/],
        [/^curl .*-X POST .*build$/, /^HTTP\/\S+ 201/m],
        [/^node .* agents$/, /demo/],
        [/^curl .*readyz$/, /"ready"/],
        [/^curl .*metrics$/, /fairlead_sessions/],
      ];
      const commands = demo.lines.filter((line) => /^(?:kubectl|curl|node) /.test(line));
      assert.equal(commands.length, expected.length, commands.join('\n'));
      for (const command of commands) {
        const [, wanted] = expected.find(([line]) => line.test(command)) ?? [];
        assert.ok(wanted !== undefined, `a line that this test does not know: ${command}`);
        if (command.startsWith('kubectl') && !hasKubectl) continue;
        const seen = await pasted([...exports, command], wanted);
        assert.match(seen, wanted, `${command}\n${seen}`);
      }
      // npm hands the terminal's signal on to its child, which has had it already
      demo.signal('SIGINT');
      demo.process.kill('SIGINT');
      assert.equal(await demo.ended(), 0);
      await assertNothingLeft();
    } finally {
      if (demo.exitCode === undefined) demo.signal('SIGKILL');
    }
  });

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
    test(`leaves nothing behind when it is ended by ${signal}`, async () => {
      const demo = new RunningDemo([FAIRLEAD, 'demo'], env);
      await demo.started();
      demo.signal(signal);
      assert.equal(await demo.ended(), signal === 'SIGKILL' ? signal : 0);
      await assertNothingLeft();
    });
  }

  test('is ended while it starts, without a word of a fault', async () => {
    for (const sign of ['Starting a CA', 'Starting']) {
      const demo = new RunningDemo([FAIRLEAD, 'demo'], env);
      await waitFor('the start', () => demo.output.includes(sign), START_MS);
      if (sign === 'Starting') {
        await waitFor('a program', () => leftovers().some((line) => / controller /.test(line)));
      }
      demo.signal('SIGINT');
      assert.equal(await demo.ended(), 0, demo.output);
      assert.doesNotMatch(demo.output, /fault|at .*\.js:/u);
      await assertNothingLeft();
    }
  });

  const faulty: readonly [string, string | undefined, RegExp][] = [
    ['is missing', undefined, /does not exist/],
    ['is empty', '', /empty|kubeconfig/i],
    ['is no YAML', 'a: [', /kubeconfig/],
    ['has no current-context', 'apiVersion: v1\nkind: Config\n', /current-context/],
  ];
  for (const [what, text, message] of faulty) {
    test(`says so when the kubeconfig ${what}, and starts nothing`, async () => {
      const file = join(dir.path, 'own-kubeconfig');
      if (text !== undefined) writeFileSync(file, text);
      assert.equal(existsSync(file), text !== undefined);
      const demo = new RunningDemo([FAIRLEAD, 'demo', '--kubeconfig', file], env);
      assert.equal(await demo.ended(), 2, demo.output);
      assert.match(demo.output, message);
      assert.doesNotMatch(demo.output, /at .*\.js:/u);
      await assertNothingLeft();
    });
  }

  /** Output of lines pasted into a shell, at its end or as soon as it holds what is wanted. */
  async function pasted(lines: readonly string[], wanted: RegExp): Promise<string> {
    let seen = '';
    let isOver = false;
    const shell = execFile('bash', ['-c', lines.join('\n')], { env, cwd: dir.path });
    for (const stream of [shell.stdout, shell.stderr]) {
      stream?.on('data', (text: string) => (seen += text));
    }
    shell.on('close', () => (isOver = true));
    await waitFor(`the answer to ${lines.at(-1) ?? ''}`, () => isOver || wanted.test(seen), 30_000);
    const end = (): void => void shell.kill('SIGKILL');
    if (!isOver) end();
    return seen;
  }
});
