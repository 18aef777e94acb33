/**
 * What an answer other than 200 from the control API (or from whatever is listening there instead)
 * means to somebody at a command line.
 */
import { TunnelError } from '../../shared/errors.js';
import type { ControlConnection } from './control-connection.js';
import type { ControlReply } from './control-client.js';

const ENVELOPE_PREFIX = 'Unable to process request: ';

/** The error for an answer that is not 200. */
export function replyFault(
  reply: ControlReply,
  { url, certFile }: ControlConnection,
  path: string,
): TunnelError {
  const said = messageOf(reply.text);
  switch (reply.status) {
    case 400:
    case 413:
      return new TunnelError(
        'CONTROL_REQUEST_INVALID',
        said ?? 'the controller refused the request',
      );
    case 403:
      return new TunnelError(
        'CONTROL_REFUSED',
        `the controller refused ${certFile}: ${said ?? 'no reason given'}\ngive a certificate with purpose control: "fairlead ca init" and "fairlead control-credentials" make one, ISD keeps one in oes-control-secret`,
      );
    case 401:
      return new TunnelError(
        'CONFIG_INVALID',
        `${url.origin} is not a control API: it asks for the credential of a service\nuse the control port, 9003 by default`,
      );
    case 404:
    case 405:
      return new TunnelError(
        'CONFIG_INVALID',
        `${url.origin} does not know ${path}\nis it the control API (port 9003)? Controllers of ISD know neither kubeconfig nor agent-manifest`,
      );
    case 502:
    case 503:
    case 504:
      return new TunnelError(
        'CONTROL_UNREACHABLE',
        `something in front of the controller answered ${reply.status}\nlook whether the controller runs and where ${url.origin} leads`,
      );
    default:
      return new TunnelError(
        'INTERNAL',
        `the controller answered ${reply.status}${said === undefined ? '' : `: ${said}`}\nits log says more`,
      );
  }
}

/** The message inside v3.5's error envelope, or undefined when the text is something else. */
function messageOf(text: string): string | undefined {
  try {
    const value = JSON.parse(text) as { error?: { message?: unknown } } | null; // probed field by field below
    const message = value?.error?.message;
    if (typeof message !== 'string') return undefined;
    return message.startsWith(ENVELOPE_PREFIX) ? message.slice(ENVELOPE_PREFIX.length) : message;
  } catch {
    return undefined; // a proxy's HTML page says nothing that would help
  }
}
