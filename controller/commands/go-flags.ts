/**
 * Flags as ISD v3.5 spells them (`-configFile FILE`, `-version`), so that a Deployment written for it
 * starts Fairlead unchanged. Only the commands that replace a v3.5 binary understand them.
 */

/** Arguments in our spelling, and what to tell the operator about those that mean nothing here. */
export interface TranslatedArguments {
  readonly args: readonly string[];
  readonly notes: readonly string[];
}

const RENAMED: ReadonlyMap<string, string> = new Map([
  ['configFile', '--config'],
  ['caCertFile', '--ca-cert'],
]);

/** Flags of v3.5 without effect here: name -> whether a value follows, and what there is instead. */
const OBSOLETE: ReadonlyMap<string, { readonly takesValue: boolean; readonly instead: string }> =
  new Map([
    ['tickTime', { takesValue: true, instead: 'limits.heartbeatIntervalMs sets the heartbeat' }],
    ['jaeger-endpoint', { takesValue: true, instead: 'traces are not exported' }],
    ['otlp-endpoint', { takesValue: true, instead: 'traces are not exported' }],
    ['traceRatio', { takesValue: true, instead: 'traces are not exported' }],
    ['traceToStdout', { takesValue: false, instead: 'traces are not exported' }],
    ['profile', { takesValue: false, instead: 'use the profilers of Node.js' }],
  ]);

/** Translates the arguments of `fairlead controller` and `fairlead agent`; others pass unchanged. */
export function translateGoFlags(argv: readonly string[]): TranslatedArguments {
  const [command, ...rest] = argv;
  if (command !== 'controller' && command !== 'agent') return { args: argv, notes: [] };
  const args: string[] = [command];
  const notes: string[] = [];
  for (let position = 0; position < rest.length; position++) {
    const arg = rest[position] ?? '';
    const [, name = '', value] = /^--?([A-Za-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const renamed = RENAMED.get(name);
    const obsolete = OBSOLETE.get(name);
    // `-version` belonged to each binary; here it belongs to the one command.
    if (name === 'version') return { args: ['--version'], notes: [] };
    if (renamed !== undefined) {
      args.push(...(value === undefined ? [renamed] : [renamed, value]));
    } else if (obsolete !== undefined) {
      notes.push(`-${name} has no effect: ${obsolete.instead}`);
      if (obsolete.takesValue && value === undefined) position++;
    } else {
      args.push(arg);
    }
  }
  return { args, notes };
}
