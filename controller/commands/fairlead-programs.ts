/**
 * The long-running programs behind `fairlead controller`, `agent` and `demo`, as the command line calls
 * them. `fairlead.ts` hands in the real ones; they are other parts' entry points, loaded when needed.
 */
import type { CommandIo } from './command-io.js';

/** Options of `fairlead controller`. */
export interface ControllerProgramOptions {
  readonly configFile: string;
  /** Only check the configuration and the files it names. */
  readonly isCheck?: boolean;
}

/** Options of `fairlead agent`. */
export interface AgentProgramOptions {
  readonly configFile: string;
  /** Only check the configuration and the files it names. */
  readonly isCheck?: boolean;
  /** v3.5's `-caCertFile`: goes before the configuration's `caCertFile`. */
  readonly caCertFile?: string | undefined;
}

/** Options of `fairlead demo`. */
export interface DemoProgramOptions {
  /** Reach the current context of this kubeconfig instead of the built-in cluster. */
  readonly kubeconfig?: string | undefined;
}

/** Each runs until it is told to stop and resolves with the exit code of the process. */
export interface FairleadPrograms {
  controller(options: ControllerProgramOptions, io: CommandIo): Promise<number>;
  agent(options: AgentProgramOptions, io: CommandIo): Promise<number>;
  demo(options: DemoProgramOptions, io: CommandIo): Promise<number>;
}
