/**
 * `fairlead control-credentials`: a further certificate for the control API, as JSON or as the PEM files
 * that client commands take.
 */
import { join } from 'node:path';
import { TunnelError } from '../../shared/errors.js';
import { CONTROL_PATHS } from '../control-api/control-paths.js';
import type { CommandIo } from './command-io.js';
import { ControlClient } from './control-client.js';
import type { ConnectionOptions } from './connection-options.js';
import { controlConnection } from './control-connection.js';
import { refuseExisting, writeSecretFiles } from '../certificates/secret-files.js';
import { missingOption } from './usage-error.js';

/** Options of `fairlead control-credentials`. */
export interface ControlCredentialsOptions extends ConnectionOptions {
  readonly name?: string | undefined;
  /** Directory for the three PEM files; without it JSON goes to stdout. */
  readonly dir?: string | undefined;
  readonly force?: boolean | undefined;
}

/** File name, and the field of the answer that goes into it; the names of `fairlead ca init`. */
const PEM_FILES = [
  ['ca-cert.pem', 'caCert'],
  ['control-cert.pem', 'userCertificate'],
  ['control-key.pem', 'userKey'],
] as const;

/** Fetches and writes the credential. */
export async function fetchControlCredentials(
  options: ControlCredentialsOptions,
  io: CommandIo,
): Promise<void> {
  const { name, dir, force = false } = options;
  if (name === undefined) {
    throw missingOption('--name', 'fairlead control-credentials --name ci --dir ci-credentials');
  }
  const client = new ControlClient(controlConnection(options, io));
  try {
    if (dir !== undefined && !force) {
      await refuseExisting(
        dir,
        PEM_FILES.map(([path]) => path),
      );
    }
    const reply = await client.postForJson(CONTROL_PATHS.controlCredentials, { name });
    if (dir === undefined) {
      io.stdout.write(`${JSON.stringify(reply, null, 2)}\n`);
      return;
    }
    const [caFile, certFile, keyFile] = await writeSecretFiles(dir, pemFiles(reply), { force });
    io.stderr.write(
      `wrote the credential of "${name}" to ${join(dir, '/')}\n` +
        `  use it: --ca ${String(caFile)} --cert ${String(certFile)} --key ${String(keyFile)}\n`,
    );
  } finally {
    client.close();
  }
}

function pemFiles(reply: unknown): { path: string; text: string }[] {
  return PEM_FILES.map(([path, field]) => {
    // A JSON value; the one field that matters is checked next.
    const base64 = (reply as Record<string, unknown> | null)?.[field];
    if (typeof base64 !== 'string') {
      throw new TunnelError('CONFIG_INVALID', `the answer lacks ${field}\nis that a control API?`);
    }
    return { path, text: Buffer.from(base64, 'base64').toString() };
  });
}
