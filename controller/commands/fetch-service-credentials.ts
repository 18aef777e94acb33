/**
 * `fairlead service-credentials`: a credential for a caller of a service, to paste or to pipe.
 */
import { TunnelError } from '../../shared/errors.js';
import { CONTROL_PATHS } from '../control-api/control-paths.js';
import type { CommandIo } from './command-io.js';
import { ControlClient } from './control-client.js';
import type { ConnectionOptions } from './connection-options.js';
import { controlConnection } from './control-connection.js';
import { missingOption } from './usage-error.js';

/** Options of `fairlead service-credentials`. */
export interface ServiceCredentialsOptions extends ConnectionOptions {
  readonly agent?: string | undefined;
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly output: 'text' | 'json';
}

/** Fetches and prints the credential. */
export async function fetchServiceCredentials(
  options: ServiceCredentialsOptions,
  io: CommandIo,
): Promise<void> {
  const { agent, type, name } = options;
  const example = 'fairlead service-credentials --agent prod-eu --type jenkins --name ci';
  if (agent === undefined) throw missingOption('--agent', example);
  if (type === undefined) throw missingOption('--type', example);
  if (name === undefined) throw missingOption('--name', example);
  const client = new ControlClient(controlConnection(options, io));
  try {
    const request = { agentName: agent, type, name };
    const reply = await client.postForJson(CONTROL_PATHS.serviceCredentials, request);
    io.stdout.write(
      options.output === 'json' ? `${JSON.stringify(reply, null, 2)}\n` : credentialText(reply),
    );
  } finally {
    client.close();
  }
}

function credentialText(reply: unknown): string {
  const { url, credential } = objectOf(reply);
  const lines = Object.entries({ url, ...objectOf(credential) });
  const width = Math.max(...lines.map(([key]) => key.length));
  return lines.map(([key, value]) => `${key.padEnd(width)}  ${String(value)}\n`).join('');
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>; // a JSON object
  throw new TunnelError('CONFIG_INVALID', 'the answer holds no credential\nis that a control API?');
}
