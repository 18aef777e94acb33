/**
 * A controller and agents as an operator would run them: the built command in processes of its own, real
 * certificates, configuration files in a directory of the test. Ends with everything it started.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { initCa } from '../../controller/commands/ca-init.js';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import type { CertificateAuthority } from '../../controller/certificates/authority.js';
import { ChildProgram } from '../../deploy/demo/child-program.js';
import { systemClock } from '../../shared/clock.js';
import { agentName } from '../../shared/ids.js';
import { readFileSync } from 'node:fs';
import { tempDir } from './temp-dir.js';

/** The built command. */
export const FAIRLEAD = fileURLToPath(new URL('../../dist/fairlead.js', import.meta.url));

/** How a rig is set up. */
export interface RigOptions {
  /** Added to the controller's configuration. */
  readonly controller?: Readonly<Record<string, unknown>>;
  /** A CA as its owner supplied it; default: one of its own. */
  readonly ca?: { readonly certPem: string; readonly keyPem: string };
  /** Environment of the processes, beside the test's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How an agent is set up. */
export interface RigAgentOptions {
  readonly name?: string;
  /** `outgoingServices` of the services file. */
  readonly services: readonly unknown[];
  readonly incoming?: readonly unknown[];
  /** Added to the agent's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Port to dial instead of the controller's, for a lossy link between. */
  readonly dialPort?: number;
  /** Wait until it is connected; default true. */
  readonly waitConnected?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Ports of the controller. */
export interface RigPorts {
  readonly agents: number;
  readonly services: number;
  readonly control: number;
  readonly operations: number;
}

/** A controller with its agents. */
export class FairleadRig {
  readonly dir: string;
  readonly #remove: () => void;
  readonly #options: RigOptions;
  readonly #programs: ChildProgram[] = [];
  #controller: ChildProgram | undefined;
  #authority: CertificateAuthority | undefined;
  #ports: RigPorts = { agents: 0, services: 0, control: 0, operations: 0 };
  #count = 0;

