/**
 * LIMITS.md: every option of `limits:` with what happens when it is reached, and the bounds that stand
 * in the code.
 */
import { errorText } from '../../shared/errors.js';
import type { Limits } from '../../shared/config/limits.js';
import { limitsSchema } from '../../shared/config/limits.js';
import { CODE_LIMITS } from './code-limits.js';
import { constantValue } from './source-constant.js';
import { tableOf } from './markdown-table.js';
import { optionRows, optionSchema } from './option-table.js';
import type { PageSections } from './page-sections.js';
import { quantityText } from './quantity-text.js';

/** What happens when each limit is reached. */
const WHEN_REACHED: Readonly<Record<keyof Limits, string>> = {
  maxHeaderBytes: 'Request: 431 `HEADERS_TOO_LARGE`. Response of a target: 502 `TARGET_BROKE_OFF`.',
  maxTargetBytes: '414 `TARGET_TOO_LONG`.',
  maxStreamsPerSession: '429 `TOO_MANY_STREAMS` with `Retry-After: 1`; open requests go on.',
  maxStreams: '429 `TOO_MANY_STREAMS` with `Retry-After: 1`; open requests go on.',
  initialWindowBytes: 'The sender pauses its source until the reader has taken some.',
  maxWindowBytes: 'The window grows no further.',
  sessionBufferBudgetBytes:
    'From a quarter on new streams start with 64 KiB, from half on with 16, from three quarters on with 8: more than 13,000 quiet streams by default. Spent: 503 `BUFFERS_SPENT` with `Retry-After: 1`; open requests go on, their windows stay as they are.',
  processBufferBudgetBytes: 'As `sessionBufferBudgetBytes`.',
  responseHeadTimeoutMs:
    '504 `TARGET_SILENT`. Counted at the end that talks to the target; the other end waits 5 s longer and then says so itself. Protocol upgrades are bounded at the agent.',
  agentWaitMs: '503 `AGENT_NOT_CONNECTED` with `Retry-After: 1`.',
  drainGraceMs: 'What is still open is broken off; the process ends.',
  heartbeatIntervalMs: 'The next heartbeat is sent.',
  heartbeatTimeoutMs:
    'The session is closed. Its requests: GET, HEAD and OPTIONS without a response head are sent once more over another session, the others get 502 `AGENT_LOST`; responses under way are broken off.',
  connectTimeoutMs:
    'Agent: the attempt is given up and the next one follows. Controller: a session whose handshake takes longer is closed.',
  reconnectMinMs: 'The agent dials again.',
  reconnectMaxMs: 'The wait grows no further.',
  targetConnectTimeoutMs: '502 `TARGET_UNREACHABLE`.',
  targetKeepAliveMs: 'The connection is closed.',
  maxControlBodyBytes: '413 `BODY_TOO_LARGE`.',
  callerIdleTimeoutMs: 'The connection is closed.',
  callerHeadersTimeoutMs:
    '408 `REQUEST_TIMEOUT`; without an answer when nothing came at all. HTTP/1.1 only.',
  callerBodyIdleTimeoutMs:
    '408 `BODY_STALLED`, or a broken connection when a response is under way.',
};

/** The generated parts of the page; `readSource` gives the text of a source file of the project. */
export function limitsPage(readSource: (path: string) => string): PageSections {
  return new Map([
    ['options', optionsTable()],
    ['constants', constantsTable(readSource)],
  ]);
}

function optionsTable(): string {
  const rows = optionRows(optionSchema(limitsSchema), new Set());
  return tableOf(
    ['option', 'default', 'from … to', 'what it guards, and why this default', 'when reached'],
    rows.map(({ name, defaultValue, values, meaning }) => [
      `\`${name}\``,
      typeof defaultValue === 'number' ? quantityText(name, defaultValue) : '',
      values,
      meaning,
      WHEN_REACHED[name as keyof Limits], // rows are the keys of the schema
    ]),
  );
}

function constantsTable(readSource: (path: string) => string): string {
  return tableOf(
    ['bound', 'value', 'what it guards', 'when reached', 'where'],
    CODE_LIMITS.map(({ name, file, guards, whenReached }) => [
      `\`${name}\``,
      quantityText(name, valueIn(file, name, readSource)),
      guards,
      whenReached,
      `\`${file}\``,
    ]),
  );
}

function valueIn(file: string, name: string, readSource: (path: string) => string): number {
  try {
    return constantValue(readSource(file), name);
  } catch (cause) {
    throw new Error(`deploy/docs/code-limits.ts does not fit ${file}: ${errorText(cause)}`, {
      cause,
    });
  }
}
