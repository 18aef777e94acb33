/**
 * The shape of the code: which folder may import which, who may touch the process, and that no imports
 * go in circles. Reads every TypeScript file of the repository.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = ['agent', 'controller', 'deploy', 'shared', 'test'] as const;
type Folder = (typeof FOLDERS)[number] | 'root';

/** One `import`, `export … from` or `import()`. */
interface Import {
  readonly to: string;
  readonly isType: boolean;
  readonly isDynamic: boolean;
}

/** A file of the repository, its path with slashes. */
interface SourceFile {
  readonly path: string;
  readonly folder: Folder;
  readonly imports: readonly Import[];
  /** Members of `process` that it mentions. */
  readonly processUses: readonly string[];
}

/** What each folder may import of the repository, besides itself. */
const MAY_IMPORT: Readonly<Record<Folder, readonly Folder[]>> = {
  shared: [],
  agent: ['shared'],
  controller: ['shared'],
  deploy: ['shared', 'controller', 'agent'],
  test: ['shared', 'controller', 'agent', 'deploy', 'root'],
  root: ['shared', 'controller', 'agent'],
};

/** The one import of a demo by the product: on demand, so that nothing of it is loaded otherwise. */
const DEMO_IMPORT = { from: 'fairlead.ts', to: 'deploy/demo/demo.ts' };

/** How a program sees its surroundings and ends: for entry files only. */
const PROCESS_MEMBERS: ReadonlySet<string> = new Set([
  ...[
    'abort',
    'argv',
    'chdir',
    'cwd',
    'env',
    'exit',
    'exitCode',
    'kill',
    'stdin',
    'stdout',
    'stderr',
  ],
  ...['on', 'once', 'addListener', 'prependListener', 'setUncaughtExceptionCaptureCallback'],
]);

/** Programs of their own beside the product, and what starts them with the surroundings of its own process. */
const OTHER_ENTRIES: ReadonlySet<string> = new Set([
  'deploy/demo/child-program.ts',
  'deploy/demo/kubernetes/demo-process.ts',
  'deploy/docs/generate-pages.ts',
]);

const files = sourceFiles();
const byPath = new Map(files.map((file) => [file.path, file]));

describe('the source files', () => {
  it('are found, with their imports', () => {
    for (const folder of FOLDERS) {
      assert.ok(files.filter((file) => file.folder === folder).length >= 5, folder);
    }
    const imports = files.flatMap((file) => file.imports);
    assert.ok(imports.length > 500 && imports.some((one) => one.isDynamic));
    assert.ok(byPath.has('fairlead.ts') && byPath.has('shared/errors.ts'));
  });

  it('import files that exist', () => {
    for (const { path, imports } of files) {
      for (const { to } of imports) assert.ok(byPath.has(to), `${path} imports ${to}`);
    }
  });

  it('import in the direction of the folders', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter(({ to, isDynamic }) => !isAllowed(file, to, isDynamic))
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('that are leaves of shared/ import nothing of the repository', () => {
    for (const name of ['backoff', 'clock', 'errors', 'ids', 'service-advertisement', 'version']) {
      assert.deepEqual(byPath.get(`shared/${name}.ts`)?.imports, [], name);
    }
  });

  it('leave argv, environment, signals and exit to the entry files', () => {
    const wrong = files
      .filter((file) => file.folder !== 'test' && !isEntry(file.path))
      .flatMap((file) => file.processUses.map((member) => `${file.path} uses process.${member}`));
    assert.deepEqual(wrong, []);
    assert.ok(files.some((file) => isEntry(file.path) && file.processUses.includes('argv')));
  });

  it('do not import in circles', () => {
    assert.deepEqual(
      circle(({ isType }) => !isType),
      [],
      'of what runs',
    );
  });

  it('have kebab-case names, and none that says nothing', () => {
    for (const { path } of files) {
      for (const part of path.replace(/\.(test\.)?ts$/, '').split('/')) {
        assert.match(part, /^[a-z0-9]+([.-][a-z0-9]+)*$/, path);
        assert.doesNotMatch(part, /^(utils?|helpers?|common|managers?|types)$/, path);
      }
    }
  });

  it('export by name', () => {
    const defaults = files.filter(({ path }) => /^export default\b/m.test(text(path)));
    assert.deepEqual(
      defaults.map(({ path }) => path),
      [],
    );
  });
});

describe('a circle of imports', () => {
  it('would be found', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ]);
    assert.deepEqual(circleIn(graph), ['b', 'd', 'b']);
    assert.deepEqual(circleIn(new Map([['a', []]])), []);
  });
});

