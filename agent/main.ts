/**
 * `fairlead agent`: reads configuration and services file, runs the agent until a signal, drains it.
 * What a process has only one of (log, signals, environment) is made here.
 */
import { hostname } from 'node:os';
import { kubernetesEnvironmentFrom } from '../shared/forwarding/kubernetes-environment.js';
import { Reloader } from '../shared/config/reloader.js';
import { operationsPaths } from '../shared/operations/operations-files.js';
import { createLog } from '../shared/log.js';
import { startAgent } from './agent.js';
import { proxySettings } from './controller-link/proxy-settings.js';
import { readAgentConfig, readServicesConfig } from './config.js';
import type { AgentConfig, ServicesConfig } from './config.js';

/** Options of `fairlead agent`. */
export interface AgentProgramOptions {
  readonly configFile: string;
  /** Only check the configuration and the services file. */
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
  const { config, services, warnings } = readFiles(options);
  if (options.isCheck === true) {
    for (const warning of warnings) io.stderr.write(`${warning}\n`);
    io.stdout.write(`${options.configFile} and ${config.servicesConfigPath} are sound\n`);
    return 0;
  }
  const { logLevel: level, logFormat: format } = config;
  const { log, flush, setLevel } = createLog({ level, format, env: io.env });
  for (const warning of warnings) log.warn(warning);
  const interruption = io.interruption();
  useProxySettings(io.env);
  try {
    const kubernetes = kubernetesEnvironmentFrom(io.env);
    const deps = { clock: io.clock, log, kubernetes, hostname: hostname() };
    const agent = await startAgent(config, services, deps);
    const reloader = new Reloader({
      paths: () => [options.configFile, config.servicesConfigPath, ...operationsPaths(config)],
      clock: io.clock,
      log,
      apply: async () => {
        const fresh = readFiles(options);
        await agent.reload(fresh.config, fresh.services);
        setLevel(fresh.config.logLevel);
        for (const warning of fresh.warnings) log.warn(warning);
      },
    });
    process.on('SIGHUP', () => void reloader.reload('SIGHUP'));
    await aborted(interruption);
    reloader.stop();
    await agent.drain();
    return 0;
  } finally {
    await flush();
  }
}

/** Reads configuration and services file. Throws CONFIG_INVALID. */
function readFiles({ configFile, caCertFile }: AgentProgramOptions): {
  config: AgentConfig;
  services: ServicesConfig;
  warnings: string[];
} {
  const read = readAgentConfig(configFile);
  const config = caCertFile === undefined ? read.config : { ...read.config, caCertFile };
  const services = readServicesConfig(config.servicesConfigPath);
  return { config, services: services.config, warnings: [...read.warnings, ...services.warnings] };
}

/** grpc-js reads the proxy for its dial from the environment of the process. */
function useProxySettings(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(proxySettings(env))) process.env[name] = value;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
