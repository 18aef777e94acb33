/**
 * What a schema found wrong, in words: which key, what was found, what was expected. Used by
 * read-config.ts. Schemas give the expectation (`error` of a zod check); the rest is said here.
 */
import type { z } from 'zod';
import { nearWord } from './near-word.js';
import type { SourcePath } from './yaml-source.js';

/** One thing wrong with a value. `expectsText` marks those that writing in quotes would mend. */
export interface ConfigProblem {
  readonly path: SourcePath;
  readonly text: string;
  readonly expectsText: boolean;
}

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];
type Issue = z.core.$ZodIssue;

/** Zod's error map: the sentence about what was expected, from the issue alone. */
export function expectation(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeWords(issue.expected)}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'expected something, not nothing'
        : `expected ${issue.minimum} or more`;
    case 'too_big':
      return `expected ${issue.maximum} or less`;
    case 'unrecognized_keys':
      return unknownKeysText(issue.keys, issue.inst);
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
      return 'expected another value';
  }
}

/** All problems of a failed parse, one per key, unions resolved to the member that was meant. */
export function configProblems(issues: readonly Issue[], above: SourcePath = []): ConfigProblem[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path.map(step)];
    if (issue.code === 'invalid_union') return configProblems(meantMember(issue.errors), path);
    if (issue.code === 'unrecognized_keys') return unknownKeyProblems(issue, path);
    const expectsText = issue.code === 'invalid_type' && issue.expected === 'string';
    // A schema's own check speaks in whole sentences; type and range checks say what was expected.
    const isSentence = issue.code === 'custom';
    const text = isSentence ? issue.message : `${found(issue, path)}, ${issue.message}`;
    return [{ path, text, expectsText }];
  });
}

/** `outgoingServices[0].config.url`. */
export function pathText(path: SourcePath): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`,
    )
    .join('');
}

function step(part: PropertyKey): string | number {
  return typeof part === 'symbol' ? String(part) : part;
}

/** The member whose `type` fits; members differ by it. None fits when it is missing: then the last. */
function meantMember(members: readonly (readonly Issue[])[]): readonly Issue[] {
  const fitting = members.find((issues) => !issues.some(({ path }) => path[0] === 'type'));
  return fitting ?? members.at(-1) ?? [];
}

function unknownKeyProblems(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  path: SourcePath,
): ConfigProblem[] {
  const texts = issue.message.split('\n');
  return issue.keys.map((key, index) => ({
    path: [...path, key],
    text: texts[index] ?? 'is not known here',
    expectsText: false,
  }));
}

/** One line per key: the message is the only thing of the raw issue that survives parsing. */
function unknownKeysText(keys: readonly string[], inst: unknown): string {
  const shape = (inst as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape; // zod's public introspection
  const known = Object.keys(shape ?? {});
  return keys
    .map((key) => {
      const near = nearWord(key, known);
      if (near !== undefined) return `is not known here; did you mean "${near}"?`;
      return `is not known here; known are ${known.join(', ')}`;
    })
    .join('\n');
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
};

function typeWords(expected: string): string {
  return TYPE_WORDS[expected] ?? expected;
}

/** Values under such keys are never repeated. */
const SENSITIVE = /password|passphrase|token|secret|username|key64|cert64/i;

function found({ input, ...issue }: Issue, path: SourcePath): string {
  if (input === undefined) return 'is missing';
  if (input === null) return 'is empty';
  if (Array.isArray(input)) return 'found a list';
  const isSensitive = SENSITIVE.test(pathText(path));
  if (typeof input === 'number' || typeof input === 'boolean') {
    return `found ${isSensitive ? 'a value' : String(input)}`;
  }
  if (typeof input !== 'string') return 'found a mapping';
  if (input === '') return 'found an empty text';
  // What stands in place of a mapping or list, a long text, or one with a user part
  // (https://user:password@…) may be a secret.
  const isMisplaced = issue.code === 'invalid_type' && COMPOSITES.has(issue.expected);
  const isShowable = !isSensitive && !isMisplaced && input.length <= 60 && !/[@\n]/.test(input);
  return isShowable ? `found "${input}"` : 'found a text';
}

const COMPOSITES: ReadonlySet<string> = new Set(['object', 'array', 'record', 'map']);
