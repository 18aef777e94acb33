/**
 * Everything that runs during the benchmark: target, rivals, a Fairlead, relays. Started when a row asks
 * for it first, ended together.
 */
import { z } from 'zod';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { startBareTunnel } from './bare-tunnel.js';
import type { BareTunnel } from './bare-tunnel.js';
import { reportOf, reportedPort, startProgram } from './bench-program.js';
import { BARE_SERVER, DIRECT, GRPC_PIPES, HOP, PIPES, RAW_TLS, SSH } from './contestant.js';
import type { Contestant } from './contestant.js';
import { MissingTool } from './debian-tool.js';
import { FairleadTunnel } from './fairlead-tunnel.js';
import type { FairleadTunnelOptions, TargetPorts } from './fairlead-tunnel.js';
import { SshTunnel } from './ssh-tunnel.js';

/** A link between the two ends of a tunnel. */
export interface LinkConditions {
  readonly rttMs: number;
  readonly bytesPerSecond?: number | undefined;
}

/** A target and the certificate of its TLS port. */
export interface RunningTarget extends TargetPorts {
  readonly pid: number;
  readonly cert: string;
  readonly key: string;
}

/** Agent beside the controller, without a relay between. */
export const NEAR = 'near';

const targetSchema = z.object({ plainPort: z.number(), tlsPort: z.number() });

/** The processes of a run. */
export class Arena {
  readonly fairlead: FairleadTunnel;
  readonly #stops: (() => Promise<unknown>)[] = [];
  readonly #started = new Map<string, Promise<unknown>>();
  readonly #used = new Set<string>();
  readonly #missing = new Set<string>();
  readonly #tell: (line: string) => void;

  /** `links` are the agents that may be asked for later by `far`. */
  static async start(
    links: readonly LinkConditions[],
    tell: (line: string) => void,
  ): Promise<Arena> {
    const agents = [NEAR, ...links.map(linkName)];
    const fairlead = await FairleadTunnel.start({ agents });
    const arena = new Arena(fairlead, tell);
    arena.onStop(() => fairlead.stop());
    return arena;
  }

  private constructor(fairlead: FairleadTunnel, tell: (line: string) => void) {
    this.fairlead = fairlead;
    this.#tell = tell;
  }

