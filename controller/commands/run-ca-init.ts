/**
 * `fairlead ca init` on a command line: hands the flags to `initCa` and says what was made.
 */
import { basename } from 'node:path';
import { initCa } from './ca-init.js';
import type { CommandIo } from './command-io.js';
import type { InitCaFlags } from './process-commands.js';

/** Makes the files; prints their paths on stdout, one a line, and advice on stderr. */
export async function runCaInit(flags: InitCaFlags, io: CommandIo): Promise<void> {
  const { alsoAgent, caCert, caKey, ...options } = flags;
  const { files, warnings } = await initCa(
    { ...options, alsoAgentNamed: alsoAgent, caCertFile: caCert, caKeyFile: caKey },
    io.clock,
  );
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  for (const file of files) io.stdout.write(`${file}\n`);
  const secrets = files.find((file) => basename(file) === 'controller-secrets.yaml');
  io.stderr.write(
    `\nKeep ${caKey ?? 'ca-key.pem'} safe: whoever has it can issue any credential.\n` +
      (secrets === undefined ? '' : `Next: kubectl apply -f ${secrets}\n`),
  );
}
