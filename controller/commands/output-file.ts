/**
 * Where a command puts a secret document: a file only its owner can read, or stdout. The place is
 * checked before the controller is asked, so that no credential is issued for nothing.
 */
import { access, constants, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText, nodeErrorCode } from '../../shared/errors.js';
import type { CommandIo } from './command-io.js';
import { usageError } from './usage-error.js';

/** `-o FILE` and `--force` of a command. */
export interface OutputOptions {
  /** Path; undefined and `-` mean stdout. */
  readonly output?: string | undefined;
  readonly force?: boolean | undefined;
}

/** A place that was checked. */
export interface DocumentOutput {
  /** Path of the file, or undefined for stdout. */
  readonly file: string | undefined;
  write(text: string): Promise<void>;
}

const OWNER_ONLY = 0o600;

/** Checks the place. Throws CONFIG_INVALID when the file exists (without `force`) or cannot be there. */
export async function documentOutput(
  { output, force = false }: OutputOptions,
  io: CommandIo,
): Promise<DocumentOutput> {
  if (output === undefined || output === '-') {
    return { file: undefined, write: (text) => Promise.resolve(void io.stdout.write(text)) };
  }
  const kind = await kindOf(output);
  if (kind === 'directory') throw usageError(`${output} is a directory`, 'name a file in it');
  if (kind !== 'absent' && !force) {
    throw usageError(`${output} exists already`, 'use --force to replace it, or name another file');
  }
  if (kind !== 'special') await mayWriteIn(dirname(output), output);
  return {
    file: output,
    // A device or pipe is written to; a file is replaced as a whole, so that it is never half a secret.
    write: (text) => (kind === 'special' ? writeInto(output, text) : replaceFile(output, text)),
  };
}

async function kindOf(path: string): Promise<'absent' | 'file' | 'directory' | 'special'> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory()) return 'directory';
    return stats.isFile() || stats.isSymbolicLink() ? 'file' : 'special';
  } catch (reason) {
    if (nodeErrorCode(reason) === 'ENOENT') return 'absent';
    throw cannotWrite(path, reason);
  }
}

/** A file is made beside its place and then renamed. */
async function mayWriteIn(directory: string, path: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (reason) {
    throw cannotWrite(path, reason);
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new-${process.pid}`;
  try {
    const file = await open(temporary, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (reason) {
    await rm(temporary, { force: true });
    throw cannotWrite(path, reason);
  }
}

async function writeInto(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'w');
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (reason) {
    throw cannotWrite(path, reason);
  }
}

function cannotWrite(path: string, reason: unknown): Error {
  switch (nodeErrorCode(reason) ?? '') {
    case 'ENOENT':
      return usageError(`cannot write ${path}: its directory does not exist`, 'make it first');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return usageError(`cannot write ${path}: not permitted`, 'choose another directory');
    default:
      return usageError(`cannot write ${path}: ${errorText(reason)}`);
  }
}
