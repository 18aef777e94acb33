import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VERSION } from '../shared/version.js';

const ROOT = join(import.meta.dirname, '..');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as a process of its own, without any FAIRLEAD_ variable. */
async function fairlead(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'fairlead.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

describe('the fairlead command as a process', () => {
  it('has the version of the package', async () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal(VERSION, manifest.version);
    assert.deepEqual(await fairlead('--version'), { code: 0, out: `${VERSION}\n`, err: '' });
  });

  it('ends with exit code 2 and a suggestion for a misspelt command', async () => {
    assert.deepEqual(await fairlead('agnets'), {
      code: 2,
      out: '',
      err: "fairlead: unknown command 'agnets'\n  Did you mean agents?\n",
    });
  });

  it('ends with exit code 2 and no stack for files that are not there', async () => {
    const files = ['--ca', 'no-such-ca.pem', '--cert', 'c', '--key', 'k'];
    const missing = await fairlead('agents', '--controller', 'https://127.0.0.1:1', ...files);
    assert.equal(missing.code, 2);
    assert.match(missing.err, /^fairlead: .*no-such-ca\.pem.*\n$/);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'fairlead.ts', '--help'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.deepEqual({ code, err }, { code: 0, err: '' });
  });
});
