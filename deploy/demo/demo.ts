/**
 * `fairlead demo`: a CA, a controller, an agent and targets on loopback, each server a process of its
 * own, as an operator would run them. Prints what to try, runs until a signal, leaves nothing behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandIo } from '../../controller/commands/command-io.js';
import { errorText, TunnelError } from '../../shared/errors.js';
import { ChildProgram } from './child-program.js';
import type { LogLine } from './child-program.js';
import { checkKubeconfig, clusterFault } from './cluster-check.js';
import {
  DEMO,
  demoEnvironment,
  targetCertificate,
  writeAgentFiles,
  writeControllerFiles,
  writeSecretFile,
  writeTargetKubeconfig,
} from './demo-files.js';
import type { DemoFiles } from './demo-files.js';
import { demoText } from './demo-text.js';

/** Options of `fairlead demo`. */
export interface DemoOptions {
  /** Reach the current context of this kubeconfig instead of the built-in cluster. */
  readonly kubeconfig?: string | undefined;
}

const FAIRLEAD = fileURLToPath(new URL('../../fairlead.js', import.meta.url));
const KUBERNETES = fileURLToPath(new URL('kubernetes/main.js', import.meta.url));
const JENKINS = fileURLToPath(new URL('jenkins/main.js', import.meta.url));
const KEEPER = fileURLToPath(new URL('keeper/main.js', import.meta.url));

/** For each program; machines that are busy with other things take their time. */
const START_TIMEOUT_MS = 60_000;

/** Runs the demo; resolves with the exit code. Rejects when the kubeconfig is faulty or a program fails. */
export async function runDemo(options: DemoOptions, io: CommandIo): Promise<number> {
  const interruption = io.interruption();
  const { kubeconfig } = options;
  const ownKubeconfig =
    kubeconfig === undefined ? undefined : resolve(kubeconfig.replace(/^~(?=\/)/, homedir()));
  if (ownKubeconfig !== undefined) await checkKubeconfig(ownKubeconfig, io);
  const demo = new Demo(ownKubeconfig, io);
  try {
    const text = await Promise.race([demo.start(), aborted(interruption)]);
    if (text !== undefined) {
      io.stdout.write(text);
      await Promise.race([aborted(interruption), demo.failure()]);
    }
    io.stderr.write('\nStopping …\n');
    return 0;
  } finally {
    await demo.stop();
  }
}

class Demo {
  readonly #ownKubeconfig: string | undefined;
  readonly #io: CommandIo;
  readonly #env: NodeJS.ProcessEnv;
  readonly #dir = mkdtempSync(join(tmpdir(), 'fairlead-demo-'));
  /** Has something to do only when this process is killed. */
  readonly #keeper: ChildProgram;
  readonly #servers: ChildProgram[] = [];
  /** Commands of ours that are run. */
  readonly #clients = new Set<ChildProgram>();
  #starting: Promise<string> | undefined;
  #isStopping = false;

  constructor(ownKubeconfig: string | undefined, io: CommandIo) {
    this.#ownKubeconfig = ownKubeconfig;
    this.#io = io;
    this.#env = demoEnvironment(io.env);
    this.#keeper = this.#program('keeper', [KEEPER, this.#dir]);
  }

