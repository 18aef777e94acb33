import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { FileWatch } from '../../../shared/config/file-watch.js';
import { Reloader } from '../../../shared/config/reloader.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { tempDir } from '../../harness/temp-dir.js';

const LOOK_MS = 5000;

/** What the tests look at in a line of the log. */
interface LogLine {
  msg: string;
  reason: string;
  err?: { message: string };
}

describe('reloading', () => {
  let dir: ReturnType<typeof tempDir>;
  let clock: FakeClock;
  let lines: LogLine[];
  let reloader: Reloader;
  let apply: () => Promise<void>;

  beforeEach(() => {
    dir = tempDir('reload');
    clock = new FakeClock();
    lines = [];
    apply = () => Promise.resolve();
    writeFileSync(join(dir.path, 'config'), '1');
    const watch = new FileWatch(clock);
    watch.add(join(dir.path, 'config'));
    reloader = new Reloader({
      watch,
      log: pino(
        { base: null },
        { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) },
      ),
      apply: () => apply(),
    });
  });

  afterEach(() => {
    reloader.stop();
    dir.remove();
  });

  it('says why it happened when it is done', async () => {
    await reloader.reload('SIGHUP');
    assert.deepEqual(
      lines.map(({ msg, reason }) => [msg, reason]),
      [['configuration reloaded', 'SIGHUP']],
    );
  });

  it('never rejects: what is refused is told, and the next one is tried', async () => {
    apply = () => Promise.reject(new Error('line 3 is wrong'));
    await reloader.reload('SIGHUP');
    apply = () => Promise.resolve();
    await reloader.reload('SIGHUP');
    assert.match(lines[0]?.msg ?? '', /refused; the old one stays in force/u);
    assert.equal(lines[0]?.err?.message, 'line 3 is wrong');
    assert.equal(lines[1]?.msg, 'configuration reloaded');
  });

  it('runs one at a time, in order', async () => {
    let running = 0;
    let most = 0;
    apply = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await Promise.all(['a', 'b', 'c'].map((reason) => reloader.reload(reason)));
    assert.equal(most, 1);
    assert.deepEqual(
      lines.map(({ reason }) => reason),
      ['a', 'b', 'c'],
    );
  });

  it('follows a changed file, until it is stopped', async () => {
    writeFileSync(join(dir.path, 'config'), '22');
    clock.advance(LOOK_MS);
    await reloader.reload('own');
    assert.deepEqual(
      lines.map(({ reason }) => reason),
      ['files changed', 'own'],
    );
    reloader.stop();
    writeFileSync(join(dir.path, 'config'), '333');
    clock.advance(LOOK_MS);
    assert.equal(clock.timerCount, 0);
    assert.equal(lines.length, 2);
  });
});
