import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectFile, ROOT } from '../project-files.js';

const manifest = JSON.parse(projectFile('package.json')) as {
  dependencies: Record<string, string>;
};

describe('what is compiled', () => {
  it('imports only what npm ci --omit=dev installs', () => {
    const sources = sourceFiles();
    assert.ok(sources.length > 200);
    const used = new Set<string>();
    for (const file of sources) {
      for (const name of packagesIn(projectFile(file))) {
        assert.ok(name in manifest.dependencies, `${file} imports ${name}`);
        used.add(name);
      }
    }
    assert.ok(used.has('@grpc/grpc-js') && used.has('zod'));
  });

  it('is looked at for every form of import', () => {
    const source = [
      "import a from 'one';",
      "import type { B } from 'typescript';",
      "import { c, type D } from '@scope/two/sub.js';",
      "export { e } from 'three';",
      "const f = await import('four');",
      "import 'five';",
      "import { readFileSync } from 'node:fs';",
      "import { own } from './own.js';",
      "import {\n  long,\n} from 'six';",
    ].join('\n');
    assert.deepEqual(packagesIn(source).sort(), [
      '@scope/two',
      'five',
      'four',
      'one',
      'six',
      'three',
    ]);
  });
});

/** TypeScript files that the build compiles. */
function sourceFiles(): string[] {
  const folders = ['agent', 'controller', 'deploy', 'shared'];
  const below = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  return ['fairlead.ts', ...below];
}

/** Packages that a source needs at run time: types are gone by then. */
function packagesIn(source: string): string[] {
  const statements = source.matchAll(
    /^(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((name) => !name.startsWith('.') && !isBuiltin(name))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
}
