/**
 * The one catalogue of everything that can go wrong, and the one error class.
 * Callers, operators and logs see the code and the message; causes, hosts and secrets go to the log only.
 * Decisions are taken on `code`, never on message text. ERRORS.md is generated from this file.
 */

/** The part of a request's path at which an error arose. */
export type Hop = 'caller' | 'controller' | 'link' | 'agent' | 'target' | 'operator';

interface ErrorKind {
  /** HTTP status that a caller gets when the response head has not been sent yet. */
  readonly status: number;
  /** Who has to act or where to look first. */
  readonly hop: Hop;
  /** Exit code when the error ends a command: 1 failed, 2 usage or config, 3 refused credential, 4 unreachable. */
  readonly exit: 1 | 2 | 3 | 4;
  /** One sentence for ERRORS.md: what it means and what to do. */
  readonly meaning: string;
}

/**
 * Every error code. Texts must not contain the words by which clouddriver recognises absent or
 * refused objects (design 4), hence "refused", never the other word.
 */
export const ERROR_KINDS = {
  // Callers and their credentials
  CREDENTIAL_MISSING: {
    status: 401,
    hop: 'caller',
    exit: 3,
    meaning: 'The request carries no credential. Use the generated kubeconfig, or send the token.',
  },
  CREDENTIAL_REFUSED: {
    status: 401,
    hop: 'caller',
    exit: 3,
    meaning:
      'The credential is not one of this controller: expired, altered, of another CA or key, or of another purpose. Issue a new one.',
  },
  CREDENTIALS_DISAGREE: {
    status: 401,
    hop: 'caller',
    exit: 3,
    meaning: 'Two credentials of one request name different routes. Send only one.',
  },
  ROUTE_MISMATCH: {
    status: 403,
    hop: 'caller',
    exit: 3,
    meaning:
      'The path prefix names another agent or service than the credential. Use the server URL and credential of the same kubeconfig. A path of the service itself that looks like a prefix (/agents/…) has to stand behind the prefix of the route.',
  },
  PURPOSE_REFUSED: {
    status: 403,
    hop: 'caller',
    exit: 3,
    meaning:
      'The credential was issued for another purpose (agent, service, control) than the one it is used for.',
  },
  REQUEST_INVALID: {
    status: 400,
    hop: 'caller',
    exit: 1,
    meaning:
      'The request cannot be forwarded as it is: ambiguous framing, an absolute-form target, CONNECT, or bytes that HTTP does not allow.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    hop: 'caller',
    exit: 1,
    meaning:
      'The head of the request did not arrive within the limit. Its sender is stuck, or sends to the wrong port.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    hop: 'caller',
    exit: 1,
    meaning: 'The request body is over the limit of this endpoint.',
  },
  BODY_STALLED: {
    status: 408,
    hop: 'caller',
    exit: 1,
    meaning: 'The request body stopped in the middle for longer than the limit.',
  },
  TARGET_TOO_LONG: {
    status: 414,
    hop: 'caller',
    exit: 1,
    meaning: 'The request target is longer than the limit.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    hop: 'caller',
    exit: 1,
    meaning: 'The request headers are over the limit.',
  },
  TOO_MANY_STREAMS: {
    status: 429,
    hop: 'controller',
    exit: 1,
    meaning:
      'The session or process carries as many streams as it may. Try again, or raise the limit.',
  },
  BUFFERS_SPENT: {
    status: 503,
    hop: 'controller',
    exit: 1,
    meaning: 'The budget for buffered bytes is spent. Try again, or raise the limit.',
  },
  CALLER_LEFT: {
    status: 499,
    hop: 'caller',
    exit: 1,
    meaning: 'The caller closed its connection or stream before the response was complete.',
  },
  // Agents and the link
  AGENT_NOT_CONNECTED: {
    status: 503,
    hop: 'agent',
    exit: 4,
    meaning: 'No agent of that name is connected. Look at the log of the agent.',
  },
  SERVICE_NOT_OFFERED: {
    status: 503,
    hop: 'agent',
    exit: 4,
    meaning: 'The agent is connected but does not offer that service. Look at its services file.',
  },
  SERVICE_NOT_CONFIGURED: {
    status: 502,
    hop: 'agent',
    exit: 2,
    meaning:
      'The agent knows the service but cannot use it, as its configuration is faulty. Look at the log of the agent.',
  },
  AGENT_LOST: {
    status: 502,
    hop: 'link',
    exit: 4,
    meaning: 'The agent was lost while the request was under way.',
  },
  DRAINING: {
    status: 503,
    hop: 'controller',
    exit: 1,
    meaning: 'The process is stopping and takes no more requests. Try again.',
  },
  PROTOCOL_VIOLATION: {
    status: 502,
    hop: 'link',
    exit: 1,
    meaning: 'The peer broke the tunnel protocol; its session was closed. The log says how.',
  },
  VERSION_MISMATCH: {
    status: 502,
    hop: 'link',
    exit: 1,
    meaning: 'Controller and agent have no protocol version in common. Upgrade the older one.',
  },
  AGENT_REFUSED: {
    status: 401,
    hop: 'link',
    exit: 3,
    meaning:
      'The controller refused the identity of the agent. Apply a newly generated agent manifest.',
  },
  HEARTBEAT_LOST: {
    status: 502,
    hop: 'link',
    exit: 4,
    meaning: 'The peer has not answered heartbeats for as long as allowed.',
  },
  // Targets
  TARGET_UNREACHABLE: {
    status: 502,
    hop: 'target',
    exit: 4,
    meaning:
      'The agent could not connect to the target: refused, no route, or its name does not resolve.',
  },
  TARGET_TLS_FAILED: {
    status: 502,
    hop: 'target',
    exit: 4,
    meaning:
      'The TLS handshake with the target failed: its certificate is not trusted, expired or for another name, or it wants another client certificate.',
  },
  TARGET_BROKE_OFF: {
    status: 502,
    hop: 'target',
    exit: 1,
    meaning: 'The target closed the connection or answered something that is not HTTP.',
  },
  TARGET_SILENT: {
    status: 504,
    hop: 'target',
    exit: 4,
    meaning: 'The target sent no response head within the allowed time.',
  },
  TARGET_USER_REFUSED: {
    status: 502,
    hop: 'target',
    exit: 1,
    meaning:
      'The target answered with an X-Spinnaker-User that this controller did not sign, or signed too long ago. A target may answer with the value it was given, and with no other.',
  },
  TARGET_CREDENTIAL_FAILED: {
    status: 502,
    hop: 'agent',
    exit: 2,
    meaning: 'The agent could not read or obtain its credential for the target.',
  },
  // Operators: commands, configuration, certificates
  CONFIG_INVALID: {
    status: 400,
    hop: 'operator',
    exit: 2,
    meaning:
      'A configuration file or option is wrong. The message names file, line and what was expected.',
  },
  CERTIFICATE_INVALID: {
    status: 400,
    hop: 'operator',
    exit: 2,
    meaning:
      'A certificate or key file is missing, unreadable, expired, or does not fit its partner.',
  },
  PORT_UNAVAILABLE: {
    status: 500,
    hop: 'operator',
    exit: 2,
    meaning: 'A listener could not be opened: the port is in use or not permitted.',
  },
  CONTROL_REQUEST_INVALID: {
    status: 400,
    hop: 'operator',
    exit: 2,
    meaning: 'A control API request is not the JSON it should be, or a field in it is wrong.',
  },
  CONTROL_UNREACHABLE: {
    status: 503,
    hop: 'operator',
    exit: 4,
    meaning: 'A client command could not reach the control API.',
  },
  CONTROL_REFUSED: {
    status: 403,
    hop: 'operator',
    exit: 3,
    meaning:
      'The control API refused the client certificate, or the client does not trust the server.',
  },
  // (add further codes above this line)
  INTERNAL: {
    status: 500,
    hop: 'controller',
    exit: 1,
    meaning: 'A fault in Fairlead itself. Please report it with the log line of the request id.',
  },
} as const satisfies Record<string, ErrorKind>;

