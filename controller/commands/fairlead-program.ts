/**
 * The command line `fairlead …`: commands, options, help. Everything heavy is loaded when a command
 * runs, so that help and mistakes are answered at once.
 */
import { Command, type OutputConfiguration } from 'commander';
import { VERSION } from '../../shared/version.js';
import {
  addAgentManifestCommand,
  addAgentsCommand,
  addControlCredentialsCommand,
  addKubeconfigCommand,
  addServiceCredentialsCommand,
} from './client-commands.js';
import { examples, type ProgramContext } from './command-help.js';
import type { CommandIo } from './command-io.js';
import {
  addAgentCommand,
  addCaCommand,
  addControllerCommand,
  addDemoCommand,
} from './process-commands.js';

const EXIT_CODES_HELP = `
Exit codes:
  0 done   1 failed   2 usage or configuration   3 credential refused   4 unreachable
`;

/** Builds the command line. Parsing it runs the command. */
export function fairleadProgram(context: ProgramContext): Command {
  const program = new Command('fairlead')
    .description(
      'Reverse tunnel for Spinnaker: HTTP to closed networks through agents that dial out.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput(outputOf(context.io))
    .addHelpText(
      'after',
      examples(
        'fairlead demo                                     try everything on this machine',
        'fairlead ca init --dir secrets                    make a CA and credentials',
        'fairlead controller --config controller.yaml      run a controller',
      ),
    )
    .addHelpText('afterAll', EXIT_CODES_HELP);
  program.commandsGroup('Processes:');
  addControllerCommand(program, context);
  addAgentCommand(program, context);
  addDemoCommand(program, context);
  program.commandsGroup('Credentials and manifests:');
  addCaCommand(program, context);
  addKubeconfigCommand(program, context);
  addAgentManifestCommand(program, context);
  addServiceCredentialsCommand(program, context);
  addControlCredentialsCommand(program, context);
  program.commandsGroup('Watching:');
  addAgentsCommand(program, context);
  return program;
}

/** Help to stdout; of errors only the text is taken, which run-fairlead.ts prints in our form. */
function outputOf(io: CommandIo): OutputConfiguration {
  return {
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(text),
    outputError: () => undefined,
    getOutHelpWidth: () => io.stdout.columns ?? 100,
    getErrHelpWidth: () => io.stderr.columns ?? 100,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
}
