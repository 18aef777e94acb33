/**
 * Small text files that targets are made of: tokens, certificates, kubeconfigs. Read as a whole and
 * compared by content, since mounted Secrets change by swapping links.
 */
import { readFile, stat } from 'node:fs/promises';
import { errorText, nodeErrorCode, TunnelError } from '../errors.js';

/** Nothing that belongs here is larger; guards against a path that names a log or a device. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** How long what was read of a file may be used before it is looked at again. */
export const FILE_MAX_AGE_MS = 10_000;

/**
 * The text of a file. Throws SERVICE_NOT_CONFIGURED that names it; `what` is how messages call it,
 * such as `token file`.
 */
export async function readTargetFile(path: string, what: string): Promise<string> {
  const name = `${what} ${JSON.stringify(path)}`;
  try {
    const info = await stat(path);
    if (!info.isFile()) throw targetFault(`${name} is not a file`);
    if (info.size > MAX_FILE_BYTES) throw targetFault(`${name} is larger than 4 MiB`);
    return await readFile(path, 'utf8');
  } catch (reason) {
    if (reason instanceof TunnelError) throw reason;
    throw targetFault(`${name} ${whyUnreadable(reason)}`, reason);
  }
}

/** The text of a file, or undefined if there is none of that name. */
export async function readTargetFileIfAny(path: string, what: string): Promise<string | undefined> {
  try {
    return await readTargetFile(path, what);
  } catch (reason) {
    if (reason instanceof TunnelError && isMissing(reason.cause)) return undefined;
    throw reason;
  }
}

/** The error for a service whose configuration is faulty. Callers see the text. */
export function targetFault(text: string, cause?: unknown): TunnelError {
  return new TunnelError('SERVICE_NOT_CONFIGURED', text, { cause });
}

function whyUnreadable(reason: unknown): string {
  if (isMissing(reason)) return 'does not exist';
  const code = nodeErrorCode(reason);
  if (code === 'EACCES' || code === 'EPERM') {
    return 'may not be read by this process; check its owner and mode';
  }
  return `cannot be read: ${errorText(reason)}`;
}

function isMissing(reason: unknown): boolean {
  const code = nodeErrorCode(reason);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
