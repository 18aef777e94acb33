/**
 * `fairlead kubeconfig`: asks the control API for a kubeconfig and puts it into a file or onto stdout.
 */
import { CONTROL_PATHS } from '../control-api/control-paths.js';
import type { CommandIo } from './command-io.js';
import { ControlClient } from './control-client.js';
import type { ConnectionOptions } from './connection-options.js';
import { controlConnection } from './control-connection.js';
import { documentOutput, type OutputOptions } from './output-file.js';
import { missingOption } from './usage-error.js';

/** Options of `fairlead kubeconfig`. */
export interface KubeconfigCommandOptions extends ConnectionOptions, OutputOptions {
  readonly agent?: string | undefined;
  readonly name?: string | undefined;
  readonly credential?: string | undefined;
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Fetches and writes the kubeconfig. */
export async function fetchKubeconfig(
  options: KubeconfigCommandOptions,
  io: CommandIo,
): Promise<void> {
  const { agent, name, credential, address, namespace } = options;
  const example = 'fairlead kubeconfig --agent prod-eu --name prod-eu -o prod-eu.kubeconfig';
  if (agent === undefined) throw missingOption('--agent', example);
  if (name === undefined) throw missingOption('--name', example);
  const client = new ControlClient(controlConnection(options, io));
  try {
    const output = await documentOutput(options, io);
    const request = { agentName: agent, name, credential, address, namespace };
    await output.write(await client.postForText(CONTROL_PATHS.kubeconfig, request));
    if (output.file === undefined) return;
    io.stderr.write(
      `wrote ${output.file} (keep it secret)\n  try: kubectl --kubeconfig ${output.file} get namespaces\n`,
    );
  } finally {
    client.close();
  }
}
