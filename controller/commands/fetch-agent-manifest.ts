/**
 * `fairlead agent-manifest`: asks the control API for an agent manifest and puts it into a file or onto stdout.
 */
import { CONTROL_PATHS } from '../control-api/control-paths.js';
import type { CommandIo } from './command-io.js';
import { ControlClient } from './control-client.js';
import type { ConnectionOptions } from './connection-options.js';
import { controlConnection } from './control-connection.js';
import { documentOutput, type OutputOptions } from './output-file.js';
import { missingOption } from './usage-error.js';

/** Options of `fairlead agent-manifest`. */
export interface AgentManifestCommandOptions extends ConnectionOptions, OutputOptions {
  readonly agent?: string | undefined;
  readonly namespace?: string | undefined;
  readonly createNamespace?: boolean | undefined;
  readonly replicas?: number | undefined;
  readonly image?: string | undefined;
  readonly rbac?: string | undefined;
  readonly targetNamespace?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly secretName?: readonly string[] | undefined;
  readonly prometheusTls?: string | undefined;
}

/** Fetches and writes the manifest. */
export async function fetchAgentManifest(
  options: AgentManifestCommandOptions,
  io: CommandIo,
): Promise<void> {
  if (options.agent === undefined) {
    throw missingOption('--agent', 'fairlead agent-manifest --agent prod-eu | kubectl apply -f -');
  }
  const client = new ControlClient(controlConnection(options, io));
  try {
    const output = await documentOutput(options, io);
    await output.write(
      await client.postForText(CONTROL_PATHS.agentManifest, manifestRequest(options)),
    );
    if (output.file === undefined) return;
    io.stderr.write(
      `wrote ${output.file} (keep it secret)\n  next: kubectl apply -f ${output.file}\n`,
    );
  } finally {
    client.close();
  }
}

function manifestRequest(options: AgentManifestCommandOptions): object {
  return {
    agentName: options.agent,
    namespace: options.namespace,
    createNamespace: options.createNamespace,
    replicas: options.replicas,
    image: options.image,
    rbac: options.rbac,
    targetNamespaces: options.targetNamespace,
    name: options.name,
    secretNames: options.secretName,
    prometheusTLS: options.prometheusTls,
  };
}
