/**
 * The HMAC keys that sign and verify tokens, as v3.5 keeps them: one file per key in a directory, the file
 * name is the key id, the file's bytes are the key. Older keys stay valid for verification until their
 * file is removed. Used by the token issuer and verifier.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, nodeErrorCode, TunnelError } from '../../shared/errors.js';

/** Keys by id. Never changed: a reload makes another set, so whoever caches by a set sees the difference. */
export type KeySet = ReadonlyMap<string, KeyObject>;

/** Where the keys of this moment come from. */
export interface KeySource {
  current(): KeySet;
}

/** Larger files in that directory are something else. */
const MAX_KEY_BYTES = 65_536;

/** A directory of keys that can be read again. */
export class KeyDirectory implements KeySource {
  private keys: KeySet;

  /** Reads the directory; throws CONFIG_INVALID that names it, or the file that is at fault. */
  constructor(private readonly path: string) {
    this.keys = readKeySet(path);
  }

  current(): KeySet {
    return this.keys;
  }

  /**
   * Reads it again; true when keys have changed. Throws CONFIG_INVALID and keeps the keys it has on a fault,
   * or when a key that is needed (option -> key id) is not among the fresh ones.
   */
  reload(needed: Readonly<Record<string, string>> = {}): boolean {
    const fresh = readKeySet(this.path);
    for (const [option, id] of Object.entries(needed)) signingKey(fresh, id, option);
    if (isSameKeySet(fresh, this.keys)) return false;
    this.keys = fresh;
    return true;
  }
}

/** A key set of given keys, e.g. for tests. */
export function keySetOf(keys: Readonly<Record<string, string | Buffer>>): KeySet {
  return new Map(
    Object.entries(keys).map(([id, key]) => [id, createSecretKey(Buffer.from(key))] as const),
  );
}

/** The key of that id; `option` is the config key that names it. Throws CONFIG_INVALID when it is not in the set. */
export function signingKey(keys: KeySet, id: string, option: string): KeyObject {
  const key = keys.get(id);
  if (key !== undefined) return key;
  throw new TunnelError(
    'CONFIG_INVALID',
    `${option} names the key ${JSON.stringify(id)}, which is not among the loaded keys (${[...keys.keys()].join(', ')})`,
  );
}

function readKeySet(path: string): KeySet {
  const named = `the directory of token keys ${JSON.stringify(path)}`;
  let entries: string[];
  try {
    entries = readdirSync(path);
  } catch (cause) {
    const absent = nodeErrorCode(cause) === 'ENOENT';
    throw configInvalid(`${named} ${absent ? 'does not exist' : errorText(cause)}`, cause);
  }
  const keys = new Map<string, KeyObject>();
  // A mounted Secret holds links into `..data` beside the links that are the keys; editors leave dot files.
  for (const id of entries.filter((entry) => !entry.startsWith('.')).sort()) {
    const key = readKey(join(path, id));
    if (key !== undefined) keys.set(id, key);
  }
  if (keys.size === 0) {
    throw configInvalid(
      `${named} holds no key; expected one file per key, its name being the key id`,
    );
  }
  return keys;
}

/** The key in a file; undefined for what is no file. All bytes count, a trailing newline too, as in v3.5. */
function readKey(path: string): KeyObject | undefined {
  const named = `the token key ${JSON.stringify(path)}`;
  let bytes: Buffer;
  try {
    const stat = statSync(path); // follows links
    if (!stat.isFile()) return undefined;
    if (stat.size > MAX_KEY_BYTES)
      throw configInvalid(`${named} is larger than ${MAX_KEY_BYTES} bytes`);
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof TunnelError) throw cause;
    throw configInvalid(`${named} cannot be read: ${errorText(cause)}`, cause);
  }
  if (bytes.length === 0) throw configInvalid(`${named} is empty`);
  return createSecretKey(bytes);
}

function isSameKeySet(one: KeySet, other: KeySet): boolean {
  if (one.size !== other.size) return false;
  return [...one].every(([id, key]) => other.get(id)?.equals(key) === true);
}

function configInvalid(message: string, cause?: unknown): TunnelError {
  return new TunnelError('CONFIG_INVALID', message, { cause });
}
