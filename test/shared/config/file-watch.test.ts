import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FileWatch } from '../../../shared/config/file-watch.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { tempDir } from '../../harness/temp-dir.js';

const LOOK_MS = 5000;

describe('watched files', () => {
  let dir: ReturnType<typeof tempDir>;
  let clock: FakeClock;
  let watch: FileWatch | undefined;
  let changes: number;

  beforeEach(() => {
    dir = tempDir('watch');
    clock = new FakeClock();
    changes = 0;
  });

  afterEach(() => {
    watch?.stop();
    dir.remove();
  });

  const path = (...parts: string[]): string => join(dir.path, ...parts);

  function watching(...paths: string[]): void {
    watch = new FileWatch(clock);
    watch.add(...paths);
    watch.start(() => changes++);
  }

  /** Changes seen at the next look. */
  function seen(): number {
    const before = changes;
    clock.advance(LOOK_MS);
    return changes - before;
  }

  it('are quiet while nothing changes', () => {
    writeFileSync(path('a'), '1');
    watching(path('a'), dir.path);
    assert.equal(seen(), 0);
    assert.equal(seen(), 0);
  });

  it('tell of what has changed since they were added, when they are started later', () => {
    writeFileSync(path('a'), '1');
    watch = new FileWatch(clock);
    watch.add(path('a'));
    writeFileSync(path('a'), '22');
    watch.start(() => changes++);
    assert.equal(seen(), 1);
    assert.equal(seen(), 0);
  });

  it('tell once of a file that is written, replaced, removed or back', () => {
    writeFileSync(path('a'), '1');
    watching(path('a'));
    writeFileSync(path('a'), '22');
    assert.equal(seen(), 1);
    assert.equal(seen(), 0);
    writeFileSync(path('a.new'), '33'); // of the same size
    renameSync(path('a.new'), path('a'));
    assert.equal(seen(), 1);
    rmSync(path('a'));
    assert.equal(seen(), 1);
    assert.equal(seen(), 0);
    writeFileSync(path('a'), '33');
    assert.equal(seen(), 1);
  });

  it('tell of files that come, change and go in a directory', () => {
    mkdirSync(path('keys'));
    watching(path('keys'));
    writeFileSync(path('keys', 'one'), '1');
    assert.equal(seen(), 1);
    writeFileSync(path('keys', 'one'), '22');
    assert.equal(seen(), 1);
    rmSync(path('keys', 'one'));
    assert.equal(seen(), 1);
    assert.equal(seen(), 0);
  });

  it('tell of the links that Kubernetes swaps under a mounted volume', () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(path(version));
      writeFileSync(path(version, 'key'), 'same text');
    }
    symlinkSync('v1', path('..data'));
    symlinkSync(join('..data', 'key'), path('key'));
    watching(path('key'), dir.path);
    assert.equal(seen(), 0);
    symlinkSync('v2', path('..data.new'));
    renameSync(path('..data.new'), path('..data'));
    assert.equal(seen(), 1);
    assert.equal(seen(), 0);
  });

  it('may become more, and are looked at anew when they are added again', () => {
    writeFileSync(path('a'), '1');
    writeFileSync(path('b'), '1');
    watching(path('a'));
    writeFileSync(path('b'), '22');
    watch?.add(path('b'));
    assert.equal(seen(), 0);
    writeFileSync(path('b'), '333');
    assert.equal(seen(), 1);
    writeFileSync(path('a'), '22');
    watch?.add(path('a')); // by who is about to read it
    assert.equal(seen(), 0);
  });

  it('are not looked at any more once stopped', () => {
    writeFileSync(path('a'), '1');
    watching(path('a'));
    watch?.stop();
    writeFileSync(path('a'), '22');
    assert.equal(seen(), 0);
    assert.equal(clock.timerCount, 0);
  });
});