  /** What was left out of the run, each with the package to install. */
  get missing(): readonly string[] {
    return [...this.#missing];
  }

  /** Whether this way to a contestant is asked about for the first time. */
  isFirstUse({ endpoint, pids }: Contestant): boolean {
    const way = JSON.stringify([endpoint.port, endpoint.headers, pids]);
    const isFirst = !this.#used.has(way);
    this.#used.add(way);
    return isFirst;
  }

  /** Ends something with the arena; what was started last ends first. */
  onStop(stop: () => Promise<unknown>): void {
    this.#stops.push(stop);
  }

  /** Starts a program of the bench that ends with the arena. */
  startProgram(name: string, options: unknown): ChildProgram {
    const program = startProgram(name, options);
    this.onStop(() => program.stop('SIGKILL'));
    return program;
  }

  /** The target that everybody forwards to. */
  async target(): Promise<RunningTarget> {
    return this.#once('target', () => this.#startTarget({}));
  }

  /** Straight to the target: what the machine can do. */
  async direct(): Promise<Contestant> {
    const { plainPort } = await this.target();
    return { name: DIRECT, endpoint: { port: plainPort, headers: {} }, pids: {} };
  }

  /** A node:https server that asks for client certificates of the same CA, nothing behind it. */
  async bareHttps(caller: Contestant['endpoint']): Promise<Contestant> {
    const clientCa = this.fairlead.rig.caPem;
    const { tlsPort, pid } = await this.#once('bare', () => this.#startTarget({ clientCa }));
    return {
      name: BARE_SERVER,
      endpoint: { ...caller, port: tlsPort },
      pids: { controller: [pid] },
    };
  }

  /** `ssh -R`; undefined, and said once, where OpenSSH is missing. */
  async ssh(conditions?: LinkConditions): Promise<Contestant | undefined> {
    const { plainPort: targetPort } = await this.target();
    return this.optional(() =>
      this.#once(overLink('ssh', conditions), async () => {
        const tunnel = await SshTunnel.start({
          name: SSH,
          targetPort,
          ...(conditions && { link: (port: number) => this.link(port, conditions) }),
        });
        this.onStop(() => tunnel.stop());
        return tunnel.contestant;
      }),
    );
  }

  /** One http-proxy hop. */
  async proxyHop(): Promise<Contestant> {
    const { plainPort: targetPort } = await this.target();
    return this.#once('proxy', async () => {
      const program = this.startProgram('proxy', { targetPort });
      const port = await reportedPort(program);
      return {
        name: HOP,
        endpoint: { port, headers: {} },
        pids: { controller: [program.pid] },
      };
    });
  }

  /** Two processes that pipe bytes with TLS between them: the least that a tunnel in Node costs. */
  async pipes(conditions?: LinkConditions): Promise<Contestant> {
    return this.#pipes(PIPES, 'pipe', conditions);
  }

  /** The same with gRPC between them, as it comes. */
  async grpcPipes(conditions?: LinkConditions): Promise<Contestant> {
    return this.#pipes(GRPC_PIPES, 'grpc-pipe', conditions);
  }

  /** The barest tunnel on the libraries of Fairlead, for small requests only. */
  async bareTunnel(): Promise<BareTunnel> {
    const { plainPort: targetPort, cert, key } = await this.target();
    const options = { targetPort, ca: this.fairlead.rig.caPem, cert, key };
    return this.#once('bare-tunnel', () =>
      startBareTunnel((name, of) => this.startProgram(name, of), options),
    );
  }

  /** Who else there is, without a long link: direct, `ssh -R` where there is one, a proxy, bare pipes. */
  async others(): Promise<Contestant[]> {
    const all = [await this.direct(), await this.ssh(), await this.proxyHop(), await this.pipes()];
    return all.filter((contestant) => contestant !== undefined);
  }

  /** TLS to the target over a relay; its windows are those of the kernel, far above what is needed. */
  async rawTls(conditions: LinkConditions): Promise<Contestant> {
    const { tlsPort } = await this.target();
    const ca = this.fairlead.rig.caPem;
    const port = await this.#once(overLink('raw TLS', conditions), () =>
      this.link(tlsPort, conditions),
    );
    return { name: RAW_TLS, endpoint: { port, tls: { ca }, headers: {} }, pids: {} };
  }

  /** Name of the agent without a relay; started when first asked for. */
  async near(): Promise<string> {
    await this.#once(NEAR, async () => this.fairlead.startAgent(NEAR, await this.target()));
    return NEAR;
  }

  /** Name of an agent behind a long link. */
  async far(conditions: LinkConditions): Promise<string> {
    const name = linkName(conditions);
    await this.#once(name, async () => {
      const dialPort = await this.link(this.fairlead.rig.ports.agents, conditions);
      return this.fairlead.startAgent(name, await this.target(), { dialPort });
    });
    return name;
  }

  /** A relay in a process of its own; returns its port. */
  async link(targetPort: number, conditions: LinkConditions): Promise<number> {
    const program = this.startProgram('link', { targetPort, ...conditions });
    return reportedPort(program);
  }

  /** A controller of a row's own, whose memory no other row has touched; ends with its row. */
  async freshFairlead(options: FairleadTunnelOptions): Promise<FairleadTunnel> {
    const tunnel = await FairleadTunnel.start(options);
    this.onStop(() => tunnel.stop());
    return tunnel;
  }

  /** What `start` gives, or undefined when a tool is missing, which is said once. */
  async optional<T>(start: () => Promise<T>): Promise<T | undefined> {
    try {
      return await start();
    } catch (reason) {
      if (!(reason instanceof MissingTool)) throw reason;
      if (!this.#missing.has(reason.message)) this.#tell(`left out: ${reason.message}`);
      this.#missing.add(reason.message);
      return undefined;
    }
  }

  /** Ends everything, and says what did not end in order; a second time does nothing. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      await stop().catch((reason: unknown) => this.#tell(`at the end: ${String(reason)}`));
    }
  }

  async #pipes(
    name: string,
    programName: string,
    conditions: LinkConditions | undefined,
  ): Promise<Contestant> {
    return this.#once(overLink(programName, conditions), () =>
      this.#startPipes(name, programName, conditions),
    );
  }

  async #startPipes(
    name: string,
    programName: string,
    conditions?: LinkConditions,
  ): Promise<Contestant> {
    const { plainPort, cert, key } = await this.target();
    const tls = { ca: this.fairlead.rig.caPem, cert, key };
    const far = this.startProgram(programName, { role: 'far', toPort: plainPort, ...tls });
    const farPort = await reportedPort(far);
    const toPort = conditions === undefined ? farPort : await this.link(farPort, conditions);
    const near = this.startProgram(programName, { role: 'near', toPort, ...tls });
    const port = await reportedPort(near);
    const pids = { controller: [near.pid], agent: [far.pid] };
    return { name, endpoint: { port, headers: {} }, pids };
  }

  async #startTarget(options: { clientCa?: string }): Promise<RunningTarget> {
    const { authority } = this.fairlead.rig;
    const issued = await authority.issueServerCertificate(['localhost', '127.0.0.1']);
    const { certPem: cert, keyPem: key } = issued;
    const program = this.startProgram('target', { cert, key, ...options });
    return { ...(await reportOf(program, 'ready', targetSchema)), cert, key, pid: program.pid };
  }

  async #once<T>(name: string, start: () => Promise<T>): Promise<T> {
    const started = this.#started.get(name) ?? start();
    this.#started.set(name, started);
    return started as Promise<T>; // each name is always started by the same function
  }
}

/** What is started once for each link. */
function overLink(name: string, conditions: LinkConditions | undefined): string {
  return conditions === undefined ? name : `${name}, ${linkName(conditions)}`;
}

/** `rtt-50`, `rtt-50-1000mbit` */
export function linkName({ rttMs, bytesPerSecond }: LinkConditions): string {
  const rate = bytesPerSecond === undefined ? '' : `-${Math.round((bytesPerSecond * 8) / 1e6)}mbit`;
  return `rtt-${rttMs}${rate}`;
}
