/**
 * Writes a set of secret files all together or not at all: readable by their owner only, never over a file
 * that is there unless asked to. Used by `fairlead ca init`.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorText, nodeErrorCode, TunnelError } from '../../shared/errors.js';

/** A file to be: its path below the directory, and its text. */
export interface SecretFile {
  readonly path: string;
  readonly text: string;
}

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/**
 * Throws CONFIG_INVALID that lists those of the paths that exist already; for commands, before they
 * spend time on making keys.
 */
export async function refuseExisting(dir: string, paths: readonly string[]): Promise<void> {
  const existing: string[] = [];
  for (const path of paths) if (await exists(join(dir, path))) existing.push(path);
  if (existing.length === 0) return;
  throw new TunnelError(
    'CONFIG_INVALID',
    `${JSON.stringify(dir)} already holds ${existing.join(', ')}; nothing was written. Choose another directory, or use --force to replace them${existing.some(isIssuer) ? ' (whatever was issued from the old ones then stops working)' : ''}`,
  );
}

/** A CA or a key of tokens, as `fairlead ca init` names them; a certificate beside the CA is only one more. */
function isIssuer(path: string): boolean {
  return path.startsWith('ca-key') || path.includes('service-auth');
}

/**
 * Writes the files below `dir`, which is made when absent; returns their full paths. Everything goes to
 * temporary names first, so that a full disk or a missing permission leaves the old files as they were.
 */
export async function writeSecretFiles(
  dir: string,
  files: readonly SecretFile[],
  { force }: { readonly force: boolean },
): Promise<string[]> {
  const paths = files.map((file) => file.path);
  if (!force) await refuseExisting(dir, paths);
  const suffix = `.new-${randomBytes(6).toString('hex')}`;
  const placed: string[] = [];
  try {
    for (const { path, text } of files) {
      const temporary = join(dir, path + suffix);
      await mkdir(dirname(temporary), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
      await writeFile(temporary, text, { mode: OWNER_ONLY_FILE, flag: 'wx' });
    }
    for (const path of paths) {
      await rename(join(dir, path + suffix), join(dir, path));
      placed.push(path);
    }
  } catch (cause) {
    // With `force` a file in place may have replaced another, and is better than none.
    const leftovers = [...paths.map((path) => path + suffix), ...(force ? [] : placed)];
    await Promise.allSettled(leftovers.map((path) => rm(join(dir, path), { force: true })));
    throw new TunnelError(
      'CONFIG_INVALID',
      `cannot write to ${JSON.stringify(dir)}: ${whyNot(cause)}`,
      { cause },
    );
  }
  return paths.map((path) => join(dir, path));
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path); // not following links: a dangling one would be replaced as well
    return true;
  } catch (reason) {
    // Anything but "absent" comes up again, with its reason, when the file is written.
    return !['ENOENT', 'ENOTDIR'].includes(nodeErrorCode(reason) ?? '');
  }
}

function whyNot(reason: unknown): string {
  const code = nodeErrorCode(reason) ?? '';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return 'this user may not write there';
  if (code === 'ENOTDIR' || code === 'EEXIST') return 'a part of the path is not a directory';
  if (code === 'ENOSPC') return 'the disk is full';
  return errorText(reason);
}
