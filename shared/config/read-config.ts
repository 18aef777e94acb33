/**
 * Configuration files: YAML text + schema -> checked, frozen object, or one error that lists every
 * problem with its place. Used by both processes' config.ts and by the services file; what the
 * options are is theirs.
 */
import { readFileSync, statSync } from 'node:fs';
import type { z } from 'zod';
import { errorText, nodeErrorCode, TunnelError } from '../errors.js';
import { configProblems, expectation, pathText } from './config-problem.js';
import type { ConfigProblem } from './config-problem.js';
import type { SecretValue } from './secret-value.js';
import { parseYaml, YamlSource } from './yaml-source.js';
import type { SourcePlace } from './yaml-source.js';

/** How a file of one kind is read. */
export interface ConfigFormat<T> {
  /** Checks and completes. Mappings should be strict objects, so that unknown keys are found. */
  readonly schema: z.ZodType<T>;
  /** Top-level keys that older versions knew and that do nothing here: key -> why, as a sentence. */
  readonly obsolete: Readonly<Record<string, string>>;
  /** Further warnings about a file that is in order. */
  readonly notes?: (config: T) => readonly string[];
}

/** Read-only all the way down. */
export type Frozen<T> = T extends SecretValue | ((...args: never[]) => unknown)
  ? T
  : { readonly [K in keyof T]: Frozen<T[K]> };

/** A file that was read. The caller logs the warnings; each names file, line and column. */
export interface ReadConfig<T> {
  readonly config: Frozen<T>;
  readonly warnings: readonly string[];
}

/** Far more than a ConfigMap can hold. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Reads and checks a file. Throws CONFIG_INVALID with all problems, one per line. */
export function readConfig<T>(file: string, format: ConfigFormat<T>): ReadConfig<T> {
  return parseConfig(readText(file), file, format);
}

/** Checks the text of a file; `file` is only its name in messages. Throws CONFIG_INVALID. */
export function parseConfig<T>(text: string, file: string, format: ConfigFormat<T>): ReadConfig<T> {
  const source = parseYaml(text);
  if (!(source instanceof YamlSource)) {
    throw configInvalid(source.map((problem) => at(file, problem.place, problem.text)));
  }
  const warnings = obsoleteWarnings(rootMapping(source, file), source, file, format.obsolete);
  const config = checked(source, file, format);
  const notes = (format.notes?.(config) ?? []).map((note) => `${file}: ${note}`);
  return { config: deepFreeze(config) as Frozen<T>, warnings: [...warnings, ...notes] }; // frozen just now
}

function readText(file: string): string {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) {
      throw new TunnelError(
        'CONFIG_INVALID',
        `${file}: the file is larger than ${MAX_FILE_BYTES} bytes, which no configuration needs`,
      );
    }
    return readFileSync(file, 'utf8');
  } catch (reason) {
    if (reason instanceof TunnelError) throw reason;
    throw new TunnelError('CONFIG_INVALID', `${file}: ${unreadable(reason)}`, { cause: reason });
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'the file cannot be read: this user lacks the permission',
  EPERM: 'the file cannot be read: this user lacks the permission',
  EISDIR: 'this is a directory, expected a file',
};

function unreadable(reason: unknown): string {
  return UNREADABLE[nodeErrorCode(reason) ?? ''] ?? `the file cannot be read: ${errorText(reason)}`;
}

type Mapping = Readonly<Record<string, unknown>>;

function rootMapping(source: YamlSource, file: string): Mapping {
  const value = plainValue(source, file);
  if (value === null || value === undefined) {
    throw new TunnelError('CONFIG_INVALID', `${file}: the file is empty, expected "key: value"`);
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    const what = Array.isArray(value) ? 'a list' : 'a single value';
    throw configInvalid([at(file, { line: 1, col: 1 }, `found ${what}, expected "key: value"`)]);
  }
  return value as Mapping; // the YAML reader makes nothing but plain mappings
}

function plainValue(source: YamlSource, file: string): unknown {
  try {
    return source.value();
  } catch (reason) {
    // The reader throws only for aliases: too many of them, or one within its own anchor.
    throw new TunnelError(
      'CONFIG_INVALID',
      `${file}: aliases (*name) expand to too much, or one contains itself: write the values out`,
      { cause: reason },
    );
  }
}

type Obsolete = ConfigFormat<unknown>['obsolete'];

function obsoleteWarnings(
  mapping: Mapping,
  source: YamlSource,
  file: string,
  obsolete: Obsolete,
): string[] {
  return Object.keys(mapping)
    .filter((key) => Object.hasOwn(obsolete, key))
    .map((key) => {
      const text = `key "${key}" has no effect: ${obsolete[key] ?? ''}`;
      return at(file, source.place([key]), text);
    });
}

function checked<T>(source: YamlSource, file: string, format: ConfigFormat<T>): T {
  const attempt = () => {
    const entries = Object.entries(rootMapping(source, file));
    const current = entries.filter(([key]) => !Object.hasOwn(format.obsolete, key));
    const context = { error: expectation, reportInput: true };
    return format.schema.safeParse(Object.fromEntries(current), context);
  };
  let result = attempt();
  if (result.success) return result.data;
  let problems = configProblems(result.error.issues);
  const mended = problems.filter(({ path, expectsText }) => expectsText && source.takeAsText(path));
  if (mended.length > 0) {
    result = attempt();
    if (result.success) return result.data;
    problems = configProblems(result.error.issues);
  }
  throw configInvalid(placedTexts(problems, source, file));
}

/** In the order of the file, as one would mend them. */
function placedTexts(
  problems: readonly ConfigProblem[],
  source: YamlSource,
  file: string,
): string[] {
  return problems
    .map(({ path, text }) => ({ path, text, place: source.place(path) }))
    .sort((one, other) => one.place.line - other.place.line || one.place.col - other.place.col)
    .map(({ path, text, place }) => at(file, place, `key "${pathText(path)}": ${text}`));
}

function at(file: string, { line, col }: SourcePlace, text: string): string {
  return `${file}:${line}:${col}: ${text}`;
}

function configInvalid(problems: readonly string[]): TunnelError {
  const [only] = problems;
  if (problems.length === 1 && only !== undefined) return new TunnelError('CONFIG_INVALID', only);
  return new TunnelError('CONFIG_INVALID', `${problems.length} problems:\n${problems.join('\n')}`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
