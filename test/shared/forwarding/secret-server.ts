/**
 * An API server that knows nothing but Secrets, for the tests of this folder.
 */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { InClusterAccess } from '../../../shared/forwarding/kubernetes-environment.js';
import type { TemporaryFolder } from './temporary-folder.js';
import { createCa } from './throwaway-certificates.js';

export interface SecretServer {
  readonly access: InClusterAccess;
  /** Entries by Secret name, plain. */
  readonly secrets: Map<string, Record<string, string>>;
  /** Every request: path and Authorization. */
  readonly requests: { path: string; authorization: string | undefined }[];
  /** Answers this status instead, if set. */
  status: number | undefined;
  /** Answers this body instead, if set. */
  body: string | undefined;
  close(): Promise<void>;
}

/** Starts one whose token and CA lie in the folder. */
export async function startSecretServer(folder: TemporaryFolder): Promise<SecretServer> {
  const ca = createCa('cluster CA');
  const pair = ca.issue('kube-apiserver');
  const server = createServer({ key: pair.key, cert: pair.cert }, (request, response) => {
    const path = request.url ?? '';
    state.requests.push({ path, authorization: request.headers.authorization });
    const data = state.secrets.get(/\/namespaces\/ns\/secrets\/([^/]+)$/.exec(path)?.[1] ?? '');
    response.statusCode = state.status ?? (data === undefined ? 404 : 200);
    const encoded = Object.entries(data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value).toString('base64'),
    ]);
    response.end(
      state.body ?? JSON.stringify({ kind: 'Secret', data: Object.fromEntries(encoded) as object }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const state: SecretServer = {
    access: {
      host: '127.0.0.1',
      port,
      namespace: 'ns',
      tokenFile: folder.write('sa-token', 'sa-token-1\n'),
      caFile: folder.write('sa-ca.crt', ca.cert),
    },
    secrets: new Map(),
    requests: [],
    status: undefined,
    body: undefined,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return state;
}
