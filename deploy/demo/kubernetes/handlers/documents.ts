/** The paths that name no resource: health, version, discovery, OpenAPI. */
import { aggregatedDiscovery, aggregatedVersions } from '../discovery/aggregated-discovery.js';
import { coreVersions, groupList, oneGroup, resourceList } from '../discovery/legacy-discovery.js';
import type { Cluster } from '../cluster.js';
import { acceptedDiscovery, acceptsType, discoveryContentType } from '../http/accept.js';
import type { Exchange } from '../http/exchange.js';
import { headerOf } from '../http/exchange.js';
import { documentHash, sendDocument, sendJson, sendText } from '../http/respond.js';
import type { JsonObject } from '../objects/json-value.js';
import type { OpenapiDocuments } from '../openapi/openapi-documents.js';
import { methodNotAllowed, notAcceptable, pathNotFound } from '../status-error.js';

/** What the documents are made from. */
export interface DocumentSource {
  readonly cluster: Cluster;
  readonly openapi: OpenapiDocuments;
}

const PROTOBUF_V2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const PROTOBUF_V2_ANSWER = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Answers a path that names no resource; false when the path is one of a resource. */
export async function answerDocument(source: DocumentSource, exchange: Exchange): Promise<boolean> {
  const [root = '', ...rest] = exchange.segments;
  const isDocument = ['healthz', 'livez', 'readyz', 'version', 'openapi', ''].includes(root);
  const isDiscovery = (root === 'api' && rest.length < 2) || (root === 'apis' && rest.length < 3);
  if (!isDocument && !isDiscovery) return false;
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw methodNotAllowed();
  if (isDiscovery) await sendDiscovery(source.cluster, exchange);
  else if (root === 'openapi') await sendOpenapi(source.openapi, exchange);
  else if (root === 'version') await sendJson(exchange, 200, versionInfo(source.cluster.minor));
  else if (root === '')
    await sendJson(exchange, 200, {
      paths: ['/api', '/apis', '/healthz', '/openapi/v2', '/version'],
    });
  else await sendText(exchange, 200, 'ok');
  return true;
}

function versionInfo(minor: number): JsonObject {
  return {
    major: '1',
    minor: String(minor),
    gitVersion: `v1.${minor}.0`,
    gitCommit: 'fa1r1ead00000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2025-01-01T00:00:00Z',
    goVersion: 'go1.22.0',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

async function sendDiscovery(cluster: Cluster, exchange: Exchange): Promise<void> {
  const [root, ...rest] = exchange.segments;
  const { catalog, minor } = cluster;
  if (rest.length === 0) {
    const version = acceptedDiscovery(headerOf(exchange, 'accept'), aggregatedVersions(minor));
    const plain = root === 'api' ? coreVersions(headerOf(exchange, 'host')) : groupList(catalog);
    const document =
      version === undefined
        ? plain
        : aggregatedDiscovery(catalog, version, root === 'api' ? '/api' : '/apis');
    await sendDocument(exchange, Buffer.from(`${JSON.stringify(document)}\n`), {
      'Content-Type': discoveryContentType(version),
    });
    return;
  }
  const [first = '', second] = rest;
  const found =
    root === 'api'
      ? resourceList(catalog, '', first)
      : second === undefined
        ? oneGroup(catalog, first)
        : resourceList(catalog, first, second);
  if (found === undefined) throw pathNotFound();
  await sendJson(exchange, 200, found);
}

async function sendOpenapi(openapi: OpenapiDocuments, exchange: Exchange): Promise<void> {
  const [, version, ...rest] = exchange.segments;
  const accept = headerOf(exchange, 'accept');
  if (version === 'v2' && rest.length === 0) {
    const isProtobuf = acceptsType(accept, PROTOBUF_V2);
    const body = isProtobuf ? openapi.v2Protobuf() : openapi.v2Json();
    await sendDocument(exchange, body, {
      'Content-Type': isProtobuf ? PROTOBUF_V2_ANSWER : 'application/json',
    });
    return;
  }
  const body = rest.length === 0 ? openapi.v3Index() : openapi.v3(rest.join('/'));
  if (version !== 'v3' || body === undefined) throw pathNotFound();
  if (!acceptsType(accept, 'application/json') && !acceptsType(accept, '*/*')) {
    throw notAcceptable('application/json');
  }
  const hash = exchange.query.get('hash');
  const actual = documentHash(body);
  if (hash !== null && hash !== actual) {
    const location = `/openapi/v3/${rest.join('/')}?hash=${actual}`;
    exchange.response.writeHead(301, { Location: location, 'Content-Length': '0' });
    exchange.response.end();
    return;
  }
  await sendDocument(exchange, body, {
    'Content-Type': 'application/json',
    ...(hash === null ? {} : { 'Cache-Control': 'public, immutable' }),
  });
}
