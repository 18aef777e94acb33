/**
 * The OpenAPI documents as bytes, built when first asked for and again when the served resources
 * change. Used by the documents' handler.
 */
import type { Cluster } from '../cluster.js';
import { documentHash } from '../http/respond.js';
import type { JsonObject } from '../objects/json-value.js';
import { openapiV2Protobuf } from './openapi-v2-protobuf.js';
import { openapiV2 } from './openapi-v2.js';
import { openapiV3, openapiV3Paths } from './openapi-v3.js';

/** Documents of one cluster. */
export class OpenapiDocuments {
  #servedNow = '';
  readonly #built = new Map<string, Buffer>();

  constructor(private readonly cluster: Cluster) {}

  v2Json(): Buffer {
    return this.#document('v2', () => jsonBytes(this.#v2()));
  }

  v2Protobuf(): Buffer {
    return this.#document('v2 protobuf', () => openapiV2Protobuf(this.#v2()));
  }

  /** The index of version 3 documents with the hash of each. */
  v3Index(): Buffer {
    return this.#document('v3', () => {
      const paths = openapiV3Paths(this.cluster.catalog).map(({ path }) => {
        const hash = documentHash(this.v3(path) ?? Buffer.alloc(0));
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
      });
      return jsonBytes({ paths: Object.fromEntries(paths) });
    });
  }

  /** The document of `api/v1`, `apis/apps/v1` …; undefined when the cluster does not serve it. */
  v3(path: string): Buffer | undefined {
    const { catalog, schemas, minor } = this.cluster;
    const entry = openapiV3Paths(catalog).find((known) => known.path === path);
    if (entry === undefined) return undefined;
    return this.#document(`v3 ${path}`, () =>
      jsonBytes(openapiV3(catalog, schemas, { ...entry, minor })),
    );
  }

  #v2(): JsonObject {
    const { catalog, schemas, minor } = this.cluster;
    return openapiV2(catalog, schemas, minor);
  }

  #document(name: string, build: () => Buffer): Buffer {
    const servedNow = this.cluster.catalog
      .resources()
      .map(({ key, version }) => `${key} ${version}`)
      .join();
    if (servedNow !== this.#servedNow) this.#built.clear();
    this.#servedNow = servedNow;
    const known = this.#built.get(name);
    if (known !== undefined) return known;
    const built = build();
    this.#built.set(name, built);
    return built;
  }
}

function jsonBytes(document: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(document));
}
