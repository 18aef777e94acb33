/**
 * The commands that ask a controller's control API: credentials, manifests, and who is connected.
 * Values are checked by the control API, so that its rules stand in one place.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { OPERATIONS_TLS } from '../../shared/config/operations-tls.js';
import { examples, outputFormat, type ProgramContext } from './command-help.js';
import { addConnectionOptions } from './connection-options.js';

/** Adds `fairlead kubeconfig`. */
export function addKubeconfigCommand(program: Command, { io }: ProgramContext): void {
  addConnectionOptions(
    program.command('kubeconfig').description('a kubeconfig for a cluster behind an agent'),
  )
    .option('--agent <name>', 'agent name (required)')
    .option('--name <name>', "name of the agent's kubernetes service (required)")
    .option('-o, --output <file>', 'write there, readable by you only (- is stdout)')
    .option('--force', 'replace an existing file')
    .addOption(
      new Option('--credential <kind>', 'what identifies the caller').choices([
        'certificate',
        'token',
      ]),
    )
    .addOption(
      new Option('--address <kind>', 'what tells clusters apart in the server URL').choices([
        'path',
        'host',
      ]),
    )
    .option('--namespace <namespace>', 'default namespace of the context')
    .addHelpText(
      'after',
      examples(
        'fairlead kubeconfig --agent prod-eu --name prod-eu -o prod-eu.kubeconfig',
        'kubectl --kubeconfig <(fairlead kubeconfig --agent prod-eu --name prod-eu) get pods',
      ),
    )
    .action(async (options: object) => {
      const { fetchKubeconfig } = await import('./fetch-kubeconfig.js');
      await fetchKubeconfig(options, io);
    });
}

/** Adds `fairlead agent-manifest`. */
export function addAgentManifestCommand(program: Command, { io }: ProgramContext): void {
  addConnectionOptions(
    program.command('agent-manifest').description('everything an agent needs, for kubectl apply'),
  )
    .option('--agent <name>', 'agent name (required)')
    .option('--namespace <namespace>', 'namespace of the agent; default: default')
    .option('--create-namespace', 'put the namespace into the manifest too')
    .option('--replicas <number>', 'pods; default: 3', wholeNumber)
    .option('--image <image>', "container image; default: the controller's agentImage")
    .addOption(
      new Option('--rbac <access>', 'rights in the cluster; default: cluster').choices([
        'cluster',
        'namespaced',
        'view',
        'none',
      ]),
    )
    .option('--target-namespace <namespace...>', 'for --rbac namespaced: where rights are given')
    .option('--name <name>', "name of the agent's kubernetes service; default: the agent's name")
    .option('--secret-name <name...>', 'Secrets that services name by secretName')
    .addOption(
      new Option(
        '--prometheus-tls <mode>',
        'TLS for metrics, with the Secret opsmx-agent-NAME-metrics; default: off',
      ).choices(OPERATIONS_TLS),
    )
    .option('-o, --output <file>', 'write there, readable by you only (- is stdout)')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      examples(
        'fairlead agent-manifest --agent prod-eu | kubectl apply -f -',
        'fairlead agent-manifest --agent prod-eu --namespace fairlead --create-namespace -o agent.yaml',
        'fairlead agent-manifest --agent team-a --rbac namespaced --target-namespace app-a app-b -o agent.yaml',
      ),
    )
    .action(async (options: object) => {
      const { fetchAgentManifest } = await import('./fetch-agent-manifest.js');
      await fetchAgentManifest(options, io);
    });
}

/** Adds `fairlead service-credentials`. */
export function addServiceCredentialsCommand(program: Command, { io }: ProgramContext): void {
  addConnectionOptions(
    program.command('service-credentials').description('a credential for a caller of a service'),
  )
    .option('--agent <name>', 'agent name (required)')
    .option('--type <type>', 'service type, e.g. jenkins (required)')
    .option('--name <name>', 'service name (required)')
    .addOption(outputFormat(['text', 'json']))
    .addHelpText(
      'after',
      examples(
        'fairlead service-credentials --agent prod-eu --type jenkins --name ci',
        'fairlead service-credentials --agent prod-eu --type aws --name billing -o json | jq .credential',
      ),
    )
    .action(async (options: { output: 'text' | 'json' }) => {
      const { fetchServiceCredentials } = await import('./fetch-service-credentials.js');
      await fetchServiceCredentials(options, io);
    });
}

/** Adds `fairlead control-credentials`. */
export function addControlCredentialsCommand(program: Command, { io }: ProgramContext): void {
  addConnectionOptions(
    program.command('control-credentials').description('a further certificate for the control API'),
  )
    .option('--name <name>', 'whom the audit log shall name (required)')
    .option('--dir <dir>', 'write ca-cert.pem, control-cert.pem and control-key.pem there')
    .option('--force', 'replace existing files')
    .addHelpText(
      'after',
      examples(
        'fairlead control-credentials --name ci-server --dir ci-server',
        'fairlead control-credentials --name ci-server | jq -r .userCertificate | base64 -d',
      ),
    )
    .action(async (options: object) => {
      const { fetchControlCredentials } = await import('./fetch-control-credentials.js');
      await fetchControlCredentials(options, io);
    });
}

/** Adds `fairlead agents`. */
export function addAgentsCommand(program: Command, { io }: ProgramContext): void {
  addConnectionOptions(program.command('agents').description('who is connected'))
    .option('-w, --watch', 'until Ctrl+C; prints changes when stdout is not a terminal')
    .option('--interval <seconds>', 'between two looks', positiveNumber, 2)
    .addOption(outputFormat(['table', 'json']))
    .addHelpText(
      'after',
      examples(
        'fairlead agents',
        'fairlead agents --watch',
        "fairlead agents -o json | jq -r '.connectedAgents[].name'",
      ),
    )
    .action(async (options: { output: 'table' | 'json'; interval: number }) => {
      const { showAgents } = await import('./show-agents.js');
      await showAgents({ ...options, intervalMs: options.interval * 1000 }, io);
    });
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= 86_400) return number;
  throw new InvalidArgumentError('It must be a number of seconds above 0.');
}
