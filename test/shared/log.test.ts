import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { TunnelError } from '../../shared/errors.js';
import { createLog, LogField, silentLog, type LogOptions } from '../../shared/log.js';

/** A log whose lines end up in an array. */
function logInto(options: Partial<LogOptions> & { isTTY?: boolean } = {}) {
  const lines: string[] = [];
  const destination = {
    write: (line: string) => void lines.push(line),
    isTTY: options.isTTY === true,
  };
  const root = createLog({ level: 'info', format: 'json', ...options, destination });
  return { ...root, lines };
}

const COLOUR = '\u001b[3';

describe('a JSON log', () => {
  it('writes one line per event with level, time, fields and message', () => {
    const { log, lines } = logInto();
    log.child({ [LogField.agentName]: 'prod-eu' }).info({ [LogField.bytes]: 3 }, 'hello');
    assert.equal(lines.length, 1);
    const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(rest, { level: 'info', agentName: 'prod-eu', bytes: 3, msg: 'hello' });
  });

  it('changes the level of children made before the change', () => {
    const { log, setLevel, lines } = logInto();
    const grandchild = log.child({ a: 1 }).child({ b: 2 });
    grandchild.debug('too early');
    setLevel('debug');
    grandchild.debug('seen');
    setLevel('error');
    grandchild.warn('too late');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
      ['seen'],
    );
  });

  it('tells code, message and causes of an error, without a stack', () => {
    const { log, lines } = logInto();
    const refused = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    const err = new TunnelError('TARGET_UNREACHABLE', 'no way to jenkins', { cause: refused });
    log.warn({ err }, 'request failed');
    assert.deepEqual((JSON.parse(lines[0]!) as { err: unknown }).err, {
      code: 'TARGET_UNREACHABLE',
      message: 'no way to jenkins',
      causes: ['ECONNREFUSED: connect refused'],
    });
  });
});

describe('secrets in a log', () => {
  class SecretValue {
    readonly #text = 'S3cr3tS3cr3tS3cr3t';
    toJSON(): string {
      return '[secret]';
    }
    reveal(): string {
      return this.#text;
    }
  }
  const secret = new SecretValue();
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();

  for (const format of ['json', 'pretty'] as const) {
    it(`never print (${format})`, () => {
      const { log, lines } = logInto({ format });
      const shown = secret.reveal();
      const headers = { Authorization: `Basic ${shown}`, 'X-Opsmx-Token': shown };
      log.info({ secret, nested: { secret, list: [secret] } }, 'value objects');
      log.info({ headers, raw: ['authorization', `Basic ${shown}`] }, 'headers');
      log.child({ token: shown }).info('child binding');
      log.warn({ a: { b: { password: `"${shown}` } } }, `sent Authorization: Bearer ${shown}`);
      log.error({ err: new Error(`bad key ${pem}`, { cause: new Error(`Bearer ${shown}`) }) });
      const all = lines.join('');
      assert.equal(lines.length, 5);
      assert.ok(!all.includes(shown), all);
      assert.ok(!all.includes(pem.split('\n')[1]!), all);
      assert.ok(all.includes('[secret]'));
    });
  }
});

describe('a pretty log', () => {
  it('is chosen by "auto" on a terminal only', () => {
    const onTerminal = logInto({ format: 'auto', isTTY: true });
    onTerminal.log.info('hello');
    assert.match(onTerminal.lines[0]!, /^\[/);
    const inPipe = logInto({ format: 'auto' });
    inPipe.log.info('hello');
    assert.match(inPipe.lines[0]!, /^{/);
  });

  it('has colour on a terminal unless NO_COLOR is set', () => {
    const hasColour = (options: Parameters<typeof logInto>[0]) => {
      const { log, lines } = logInto({ format: 'pretty', ...options });
      log.info('hello');
      return lines.join('').includes(COLOUR);
    };
    assert.equal(hasColour({ isTTY: true }), true);
    assert.equal(hasColour({ isTTY: true, env: { NO_COLOR: '' } }), true);
    assert.equal(hasColour({ isTTY: true, env: { NO_COLOR: '1' } }), false);
    assert.equal(hasColour({ isTTY: false }), false);
  });

  it('keeps control characters from outside away from the terminal', () => {
    const { log, lines } = logInto({ format: 'pretty' });
    log.info({ path: '/\u001b[2J\u009b' }, 'name \u001b]0;owned\u0007 \\u001b \r\u009b31m');
    const line = lines.join('');
    assert.equal(lines.length, 1);
    assert.doesNotMatch(line.trimEnd(), /[\p{Cc}]/u);
    assert.match(line, /owned/);
  });
});

describe('a silent log', () => {
  it('has no level enabled', () => {
    assert.equal(silentLog().isLevelEnabled('fatal'), false);
  });
});

describe('a process that logs and exits', () => {
  const logUrl = new URL('../../shared/log.ts', import.meta.url).href;
  const LINES = 3_000;

  /** A process that runs `body` with `createLog`; one thread does its background work. */
  function started(body: string) {
    const program = `import { createLog } from ${JSON.stringify(logUrl)};\n${body}`;
    return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    });
  }

  const many = (options = '') =>
    `const { log, flush } = createLog({ level: 'info', format: 'json', ${options} });
     for (let i = 0; i < ${LINES}; i++) log.info({ i, filler: 'x'.repeat(100) }, 'line');`;

  /** Keeps the one thread busy, so that a write through it waits. */
  const busy = `import { pbkdf2 } from 'node:crypto';
    pbkdf2('p', 's', 1_000_000, 32, 'sha256', () => undefined);`;

  function assertAllLines(printed: string): void {
    const seen = printed.trimEnd().split('\n');
    assert.equal(seen.length, LINES);
    assert.deepEqual(
      seen.map((line) => (JSON.parse(line) as { i: number }).i),
      Array.from({ length: LINES }, (_, i) => i),
    );
  }

  it('loses no line when it awaits flush() before it exits, however busy its threads are', async () => {
    const { stdout } = started(`${busy} ${many()} await flush(); process.exit(0);`);
    assertAllLines(await text(stdout));
  });

  it('loses no line of a command that exits at once', async () => {
    const { stdout } = started(`${busy} ${many("writes: 'at-once'")} process.exit(0);`);
    assertAllLines(await text(stdout));
  });

  it('loses no line when its event loop runs dry', async () => {
    assertAllLines(await text(started(many()).stdout));
  });

  it('is not held up by a reader of stdout that has stalled', { timeout: 20_000 }, async (t) => {
    // Nobody reads stdout, which holds less than the lines, until stderr says that flush() is over.
    const end = `await flush(); console.error('flushed'); process.kill(process.pid, 'SIGKILL');`;
    const child = started(`${many()} ${end}`);
    t.after(() => {
      child.kill('SIGKILL');
      child.stdout.destroy();
    });
    assert.match(await text(child.stderr), /flushed/);
  });
});
