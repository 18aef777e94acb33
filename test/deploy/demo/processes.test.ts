/** The demo servers as processes of their own, as `fairlead demo` runs them. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const servers = [
  ['kubernetes', '/version', { seed: false, version: '1.29' }],
  ['jenkins', '/api/json', { prefix: '/jenkins' }],
] as const;

function start(server: string): ChildProcess {
  const main = fileURLToPath(new URL(`../../../deploy/demo/${server}/main.ts`, import.meta.url));
  return spawn(process.execPath, ['--import', 'tsx', main], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function urlOf(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  // readline emits one text per line
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return (JSON.parse(line) as { url: string }).url; // the line that main.ts documents
}

describe('demo servers as processes', { concurrency: 2, timeout: 60_000 }, () => {
  for (const [server, path, settings] of servers) {
    it(`${server} prints its URL, serves, and exits with 0 when stdin closes`, async () => {
      const child = start(server);
      const exited = once(child, 'exit');
      child.stdin?.write(`${JSON.stringify(settings)}\n`);
      const url = await urlOf(child);
      assert.equal((await fetch(url + path)).status, 200);
      child.stdin?.end();
      assert.deepEqual(await exited, [0, null]);
    });

    it(`${server} exits with 0 on SIGTERM while a caller is connected`, async () => {
      const child = start(server);
      const exited = once(child, 'exit');
      child.stdin?.write(`${JSON.stringify(settings)}\n`);
      const url = await urlOf(child);
      const pending = fetch(
        `${url}${server === 'jenkins' ? '/events' : '/api/v1/pods?watch=true'}`,
      );
      const response = await pending;
      const cut = assert.rejects(response.text());
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
      await cut;
    });
  }

  it('exits with 2 on settings that are no JSON object', async () => {
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        fileURLToPath(new URL('../../../deploy/demo/jenkins/main.ts', import.meta.url)),
      ],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    const exited = once(child, 'exit');
    child.stdin.write('nonsense\n');
    assert.deepEqual(await exited, [2, null]);
  });
});
