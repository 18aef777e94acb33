/**
 * How client commands are told of the control API: `--controller`, `--ca`, `--cert` and `--key`, or the
 * environment variables in their place. Secrets come from files, never from the command line.
 */
import type { Command } from 'commander';

/** The options as commander delivers them. */
export interface ConnectionOptions {
  readonly controller?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Name, flags, environment variable and help of each. */
export const CONNECTION_OPTIONS = [
  {
    name: 'controller',
    flags: '--controller <url>',
    variable: 'FAIRLEAD_CONTROLLER',
    text: 'control API, e.g. https://controller:9003',
  },
  { name: 'ca', flags: '--ca <file>', variable: 'FAIRLEAD_CA', text: 'CA certificate to trust' },
  { name: 'cert', flags: '--cert <file>', variable: 'FAIRLEAD_CERT', text: 'control certificate' },
  { name: 'key', flags: '--key <file>', variable: 'FAIRLEAD_KEY', text: 'key of the certificate' },
] as const;

/** Adds the four options to a command. */
export function addConnectionOptions(command: Command): Command {
  for (const { flags, text, variable } of CONNECTION_OPTIONS) {
    command.option(flags, `${text} (env ${variable})`);
  }
  return command;
}
