/**
 * Reads request bodies up to the apiserver's limit and parses them as JSON or YAML.
 * Used by the writing handlers.
 */
import { parse as parseYaml } from 'yaml';
import type { Json, JsonObject } from '../objects/json-value.js';
import { isJsonObject, parseJson } from '../objects/json-value.js';
import { readProtobufObject } from '../schemas/protobuf-reader.js';
import type { SchemaCatalog } from '../schemas/schema-definition.js';
import { badRequest, bodyTooLarge, unsupportedMediaType } from '../status-error.js';
import type { Exchange } from './exchange.js';
import { headerOf } from './exchange.js';

/** The apiserver's limit for request bodies. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** The media type of the request without parameters; JSON when none is given. */
export function contentTypeOf(exchange: Exchange): string {
  const type = headerOf(exchange, 'content-type').split(';')[0]?.trim() ?? '';
  return type === '' ? 'application/json' : type;
}

/** The whole body. Throws a 413 StatusError past the limit; the rest is then discarded. */
export async function readBody(exchange: Exchange): Promise<Buffer> {
  const { request } = exchange;
  if (Number(headerOf(exchange, 'content-length')) > MAX_BODY_BYTES) {
    request.resume();
    throw bodyTooLarge(MAX_BODY_BYTES);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else reject(bodyTooLarge(MAX_BODY_BYTES));
    });
    request.once('end', () => {
      resolve(Buffer.concat(chunks));
    });
    request.once('error', reject);
    request.once('close', () => {
      reject(badRequest('unexpected EOF')); // no effect after 'end'
    });
  });
}

/** Media type of Kubernetes' own protobuf form, which typed clients from 1.32 on send. */
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/**
 * The body as an object. Throws 400 or 415 StatusErrors.
 * @param schemas needed to read the protobuf form; without them only JSON and YAML are taken
 */
export async function readObject(exchange: Exchange, schemas?: SchemaCatalog): Promise<JsonObject> {
  const type = contentTypeOf(exchange);
  if (type === PROTOBUF_TYPE && schemas !== undefined) {
    return readProtobufObject(schemas, await readBody(exchange));
  }
  if (type !== 'application/json' && type !== 'application/yaml') {
    throw unsupportedMediaType('application/json, application/yaml');
  }
  const value = parseBody(await readBody(exchange), type);
  if (!isJsonObject(value)) throw badRequest('the body of the request is not an object');
  return value;
}

/** Parses a body of a JSON or YAML type. Throws a 400 StatusError. */
export function parseBody(body: Buffer, type: string): Json {
  const text = body.toString('utf8');
  try {
    if (!type.includes('yaml')) return parseJson(text);
    return parseYaml(text) as Json; // the YAML core schema has no other values than JSON
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badRequest(`the object provided is unrecognized (must be of type ${type}): ${reason}`);
  }
}