/** A stable name for one way in which something can go wrong. */
export type ErrorCode = keyof typeof ERROR_KINDS;

/** Extra facts of an error that are safe to show to whoever sees its message. */
export interface TunnelErrorOptions {
  readonly cause?: unknown;
  /** Seconds after which trying again makes sense: sent as Retry-After. Only for short known gaps. */
  readonly retryAfterSeconds?: number;
}

/** An error with a code of the catalogue and a message that may be shown to callers and operators. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: TunnelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Status, hop, exit code and meaning of this error's code. */
  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }
}

/** Whether a string (from the wire) is a code of this catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_KINDS, code);
}

/** Any thrown thing as a TunnelError; what is not one already becomes INTERNAL with the cause kept. */
export function tunnelErrorFrom(reason: unknown): TunnelError {
  if (reason instanceof TunnelError) return reason;
  return new TunnelError('INTERNAL', 'internal fault', { cause: reason });
}

/** The code of a Node system error (`ECONNREFUSED`, `ENOENT`, …), or undefined. */
export function nodeErrorCode(reason: unknown): string | undefined {
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return undefined;
  return typeof reason.code === 'string' ? reason.code : undefined;
}

/** Text of any thrown thing, for logs. */
export function errorText(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/** For the default branch of a switch over a union: fails to compile when a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
