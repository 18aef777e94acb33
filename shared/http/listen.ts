/**
 * Opening a listening socket with an error text an operator can act on. Used by every listener of both
 * processes; what is served on the socket is theirs.
 */
import type { AddressInfo, Server } from 'node:net';
import { errorText, nodeErrorCode, TunnelError } from '../errors.js';

/** Where to listen, and what to say when that fails. */
export interface ListenOptions {
  /** `0` takes a free port. */
  readonly port: number;
  /** Address or name to bind; undefined means all interfaces. */
  readonly host?: string | undefined;
  /** Whom the listener is for, as in `cannot listen for callers on …`. */
  readonly what: string;
  /** The configuration key that holds the port. */
  readonly option: string;
}

/** Where a listener really is. */
export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Connections that the kernel keeps until Node takes them (Linux: at most net.core.somaxconn). Node's 511 are fewer
 * than may come in the milliseconds of one turn, and a peer that finds no room tries again after a whole second.
 */
export const LISTEN_BACKLOG = 4096;

/** Starts `server` listening; resolves with the bound address, rejects with PORT_UNAVAILABLE. */
export function listen(server: Server, options: ListenOptions): Promise<BoundAddress> {
  return new Promise((resolve, reject) => {
    const onError = (reason: Error) => reject(portUnavailable(reason, options));
    server.once('error', onError);
    server.listen({ port: options.port, host: options.host, backlog: LISTEN_BACKLOG }, () => {
      server.off('error', onError);
      // A server that listens on a port has an AddressInfo; text is for pipes, null for closed ones.
      const { address, port } = server.address() as AddressInfo;
      resolve({ address, port });
    });
  });
}

/** The error of a listener that did not open; for servers that are not a `net.Server` too. */
export function portUnavailable(reason: unknown, options: ListenOptions): TunnelError {
  const where = `${bracketed(options.host) ?? '*'}:${options.port}`;
  const text = `cannot listen for ${options.what} on ${where} (option ${options.option}): ${advice(reason)}`;
  return new TunnelError('PORT_UNAVAILABLE', text, { cause: reason });
}

function bracketed(host: string | undefined): string | undefined {
  return host?.includes(':') === true ? `[${host}]` : host;
}

function advice(reason: unknown): string {
  switch (nodeErrorCode(reason) ?? '') {
    case 'EADDRINUSE':
      return 'another process uses the port; stop it or choose another port (0 takes a free one)';
    case 'EACCES':
    case 'EPERM':
      return 'not permitted; ports below 1024 need a privilege, choose a higher one';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have that address; give one of its own, or none for all';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name of the address does not resolve; give an IP address, or none for all';
    default:
      return errorText(reason);
  }
}
