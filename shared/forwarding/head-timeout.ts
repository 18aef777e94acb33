/**
 * The error of a target that takes too long to answer.
 */
import { TunnelError } from '../errors.js';
import { serviceText } from '../ids.js';
import type { ServiceRef } from '../ids.js';

/** 504, naming the service and the limit. */
export function headTimeoutError(service: ServiceRef, timeoutMs: number): TunnelError {
  return new TunnelError(
    'TARGET_SILENT',
    `target of ${serviceText(service)} sent no response head within ${timeoutMs / 1000} s (limits.responseHeadTimeoutMs)`,
  );
}