  /** Resolves with what to print. Rejects when a program fails, or all are being stopped. */
  start(): Promise<string> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Rejects when one of the servers ends by itself. */
  async failure(): Promise<never> {
    return Promise.race(
      this.#servers.map(async (server) => {
        const code = await server.exited;
        // while stopping, the demo's own end is what is waited for
        if (this.#isStopping) await new Promise(() => undefined);
        const last = server.lines.slice(-5).join('\n');
        throw new TunnelError('INTERNAL', `${server.name} ended (${code}):\n${last}`);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const programs = [...this.#clients, ...[...this.#servers].reverse()];
    for (const program of programs) await program.stop();
    // A start that was interrupted may still be writing files.
    await this.#starting?.catch(() => undefined);
    rmSync(this.#dir, { recursive: true, force: true });
    await this.#keeper.stop();
  }

  async #start(): Promise<string> {
    const { clock, stderr } = this.#io;
    stderr.write('Starting a CA, a controller, an agent and targets on loopback …\n');
    const files = await writeControllerFiles(this.#dir, clock);
    const [cluster, jenkins, ports] = await Promise.all([
      this.#ownKubeconfig ?? this.#startCluster(),
      this.#startJenkins(),
      this.#startController(files),
    ]);
    const agentConfig = writeAgentFiles(this.#dir, ports.agents, { kubeconfig: cluster, jenkins });
    await this.#startAgent(agentConfig);
    const kubeconfig = join(this.#dir, 'kubeconfig');
    await this.#client(files, ports.control, [
      'kubeconfig',
      '--agent',
      DEMO.agent,
      '--name',
      DEMO.account,
      '-o',
      kubeconfig,
    ]);
    const netrc = await this.#jenkinsCredential(files, ports.control);
    return demoText({
      ports,
      files,
      kubeconfig,
      netrc,
      jenkinsPrefix: `/agents/${DEMO.agent}/jenkins/${DEMO.jenkins}`,
      fairlead: FAIRLEAD,
      ownKubeconfig: this.#ownKubeconfig,
      clusterFault: await clusterFault(kubeconfig),
    });
  }

  /** Returns the path of a kubeconfig with which the agent reaches the cluster. */
  async #startCluster(): Promise<string> {
    const tls = await targetCertificate(this.#io.clock);
    const token = randomBytes(24).toString('base64url');
    const settings = {
      tls: { key: tls.key, cert: tls.cert },
      tokens: [{ token, user: 'demo-agent' }],
      seed: true,
    };
    const cluster = this.#server('demo cluster', [KUBERNETES], settings);
    const url = textOf(await ready(cluster, (line) => 'url' in line), 'url');
    const file = join(this.#dir, 'cluster.kubeconfig');
    writeTargetKubeconfig(file, { url, ca: tls.ca, token });
    return file;
  }

  async #startJenkins(): Promise<{ url: string; user: string; token: string }> {
    const token = randomBytes(24).toString('base64url');
    const credential = { user: 'demo', token };
    const settings = { ...credential, prefix: '/jenkins' };
    const jenkins = this.#server('demo Jenkins', [JENKINS], settings);
    const url = textOf(await ready(jenkins, (line) => 'url' in line), 'url');
    return { url, ...credential };
  }

  async #startController(
    files: DemoFiles,
  ): Promise<Record<'agents' | 'services' | 'control' | 'operations', number>> {
    const controller = this.#server('controller', [
      FAIRLEAD,
      'controller',
      '--config',
      files.controllerConfig,
    ]);
    const line = await ready(controller, (line) => line['msg'] === 'controller is ready');
    const port = (name: string): number => Number(line[name]);
    return {
      agents: port('agents'),
      services: port('services'),
      control: port('control'),
      operations: port('operations'),
    };
  }

  async #startAgent(config: string): Promise<void> {
    const agent = this.#server('agent', [FAIRLEAD, 'agent', '--config', config]);
    await ready(agent, (line) => line['msg'] === 'connected');
  }

  /** Runs a client command of ours, as an operator would; returns what it printed. */
  async #client(files: DemoFiles, controlPort: number, args: string[]): Promise<string> {
    const { ca, controlCert, controlKey } = files;
    const access = [
      '--controller',
      `https://localhost:${controlPort}`,
      '--ca',
      ca,
      '--cert',
      controlCert,
      '--key',
      controlKey,
    ];
    const client = this.#program(`fairlead ${args[0] ?? ''}`, [FAIRLEAD, ...args, ...access]);
    this.#clients.add(client);
    const code = await client.exited;
    this.#clients.delete(client);
    if (code === 0) return client.lines.join('\n');
    throw new TunnelError('INTERNAL', `${client.name} failed:\n${client.lines.join('\n')}`);
  }

  /** A netrc file, so that the token stands on no command line. */
  async #jenkinsCredential(files: DemoFiles, controlPort: number): Promise<string> {
    const args = [
      'service-credentials',
      '--agent',
      DEMO.agent,
      '--type',
      'jenkins',
      '--name',
      DEMO.jenkins,
      '-o',
      'json',
    ];
    const answer: unknown = JSON.parse(await this.#client(files, controlPort, args));
    const { username, password } = answer as { username: string; password: string }; // v3.5's shape
    const netrc = join(this.#dir, 'jenkins.netrc');
    writeSecretFile(netrc, `machine localhost login ${username} password ${password}\n`);
    return netrc;
  }

  #server(name: string, args: string[], settings?: object): ChildProgram {
    const server = this.#program(name, args);
    this.#servers.push(server);
    this.#keeper.process.stdin?.write(`${server.pid}\n`);
    if (settings !== undefined) server.process.stdin?.write(`${JSON.stringify(settings)}\n`);
    return server;
  }

  /** Only the demo ends its programs, in its own order: they do not see the terminal's signals. */
  #program(name: string, args: string[]): ChildProgram {
    if (this.#isStopping) throw new TunnelError('INTERNAL', 'the demo is stopping');
    return new ChildProgram({ name, args, env: this.#env, hasOwnGroup: true });
  }
}

/** The first JSON line that `matches`. Rejects when the program ends or time is up. */
async function ready(program: ChildProgram, matches: (line: LogLine) => boolean): Promise<LogLine> {
  try {
    return await program.line(matches, START_TIMEOUT_MS);
  } catch (reason) {
    throw new TunnelError('INTERNAL', errorText(reason)); // with what the program wrote, and no stack
  }
}

function textOf(line: LogLine, key: string): string {
  const value = line[key];
  return typeof value === 'string' ? value : '';
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
}
