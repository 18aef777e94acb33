/**
 * All ports on which callers reach the controller: the service port, and v3.5's extra ports
 * (`services.incomingServices`), which either route by credential over TLS or have a fixed destination
 * and no authentication at all.
 */
import type { SecureContextOptions } from 'node:tls';
import type { IncomingService } from '../../shared/config/services-config.js';
import type { BoundAddress } from '../../shared/http/listen.js';
import { agentName } from '../../shared/ids.js';
import { startCallerListener } from '../../shared/intake/caller-listener.js';
import type { CallerLimits, CallerListener } from '../../shared/intake/caller-listener.js';
import type { Log } from '../../shared/log.js';
import type { ServiceProxy } from './service-proxy.js';

/** How the ports are set up. */
export interface CallerPortsOptions {
  readonly servicePort: number;
  readonly bindAddress: string | undefined;
  readonly incoming: readonly IncomingService[];
  readonly tls: SecureContextOptions;
  readonly limits: CallerLimits;
  readonly proxy: ServiceProxy;
  readonly log: Log;
}

/** The open ports. */
export class CallerPorts {
  readonly #listeners: CallerListener[] = [];

  /** Opens them all, or none. Rejects with PORT_UNAVAILABLE. */
  static async open(options: CallerPortsOptions): Promise<CallerPorts> {
    const ports = new CallerPorts();
    try {
      await ports.#openService(options);
      for (const incoming of options.incoming) await ports.#openIncoming(options, incoming);
      return ports;
    } catch (reason) {
      await ports.close();
      throw reason;
    }
  }

  /** Address of the service port. */
  get address(): BoundAddress | undefined {
    return this.#listeners[0]?.address;
  }

  setSecureContext(tls: SecureContextOptions): void {
    for (const listener of this.#listeners) listener.setSecureContext(tls);
  }

  drain(): void {
    for (const listener of this.#listeners) listener.drain();
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #openService(options: CallerPortsOptions): Promise<void> {
    const { servicePort: port, bindAddress, tls, limits, proxy, log } = options;
    this.#listeners.push(
      await startCallerListener({
        port,
        bindAddress,
        what: 'callers',
        option: 'serviceListenPort',
        tls,
        limits,
        log,
        onExchange: (exchange) => proxy.serve(exchange),
        onFault: (exchange, error) => proxy.refuse(exchange, error),
      }),
    );
  }

  async #openIncoming(options: CallerPortsOptions, incoming: IncomingService): Promise<void> {
    const { limits, proxy, log } = options;
    const bindAddress = incoming.bindAddress ?? options.bindAddress;
    const route = {
      agent: agentName(incoming.destination),
      service: { type: incoming.serviceType, name: incoming.destinationService },
    };
    const listener = await startCallerListener({
      port: incoming.port,
      bindAddress,
      what: `incoming service "${incoming.name}"`,
      option: 'services.incomingServices[].port',
      tls: incoming.useHTTP ? undefined : options.tls,
      limits,
      log,
      onExchange: (exchange) => {
        if (incoming.useHTTP) proxy.serveFixed(exchange, route);
        else proxy.serve(exchange);
      },
      onFault: (exchange, error) => proxy.refuse(exchange, error),
    });
    this.#listeners.push(listener);
    const facts = { name: incoming.name, ...listener.address };
    if (!incoming.useHTTP) log.info(facts, 'incoming service listens, routed by credential');
    else {
      log.warn(
        { ...facts, destination: incoming.destination },
        'incoming service listens WITHOUT TLS OR AUTHENTICATION: whoever reaches this port reaches its destination (set bindAddress to limit it)',
      );
    }
  }
}
