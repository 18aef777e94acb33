/**
 * A controller, one or more agents of one name and a scripted target behind them, with a caller's
 * credential: what most tests of the data path start from.
 */
import * as https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { serviceToken } from './caller-credentials.js';
import { FairleadRig } from './fairlead-rig.js';
import type { RigOptions } from './fairlead-rig.js';
import { LossyLink } from './lossy-link.js';
import type { Impairment } from './lossy-link.js';
import { openDescriptors, untilIdle } from './process-memory.js';
import { ScriptedTarget } from './scripted-target.js';
import type { CallerIdentity } from './slow-caller.js';
import { waitFor } from './wait-for.js';

/** How a rig is set up. */
export interface ServiceRigOptions {
  readonly controller?: RigOptions['controller'];
  /** Configuration of the agents. */
  readonly agent?: Readonly<Record<string, unknown>>;
  /** Agents of the one name; default 1. */
  readonly agents?: number;
  /** Environment of controller and agents, beside the test's own. */
  readonly env?: RigOptions['env'];
  /** Put a lossy link between agents and controller, impaired like this in both directions. */
  readonly link?: Impairment;
}

/** A whole response. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly text: string;
}

/** What to ask. */
export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const SERVICE = 'target';

/** Controller, agents and target. */
export class ServiceRig {
  readonly fairlead: FairleadRig;
  readonly target: ScriptedTarget;
  readonly agents: ChildProgram[] = [];
  readonly token: string;
  readonly link: LossyLink | undefined;
  readonly #options: ServiceRigOptions;

  static async start(options: ServiceRigOptions = {}): Promise<ServiceRig> {
    const { controller, env = {} } = options;
    const fairlead = await FairleadRig.start({ controller: { ...QUIET, ...controller }, env });
    const target = await ScriptedTarget.start();
    const link =
      options.link === undefined ? undefined : await LossyLink.start(fairlead.ports.agents);
    link?.impair(options.link ?? {});
    const rig = new ServiceRig(fairlead, target, link, options);
    for (let i = 0; i < (options.agents ?? 1); i++) await rig.startAgent();
    return rig;
  }

  private constructor(
    fairlead: FairleadRig,
    target: ScriptedTarget,
    link: LossyLink | undefined,
    options: ServiceRigOptions,
  ) {
    this.fairlead = fairlead;
    this.target = target;
    this.link = link;
    this.#options = options;
    this.token = serviceToken(fairlead, `prod/jenkins/${SERVICE}`);
  }

  /** Starts one more agent of the same name. */
  async startAgent(): Promise<ChildProgram> {
    const { agent, controller } = this.#options;
    const agentProgram = await this.fairlead.startAgent({
      services: [this.target.service(SERVICE)],
      config: { ...QUIET, ...pick(controller, 'limits'), ...agent },
      ...(this.link === undefined ? {} : { dialPort: this.link.port }),
    });
    this.agents.push(agentProgram);
    return agentProgram;
  }

  /** The first agent. */
  get agent(): ChildProgram {
    const [agent] = this.agents;
    if (agent === undefined) throw new Error('no agent was started');
    return agent;
  }

  /** As whom and where callers call. */
  get identity(): CallerIdentity {
    const { ports, caPem } = this.fairlead;
    return { port: ports.services, ca: caPem, token: this.token };
  }

  /** Process numbers of the controller and its agents. */
  get pids(): number[] {
    return [this.fairlead.controller.pid, ...this.agents.map((agent) => agent.pid)];
  }

  /** One request on a connection of its own, answered in full. Rejects when the response is cut. */
  async ask(
    path: string,
    { method = 'GET', headers = {}, body }: Ask = {},
  ): Promise<WholeResponse> {
    const { port, ca, token } = this.identity;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request(
        { port, ca, host: '127.0.0.1', servername: 'localhost', agent: false, path, method },
        resolve,
      );
      request.setHeader('X-Opsmx-Token', token);
      for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
      request.on('error', reject);
      request.end(body);
    });
    const parts: Buffer[] = [];
    for await (const piece of response) parts.push(piece as Buffer); // no encoding is set
    const whole = Buffer.concat(parts);
    const status = response.statusCode ?? 0;
    return { status, headers: response.headers, body: whole, text: whole.toString() };
  }

  /** Value of a metric on the controller and on each agent. */
  async metrics(name: string): Promise<number[]> {
    return Promise.all([undefined, ...this.#agentPorts()].map((port) => this.#metric(name, port)));
  }

  /** Waits until nothing is under way on either side, and no byte is held. */
  async settled(timeoutMs = 15_000): Promise<void> {
    let seen = '';
    const isZero = async (name: string): Promise<boolean> => {
      const values = await this.metrics(name);
      if (values.some((value) => value !== 0)) seen = `${name} is ${values.join(', ')}`;
      return values.every((value) => value === 0);
    };
    try {
      await waitFor(
        'settled',
        async () =>
          (await isZero('fairlead_streams_open')) && (await isZero('fairlead_queued_bytes')),
        timeoutMs,
      );
    } catch {
      throw new Error(`something is still under way after ${timeoutMs} ms: ${seen}`);
    }
  }

  /** Makes the processes allocate what they keep for good: code, pools, the heap that traffic needs. */
  async warmUp(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 8 }, async () => this.ask('/body?bytes=8000000')));
      for (let i = 0; i < 25; i++) {
        await Promise.all(Array.from({ length: 16 }, async () => this.ask('/ok')));
      }
    }
    await this.settled();
    await untilIdle(this.pids);
  }

  /** Descriptors open on each process. */
  descriptors(): number[] {
    return this.pids.map(openDescriptors);
  }

  async stop(): Promise<void> {
    await this.fairlead.stop();
    await this.link?.close();
    await this.target.close();
  }

  #agentPorts(): number[] {
    return this.agents.filter(isAlive).map(operationsPort);
  }

  async #metric(name: string, port: number | undefined): Promise<number> {
    return port === undefined ? this.fairlead.metric(name) : this.fairlead.metric(name, port);
  }
}

/** Logging every request would cost more than some tests measure. */
const QUIET = { logLevel: 'info', requestLog: 'off' } as const;

function pick(
  from: Readonly<Record<string, unknown>> | undefined,
  key: string,
): Record<string, unknown> {
  return from?.[key] === undefined ? {} : { [key]: from[key] };
}

function isAlive(program: ChildProgram): boolean {
  return program.process.exitCode === null && program.process.signalCode === null;
}

/** The operations port, as the agent logged it. */
function operationsPort(agent: ChildProgram): number {
  for (const line of agent.lines) {
    const match = /"operations":(\d+)/.exec(line);
    if (match !== null) return Number(match[1]);
  }
  throw new Error('the agent did not log its operations port');
}
