/**
 * Refusals of the API, with the reason, status code and `details` that a real apiserver sends.
 * Thrown by handlers and parsers, turned into a Status object by http/respond.ts.
 * Source of the shapes: k8s.io/apimachinery/pkg/api/errors.
 */
import type { Json, JsonObject } from './objects/json-value.js';

/** What the details of a Status name: a resource of a group and, where known, one object. */
export interface StatusSubject {
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
}

/** One entry of details.causes. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

interface StatusParts {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that the caller gets as a Status object. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  /** Headers that belong to the refusal, for example Retry-After. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(parts: StatusParts) {
    super(parts.message);
    this.name = 'StatusError';
    this.code = parts.code;
    this.reason = parts.reason;
    this.details = parts.details;
    this.headers = parts.headers ?? {};
  }

  /** The Status object to send. */
  toStatus(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

function detailsOf(subject: StatusSubject, more: JsonObject = {}): JsonObject {
  return {
    ...(subject.name === undefined || subject.name === '' ? {} : { name: subject.name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.resource,
    ...more,
  };
}

function qualified(subject: StatusSubject): string {
  const resource = subject.group === '' ? subject.resource : `${subject.resource}.${subject.group}`;
  return `${resource} "${subject.name ?? ''}"`;
}

function causeList(causes: readonly StatusCause[]): Json[] {
  return causes.map(({ reason, message, field }) => ({
    reason,
    message,
    ...(field === undefined ? {} : { field }),
  }));
}

/** 401, what the authentication filter answers. */
export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** 404 of one object. */
export function objectNotFound(subject: StatusSubject): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(subject)} not found`,
    details: detailsOf(subject),
  });
}

/** 404 of a path that no resource serves. */
export function pathNotFound(): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

/** 405 for a verb that the resource does not have. */
export function methodNotAllowed(): StatusError {
  return new StatusError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

/** 409 on creating what exists. */
export function alreadyExists(subject: StatusSubject): StatusError {
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualified(subject)} already exists`,
    details: detailsOf(subject),
  });
}

/** 409 on writing a stale object or failing a precondition. */
export function conflict(
  subject: StatusSubject,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(subject)}: ${why}`,
    details: detailsOf(subject),
  });
}

/** A field that another manager owns. */
export interface FieldConflict {
  /** For example `.spec.replicas`. */
  readonly field: string;
  /** The owner as it is named, for example `"kubectl" using apps/v1`. */
  readonly owner: string;
}

/** 409 of server-side apply. Source of the text: structured-merge-diff merge/conflict.go. */
export function applyConflict(conflicts: readonly FieldConflict[]): StatusError {
  const owners = [...new Set(conflicts.map(({ owner }) => owner))].sort();
  const [first] = conflicts;
  const list = owners.map((owner) => {
    const fields = conflicts.filter((entry) => entry.owner === owner);
    return `conflicts with ${owner}:\n${fields.map(({ field }) => `- ${field}`).join('\n')}`;
  });
  const text =
    conflicts.length === 1
      ? `1 conflict: conflict with ${first?.owner ?? ''}: ${first?.field ?? ''}`
      : `${conflicts.length} conflicts: ${list.join('\n')}`;
  const causes = conflicts.map(({ field, owner }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${owner}`,
    field,
  }));
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Apply failed with ${text}`,
    details: { causes: causeList(causes) },
  });
}

/** 422 with the fields that are wrong. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  causes: readonly StatusCause[],
): StatusError {
  const texts = causes.map((cause) => `${cause.field ?? ''}: ${cause.message}`);
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${qualifiedKind} "${name}" is invalid: ${list}`,
    details: detailsOf(
      { group: kind.group, resource: kind.kind, name },
      { causes: causeList(causes) },
    ),
  });
}

/** 400 for a request that cannot be read. */
export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

/** 406 when no accepted media type can be produced. */
export function notAcceptable(offered: string): StatusError {
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${offered}`,
  });
}

/** 415 for a body of a type that the verb does not take. */
export function unsupportedMediaType(accepted: string): StatusError {
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  });
}

/** 413 past the body limit of the apiserver (3 MiB). */
export function bodyTooLarge(limitBytes: number): StatusError {
  return new StatusError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${limitBytes}`,
  });
}

/** 410 for a resource version or continue token that the history no longer holds. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message });
}

/** 500 for a fault of this server. */
export function internalError(message: string): StatusError {
  return new StatusError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}