function isAllowed(file: SourceFile, to: string, isDynamic: boolean): boolean {
  if (file.path === DEMO_IMPORT.from && to === DEMO_IMPORT.to) return isDynamic;
  const folder = folderOf(to);
  return folder === file.folder || MAY_IMPORT[file.folder].includes(folder);
}

function isEntry(path: string): boolean {
  return path === 'fairlead.ts' || path.endsWith('/main.ts') || OTHER_ENTRIES.has(path);
}

function circle(counts: (one: Import) => boolean): string[] {
  const graph = new Map(
    files.map(({ path, imports }) => [path, imports.filter(counts).map(({ to }) => to)]),
  );
  return circleIn(graph);
}

/** The first circle met, from a file back to itself; empty when there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): string[] => {
    const at = way.indexOf(path);
    if (at >= 0) return [...way.slice(at), path];
    if (done.has(path)) return [];
    for (const next of graph.get(path) ?? []) {
      const found = walk(next, [...way, path]);
      if (found.length > 0) return found;
    }
    done.add(path);
    return [];
  };
  for (const path of graph.keys()) {
    const found = walk(path, []);
    if (found.length > 0) return found;
  }
  return [];
}

function sourceFiles(): SourceFile[] {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => posix.join(folder, name.split(sep).join('/'))),
  );
  return [...paths, 'fairlead.ts'].map(readSource);
}

function readSource(path: string): SourceFile {
  const tree = ts.createSourceFile(path, text(path), ts.ScriptTarget.ESNext, false);
  const imports: Import[] = [];
  const processUses: string[] = [];
  const visit = (node: ts.Node): void => {
    const found = importIn(node);
    if (found?.specifier.startsWith('.') === true) {
      imports.push({ ...found, to: resolved(path, found.specifier) });
    }
    const member = processMemberIn(node);
    if (member !== undefined) processUses.push(member);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { path, folder: folderOf(path), imports, processUses };
}

type FoundImport = Omit<Import, 'to'> & { readonly specifier: string };

function importIn(node: ts.Node): FoundImport | undefined {
  if (ts.isImportDeclaration(node)) {
    const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return found(node.moduleSpecifier, isType, false);
  }
  if (ts.isExportDeclaration(node)) return found(node.moduleSpecifier, node.isTypeOnly, false);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return found(node.arguments[0], false, true);
  }
  return undefined;
}

function found(specifier: ts.Node | undefined, isType: boolean, isDynamic: boolean) {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return undefined;
  return { specifier: specifier.text, isType, isDynamic };
}

/** `process.env` and the like; of streams and signals only what entry files hand on. */
function processMemberIn(node: ts.Node): string | undefined {
  if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  const { expression, name } = node;
  return expression.text === 'process' && PROCESS_MEMBERS.has(name.text) ? name.text : undefined;
}

function resolved(path: string, specifier: string): string {
  const full = posix.normalize(posix.join(dirname(path), specifier));
  return full.replace(/\.js$/, '.ts');
}

function folderOf(path: string): Folder {
  const [first = ''] = relative('.', path).split(sep);
  return FOLDERS.find((folder) => folder === first) ?? 'root';
}

function text(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
