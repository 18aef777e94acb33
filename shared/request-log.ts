/**
 * One log line per finished request: who asked for what over which route, how it ended. Called once per
 * request by each of the two processes, at its listener or where it forwards; costs a level check when its
 * level is off. Of headers, logs the three that tell who asks; never bodies or query values (a query may hold a token).
 * Metrics count elsewhere.
 */
import type { ErrorCode, TunnelError } from './errors.js';
import { isHeaderName } from './http/header-list.js';
import type { HeaderList } from './http/header-list.js';
import { routeText, type RequestId, type Route } from './ids.js';
import { fieldsWriter, LogField, type FieldsWriter, type Log } from './log.js';
import { isPlain } from './operations/log-redaction.js';
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
  /**
   * Of the request. Only X-Spinnaker-User (unless it is the signed token of the tunnel),
   * X-Spinnaker-Execution-Id and Kubectl-Session are logged.
   */
  readonly headers?: HeaderList | undefined;
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

/** Starts of fields in JSON text: made once, as the texts made for a line are most of what it costs. */
const TEXT_START = fieldStarts('"');
const NUMBER_START = fieldStarts('');

/** A request log that writes to `log`: failures at info, the rest at `routineLevel`. */
export function createRequestLog(log: Log, options: RequestLogOptions = {}): RequestLog {
  const { routineLevel = 'debug' } = options;
  const writeFields = fieldsWriter(log);
  return (facts) => {
    const level = isFailure(facts.ending) ? 'info' : routineLevel;
    if (log.isLevelEnabled(level)) writeLine(log, writeFields, level, facts);
  };
}

/** A caller who leaves is everyday (ctrl-c on a watch), as is an error status of the target itself. */
function isFailure(ending: RequestEnding): boolean {
  return ending !== 'complete' && ending !== 'CALLER_LEFT';
}

/** Most lines hold nothing that must be escaped, cut or hidden; the rest is left to the log's own ways. */
function writeLine(
  log: Log,
  writeFields: FieldsWriter | undefined,
  level: 'debug' | 'info',
  facts: RequestFacts,
): void {
  const texts = outsideTexts(facts);
  const message = facts.ending === 'complete' ? 'request done' : 'request failed';
  const fields = writeFields && plainFields(facts, texts);
  if (writeFields && fields !== undefined) writeFields(level, fields, message);
  else log[level](requestFields(facts, texts), message);
}

/** What others have chosen of a line's texts: as it came, of any length. */
interface OutsideTexts {
  readonly route: string | undefined;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly queryNames: string | undefined;
  readonly callerAddress: string | undefined;
  spinnakerUser: string | undefined;
  executionId: string | undefined;
  kubectlSession: string | undefined;
}

function outsideTexts(facts: RequestFacts): OutsideTexts {
  const { target, headers } = facts;
  const texts: OutsideTexts = {
    route: facts.route && routeText(facts.route),
    method: facts.method,
    path: target === undefined ? undefined : pathOf(target),
    queryNames: target === undefined ? undefined : queryNamesOf(target),
    callerAddress: facts.callerAddress,
    spinnakerUser: undefined,
    executionId: undefined,
    kubectlSession: undefined,
  };
  if (headers !== undefined) addHeaderTexts(texts, headers);
  return texts;
}

/** The first of each. */
function addHeaderTexts(texts: OutsideTexts, headers: HeaderList): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const name = headers[i] ?? '';
    if (isHeaderName(name, 'x-spinnaker-user')) texts.spinnakerUser = headers[i + 1];
    else if (isHeaderName(name, 'x-spinnaker-execution-id')) texts.executionId = headers[i + 1];
    else if (isHeaderName(name, 'kubectl-session')) texts.kubectlSession = headers[i + 1];
  }
  const user = texts.spinnakerUser;
  if (user !== undefined && SIGNED_USER.test(user)) texts.spinnakerUser = undefined;
}

function requestFields(
  facts: RequestFacts,
  texts: OutsideTexts,
): Record<string, string | number | TunnelError | undefined> {
  return {
    [LogField.requestId]: facts.requestId,
    [LogField.streamId]: facts.streamId,
    [LogField.route]: printable(texts.route, MAX_PATH_CHARS),
    [LogField.method]: printable(texts.method, MAX_FACT_CHARS),
    [LogField.path]: printable(texts.path, MAX_PATH_CHARS),
    [LogField.queryNames]: texts.queryNames,
    [LogField.status]: facts.status,
    [LogField.requestBytes]: facts.requestBytes,
    [LogField.responseBytes]: facts.responseBytes,
    [LogField.durationMs]: Math.round(facts.ms),
    [LogField.ending]: facts.ending,
    [LogField.err]: isFailure(facts.ending) ? facts.error : undefined,
    [LogField.callerAddress]: printable(texts.callerAddress, MAX_FACT_CHARS),
    [LogField.spinnakerUser]: printable(texts.spinnakerUser, MAX_FACT_CHARS),
    [LogField.executionId]: printable(texts.executionId, MAX_FACT_CHARS),
    [LogField.kubectlSession]: printable(texts.kubectlSession, MAX_FACT_CHARS),
  };
}

