/**
 * The upgraded subresources of pods: exec, attach and portforward, over SPDY or WebSocket, whichever
 * the caller offers and the cluster's version knows. Used by api-handler.ts.
 */
import { tmpdir } from 'node:os';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KubernetesApiOptions } from '../api-options.js';
import type { ResourceRequest } from '../handlers/handler-context.js';
import { requestedObject } from '../handlers/handler-context.js';
import { headerOf } from '../http/exchange.js';
import { listAt, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf, namespaceOf } from '../objects/kube-object.js';
import { badRequest, StatusError } from '../status-error.js';
import type { RunCommand } from './command-io.js';
import { attachToLog } from './commands/attach.js';
import { runInShell } from './commands/demo-shell.js';
import { runProcess } from './commands/process-command.js';
import { PORT_FORWARD_PROTOCOL, servePortForward } from './port-forward.js';
import { serveSpdyCommand, SPDY_COMMAND_PROTOCOLS } from './spdy-command.js';
import { streamSelection } from './stream-selection.js';
import { serveWebSocketCommand, WEBSOCKET_COMMAND_PROTOCOLS } from './websocket-command.js';
import {
  acceptWebSocket,
  isWebSocketRequest,
  offeredProtocols,
} from './websocket/websocket-connection.js';
import { webSocketDuplex } from './websocket/websocket-duplex.js';

/** Subprotocol of port-forward over WebSocket: SPDY frames in binary messages. */
const TUNNELLED_PORT_FORWARD = `SPDY/3.1+${PORT_FORWARD_PROTOCOL}`;

/** Options that concern streams. */
export type PodStreamOptions = Pick<
  KubernetesApiOptions,
  'allowProcesses' | 'workDirectory' | 'podPorts'
>;

/** A checked request for a stream, ready to take the socket over. */
export type AcceptedStream = (socket: Duplex, head: Buffer) => Promise<void>;

/** True for paths that are upgraded. */
export function isPodStream(request: ResourceRequest): boolean {
  return (
    request.resource.definition.kind === 'Pod' &&
    ['exec', 'attach', 'portforward'].includes(request.subresource)
  );
}

/** Serves streams of pods. */
export class PodStreams {
  constructor(
    private readonly options: PodStreamOptions,
    /** The loopback port of the page that containers serve by default. */
    private readonly pagePort: () => number | undefined,
  ) {}

  /** Checks a request and says how to serve it. Throws StatusErrors, before anything is upgraded. */
  accept(request: ResourceRequest): AcceptedStream {
    const pod = requestedObject(request);
    if (request.subresource === 'portforward') return this.#acceptPortForward(request, pod);
    const run = this.#command(request, pod);
    const selection = streamSelection(request.exchange.query);
    const { stdin, stdout, stderr } = selection;
    if (!stdin && !stdout && !stderr) {
      throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
    }
    const incoming = request.exchange.request;
    if (isWebSocketRequest(incoming)) {
      // Before 1.30 an apiserver does not translate v5, and kubectl falls back to SPDY.
      const known = WEBSOCKET_COMMAND_PROTOCOLS.slice(request.cluster.minor >= 30 ? 0 : 1);
      const protocol = chosen(known, offeredProtocols(incoming));
      return (socket, head) =>
        serveWebSocketCommand(acceptWebSocket(incoming, socket, head, protocol), selection, run);
    }
    const protocol = chosen(SPDY_COMMAND_PROTOCOLS, spdyProtocols(incoming));
    return (socket, head) => serveSpdyCommand(acceptSpdy(socket, head, protocol), selection, run);
  }

  #acceptPortForward(request: ResourceRequest, pod: KubeObject): AcceptedStream {
    const incoming = request.exchange.request;
    const ports = this.options.podPorts?.[`${namespaceOf(pod)}/${nameOf(pod)}`];
    const declared = listAt(pod, 'spec', 'containers')
      .flatMap((container) => listAt(container, 'ports'))
      .map((port) => (typeof port === 'object' && port !== null ? port : {}));
    const resolve = (podPort: number) => {
      const isDeclared = declared.some(
        (port) => 'containerPort' in port && port['containerPort'] === podPort,
      );
      return ports?.[podPort] ?? (isDeclared ? this.pagePort() : undefined);
    };
    if (isWebSocketRequest(incoming)) {
      const known = request.cluster.minor >= 31 ? [TUNNELLED_PORT_FORWARD] : [];
      const protocol = chosen(known, offeredProtocols(incoming));
      return async (socket, head) => {
        const connection = acceptWebSocket(incoming, socket, head, protocol);
        await servePortForward(webSocketDuplex(connection), nameOf(pod), resolve);
      };
    }
    const protocol = chosen([PORT_FORWARD_PROTOCOL], spdyProtocols(incoming));
    return (socket, head) =>
      servePortForward(acceptSpdy(socket, head, protocol), nameOf(pod), resolve);
  }

  #command(request: ResourceRequest, pod: KubeObject): RunCommand {
    const { cluster, exchange } = request;
    const names = listAt(pod, 'spec', 'containers').map((entry) => stringAt(entry, 'name'));
    const container = exchange.query.get('container') ?? names[0] ?? '';
    if (!names.includes(container)) {
      throw badRequest(`container ${container} is not valid for pod ${nameOf(pod)}`);
    }
    if (request.subresource === 'attach') {
      const place = { namespace: namespaceOf(pod), pod: nameOf(pod), container };
      return (io) => attachToLog(cluster.podLogs, place, io);
    }
    const command = exchange.query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least 1 command');
    const { allowProcesses = false, workDirectory = tmpdir() } = this.options;
    const environment = {
      HOSTNAME: nameOf(pod),
      PATH: '/bin:/usr/bin',
      ...environmentOf(pod, container),
    };
    const fallback = allowProcesses
      ? (words: readonly string[], io: Parameters<RunCommand>[0]) =>
          runProcess(words, workDirectory, io)
      : undefined;
    // A terminal needs what only the built-in shell has: prompts, echo and `stty size`.
    return (io) =>
      allowProcesses && !io.isTerminal
        ? runProcess(command, workDirectory, io)
        : runInShell(command, io, { environment, fallback, now: cluster.now });
  }
}

function environmentOf(pod: KubeObject, container: string): Record<string, string> {
  const spec = listAt(pod, 'spec', 'containers').find(
    (entry) => stringAt(entry, 'name') === container,
  );
  const entries = listAt(spec, 'env').map((entry) => [
    stringAt(entry, 'name'),
    stringAt(entry, 'value'),
  ]);
  return Object.fromEntries(entries) as Record<string, string>; // pairs of strings
}

/** The first known protocol that is offered. Throws what a kubelet answers when there is none. */
function chosen(known: readonly string[], offered: readonly string[]): string {
  const protocol = known.find((entry) => offered.includes(entry));
  if (protocol !== undefined) return protocol;
  throw new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`,
  });
}

function spdyProtocols(request: IncomingMessage): string[] {
  if (!/^SPDY\/3\.1$/i.test(headerOf({ request }, 'upgrade'))) {
    throw badRequest('unable to upgrade: missing upgrade headers in request');
  }
  return headerOf({ request }, 'x-stream-protocol-version')
    .split(',')
    .map((entry) => entry.trim());
}

function acceptSpdy(socket: Duplex, head: Buffer, protocol: string): Duplex {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    `X-Stream-Protocol-Version: ${protocol}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}
