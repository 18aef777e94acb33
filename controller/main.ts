/**
 * `fairlead controller`: reads the configuration, runs the controller until a signal, drains it. What a
 * process has only one of (log, signals) is made here.
 */
import { kubernetesEnvironmentFrom } from '../shared/forwarding/kubernetes-environment.js';
import { FileWatch } from '../shared/config/file-watch.js';
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
  // each file is watched before it is read: a change while the controller starts is not missed
  const watch = new FileWatch(io.clock);
  const { config, warnings } = readWatched(configFile, watch);
  const { logLevel: level, logFormat: format } = config;
  const { log, flush, setLevel } = createLog({ level, format, env: io.env });
  for (const warning of warnings) log.warn(warning);
  const interruption = io.interruption();
  try {
    const kubernetes = kubernetesEnvironmentFrom(io.env);
    const controller = await startController(config, { clock: io.clock, log, kubernetes });
    const collection = collectWhenIdle(io.clock, () => controller.queuedBytes);
    const reloader = new Reloader({
      watch,
      log,
      apply: async () => {
        const fresh = readWatched(configFile, watch);
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

/** Reads the configuration, and has it watched, as well as what it names. Throws CONFIG_INVALID. */
function readWatched(
  configFile: string,
  watch: FileWatch,
): ReturnType<typeof readControllerConfig> {
  watch.add(configFile);
  const read = readControllerConfig(configFile);
  const { caConfig, serviceAuth } = read.config;
  watch.add(...Object.values(caConfig), serviceAuth.secretsPath, ...operationsPaths(read.config));
  return read;
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
