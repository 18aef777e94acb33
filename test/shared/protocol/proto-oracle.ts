/**
 * A second encoder and decoder of the wire: protobufjs with tunnel.proto as it stands in the repository,
 * and a plain translation between its objects and our frames. Slow and naive on purpose.
 */
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import type { Frame } from '../../../shared/protocol/frame.js';
import type { ServiceAdvertisement } from '../../../shared/service-advertisement.js';

const PROTO_FILE = fileURLToPath(new URL('../../../proto/tunnel/v1/tunnel.proto', import.meta.url));

type Fields = Record<string, unknown>;

/** Encodes and decodes batches by the .proto alone. */
export interface ProtoOracle {
  /** The one call of the service. */
  readonly call: Pick<Method, 'path' | 'requestStream' | 'responseStream'>;
  encode(frames: readonly Frame[]): Buffer;
  /** Without fields at their default value, which proto3 writers leave out (protobufjs writes what it is given). */
  encodeCanonical(frames: readonly Frame[]): Buffer;
  /** Encodes a batch given as protobufjs takes it, for messages that our types cannot express. */
  encodeRaw(frames: readonly Fields[]): Buffer;
  decode(message: Buffer): Frame[];
}

/** Loads the .proto. */
export function protoOracle(): ProtoOracle {
  const method = connectMethod();
  return {
    call: method,
    encode: (frames) => method.requestSerialize({ frames: frames.map(toProto) }),
    encodeCanonical: (frames) => {
      return method.requestSerialize({
        frames: frames.map((frame) => withoutDefaults(toProto(frame))),
      });
    },
    encodeRaw: (frames) => method.requestSerialize({ frames }),
    decode: (message) => {
      const batch = method.requestDeserialize(message) as { frames: Fields[] };
      return batch.frames.map(fromProto);
    },
  };
}

/** Members of the oneof are kept even at their default, as their presence is what they say. */
function withoutDefaults(frame: Fields): Fields {
  return Object.fromEntries(
    Object.entries(frame).map(([name, value]) => [
      name,
      isMessage(value) ? stripped(value) : value,
    ]),
  );
}

function stripped(message: Fields): Fields {
  const kept: Fields = {};
  for (const [name, value] of Object.entries(message)) {
    const isDefault =
      value === 0 || value === false || value === '' || (Buffer.isBuffer(value) && !value.length);
    if (isDefault) continue;
    kept[name] = Array.isArray(value)
      ? value.map((item: unknown) => (isMessage(item) ? stripped(item) : item))
      : value;
  }
  return kept;
}

function isMessage(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !Array.isArray(value)
  );
}

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(value: object): Buffer;
  requestDeserialize(bytes: Buffer): object;
}

function connectMethod(): Method {
  const options = { keepCase: true, longs: Number, defaults: true, oneofs: true } as const;
  const service = loadSync(PROTO_FILE, options)['fairlead.tunnel.v1.Tunnel'];
  // proto-loader's type is a union of services, messages and enums
  return (service as unknown as { Connect: Method }).Connect;
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function toProto(frame: Frame): Fields {
  switch (frame.kind) {
    case 'ping':
      return { ping: frame.id };
    case 'pong':
      return { pong: frame.id };
    case 'hello':
      return {
        hello: {
          version: frame.version,
          min_version: frame.minVersion,
          capabilities: frame.capabilities,
          build: frame.build,
          hostname: frame.hostname,
          instance: frame.instance,
          generation: frame.generation,
          services: frame.services.map(serviceToProto),
          annotations: frame.annotations,
          window: frame.window,
        },
      };
    case 'welcome': {
      const { kind, services, ...rest } = frame;
      return { [kind]: { ...rest, services: services.map(serviceToProto) } };
    }
    case 'services':
      return { services: { services: frame.services.map(serviceToProto) } };
    case 'challenge':
    case 'proof':
    case 'drain':
    case 'close': {
      const { kind, ...rest } = frame;
      return { [kind]: rest };
    }
    case 'open': {
      const { stream, service, ended, upgrade, window } = frame;
      return {
        stream,
        open: {
          service_type: service.type,
          service_name: service.name,
          method: bytes(frame.method),
          target: bytes(frame.target),
          headers: frame.headers.map(bytes),
          ended,
          upgrade,
          window,
        },
      };
    }
    case 'head': {
      const { stream, status, ended } = frame;
      const headers = frame.headers.map(bytes);
      return { stream, head: { status, reason: bytes(frame.reason), headers, ended } };
    }
    case 'data':
      return { stream: frame.stream, data: frame.bytes };
    case 'end':
      return { stream: frame.stream, end: { trailers: frame.trailers.map(bytes) } };
    case 'reset': {
      const { stream, code, message, retryAfterSeconds } = frame;
      return { stream, reset: { code, message, retry_after_seconds: retryAfterSeconds } };
    }
    case 'credit':
      return { stream: frame.stream, credit: frame.bytes };
  }
}

function serviceToProto(service: ServiceAdvertisement): Fields {
  const { accountId, assumeRole, ...rest } = service;
  return { ...rest, account_id: accountId, assume_role: assumeRole };
}

/** protobufjs' object, with defaults filled in and `kind` naming the member of the oneof. */
function fromProto(object: Fields): Frame {
  const kind = object['kind'] as Frame['kind'];
  const stream = object['stream'] as number;
  const body = object[kind] as Fields;
  // what follows has the shape of the frame by construction; comparing it is the point of the oracle
  return frameFields(kind, stream, body) as unknown as Frame;
}

function frameFields(kind: Frame['kind'], stream: number, body: Fields): Fields {
  switch (kind) {
    case 'ping':
    case 'pong':
      return { kind, id: body };
    case 'credit':
    case 'data':
      return { kind, stream, bytes: body };
    case 'hello': {
      const { min_version: minVersion, services, ...rest } = body;
      return { kind, ...rest, minVersion, services: servicesFromProto(services) };
    }
    case 'welcome':
    case 'services':
      return { kind, ...body, services: servicesFromProto(body['services']) };
    case 'challenge':
    case 'proof':
    case 'drain':
    case 'close':
      return { kind, ...body };
    case 'open': {
      const { service_type: type, service_name: name, method, target, headers, ...rest } = body;
      const texts = { method: latin1(method), target: latin1(target), headers: latin1s(headers) };
      return { kind, stream, service: { type, name }, ...texts, ...rest };
    }
    case 'head': {
      const { reason, headers, ...rest } = body;
      return { kind, stream, ...rest, reason: latin1(reason), headers: latin1s(headers) };
    }
    case 'end':
      return { kind, stream, trailers: latin1s(body['trailers']) };
    case 'reset': {
      const { retry_after_seconds: retryAfterSeconds, ...rest } = body;
      return { kind, stream, ...rest, retryAfterSeconds };
    }
  }
}

function latin1(value: unknown): string {
  return (value as Buffer).toString('latin1');
}

function latin1s(values: unknown): string[] {
  return (values as Buffer[]).map(latin1);
}

function servicesFromProto(services: unknown): Fields[] {
  return (services as Fields[]).map(({ account_id, assume_role, ...rest }) => ({
    ...rest,
    accountId: account_id,
    assumeRole: assume_role,
  }));
}
