/**
 * An HTTP proxy that knows CONNECT only, as closed networks have it: counts what goes through it, and may
 * demand a password or refuse.
 */
import * as http from 'node:http';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy on a free port of this machine. */
export class ConnectProxy {
  /** What was asked for, `host:port`, in order. */
  readonly targets: string[] = [];
  /** Demanded as Proxy-Authorization, if set: `user:password`. */
  credentials: string | undefined;
  readonly #server = http.createServer((_request, response) => {
    response.writeHead(405).end('CONNECT only');
  });
  readonly #sockets = new Set<Duplex>();

  static async start(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor() {
    this.#server.on('connect', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#connect(request, socket, head);
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** As HTTPS_PROXY has it, with the credentials given. */
  url(credentials = this.credentials): string {
    return `http://${credentials === undefined ? '' : `${credentials}@`}127.0.0.1:${this.port}`;
  }

  /** Connections that go through now. */
  get open(): number {
    return this.#sockets.size / 2;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect(request: http.IncomingMessage, near: Duplex, head: Buffer): void {
    const target = request.url ?? '';
    this.targets.push(target);
    near.on('error', () => undefined);
    if (!this.#isAllowed(request)) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const colon = target.lastIndexOf(':');
    const host = target.slice(0, colon).replace(/^\[(.*)\]$/u, '$1');
    const far = net.connect({ host, port: Number(target.slice(colon + 1)) });
    far.on('error', () => near.destroy());
    far.on('connect', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) far.write(head);
      near.pipe(far).pipe(near);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  #isAllowed(request: http.IncomingMessage): boolean {
    if (this.credentials === undefined) return true;
    const expected = `Basic ${Buffer.from(this.credentials).toString('base64')}`;
    return request.headers['proxy-authorization'] === expected;
  }
}
