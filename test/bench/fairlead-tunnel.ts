/**
 * Fairlead as a contestant: the built command, with authentication, metrics, and a log line for every
 * request that goes to a pipe which the bench reads and throws away.
 */
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { serviceTls, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import type { Contestant } from './contestant.js';
import type { Endpoint } from './endpoint.js';
import { allocatorEnvironment } from './image-environment.js';

/** As operators run it who want to know of every request. */
const AS_OPERATED = { logLevel: 'info', logFormat: 'json', requestLog: 'all' } as const;

/** Services of each agent: the same target without and with TLS. */
export const SERVICES = ['plain', 'tls'] as const;
export type Service = (typeof SERVICES)[number];

/** How a tunnel is set up. */
export interface FairleadTunnelOptions {
  /** Agents that will be started; callers without TLS reach each through a port of its own. */
  readonly agents: readonly string[];
  /** Added to the configuration of the controller. */
  readonly controller?: Readonly<Record<string, unknown>>;
}

/** Where the services lead. */
export interface TargetPorts {
  readonly plainPort: number;
  readonly tlsPort: number;
}

/** How an agent is set up. */
export interface AgentOptions {
  /** Port of a relay to the controller. */
  readonly dialPort?: number;
  /** Further services, all of them the same target. */
  readonly accounts?: readonly string[];
}

/** A controller and the agents started so far. */
export class FairleadTunnel {
  readonly rig: FairleadRig;
  readonly #agents = new Map<string, ChildProgram>();
  readonly #plainPorts = new Map<string, number>();

  static async start({ agents, controller }: FairleadTunnelOptions): Promise<FairleadTunnel> {
    const incomingServices = agents.flatMap((agent) =>
      SERVICES.map((service) => plainPort(agent, service)),
    );
    const rig = await FairleadRig.start({
      env: allocatorEnvironment() ?? {},
      controller: { ...AS_OPERATED, services: { incomingServices }, ...controller },
    });
    const tunnel = new FairleadTunnel(rig);
    for (const { name } of incomingServices) {
      const line = await rig.controller.line((one) => one['name'] === name && 'port' in one);
      tunnel.#plainPorts.set(name, Number(line['port']));
    }
    discardLog(rig.controller);
    return tunnel;
  }

  private constructor(rig: FairleadRig) {
    this.rig = rig;
  }

  /** Starts an agent in front of a target. */
  async startAgent(
    name: string,
    { plainPort: plain, tlsPort }: TargetPorts,
    { dialPort, accounts = [] }: AgentOptions = {},
  ): Promise<ChildProgram> {
    const url = `http://127.0.0.1:${plain}`;
    const caFile = this.rig.path('ca', 'ca-cert.pem');
    const agent = await this.rig.startAgent({
      name,
      services: [
        service('plain', { url }),
        service('tls', { url: `https://localhost:${tlsPort}`, caFile }),
        ...accounts.map((account) => service(account, { url })),
      ],
      config: AS_OPERATED,
      ...(dialPort === undefined ? {} : { dialPort }),
    });
    discardLog(agent);
    this.#agents.set(name, agent);
    return agent;
  }

  /** Callers without TLS, on a port that leads to one service. */
  plainCaller(agent: string, to: Service = 'plain'): Endpoint {
    return { port: this.#plainPorts.get(`${agent}-${to}`) ?? 0, headers: {} };
  }

  /** Callers over TLS with a token. */
  tokenCaller(agent: string, to: Service = 'plain'): Endpoint {
    const token = serviceToken(this.rig, `${agent}/generic/${to}`);
    const tls = { ca: this.rig.caPem };
    return { port: this.rig.ports.services, tls, headers: { 'X-Opsmx-Token': token } };
  }

  /** Callers over TLS with a client certificate. */
  async certificateCaller(agent: string, to: Service = 'plain'): Promise<Endpoint> {
    const { ca, cert, key } = await serviceTls(this.rig, `${agent}/generic/${to}`);
    return { port: this.rig.ports.services, tls: { ca, cert, key }, headers: {} };
  }

  /** A contestant whose processes are the controller and this agent. */
  contestant(name: string, agent: string, endpoint: Endpoint): Contestant {
    const program = this.#agents.get(agent);
    if (program === undefined) throw new Error(`no agent ${agent}`);
    const pids = { controller: [this.rig.controller.pid], agent: [program.pid] };
    return { name, endpoint, pids };
  }

  async stop(): Promise<void> {
    await this.rig.stop();
  }
}

/**
 * Goes on reading what a program writes, without looking at it: cutting ten thousand lines a second apart
 * would take CPU time from what is measured.
 */
export function discardLog({ process: { stdout } }: ChildProgram): void {
  stdout?.removeAllListeners('data').resume();
}

function service(name: string, config: Readonly<Record<string, unknown>>): unknown {
  return { enabled: true, type: 'generic', name, config };
}

function plainPort(agent: string, to: Service) {
  return {
    name: `${agent}-${to}`,
    port: 0,
    useHTTP: true,
    destination: agent,
    serviceType: 'generic',
    destinationService: to,
  };
}
