/** Everything that can be chosen when a demo Jenkins is started, and what tests can observe. */

/** A request as it arrived. */
export interface JenkinsRequest {
  readonly method: string;
  /** Request target byte for byte. */
  readonly rawTarget: string;
  /** Names and values in turn, in order, as they arrived. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
}

/** Options of startJenkins. */
export interface JenkinsOptions {
  /** Key and certificate as PEM; plain HTTP when absent. */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    /** PEM of the CA of client certificates. */
    readonly clientCa?: string;
    /** Refuse the TLS handshake of callers without an accepted certificate. Default false. */
    readonly requiresCertificate?: boolean;
  };
  /** With a token, requests need Basic user:token or Bearer token; without one they need nothing. */
  readonly user?: string;
  readonly token?: string;
  /** Path that everything is below, for example `/jenkins`. Default none. */
  readonly prefix?: string;
  /** Demand a crumb with every POST. Default false, as for API tokens. */
  readonly requiresCrumb?: boolean;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on, 0 for a free one. Default 0. */
  readonly port?: number;
  /** How long a build waits in the queue. Default 100. */
  readonly queueMs?: number;
  /** How long a build runs. Default 300. */
  readonly runMs?: number;
  /** Called once per request. */
  readonly log?: (request: JenkinsRequest) => void;
  /** Requests kept by the recorder. Default 10000. */
  readonly recordedRequests?: number;
}
