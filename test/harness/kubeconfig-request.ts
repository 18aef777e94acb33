/**
 * One HTTPS request with the server, CA and credential of a kubeconfig, for what kubectl does not show
 * or would not send. HTTP/1.1; the path is sent as it is.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import * as https from 'node:https';
import { buffer } from 'node:stream/consumers';
import { parse } from 'yaml';

/** What a kubeconfig says about its one cluster and user. */
export interface KubeconfigAccess {
  readonly server: URL;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly token: string | undefined;
}

/** A request; the method is GET unless given. */
export interface KubeconfigRequest {
  readonly method?: string;
  /** Appended to the path of the server unless `isWholePath`. */
  readonly path: string;
  readonly isWholePath?: boolean;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

/** Its answer, the body as it was sent. */
export interface KubeconfigResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Fields = Readonly<Record<string, string | undefined>>;

/** Reads a kubeconfig with everything inline. */
export function kubeconfigAccess(kubeconfig: string): KubeconfigAccess {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    readonly clusters: readonly [{ readonly cluster: Fields & { readonly server: string } }];
    readonly users: readonly [{ readonly user: Fields }];
  }; // as Fairlead and the rig write them
  const [{ cluster }] = config.clusters;
  const [{ user }] = config.users;
  return {
    server: new URL(cluster.server),
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
    token: user['token'],
  };
}

/** Sends a request on a connection of its own. */
export async function requestWith(
  kubeconfig: string,
  { method = 'GET', path, isWholePath = false, headers = {}, body }: KubeconfigRequest,
): Promise<KubeconfigResponse> {
  const { server, ca, cert, key, token } = kubeconfigAccess(kubeconfig);
  const base = isWholePath || server.pathname === '/' ? '' : server.pathname;
  const request = https.request({
    ...{ method, ca, cert, key, agent: false },
    host: server.hostname,
    servername: server.hostname, // not the Host header's
    port: server.port,
    path: `${base}${path}`,
    headers: token === undefined ? headers : { Authorization: `Bearer ${token}`, ...headers },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage]; // by its types in node
  const { statusCode: status = 0 } = response;
  return { status, headers: response.headers, body: await buffer(response) };
}

function decoded(base64: string | undefined): Buffer | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
