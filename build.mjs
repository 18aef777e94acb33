/**
 * Builds dist/: compiles TypeScript (without tests), copies what is not TypeScript, and makes the
 * command executable. Run by `npm run build` and `npm ci`; does nothing when nothing changed.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join } from 'node:path';

const ROOT = import.meta.dirname;
const DIST = join(ROOT, 'dist');
/** Its time is that of the sources which the last successful build saw. */
const STAMP = join(DIST, '.built');
const SOURCE_FOLDERS = ['agent', 'controller', 'deploy', 'shared'];
const ROOT_SOURCES = ['fairlead.ts', 'build.mjs', 'package.json', 'tsconfig.json'];
/** Not TypeScript, yet read at run time from beside the compiled code. */
const ASSET_EXTENSIONS = new Set(['.json', '.html', '.css', '.js']);

const sources = [
  ...ROOT_SOURCES.filter((file) => existsSync(join(ROOT, file))),
  ...SOURCE_FOLDERS.flatMap(filesBelow),
];
const newest = Math.max(...sources.map((file) => modifiedMs(join(ROOT, file))));

if (!isUpToDate()) {
  const code = sources.filter((file) => file.endsWith('.ts'));
  const assets = sources.filter(
    (file) => file.includes('/') && ASSET_EXTENSIONS.has(extname(file)),
  );
  if (await compile(code)) {
    copyAssets(assets);
    removeLeftovers(new Set([...code.flatMap(outputsOf), ...assets]));
    chmodSync(join(DIST, 'fairlead.js'), 0o755);
    writeStamp();
  } else {
    process.exitCode = 1;
  }
}

/** Also when a file was deleted: the stamp holds how many there were. */
function isUpToDate() {
  if (!existsSync(STAMP) || !existsSync(join(DIST, 'fairlead.js'))) return false;
  const { size, mtimeMs } = statSync(STAMP);
  return size === sources.length && Math.abs(mtimeMs - newest) < 1;
}

function writeStamp() {
  writeFileSync(STAMP, '.'.repeat(sources.length));
  utimesSync(STAMP, newest / 1000, newest / 1000);
}

/** Emits only what type-checks; prints what does not. */
async function compile(code) {
  const { default: ts } = await import('typescript');
  const configFile = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(configFile, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, files: [], include: [] },
    ts.sys,
    ROOT,
  );
  const host = ts.createIncrementalCompilerHost({
    ...options,
    tsBuildInfoFile: join(DIST, '.build.tsbuildinfo'),
  });
  const program = ts.createIncrementalProgram({
    rootNames: code.map((file) => join(ROOT, file)),
    options: { ...options, noEmitOnError: true, tsBuildInfoFile: join(DIST, '.build.tsbuildinfo') },
    host,
  });
  const before = ts.getPreEmitDiagnostics(program.getProgram());
  const diagnostics = [...before, ...(before.length === 0 ? program.emit().diagnostics : [])];
  if (diagnostics.length === 0) return true;
  const format = process.stderr.isTTY
    ? ts.formatDiagnosticsWithColorAndContext
    : ts.formatDiagnostics;
  process.stderr.write(
    format(ts.sortAndDeduplicateDiagnostics(diagnostics), {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => ROOT,
      getNewLine: () => '\n',
    }),
  );
  return false;
}

function copyAssets(assets) {
  for (const file of assets) {
    mkdirSync(dirname(join(DIST, file)), { recursive: true });
    copyFileSync(join(ROOT, file), join(DIST, file));
  }
}

/** A module whose source is gone must not be found any longer. */
function removeLeftovers(wanted) {
  for (const folder of readdirSync(DIST, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const file of filesBelow(join('dist', folder.name))) {
      if (!wanted.has(file.slice('dist/'.length))) rmSync(join(ROOT, file));
    }
  }
}

function outputsOf(file) {
  if (file.endsWith('.d.ts')) return [];
  const output = file.replace(/\.ts$/, '.js');
  return [output, `${output}.map`];
}

/** Paths of the files below a folder, relative to the root, with `/`. */
function filesBelow(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(ROOT.length + 1)
        .replaceAll('\\', '/'),
    );
}

function modifiedMs(path) {
  return statSync(path).mtimeMs;
}
