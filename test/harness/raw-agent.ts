/**
 * An agent that speaks the tunnel by hand: a valid certificate, frames as a test writes them, bytes that
 * are no frames at all. For tests of what a controller does with peers that break the rules.
 */
import { agentName } from '../../shared/ids.js';
import type { Frame, HelloFrame } from '../../shared/protocol/frame.js';
import { decodeBatch } from '../../shared/protocol/frame-decoder.js';
import { dialController } from '../../agent/controller-link/controller-dial.js';
import type { ControllerCall } from '../../agent/controller-link/controller-dial.js';
import type { Validity } from '../../shared/certificates/validity.js';
import type { FairleadRig } from './fairlead-rig.js';
import { waitFor } from './wait-for.js';
import { encodeBatch } from './encoded-batch.js';

/** Who it says it is. */
export interface RawAgentOptions {
  readonly name?: string;
  /** Of its certificate. */
  readonly validity?: Validity;
}

/** What it offers unless told otherwise: `generic/raw`. */
export const RAW_SERVICE = {
  type: 'generic',
  name: 'raw',
  configured: true,
  annotations: {},
  namespaces: [],
  accountId: '',
  assumeRole: '',
};

/** One call to a controller. */
export class RawAgent {
  /** Frames of the controller, in order. */
  readonly frames: Frame[] = [];
  /** Gets each frame as it comes. */
  onFrame: (frame: Frame) => void = () => undefined;
  readonly #call: ControllerCall['call'];
  readonly #destroy: () => void;
  #ending: string | undefined;

  /** Dials; the call is open, nothing is said yet. */
  static async dial(rig: FairleadRig, options: RawAgentOptions = {}): Promise<RawAgent> {
    const { name = 'rogue', validity } = options;
    const issued = await rig.authority.issue(
      { purpose: 'agent', agent: agentName(name) },
      validity === undefined ? {} : { validity },
    );
    const { certPem, keyPem } = issued;
    const tls = { caPem: rig.caPem, certPem, keyPem, serverName: undefined };
    return new RawAgent(dialController({ host: 'localhost', port: rig.ports.agents }, tls));
  }

  /** Dials and completes the handshake. */
  static async connect(rig: FairleadRig, options: RawAgentOptions = {}): Promise<RawAgent> {
    const agent = await RawAgent.dial(rig, options);
    agent.send(helloFrame());
    await agent.frame('welcome');
    return agent;
  }

  private constructor({ call, destroy }: ControllerCall) {
    this.#call = call;
    this.#destroy = destroy;
    call.on('data', (message: Buffer) => {
      decodeBatch(message, (frame) => {
        this.frames.push(frame);
        this.onFrame(frame);
      });
    });
    call.on('error', (reason) => (this.#ending ??= reason.message));
    call.on('end', () => (this.#ending ??= 'end'));
  }

  /** Text of how the call ended, if it has. */
  get ending(): string | undefined {
    return this.#ending;
  }

  send(...frames: Frame[]): void {
    this.sendBytes(encodeBatch(frames));
  }

  /** One gRPC message, whatever is in it. Resolves when the transport has taken it. */
  sendBytes(message: Buffer): void {
    if (this.#ending === undefined) this.#call.write(message);
  }

  /** Stops or goes on reading what the controller sends. */
  pause(): void {
    this.#call.pause();
  }

  /** The first frame of a kind, now or later. */
  async frame<K extends Frame['kind']>(kind: K): Promise<Extract<Frame, { kind: K }>> {
    const isWanted = (frame: Frame): frame is Extract<Frame, { kind: K }> => frame.kind === kind;
    return waitFor(`${kind} from the controller`, () => this.frames.find(isWanted));
  }

  /** Waits for the end of the call, and tells why the controller ended it. */
  async ended(): Promise<string> {
    const ending = await waitFor('the end of the session', () => this.#ending);
    const close = this.frames.find((frame) => frame.kind === 'close');
    return close === undefined ? ending : `${close.code}: ${close.message}`;
  }

  destroy(): void {
    this.#destroy();
  }
}

/** A hello as an honest agent sends it. */
export function helloFrame(changes: Partial<HelloFrame> = {}): HelloFrame {
  return {
    kind: 'hello',
    version: 1,
    minVersion: 1,
    capabilities: [],
    build: 'raw',
    hostname: 'raw',
    instance: `raw-${Math.random()}`,
    generation: 1,
    services: [RAW_SERVICE],
    annotations: {},
    window: 262_144,
    ...changes,
  };
}
