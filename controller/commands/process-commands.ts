/**
 * The commands that run or prepare a process on this machine: controller, agent, demo and ca init.
 */
import { Option, type Command } from 'commander';
import { examples, type ProgramContext } from './command-help.js';
import type { DemoProgramOptions } from './fairlead-programs.js';

/** v3.5's place for the configuration of either process. */
const DEFAULT_CONFIG_FILE = '/app/config/config.yaml';

/** Adds `fairlead controller`. */
export function addControllerCommand(
  program: Command,
  { io, programs, exitWith }: ProgramContext,
): void {
  program
    .command('controller')
    .description('run a controller, beside Spinnaker')
    .option('-c, --config <file>', 'configuration (v3.5: -configFile)', DEFAULT_CONFIG_FILE)
    .option(
      '--check',
      'only check the configuration and the files it names: exit 0, or 2 with all that is wrong',
    )
    .addHelpText(
      'after',
      examples(
        'fairlead controller --config controller.yaml',
        'fairlead controller -configFile /app/config/config.yaml     as v3.5 spells it',
      ),
    )
    .action(async ({ config, check }: { config: string; check?: boolean }) => {
      exitWith(await programs.controller({ configFile: config, ...checkOption(check) }, io));
    });
}

/** Adds `fairlead agent`. */
export function addAgentCommand(
  program: Command,
  { io, programs, exitWith }: ProgramContext,
): void {
  program
    .command('agent')
    .description('run an agent, in the closed network')
    .option('-c, --config <file>', 'configuration (v3.5: -configFile)', DEFAULT_CONFIG_FILE)
    .option(
      '--check',
      'only check the configuration and the files it names: exit 0, or 2 with all that is wrong',
    )
    .option('--ca-cert <file>', "CA certificate, before the configuration's (v3.5: -caCertFile)")
    .addHelpText(
      'after',
      examples(
        'fairlead agent --config agent.yaml',
        'fairlead agent -configFile /app/config/config.yaml -caCertFile /app/config/ca.pem',
      ),
    )
    .action(async (options: { config: string; caCert?: string; check?: boolean }) => {
      const { config: configFile, caCert: caCertFile, check } = options;
      exitWith(await programs.agent({ configFile, caCertFile, ...checkOption(check) }, io));
    });
}

/** Adds `fairlead demo`. */
export function addDemoCommand(program: Command, { io, programs, exitWith }: ProgramContext): void {
  program
    .command('demo')
    .description('controller, agent and a target on this machine; prints what to try')
    .option('--kubeconfig <file>', 'reach the current context of this one, not a built-in cluster')
    .addHelpText('after', examples('fairlead demo', 'fairlead demo --kubeconfig ~/.kube/config'))
    .action(async (options: DemoProgramOptions) => exitWith(await programs.demo(options, io)));
}

/** Adds `fairlead ca init`. */
export function addCaCommand(program: Command, { io }: ProgramContext): void {
  const ca = program.command('ca').description('the certificate authority (CA)');
  ca.command('init')
    .description('make a CA, an operator certificate and the key for tokens')
    .requiredOption('--dir <dir>', 'where the files go')
    .option('--namespace <namespace>', 'namespace of the Secrets in controller-secrets.yaml')
    .option('--also-agent <name>', 'make a certificate for an agent of this name too')
    .addOption(
      new Option('--key-type <type>', 'kind of all keys')
        .choices(['ecdsa', 'rsa'])
        .default('ecdsa'),
    )
    .option('--ca-name <name>', 'common name of the new CA')
    .option('--ca-cert <file>', 'use this CA in place of a new one (with --ca-key)')
    .option('--ca-key <file>', 'key of that CA')
    .option('--ca-secret-name <name>', 'default: ca-secret')
    .option('--control-secret-name <name>', 'default: oes-control-secret')
    .option('--token-secret-name <name>', 'default: jwt-secret')
    .option('--token-key-name <name>', 'for serviceAuth.currentKeyName; default: public.pem')
    .option('--force', 'replace existing files')
    .addHelpText(
      'after',
      examples(
        'fairlead ca init --dir secrets',
        'fairlead ca init --dir secrets --namespace oes && kubectl apply -f secrets/controller-secrets.yaml',
        'fairlead ca init --dir secrets --ca-cert company-ca.pem --ca-key company-ca-key.pem',
      ),
    )
    .action(async (options: InitCaFlags) => {
      const { runCaInit } = await import('./run-ca-init.js');
      await runCaInit(options, io);
    });
}

/** The flags of `ca init` under the names commander gives them. */
export interface InitCaFlags {
  readonly dir: string;
  readonly namespace?: string;
  readonly alsoAgent?: string;
  readonly keyType: 'ecdsa' | 'rsa';
  readonly caName?: string;
  readonly caCert?: string;
  readonly caKey?: string;
  readonly caSecretName?: string;
  readonly controlSecretName?: string;
  readonly tokenSecretName?: string;
  readonly tokenKeyName?: string;
  readonly force?: boolean;
}

function checkOption(check: boolean | undefined): { isCheck?: true } {
  return check === true ? { isCheck: true } : {};
}
