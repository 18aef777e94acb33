/**
 * What a log line says of an error: code, message and the texts of its causes. Used by log.ts for the
 * field `err`. A stack is added only for faults that nobody foresaw; a user's mistake has none.
 */
import { errorText, nodeErrorCode, TunnelError } from '../errors.js';

/** The field `err` of a log line. */
export interface ErrorFields {
  readonly code?: string;
  readonly message: string;
  /** Nearest cause first, each as `CODE: text`. */
  readonly causes?: readonly string[];
  readonly stack?: string;
}

const MAX_CAUSES = 8;
const MAX_TEXT_CHARS = 2_000;
const MAX_STACK_CHARS = 8_000;

/** The loggable facts of any thrown thing. */
export function errorFields(reason: unknown): ErrorFields {
  const causes = causesOf(reason);
  const code = codeOf(reason);
  const stack = unforeseenStack(reason, causes);
  return {
    ...(code !== undefined && { code }),
    message: textOf(reason),
    ...(causes.length > 0 && { causes: causes.map(causeText) }),
    ...(stack !== undefined && { stack }),
  };
}

/** All causes in the order of nearness; an AggregateError's parts (one per address tried) count as causes. */
function causesOf(reason: unknown): unknown[] {
  const found: unknown[] = [];
  let level = innerErrors(reason);
  while (level.length > 0 && found.length < MAX_CAUSES) {
    // A cause chain may be a ring: what was seen is not followed again.
    const fresh = level.filter((cause) => cause !== reason && !found.includes(cause));
    found.push(...fresh);
    level = fresh.flatMap(innerErrors);
  }
  return found.slice(0, MAX_CAUSES);
}

function innerErrors(reason: unknown): unknown[] {
  if (!(reason instanceof Error)) return [];
  const parts: unknown[] = reason instanceof AggregateError ? reason.errors : [];
  return reason.cause === undefined ? parts : [reason.cause, ...parts];
}

function codeOf(reason: unknown): string | undefined {
  return reason instanceof TunnelError ? reason.code : nodeErrorCode(reason);
}

function textOf(reason: unknown): string {
  const text = errorText(reason);
  if (text !== '') return text.slice(0, MAX_TEXT_CHARS);
  // Node's AggregateError of failed connection attempts has no message of its own.
  return reason instanceof Error ? reason.name : '(no text)';
}

function causeText(cause: unknown): string {
  const code = codeOf(cause);
  const text = textOf(cause);
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`;
}

/** Errors with a code were foreseen by somebody; INTERNAL wraps one that was not. */
function unforeseenStack(reason: unknown, causes: readonly unknown[]): string | undefined {
  const isInternal = reason instanceof TunnelError && reason.code === 'INTERNAL';
  const suspects = isInternal ? [...causes, reason] : [reason];
  const fault = suspects.find(
    (suspect) => suspect instanceof Error && (isInternal || codeOf(suspect) === undefined),
  );
  return fault instanceof Error ? fault.stack?.slice(0, MAX_STACK_CHARS) : undefined;
}
