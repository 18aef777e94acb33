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
import { TunnelError } from '../../shared/errors.js';
import { ChildProgram } from './child-program.js';
import type { LogLine } from './child-program.js';
import {
  DEMO,
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

/** Runs the demo; resolves with the exit code. */
export async function runDemo(options: DemoOptions, io: CommandIo): Promise<number> {
  const interruption = io.interruption();
  const demo = new Demo(options, io);
  try {
    const text = await demo.start();
    io.stdout.write(text);
    await Promise.race([aborted(interruption), demo.failure()]);
    io.stderr.write('\nStopping …\n');
    return 0;
  } finally {
    await demo.stop();
  }
}

class Demo {
  readonly #options: DemoOptions;
  readonly #io: CommandIo;
  readonly #dir = mkdtempSync(join(tmpdir(), 'fairlead-demo-'));
  readonly #programs: ChildProgram[] = [];
  #isStopping = false;

  constructor(options: DemoOptions, io: CommandIo) {
    this.#options = options;
    this.#io = io;
  }

  async start(): Promise<string> {
    const { clock, stderr } = this.#io;
    stderr.write('Starting a CA, a controller, an agent and targets on loopback …\n');
    const files = await writeControllerFiles(this.#dir, clock);
    const [cluster, jenkins, ports] = await Promise.all([
      this.#startCluster(),
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
    });
  }

  /** Rejects when one of the programs ends by itself. */
  async failure(): Promise<never> {
    return Promise.race(
      this.#programs.map(async (program) => {
        const code = await program.exited;
        // while stopping, the demo's own end is what is waited for
        if (this.#isStopping) await new Promise(() => undefined);
        const last = program.lines.slice(-5).join('\n');
        throw new TunnelError('INTERNAL', `${program.name} ended (${code}):\n${last}`);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const program of [...this.#programs].reverse()) await program.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Returns the path of a kubeconfig with which the agent reaches the cluster. */
  async #startCluster(): Promise<string> {
    const { kubeconfig } = this.#options;
    if (kubeconfig !== undefined) return resolve(kubeconfig.replace(/^~(?=\/)/, homedir()));
    const tls = await targetCertificate(this.#io.clock);
    const token = randomBytes(24).toString('base64url');
    const settings = {
      tls: { key: tls.key, cert: tls.cert },
      tokens: [{ token, user: 'demo-agent' }],
      seed: true,
    };
    const cluster = this.#run('demo cluster', [KUBERNETES], settings);
    const url = textOf(await cluster.line((line) => 'url' in line), 'url');
    const file = join(this.#dir, 'cluster.kubeconfig');
    writeTargetKubeconfig(file, { url, ca: tls.ca, token });
    return file;
  }

  async #startJenkins(): Promise<{ url: string; user: string; token: string }> {
    const token = randomBytes(24).toString('base64url');
    const credential = { user: 'demo', token };
    const jenkins = this.#run('demo Jenkins', [JENKINS], { ...credential, prefix: '/jenkins' });
    const url = textOf(await jenkins.line((line) => 'url' in line), 'url');
    return { url, ...credential };
  }

  async #startController(
    files: DemoFiles,
  ): Promise<Record<'agents' | 'services' | 'control' | 'operations', number>> {
    const controller = this.#run('controller', [
      FAIRLEAD,
      'controller',
      '--config',
      files.controllerConfig,
    ]);
    const ready = await controller.line((line) => line['msg'] === 'controller is ready');
    const port = (name: string): number => Number(ready[name]);
    return {
      agents: port('agents'),
      services: port('services'),
      control: port('control'),
      operations: port('operations'),
    };
  }

  async #startAgent(config: string): Promise<void> {
    const agent = this.#run('agent', [FAIRLEAD, 'agent', '--config', config]);
    await agent.line((line) => line['msg'] === 'connected');
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
    const client = new ChildProgram({
      name: `fairlead ${args[0] ?? ''}`,
      args: [FAIRLEAD, ...args, ...access],
    });
    const code = await client.exited;
    if (code !== 0)
      throw new TunnelError('INTERNAL', `${client.name} failed: ${client.lines.join('\n')}`);
    return client.lines.join('\n');
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

  #run(name: string, args: string[], settings?: object): ChildProgram {
    const program = new ChildProgram({
      name,
      args,
      input: settings === undefined ? undefined : `${JSON.stringify(settings)}\n`,
    });
    this.#programs.push(program);
    return program;
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
