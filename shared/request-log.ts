/**
 * One log line per finished request: who asked for what over which route, how it ended. Called once per
 * request by each of the two processes, at its listener or where it forwards; costs a level check when its level is off.
 * Never logs headers, bodies or query values (a query may hold a token); metrics count elsewhere.
 */
import type { ErrorCode, TunnelError } from './errors.js';
import { routeText, type RequestId, type Route } from './ids.js';
import { LogField, type Log } from './log.js';
import { printableText } from './operations/printable-text.js';

/** How a request ended: with its whole response, or with an error of the catalogue. */
export type RequestEnding = 'complete' | ErrorCode;

/** What is known of a request when it has ended. */
export interface RequestFacts {
  readonly requestId: RequestId;
  /** Its stream, whose number both ends have in common; undefined when none was opened. */
  readonly streamId?: number | undefined;
  /** Undefined when the credential was refused, so that no route was found. */
  readonly route: Route | undefined;
  /** Undefined, as the target, when no request could be read. */
  readonly method: string | undefined;
  /** The raw target as the caller sent it; only its path and the names in its query are logged. */
  readonly target: string | undefined;
  /** Undefined when the caller got no response head. */
  readonly status: number | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** From the request's head until its end. */
  readonly ms: number;
  /** From the request's head until the head of the response, if there was one. */
  readonly headMs?: number | undefined;
  readonly ending: RequestEnding;
  /** What it ended with when it failed. Only the end that talks to the target knows addresses and causes. */
  readonly error?: TunnelError | undefined;
  readonly callerAddress?: string | undefined;
  /** From X-SPINNAKER-USER; not logged where it is the signed token of the tunnel. */
  readonly spinnakerUser?: string | undefined;
  /** From X-SPINNAKER-EXECUTION-ID. */
  readonly executionId?: string | undefined;
  /** From Kubectl-Session. */
  readonly kubectlSession?: string | undefined;
}

/** Takes the facts of one finished request. */
export type RequestLog = (facts: RequestFacts) => void;

/** How requests that ended as they should are logged. */
export interface RequestLogOptions {
  /** Level of routine lines; default `debug`. Failures are always at `info`. */
  readonly routineLevel?: 'debug' | 'info';
}

const MAX_PATH_CHARS = 500;
const MAX_FACT_CHARS = 120;
const MAX_QUERY_NAMES = 12;
const SIGNED_USER = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;
/** Longer or odder names may be a secret that stands in the query without a name of its own. */
const QUERY_NAME = /^[\w.:[\]%-]{1,40}$/;

/** A request log that writes to `log`. */
export function createRequestLog(log: Log, options: RequestLogOptions = {}): RequestLog {
  const { routineLevel = 'debug' } = options;
  return (facts) => logRequest(log, facts, routineLevel);
}

/** Writes the line of one finished request: failures at info, the rest at `routineLevel`. */
export function logRequest(
  log: Log,
  facts: RequestFacts,
  routineLevel: 'debug' | 'info' = 'debug',
): void {
  const level = isFailure(facts.ending) ? 'info' : routineLevel;
  if (!log.isLevelEnabled(level)) return;
  log[level](requestFields(facts), facts.ending === 'complete' ? 'request done' : 'request failed');
}

/** A caller who leaves is everyday (ctrl-c on a watch), as is an error status of the target itself. */
function isFailure(ending: RequestEnding): boolean {
  return ending !== 'complete' && ending !== 'CALLER_LEFT';
}

function requestFields(
  facts: RequestFacts,
): Record<string, string | number | TunnelError | undefined> {
  return {
    [LogField.requestId]: facts.requestId,
    [LogField.streamId]: facts.streamId,
    [LogField.route]: facts.route && printableText(routeText(facts.route), MAX_PATH_CHARS),
    [LogField.method]: shortFact(facts.method),
    [LogField.path]: facts.target === undefined ? undefined : pathOf(facts.target),
    [LogField.queryNames]: facts.target === undefined ? undefined : queryNamesOf(facts.target),
    [LogField.status]: facts.status,
    [LogField.requestBytes]: facts.requestBytes,
    [LogField.responseBytes]: facts.responseBytes,
    [LogField.durationMs]: Math.round(facts.ms),
    [LogField.ending]: facts.ending,
    [LogField.err]: isFailure(facts.ending) ? facts.error : undefined,
    [LogField.callerAddress]: shortFact(facts.callerAddress),
    [LogField.spinnakerUser]: userName(facts.spinnakerUser),
    [LogField.executionId]: shortFact(facts.executionId),
    [LogField.kubectlSession]: shortFact(facts.kubectlSession),
  };
}

function userName(user: string | undefined): string | undefined {
  return user !== undefined && SIGNED_USER.test(user) ? undefined : shortFact(user);
}

function shortFact(fact: string | undefined): string | undefined {
  return fact === undefined ? undefined : printableText(fact, MAX_FACT_CHARS);
}

/** The path without query. Other forms of a target (refused ones) may hold user and password. */
function pathOf(target: string): string {
  if (target === '*') return target;
  if (!target.startsWith('/')) return '(not a path)';
  const end = target.search(/[?#]/);
  return printableText(end < 0 ? target : target.slice(0, end), MAX_PATH_CHARS);
}

/** The names in the query, `watch,resourceVersion`; what has no value or no plain name is `(bare)`. */
function queryNamesOf(target: string): string | undefined {
  const start = target.indexOf('?');
  if (start < 0 || start === target.length - 1) return undefined;
  const parts = target.slice(start + 1, start + 1 + MAX_PATH_CHARS * 4).split('&', MAX_QUERY_NAMES);
  return parts.map(queryName).join(',');
}

function queryName(part: string): string {
  const end = part.indexOf('=');
  const name = end < 0 ? '' : part.slice(0, end);
  return QUERY_NAME.test(name) ? name : '(bare)';
}
