/**
 * The structured log: one JSON line per event, or readable lines on a terminal. Built by the entry files
 * and handed to every part; the only importer of pino. Field names are the constants below.
 * Lines about requests are request-log.ts; hiding secrets is operations/log-redaction.ts.
 */
import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { pino, type DestinationStream, type Logger } from 'pino';
import type * as pinoPretty from 'pino-pretty';
import { errorFields } from './operations/error-fields.js';
import { GatheredLines, type ByteStream } from './operations/gathered-lines.js';
import { lineTime } from './operations/line-time.js';
import { withoutSecrets } from './operations/log-redaction.js';

/** What every part writes its events to. */
export type Log = Logger;

/** The levels, most talkative first. error means: an operator has to act now. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `auto` is pretty on a terminal and JSON elsewhere. */
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Names of the fields in log lines: one word for one thing, the same in both processes. */
export const LogField = {
  address: 'address',
  agentName: 'agentName',
  bytes: 'bytes',
  callerAddress: 'callerAddress',
  certificate: 'certificate',
  code: 'code',
  count: 'count',
  durationMs: 'durationMs',
  ending: 'ending',
  err: 'err',
  executionId: 'executionId',
  file: 'file',
  hop: 'hop',
  hostname: 'hostname',
  kubectlSession: 'kubectlSession',
  method: 'method',
  notAfter: 'notAfter',
  option: 'option',
  path: 'path',
  port: 'port',
  queryNames: 'queryNames',
  reason: 'reason',
  remoteAddress: 'remoteAddress',
  requestBytes: 'requestBytes',
  requestId: 'requestId',
  responseBytes: 'responseBytes',
  retryInMs: 'retryInMs',
  route: 'route',
  rttMs: 'rttMs',
  service: 'service',
  sessionId: 'sessionId',
  spinnakerUser: 'spinnakerUser',
  status: 'status',
  streamId: 'streamId',
  version: 'version',
} as const;

/** Takes finished lines, each with its newline. */
export interface LogSink {
  write(text: string): void;
  /** Whether the lines go to a terminal, for `auto` and for colour. */
  readonly isTTY?: boolean;
}

/** How a log is built. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Default `stdout`. Commands whose output goes to stdout log to `stderr`. */
  readonly destination?: 'stdout' | 'stderr' | LogSink;
  /**
   * `behind` (default) gathers lines for 20 ms and hands them to the kernel from the thread pool, never
   * blocking the event loop: for long-running processes, which await `flush()` before they exit.
   * `at-once` is for commands.
   */
  readonly writes?: 'behind' | 'at-once';
  /** Environment, for NO_COLOR (no-color.org: any text but the empty one switches colour off). */
  readonly env?: { readonly NO_COLOR?: string | undefined };
}

