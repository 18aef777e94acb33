/**
 * Everything that can be chosen when a demo API server is started, and what tests can observe.
 * Read by kubernetes-api.ts; main.ts fills it from its settings.
 */

/** A request as it arrived, before anything was answered. */
export interface RecordedRequest {
  readonly method: string;
  /** Request target byte for byte as it was sent (`:path` for h2). */
  readonly rawTarget: string;
  /** Names and values in turn, in order, as they arrived. */
  readonly headers: readonly string[];
  readonly httpVersion: string;
  /** Undefined when authentication failed. */
  readonly user: string | undefined;
}

/** What a fault does to a request instead of the normal answer. */
export type Fault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Nothing is ever answered. */
  | 'hang'
  /** The connection (h1) or stream (h2) is broken off. */
  | 'destroy';

/** Called for each authenticated request; undefined means a normal answer. */
export type FaultHook = (request: RecordedRequest) => Fault | undefined;

/** A bearer token and the user it stands for. */
export interface AcceptedToken {
  readonly token: string;
  readonly user: string;
}

/** How long the demo cluster takes for things, milliseconds. */
export interface ClusterTimings {
  /** From a change to the controllers' reaction. Default 10. */
  readonly reconcileMs: number;
  /** From a pod's creation to Ready. Default 150. */
  readonly podStartMs: number;
  /** From a pod's deletion to its end, when it has a grace period. Default 50. */
  readonly podStopMs: number;
  /** From a job pod's start to its success. Default 200. */
  readonly jobRunMs: number;
}

/** Defaults of ClusterTimings. */
export const DEFAULT_TIMINGS: ClusterTimings = {
  reconcileMs: 10,
  podStartMs: 150,
  podStopMs: 50,
  jobRunMs: 200,
};

/** Options of startKubernetesApi. */
export interface KubernetesApiOptions {
  /** Key and certificate as PEM; plain HTTP when absent. */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    /** PEM of the CA whose client certificates are accepted as users (their common name). */
    readonly clientCa?: string;
  };
  /** Accepted bearer tokens. With neither tokens nor a client CA everybody is `demo-user`. */
  readonly tokens?: readonly AcceptedToken[];
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on, 0 for a free one. Default 0. */
  readonly port?: number;
  /** Kubernetes version, `1.20` to `1.34`: decides group versions and features. Default 1.31. */
  readonly version?: string;
  /** Called once per request. */
  readonly log?: (request: RecordedRequest) => void;
  /** Fill the cluster with demo objects. Default true. */
  readonly seed?: boolean;
  readonly fault?: FaultHook;
  readonly timings?: Partial<ClusterTimings>;
  /** Changes kept for resuming watches. Default 5000. */
  readonly historySize?: number;
  /** Requests kept by the recorder. Default 10000. */
  readonly recordedRequests?: number;
  /** Let exec run real processes of this machine. Default false: built-in commands only. */
  readonly allowProcesses?: boolean;
  /** Working directory of real processes. Default: the system's temporary directory. */
  readonly workDirectory?: string;
  /** Loopback ports behind pods: `{"ns/pod": {80: 12345}}`. */
  readonly podPorts?: Readonly<Record<string, Readonly<Record<number, number>>>>;
  /** Clock of the cluster. Default: the system's. */
  readonly now?: () => Date;
}
