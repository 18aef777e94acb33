/**
 * `fairlead agent`: reads configuration and services file, runs the agent until a signal, drains it.
 * What a process has only one of (log, signals, environment) is made here.
 */
import { hostname } from 'node:os';
import { kubernetesEnvironmentFrom } from '../shared/forwarding/kubernetes-environment.js';
import { FileWatch } from '../shared/config/file-watch.js';
import { Reloader } from '../shared/config/reloader.js';
import { collectWhenIdle } from '../shared/operations/idle-collection.js';
import { operationsPaths } from '../shared/operations/operations-files.js';
import { createLog } from '../shared/log.js';
import { startAgent } from './agent.js';
import { checkAgent } from './check-agent.js';
import { proxySettings } from './controller-link/proxy-settings.js';
import { readAgentConfig, readServicesConfig } from './config.js';
import type { AgentConfig, ServicesConfig } from './config.js';

/** Options of `fairlead agent`. */
export interface AgentProgramOptions {
  readonly configFile: string;
  /** Only check the configuration, the services file, and what they name. */
  readonly isCheck?: boolean;
  /** Goes before the configuration's `caCertFile`. */
  readonly caCertFile?: string | undefined;
}

/** What the program sees of its process. */
export interface AgentProcess {
  readonly env: Record<string, string | undefined>;
  readonly clock: Parameters<typeof startAgent>[2]['clock'];
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  interruption(): AbortSignal;
}

/** Runs until SIGINT or SIGTERM and resolves with the exit code. Rejects with what is wrong at the start. */
export async function runAgent(options: AgentProgramOptions, io: AgentProcess): Promise<number> {
  if (options.isCheck === true) return check(options, io);
  // each file is watched before it is read: a change while the agent starts is not missed
  const watch = new FileWatch(io.clock);
  const { config, services, warnings } = readFiles(options, watch);
  const { logLevel: level, logFormat: format } = config;
  const { log, flush, setLevel } = createLog({ level, format, env: io.env });
  for (const warning of warnings) log.warn(warning);
  const interruption = io.interruption();
  useProxySettings(io.env);
  try {
    const kubernetes = kubernetesEnvironmentFrom(io.env);
    const deps = { clock: io.clock, log, kubernetes, hostname: hostname() };
    const agent = await startAgent(config, services, deps);
    const collection = collectWhenIdle(io.clock, () => agent.queuedBytes);
    const reloader = new Reloader({
      watch,
      log,
      apply: async () => {
        const fresh = readFiles(options, watch);
        await agent.reload(fresh.config, fresh.services);
        setLevel(fresh.config.logLevel);
        for (const warning of fresh.warnings) log.warn(warning);
      },
    });
    process.on('SIGHUP', () => void reloader.reload('SIGHUP'));
    await aborted(interruption);
    reloader.stop();
    collection.cancel();
    await agent.drain();
    return 0;
  } finally {
    await flush();
  }
}

/** `--check`. Rejects with everything that is wrong. */
async function check(options: AgentProgramOptions, io: AgentProcess): Promise<number> {
  const { config, warnings } = readConfigFile(options);
  const kubernetes = kubernetesEnvironmentFrom(io.env);
  const others = await checkAgent(config, { clock: io.clock, kubernetes });
  for (const warning of [...warnings, ...others]) io.stderr.write(`${warning}\n`);
  io.stdout.write(`${options.configFile} and ${config.servicesConfigPath} are sound\n`);
  return 0;
}

/** Reads configuration and services file, and has them watched, as well as what the former names. Throws CONFIG_INVALID. */
function readFiles(
  options: AgentProgramOptions,
  watch: FileWatch,
): {
  config: AgentConfig;
  services: ServicesConfig;
  warnings: string[];
} {
  watch.add(options.configFile);
  const { config, warnings } = readConfigFile(options);
  watch.add(config.servicesConfigPath, ...operationsPaths(config));
  const services = readServicesConfig(config.servicesConfigPath);
  return { config, services: services.config, warnings: [...warnings, ...services.warnings] };
}

/** The configuration, with what the command line says before it. Throws CONFIG_INVALID. */
function readConfigFile({ configFile, caCertFile }: AgentProgramOptions): {
  config: AgentConfig;
  warnings: readonly string[];
} {
  const { config, warnings } = readAgentConfig(configFile);
  return { config: caCertFile === undefined ? config : { ...config, caCertFile }, warnings };
}

/** grpc-js reads the proxy for its dial from the environment of the process. */
function useProxySettings(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(proxySettings(env))) process.env[name] = value;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
