/** Who writes and how: what a write request says besides the object itself. */
import type { Exchange } from '../http/exchange.js';
import { headerOf } from '../http/exchange.js';

/** The circumstances of one write. */
export interface WriteContext {
  /** Field manager: the parameter, or the first word of the User-Agent. */
  readonly manager: string;
  /** '' for the object itself, `status` or `scale` otherwise. */
  readonly subresource: string;
  /** True for dryRun=All: everything is checked, nothing is stored. */
  readonly isDryRun: boolean;
}

/** The write context of a request. */
export function writeContextOf(exchange: Exchange, subresource = ''): WriteContext {
  const agent = headerOf(exchange, 'user-agent').split('/')[0] ?? '';
  return {
    manager: exchange.query.get('fieldManager') ?? (agent === '' ? 'unknown' : agent),
    subresource,
    isDryRun: exchange.query.has('dryRun'),
  };
}

/** The write context of a part of the cluster itself. */
export function systemWrite(manager: string, subresource = ''): WriteContext {
  return { manager, subresource, isDryRun: false };
}
