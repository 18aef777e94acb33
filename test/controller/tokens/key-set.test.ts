import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { KeyDirectory, keySetOf, signingKey } from '../../../controller/tokens/key-set.js';
import { temporaryDirectory } from '../certificates/test-authority.js';

const invalid = (text: RegExp) => ({ code: 'CONFIG_INVALID', message: text });

describe('KeyDirectory', () => {
  it('takes each file for a key, its name for the id and all its bytes, the last newline too', (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(join(dir, 'key1'), 'this is a key');
    writeFileSync(join(dir, 'key2'), 'this is a key\n');
    writeFileSync(join(dir, 'binary'), Buffer.from([0, 255, 10]));
    const keys = new KeyDirectory(dir).current();
    assert.deepEqual([...keys.keys()], ['binary', 'key1', 'key2']);
    assert.equal(keys.get('key1')?.export().toString(), 'this is a key');
    assert.equal(keys.get('key2')?.export().toString(), 'this is a key\n');
    assert.deepEqual(keys.get('binary')?.export(), Buffer.from([0, 255, 10]));
    assert.doesNotMatch(inspect(keys), /this is a key/);
  });

  it('reads a mounted Secret: links into ..data, and nothing twice', (t) => {
    const dir = temporaryDirectory(t);
    mkdirSync(join(dir, '..2026_11_22'));
    writeFileSync(join(dir, '..2026_11_22', 'public.pem'), 'one');
    symlinkSync('..2026_11_22', join(dir, '..data'));
    symlinkSync('..data/public.pem', join(dir, 'public.pem'));
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'sub', 'other'), 'two');
    writeFileSync(join(dir, '.key1.swp'), 'three');
    const source = new KeyDirectory(dir);
    assert.deepEqual([...source.current().keys()], ['public.pem']);

    // Kubernetes changes a Secret by pointing ..data elsewhere.
    mkdirSync(join(dir, '..2026_11_23'));
    writeFileSync(join(dir, '..2026_11_23', 'public.pem'), 'changed');
    symlinkSync('..2026_11_23', join(dir, '..new'));
    renameSync(join(dir, '..new'), join(dir, '..data'));
    assert.equal(source.reload(), true);
    assert.equal(source.current().get('public.pem')?.export().toString(), 'changed');
  });

  it('names the directory or file that is at fault', (t) => {
    const dir = temporaryDirectory(t);
    const open = (path: string) => () => new KeyDirectory(path);
    assert.throws(open(join(dir, 'none')), invalid(/token keys ".*none" does not exist/));
    assert.throws(open(dir), invalid(/holds no key; expected one file per key/));
    writeFileSync(join(dir, 'empty'), '');
    assert.throws(open(dir), invalid(/token key ".*empty" is empty/));
    rmSync(join(dir, 'empty'));
    symlinkSync('gone', join(dir, 'dangling'));
    assert.throws(open(dir), invalid(/token key ".*dangling" cannot be read/));
    rmSync(join(dir, 'dangling'));
    writeFileSync(join(dir, 'huge'), Buffer.alloc(65_537));
    assert.throws(open(dir), invalid(/token key ".*huge" is larger than 65536 bytes/));
    assert.throws(open(join(dir, 'huge')), invalid(/token keys ".*huge"/));
  });

  it('keeps its set when nothing changed or when reading fails', (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(join(dir, 'key1'), 'one');
    const source = new KeyDirectory(dir);
    const before = source.current();
    assert.equal(source.reload(), false);
    assert.equal(source.current(), before);
    writeFileSync(join(dir, 'key2'), '');
    assert.throws(() => source.reload(), invalid(/empty/));
    assert.equal(source.current(), before);
    writeFileSync(join(dir, 'key2'), 'two');
    assert.equal(source.reload(), true);
    assert.equal(source.current().size, 2);
  });
});

describe('signingKey', () => {
  it('names the option and the keys there are when the key is missing', () => {
    const keys = keySetOf({ key1: 'a', key2: 'b' });
    assert.equal(signingKey(keys, 'key1', 'x').export().toString(), 'a');
    assert.throws(
      () => signingKey(keys, 'key3', 'serviceAuth.currentKeyName'),
      invalid(/^serviceAuth.currentKeyName names the key "key3".*\(key1, key2\)$/),
    );
  });
});