function printable(text: string | undefined, maxChars: number): string | undefined {
  return text === undefined ? undefined : printableText(text, maxChars);
}

/**
 * The same fields as JSON text; undefined when one of them is not plain, or is an error. They need no
 * redaction: plain texts hold no secret that it would find, and without a quote in them no text can pass
 * for a field whose name tells a secret, as none of the names below does.
 */
function plainFields(facts: RequestFacts, texts: OutsideTexts): string | undefined {
  const { ending, status, streamId, requestBytes, responseBytes } = facts;
  const durationMs = Math.round(facts.ms);
  if (
    (facts.error !== undefined && isFailure(ending)) ||
    !isPlainWithin(texts.route, MAX_PATH_CHARS) ||
    !isPlainWithin(texts.method, MAX_FACT_CHARS) ||
    !isPlainWithin(texts.path, MAX_PATH_CHARS) ||
    !isPlainWithin(texts.queryNames, Infinity) ||
    !isPlainWithin(texts.callerAddress, MAX_FACT_CHARS) ||
    !isPlainWithin(texts.spinnakerUser, MAX_FACT_CHARS) ||
    !isPlainWithin(texts.executionId, MAX_FACT_CHARS) ||
    !isPlainWithin(texts.kubectlSession, MAX_FACT_CHARS) ||
    // what is no number in JSON either
    !Number.isFinite((streamId ?? 0) + (status ?? 0) + requestBytes + responseBytes + durationMs)
  ) {
    return undefined;
  }
  return (
    textField(TEXT_START.requestId, facts.requestId) +
    numberField(NUMBER_START.streamId, streamId) +
    textField(TEXT_START.route, texts.route) +
    textField(TEXT_START.method, texts.method) +
    textField(TEXT_START.path, texts.path) +
    textField(TEXT_START.queryNames, texts.queryNames) +
    numberField(NUMBER_START.status, status) +
    numberField(NUMBER_START.requestBytes, requestBytes) +
    numberField(NUMBER_START.responseBytes, responseBytes) +
    numberField(NUMBER_START.durationMs, durationMs) +
    textField(TEXT_START.ending, ending) +
    textField(TEXT_START.callerAddress, texts.callerAddress) +
    textField(TEXT_START.spinnakerUser, texts.spinnakerUser) +
    textField(TEXT_START.executionId, texts.executionId) +
    textField(TEXT_START.kubectlSession, texts.kubectlSession)
  );
}

function fieldStarts(quote: string): Readonly<Record<keyof typeof LogField, string>> {
  const starts = Object.values(LogField).map((name) => [name, `,"${name}":${quote}`]);
  return Object.fromEntries(starts) as Record<keyof typeof LogField, string>; // it forgets the names
}

function isPlainWithin(text: string | undefined, maxChars: number): boolean {
  return text === undefined || (text.length <= maxChars && isPlain(text));
}

function textField(start: string, plainText: string | undefined): string {
  return plainText === undefined ? '' : start + plainText + '"';
}

function numberField(start: string, value: number | undefined): string {
  return value === undefined ? '' : start + String(value);
}

/** The path without query. Other forms of a target (refused ones) may hold user and password. */
function pathOf(target: string): string {
  if (target === '*') return target;
  if (!target.startsWith('/')) return '(not a path)';
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}

/** The names in the query, `watch,resourceVersion`; what has no value or no plain name is `(bare)`. */
function queryNamesOf(target: string): string | undefined {
  const start = target.indexOf('?');
  if (start < 0 || start === target.length - 1) return undefined;
  const query = target.slice(start + 1, start + 1 + MAX_PATH_CHARS * 4);
  let names = '';
  for (let at = 0, count = 0; at <= query.length && count < MAX_QUERY_NAMES; count++) {
    const next = query.indexOf('&', at);
    const end = next < 0 ? query.length : next;
    names += (count === 0 ? '' : ',') + queryName(query.slice(at, end));
    at = end + 1;
  }
  return names;
}

function queryName(part: string): string {
  const end = part.indexOf('=');
  const name = end < 0 ? '' : part.slice(0, end);
  return QUERY_NAME.test(name) ? name : '(bare)';
}
