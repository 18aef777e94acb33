/**
 * The fields that requests to the control API are made of, and what each may hold.
 * A field reads one JSON value and either returns it checked or says what was expected.
 * Endpoints list their fields in v3.5's order of checks: agentName, name, type.
 */
import { TunnelError } from '../../shared/errors.js';
import {
  agentNameProblem,
  namespaceProblem,
  pathNameProblem,
  plainNameProblem,
  secretNameProblem,
} from '../rendering/name-rules.js';
import { jsonKind } from './first-json-value.js';

/** Reads one field; `value` is undefined when the request does not have it. */
export type RequestField<Value> = (value: unknown, fieldName: string) => Value;

/** The fields of one request by name. */
export type RequestFields = Readonly<Record<string, RequestField<unknown>>>;

/** What a request with these fields holds once it is checked. */
export type RequestOf<Fields extends RequestFields> = {
  readonly [Name in keyof Fields]: ReturnType<Fields[Name]>;
};

/** A name that goes into a certificate or token: not empty, no control characters, 253 bytes at most. */
export const plainName: RequestField<string> = named(plainNameProblem);

/** A name that goes into a URL path as well: a plain name that every client keeps as one segment. */
export const pathName: RequestField<string> = named(pathNameProblem);

/** An agent name that becomes part of Kubernetes object names. */
export const objectAgentName: RequestField<string> = named(agentNameProblem);

/** A service type: v3.5's rule, lower-case letters and digits. */
export const serviceType: RequestField<string> = named((type) =>
  /^[a-z0-9]+$/.test(type) && type.length <= 253
    ? undefined
    : 'it must consist of lower-case letters and digits',
);

/** A `pathName` that may be absent; empty counts as absent. */
export const optionalPathName: RequestField<string | undefined> = optional(pathName);

/** A namespace of Kubernetes, or `fallback` when absent or empty. */
export function namespaceName(fallback: string): RequestField<string> {
  const field = optional(named(namespaceProblem));
  return (value, fieldName) => field(value, fieldName) ?? fallback;
}

/** A namespace of Kubernetes that may be absent; empty counts as absent. */
export const optionalNamespace: RequestField<string | undefined> = optional(
  named(namespaceProblem),
);

/** Namespaces of Kubernetes, without repetitions; absent means none. */
export const namespaceNames: RequestField<readonly string[]> = listOf(named(namespaceProblem));

/** Names of Kubernetes Secrets, without repetitions; absent means none. */
export const secretNames: RequestField<readonly string[]> = listOf(named(secretNameProblem));

/** A container image reference that may be absent; empty counts as absent. */
export const optionalImage: RequestField<string | undefined> = optional(
  named((image) =>
    /^[\w.:/@-]+$/.test(image)
      ? undefined
      : 'it must be an image reference such as registry/name:tag',
  ),
);

/** A flag that may be absent, which means false. */
export const optionalFlag: RequestField<boolean> = (value, fieldName) => {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw wrongKind(value, fieldName, 'bool');
};

/** A whole number within bounds that may be absent. */
export function optionalInteger(least: number, most: number): RequestField<number | undefined> {
  return (value, fieldName) => {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number') throw wrongKind(value, fieldName, 'number');
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw invalid(fieldName, `it must be a whole number from ${least} to ${most}`);
  };
}

/** One of a few words; the first is the default. */
export function oneOf<const Word extends string>(
  words: readonly [Word, ...Word[]],
): RequestField<Word> {
  return (value, fieldName) => {
    const text = textOf(value, fieldName);
    if (text === '') return words[0];
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw invalid(fieldName, `it must be one of ${words.join(', ')}`);
  };
}

function optional(field: RequestField<string>): RequestField<string | undefined> {
  return (value, fieldName) =>
    value === undefined || value === null || value === '' ? undefined : field(value, fieldName);
}

function listOf(field: RequestField<string>): RequestField<readonly string[]> {
  return (value, fieldName) => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw wrongKind(value, fieldName, 'list of strings');
    return [...new Set(value.map((item: unknown) => field(item, fieldName)))];
  };
}

function named(problem: (name: string) => string | undefined): RequestField<string> {
  return (value, fieldName) => {
    const name = textOf(value, fieldName);
    const reason = problem(name);
    if (reason !== undefined) throw invalid(fieldName, reason);
    return name;
  };
}

/** A string, where absent and null are the empty one, as in a Go struct. */
function textOf(value: unknown, fieldName: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw wrongKind(value, fieldName, 'string');
}

function wrongKind(value: unknown, fieldName: string, wanted: string): TunnelError {
  return new TunnelError(
    'CONTROL_REQUEST_INVALID',
    `json: cannot unmarshal ${jsonKind(value)} into field ${fieldName} of type ${wanted}`,
  );
}

/** Starts with v3.5's exact text, which tools may look for. */
function invalid(fieldName: string, reason: string): TunnelError {
  return new TunnelError('CONTROL_REQUEST_INVALID', `'${fieldName}' is invalid: ${reason}`);
}