/** The log of a process together with its switches, which the entry file keeps. */
export interface RootLog {
  readonly log: Log;
  /** Changes the level of this log and of all its children, as a reload asks. */
  setLevel(level: LogLevel): void;
  /** Resolves when all lines so far are written, or after 3 s; never rejects. */
  flush(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** Bytes of lines that may wait for a stalled reader of stdout; what comes on top is dropped and counted. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const FLUSH_TIMEOUT_MS = 3_000;
/**
 * How gathered lines are written: at once when idle (with a minimum of 0, pino's flush would not wait for the
 * write), joined behind a write that is under way; as bytes, since text is measured, encoded and, once
 * written, encoded again.
 */
const JOINED_WRITES = { minLength: 1, maxWrite: 64 * 1024, contentMode: 'buffer' } as const;

/** Builds the log of a process. */
export function createLog(options: LogOptions): RootLog {
  const { destination = 'stdout' } = options;
  if (typeof destination === 'object')
    return rootLogOver(destination, options, destination.isTTY === true);

  const fd = destination === 'stdout' ? 1 : 2;
  const isTerminal = isatty(fd);
  const isSync = options.writes === 'at-once';
  const stream = pino.destination({
    dest: fd,
    sync: isSync,
    maxLength: MAX_WAITING_BYTES,
    ...(isSync ? {} : JOINED_WRITES),
  });
  // A full disk behind a redirected stdout must not end the process; the next line tries again.
  stream.on('error', () => undefined);
  if (isSync) return rootLogOver(stream, options, isTerminal);
  // it takes bytes as JOINED_WRITES has it, which its type does not tell
  const lines = new GatheredLines(stream as unknown as ByteStream);
  const root = rootLogOver(lines, options, isTerminal);
  reportDroppedLines(stream, root.log);
  return {
    ...root,
    flush: () => {
      lines.passOn();
      return flushWithin(stream, FLUSH_TIMEOUT_MS);
    },
  };
}

/** A log that says nothing, for tests and for parts that were handed none. */
export function silentLog(): Log {
  return pino({ level: 'silent' }, { write: () => undefined });
}

/** A log's stream, and the fields that each of its lines begins with. */
interface PinoInside {
  readonly [pino.symbols.streamSym]: DestinationStream;
  readonly [pino.symbols.chindingsSym]: string;
}

/** Writes one line from fields that are JSON text already: `,"name":value`, one after the other. */
export type FieldsWriter = (level: 'debug' | 'info', fields: string, message: string) => void;

/**
 * For lines that are many and of one form: past pino's general serializer and past the redaction, whose
 * regular expressions cost more than a short line does. What is handed over needs neither. Asks for no level.
 * Undefined for a child, whose own fields only pino knows to add.
 */
export function fieldsWriter(log: Log): FieldsWriter | undefined {
  // pino's documented way to its inside, which the type of a log leaves out
  const inside = log as unknown as PinoInside;
  const isRoot = Object.hasOwn(inside, pino.symbols.streamSym);
  if (!isRoot || inside[pino.symbols.chindingsSym] !== '') return undefined;
  const stream = inside[pino.symbols.streamSym];
  return (level, fields, message) => {
    stream.write(`{"level":"${level}"${lineTime()}${fields},"msg":"${message}"}\n`);
  };
}

function rootLogOver(sink: LogSink, options: LogOptions, isTerminal: boolean): RootLog {
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && isTerminal);
  const log = pinoOver(isPretty ? prettySink(sink, isTerminal, options.env) : sink, options.level);
  return {
    log,
    // Children have no level of their own (pino looks it up along the prototype), so they follow.
    setLevel: (level) => {
      log.level = level;
    },
    flush: () => Promise.resolve(),
  };
}

function pinoOver(stream: DestinationStream, level: LogLevel): Log {
  return pino(
    {
      level,
      base: null, // process id and host name are the platform's to add
      timestamp: () => lineTime(),
      formatters: { level: (label) => ({ level: label }) },
      serializers: { [LogField.err]: errorFields },
      hooks: { streamWrite: withoutSecrets },
    },
    stream,
  );
}

/** Readable lines, made in this thread: pino-pretty as a worker would lose the last lines at exit. */
function prettySink(sink: LogSink, isTerminal: boolean, env: LogOptions['env']): LogSink {
  const isColoured = isTerminal && (env?.NO_COLOR ?? '') === '';
  // only where it is used: in production, whose lines are JSON, it would stay in memory for nothing
  const { prettyFactory } = require('pino-pretty') as typeof pinoPretty;
  const pretty = prettyFactory({
    colorize: isColoured,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    errorLikeObjectKeys: [],
  });
  return { write: (line) => sink.write(pretty(withoutTerminalControls(line))) };
}

/**
 * JSON keeps control characters escaped, pretty lines would not: they stay escaped there too, so that
 * a path or name from outside cannot drive the operator's terminal. Line ends and tabs pass.
 */
function withoutTerminalControls(jsonLine: string): string {
  return jsonLine
    .replace(/\\(?:\\|[bfr]|u00[01][0-9a-f])/g, (found) =>
      found === '\\\\' ? found : `\\${found}`,
    )
    .replace(/[\u007f-\u009f]/g, (char) => `\\\\x${char.charCodeAt(0).toString(16)}`);
}

function reportDroppedLines(stream: ReturnType<typeof pino.destination>, log: Log): void {
  let dropped = 0;
  stream.on('drop', (lines: Buffer) => {
    dropped += lineEnds(lines);
  });
  stream.on('drain', () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    log.warn({ [LogField.count]: count }, 'log lines dropped: their reader was too slow');
  });
}

function lineEnds(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) count += 1;
  return count;
}

/** A reader that has stalled must not hold up the end of the process, hence the time-out. */
function flushWithin(stream: ReturnType<typeof pino.destination>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stream.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
