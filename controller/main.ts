/**
 * `fairlead controller`: reads the configuration, runs the controller until a signal, drains it. What a
 * process has only one of (log, signals) is made here.
 */
import { kubernetesEnvironmentFrom } from '../shared/forwarding/kubernetes-environment.js';
import { Reloader } from '../shared/config/reloader.js';
import { collectWhenIdle } from '../shared/operations/idle-collection.js';
import { operationsPaths } from '../shared/operations/operations-files.js';
import { createLog } from '../shared/log.js';
import { checkController } from './check-controller.js';
import type { CommandIo } from './commands/command-io.js';
import type { ControllerProgramOptions } from './commands/fairlead-programs.js';
import { readControllerConfig } from './config.js';
import { startController } from './controller.js';

/** Runs until SIGINT or SIGTERM and resolves with the exit code. Rejects with what is wrong at the start. */
export async function runController(
  { configFile, isCheck = false }: ControllerProgramOptions,
  io: CommandIo,
): Promise<number> {
  if (isCheck) return check(configFile, io);
  const { config, warnings } = readControllerConfig(configFile);
  const { logLevel: level, logFormat: format } = config;
  const { log, flush, setLevel } = createLog({ level, format, env: io.env });
  for (const warning of warnings) log.warn(warning);
  const interruption = io.interruption();
  try {
    const kubernetes = kubernetesEnvironmentFrom(io.env);
    const controller = await startController(config, { clock: io.clock, log, kubernetes });
    const collection = collectWhenIdle(io.clock, () => controller.queuedBytes);
    const reloader = new Reloader({
      paths: () => [
        configFile,
        ...Object.values(config.caConfig),
        config.serviceAuth.secretsPath,
        ...operationsPaths(config),
      ],
      clock: io.clock,
      log,
      apply: async () => {
        const fresh = readControllerConfig(configFile);
        await controller.reload(fresh.config);
        setLevel(fresh.config.logLevel);
        for (const warning of fresh.warnings) log.warn(warning);
      },
    });
    process.on('SIGHUP', () => void reloader.reload('SIGHUP'));
    await aborted(interruption);
    reloader.stop();
    collection.cancel();
    await controller.drain();
    return 0;
  } finally {
    await flush();
  }
}

/** `--check`. Rejects with everything that is wrong. */
async function check(file: string, io: CommandIo): Promise<number> {
  const kubernetes = kubernetesEnvironmentFrom(io.env);
  const warnings = await checkController(file, { clock: io.clock, kubernetes });
  for (const warning of warnings) io.stderr.write(`${warning}\n`);
  io.stdout.write(`${file} is sound\n`);
  return 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
