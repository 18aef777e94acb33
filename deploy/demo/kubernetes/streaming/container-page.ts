/** The small web page that every container of the demo serves on its declared ports. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A running page server. */
export interface ContainerPage {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts the page on a free loopback port. */
export async function startContainerPage(): Promise<ContainerPage> {
  const server = createServer((request, response) => {
    response.end(`Hello from the demo cluster, ${request.method ?? ''} ${request.url ?? ''}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server that listens has an AddressInfo, never a pipe name.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