  /** Makes a CA and starts a controller on free ports. */
  static async start(options: RigOptions = {}): Promise<FairleadRig> {
    if (!existsSync(FAIRLEAD)) throw new Error('dist/ is missing: run node build.mjs');
    const rig = new FairleadRig(options);
    try {
      await initCa({ dir: rig.path('ca'), ...rig.#suppliedCa() }, systemClock);
      await rig.startController();
      return rig;
    } catch (reason) {
      await rig.stop();
      throw reason;
    }
  }

  private constructor(options: RigOptions) {
    const { path, remove } = tempDir('rig');
    this.dir = path;
    this.#remove = remove;
    this.#options = options;
  }

  #suppliedCa(): { caCertFile?: string; caKeyFile?: string } {
    const { ca } = this.#options;
    if (ca === undefined) return {};
    mkdirSync(this.path('ca'));
    const [caCertFile, caKeyFile] = [this.path('ca', 'ca-cert.pem'), this.path('ca', 'ca-key.pem')];
    writeFileSync(caCertFile, ca.certPem);
    writeFileSync(caKeyFile, ca.keyPem);
    return { caCertFile, caKeyFile };
  }

  /** A path in the rig's directory. */
  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  get ports(): RigPorts {
    return this.#ports;
  }

  get controller(): ChildProgram {
    if (this.#controller === undefined) throw new Error('the controller is not started');
    return this.#controller;
  }

  /** PEM of the CA. */
  get caPem(): string {
    return readFileSync(this.path('ca', 'ca-cert.pem'), 'utf8');
  }

  /** The CA, to issue what a test needs. */
  get authority(): CertificateAuthority {
    this.#authority ??= certificateAuthorityFromPem(
      {
        certPem: this.caPem,
        keyPem: readFileSync(this.path('ca', 'ca-key.pem'), 'utf8'),
      },
      systemClock,
    );
    return this.#authority;
  }

  /** Starts the controller; a second time on the same ports, as after a crash or restart. */
  async startController(): Promise<ChildProgram> {
    const file = this.path('controller.yaml');
    writeFileSync(file, stringify(this.#controllerConfig()));
    const program = this.#run('controller', ['controller', '--config', file]);
    this.#controller = program;
    const ready = await program.line((line) => line['msg'] === 'controller is ready');
    const port = (name: string): number => Number(ready[name]);
    this.#ports = {
      agents: port('agents'),
      services: port('services'),
      control: port('control'),
      operations: port('operations'),
    };
    return program;
  }

  /** Starts an agent process; several may have the same name. */
  async startAgent(options: RigAgentOptions): Promise<ChildProgram> {
    const name = options.name ?? 'prod';
    const file = await this.writeAgentFiles(options);
    const program = this.#run(`agent ${name}`, ['agent', '--config', file], options.env);
    if (options.waitConnected !== false) {
      await program.line((line) => line['msg'] === 'connected');
    }
    return program;
  }

  /** Writes certificate, configuration and services file of an agent; returns the configuration's path. */
  async writeAgentFiles(options: RigAgentOptions): Promise<string> {
    const name = options.name ?? 'prod';
    const dir = `agent-${++this.#count}`;
    const base = this.path(dir);
    const issued = await this.authority.issue({ purpose: 'agent', agent: agentName(name) });
    writeFileSync(`${base}.crt`, issued.certPem);
    writeFileSync(`${base}.key`, issued.keyPem);
    const { services: outgoingServices, incoming: incomingServices = [] } = options;
    writeFileSync(`${base}-services.yaml`, stringify({ outgoingServices, incomingServices }));
    writeFileSync(
      `${base}.yaml`,
      stringify({
        controllerHostname: `localhost:${options.dialPort ?? this.#ports.agents}`,
        caCertFile: this.path('ca', 'ca-cert.pem'),
        certFile: `${base}.crt`,
        keyFile: `${base}.key`,
        servicesConfigPath: `${base}-services.yaml`,
        bindAddress: '127.0.0.1',
        prometheusListenPort: 0,
        logFormat: 'json',
        logLevel: 'debug',
        ...options.config,
      }),
    );
    return `${base}.yaml`;
  }

  /** Runs a client command of the published command line against this controller. */
  async client(...args: string[]): Promise<{ code: number | NodeJS.Signals; output: string }> {
    const program = new ChildProgram({
      name: `fairlead ${args[0] ?? ''}`,
      args: [FAIRLEAD, ...args],
      env: { ...process.env, ...this.clientEnv },
    });
    const code = await program.exited;
    return { code, output: program.lines.join('\n') };
  }

  /** Environment with which client commands find this controller. */
  get clientEnv(): Record<string, string> {
    return {
      FAIRLEAD_CONTROLLER: `https://localhost:${this.#ports.control}`,
      FAIRLEAD_CA: this.path('ca', 'ca-cert.pem'),
      FAIRLEAD_CERT: this.path('ca', 'control-cert.pem'),
      FAIRLEAD_KEY: this.path('ca', 'control-key.pem'),
    };
  }

  /** Fetches a kubeconfig with the published command; returns its path. */
  async kubeconfig(agent: string, name: string): Promise<string> {
    const file = this.path(`kubeconfig-${agent}-${name}`);
    const { code, output } = await this.client(
      'kubeconfig',
      '--agent',
      agent,
      '--name',
      name,
      '-o',
      file,
    );
    if (code !== 0) throw new Error(`fairlead kubeconfig: ${output}`);
    return file;
  }

  /** Fetches a token for a service with the published command. */
  async token(agent: string, type: string, name: string): Promise<string> {
    const args = ['--agent', agent, '--type', type, '--name', name, '-o', 'json'];
    const { code, output } = await this.client('service-credentials', ...args);
    if (code !== 0) throw new Error(`fairlead service-credentials: ${output}`);
    const answer = JSON.parse(output) as { credential: { password: string } }; // v3.5's shape
    return answer.credential.password;
  }

  /** Value of a metric of the controller (or of another operations port); the sum over its labels. */
  async metric(name: string, port = this.#ports.operations): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    let sum = 0;
    for (const line of (await response.text()).split('\n')) {
      if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) {
        sum += Number(line.slice(line.lastIndexOf(' ')));
      }
    }
    return sum;
  }

  /** Ends all processes and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop('SIGKILL')));
    this.#remove();
  }

  #run(name: string, args: string[], env: Readonly<Record<string, string>> = {}): ChildProgram {
    const program = new ChildProgram({
      name,
      args: [FAIRLEAD, ...args],
      env: { ...process.env, ...this.#options.env, ...env },
    });
    this.#programs.push(program);
    return program;
  }

  #controllerConfig(): Record<string, unknown> {
    return {
      agentHostname: 'localhost',
      serviceHostname: 'localhost',
      controlHostname: 'localhost',
      serverNames: ['127.0.0.1'],
      bindAddress: '127.0.0.1',
      agentListenPort: this.#ports.agents,
      serviceListenPort: this.#ports.services,
      controlListenPort: this.#ports.control,
      prometheusListenPort: this.#ports.operations,
      caConfig: {
        caCertFile: this.path('ca', 'ca-cert.pem'),
        caKeyFile: this.path('ca', 'ca-key.pem'),
      },
      serviceAuth: {
        currentKeyName: 'public.pem',
        headerMutationKeyName: 'public.pem',
        secretsPath: this.path('ca', 'service-auth'),
      },
      logFormat: 'json',
      logLevel: 'debug',
      requestLog: 'all',
      ...this.#options.controller,
    };
  }
}
