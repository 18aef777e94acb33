import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { refuseExisting, writeSecretFiles } from '../../../controller/certificates/secret-files.js';
import { temporaryDirectory } from './test-authority.js';

const FILES = [
  { path: 'one', text: '1' },
  { path: 'sub/two', text: '2' },
];

describe('writeSecretFiles', () => {
  it('writes nothing when one of the files exists', async (t) => {
    const dir = temporaryDirectory(t);
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'sub', 'two'), 'old');
    await assert.rejects(writeSecretFiles(dir, FILES, { force: false }), {
      code: 'CONFIG_INVALID',
      message: /already holds sub\/two; nothing was written/,
    });
    assert.deepEqual(readdirSync(dir), ['sub']);
    assert.equal(readFileSync(join(dir, 'sub', 'two'), 'utf8'), 'old');
    await writeSecretFiles(dir, FILES, { force: true });
    assert.equal(readFileSync(join(dir, 'sub', 'two'), 'utf8'), '2');
  });

  it('takes a link for a file that exists, wherever it points', async (t) => {
    const dir = temporaryDirectory(t);
    symlinkSync('nowhere', join(dir, 'one'));
    await assert.rejects(refuseExisting(dir, ['one']), /already holds one/);
  });
});
