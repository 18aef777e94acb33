/**
 * ERRORS.md: every code of shared/errors.ts, by where it arises.
 */
import { ERROR_KINDS, type Hop } from '../../shared/errors.js';
import { tableOf } from './markdown-table.js';
import type { PageSections } from './page-sections.js';

/** What the hops are called, in the order of a request. */
const HOP_TITLES = {
  caller: 'The request and its credential',
  controller: 'The controller',
  link: 'The link between controller and agent',
  agent: 'The agent',
  target: 'The target',
  operator: 'Commands, configuration, control API',
} as const satisfies Record<Hop, string>;

/** The generated part of the page. */
export function errorPage(): PageSections {
  const kinds = Object.entries(ERROR_KINDS);
  const tables = Object.entries(HOP_TITLES).map(([hop, title]) => {
    const rows = kinds.filter(([, kind]) => kind.hop === hop);
    return `## ${title}\n\nHop \`${hop}\`.\n\n${tableOf(
      ['code', 'status', 'exit code', 'meaning'],
      rows.map(([code, { status, exit, meaning }]) => [
        `\`${code}\``,
        String(status),
        String(exit),
        meaning,
      ]),
    )}`;
  });
  return new Map([['codes', tables.join('\n\n')]]);
}
