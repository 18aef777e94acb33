/**
 * Reads objects in Kubernetes' protobuf form, which kubectl 1.32 and newer send for `create`,
 * `auth can-i` and other typed calls. Fields are found by the numbers in the schemas; a field
 * without a number is refused rather than lost. Answers are always JSON, which kubectl also takes.
 * Source: k8s.io/apimachinery runtime/generated.proto (Unknown) and the protobuf encoding guide.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import { badRequest } from '../status-error.js';
import { fieldsOfType, kindSchema } from './schema-catalog.js';
import type { Field, FieldType, SchemaCatalog } from './schema-definition.js';

/** First bytes of every protobuf object. */
const MAGIC = Buffer.from('k8s\0');

/** Kinds of which the demo needs nothing but the kind: every answer is the same. */
const UNREAD_KINDS = new Set([
  'SelfSubjectAccessReview',
  'SelfSubjectRulesReview',
  'SelfSubjectReview',
  'SubjectAccessReview',
  'TokenRequest',
  'Eviction',
  'DeleteOptions',
]);

/** The object in a protobuf body. Throws 400 StatusErrors for what cannot be read. */
export function readProtobufObject(schemas: SchemaCatalog, body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest(
      'the body is not in the protobuf form of Kubernetes: its first bytes are wrong',
    );
  }
  const unknown = readEntries(body.subarray(MAGIC.length));
  const type = readEntries(bytesOf(unknown, 1));
  const apiVersion = bytesOf(type, 1).toString('utf8');
  const kind = bytesOf(type, 2).toString('utf8');
  if (UNREAD_KINDS.has(kind)) return { apiVersion, kind };
  const schema = kindSchema(schemas, kind);
  if (schema === undefined) throw badRequest(`the demo cannot read kind "${kind}" as protobuf`);
  return { apiVersion, kind, ...readMessage(schemas, kind, schema.fields, bytesOf(unknown, 2)) };
}

interface Entry {
  readonly number: number;
  /** A varint's value, or the bytes of a length-delimited field. */
  readonly value: bigint | Buffer;
}

function readEntries(message: Buffer): Entry[] {
  const entries: Entry[] = [];
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[offset];
      if (byte === undefined) break;
      offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw badRequest('the protobuf body ends in the middle of a number');
  };
  while (offset < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        entries.push({ number, value: BigInt.asIntN(64, varint()) });
        break;
      case 2: {
        const length = Number(varint());
        if (offset + length > message.length) throw badRequest('the protobuf body is cut short');
        entries.push({ number, value: message.subarray(offset, offset + length) });
        offset += length;
        break;
      }
      default:
        throw badRequest(`the protobuf body has a field ${number} of wire type ${tag & 7}`);
    }
  }
  return entries;
}

function bytesOf(entries: readonly Entry[], number: number): Buffer {
  const value = entries.find((entry) => entry.number === number)?.value;
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function readMessage(
  schemas: SchemaCatalog,
  typeName: string,
  fields: ReadonlyMap<string, Field>,
  message: Buffer,
): JsonObject {
  const byNumber = new Map(
    [...fields].map(([name, field]) => [field.protobufNumber, { name, field }]),
  );
  const object: JsonObject = {};
  for (const { number, value } of readEntries(message)) {
    const known = byNumber.get(number);
    if (known === undefined) {
      if (Buffer.isBuffer(value) ? value.length === 0 : value === 0n) continue;
      throw badRequest(
        `the demo cannot read field ${number} of ${typeName} as protobuf; send JSON`,
      );
    }
    const { name, field } = known;
    if (name === 'status') continue; // only the server writes it
    const read = readValue(schemas, `${typeName}.${name}`, field.type, value);
    if (field.type.kind === 'list') {
      const list = object[name];
      object[name] = [...(Array.isArray(list) ? list : []), read];
    } else if (field.type.kind === 'map') {
      Object.assign((object[name] ??= {}), read);
    } else if (!isZero(name, read)) {
      object[name] = read;
    }
  }
  return object;
}

/** Go writes zero values of plain fields; only replicas is a pointer whose zero means something. */
function isZero(name: string, value: Json): boolean {
  if (name === 'replicas') return false;
  return value === '' || value === 0 || value === false || value === null;
}

function readValue(
  schemas: SchemaCatalog,
  path: string,
  type: FieldType,
  value: bigint | Buffer,
): Json {
  if (!Buffer.isBuffer(value)) {
    return type.kind === 'scalar' && type.type === 'boolean' ? value !== 0n : Number(value);
  }
  switch (type.kind) {
    case 'scalar':
      if (type.format === 'date-time') return readTime(value);
      return value.toString(type.format === 'byte' ? 'base64' : 'utf8');
    case 'quantity':
      return bytesOf(readEntries(value), 1).toString('utf8');
    case 'intOrString':
      return readIntOrString(value);
    case 'list':
      return readValue(schemas, path, type.items, value);
    case 'map': {
      const entry = readEntries(value);
      const key = bytesOf(entry, 1).toString('utf8');
      return { [key]: readValue(schemas, path, type.values, bytesOf(entry, 2)) };
    }
    case 'reference': {
      const fields = fieldsOfType(schemas, type) ?? new Map<string, Field>();
      return readMessage(schemas, type.name, fields, value);
    }
    case 'any':
    case 'object':
      if (value.length === 0) return {};
      throw badRequest(`the demo cannot read ${path} as protobuf; send JSON`);
  }
}

function readTime(message: Buffer): Json {
  const seconds = readEntries(message).find((entry) => entry.number === 1)?.value;
  if (typeof seconds !== 'bigint') return null;
  return new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

function readIntOrString(message: Buffer): Json {
  const entries = readEntries(message);
  const isString = entries.some((entry) => entry.number === 1 && entry.value === 1n);
  if (isString) return bytesOf(entries, 3).toString('utf8');
  const number = entries.find((entry) => entry.number === 2)?.value;
  return typeof number === 'bigint' ? Number(number) : 0;
}
