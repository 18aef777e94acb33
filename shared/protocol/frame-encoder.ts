/**
 * Frames -> protobuf (tunnel.proto), written by hand because it is the data path: no objects between.
 * batch.ts puts frames together. test/wire compares it with protobufjs reading the same .proto.
 */
import type { HeaderList } from '../http/header-list.js';
import { assertNever } from '../errors.js';
import type { ServiceAdvertisement } from '../service-advertisement.js';
import type { HelloFrame, OpenFrame, OutgoingFrame, WelcomeFrame } from './frame.js';
import {
  fieldSize,
  latin1FieldSize,
  stringFieldSize,
  utf8Length,
  varintFieldSize,
  varintSize,
} from './wire-writer.js';
import type { WireWriter } from './wire-writer.js';

/** Field numbers of Frame's oneof. */
export const FRAME_FIELDS = {
  stream: 1,
  hello: 2,
  welcome: 3,
  challenge: 4,
  proof: 5,
  ping: 6,
  pong: 7,
  drain: 8,
  services: 9,
  close: 10,
  open: 11,
  head: 12,
  data: 13,
  end: 14,
  reset: 15,
  credit: 16,
} as const;

/** Bytes of what stands in the frame's field: its message, its payload or its number. */
export function bodySize(frame: OutgoingFrame): number {
  switch (frame.kind) {
    case 'data':
      return frame.length;
    case 'credit':
      return varintSize(frame.bytes);
    case 'ping':
    case 'pong':
      return varintSize(frame.id);
    default:
      return messageSize(frame);
  }
}

/** Bytes of a whole frame; `body` is its `bodySize`. */
export function frameSize(frame: OutgoingFrame, body: number): number {
  const stream = streamOf(frame);
  const streamSize = stream === 0 ? 0 : 1 + varintSize(stream);
  const kind = FRAME_FIELDS[frame.kind];
  switch (frame.kind) {
    case 'credit':
    case 'ping':
    case 'pong':
      // a oneof member is written even when it is zero
      return streamSize + varintSize(kind << 3) + body;
    default:
      return streamSize + fieldSize(kind, body);
  }
}

/** Writes a frame; `body` is its `bodySize`. */
export function writeFrame(writer: WireWriter, frame: OutgoingFrame, body: number): void {
  writer.varintField(FRAME_FIELDS.stream, streamOf(frame));
  const kind = FRAME_FIELDS[frame.kind];
  switch (frame.kind) {
    case 'data':
      writer.startField(kind, body);
      for (const piece of frame.pieces) writer.bytes(piece);
      return;
    case 'credit':
      writer.varint(kind << 3);
      return writer.varint(frame.bytes);
    case 'ping':
    case 'pong':
      writer.varint(kind << 3);
      return writer.varint(frame.id);
    default:
      writer.startField(kind, body);
      writeMessage(writer, frame);
  }
}

/** Number of its stream, 0 for frames of the session. */
function streamOf(frame: OutgoingFrame): number {
  switch (frame.kind) {
    case 'open':
    case 'head':
    case 'data':
    case 'end':
    case 'reset':
    case 'credit':
      return frame.stream;
    default:
      return 0;
  }
}

type MessageFrame = Exclude<OutgoingFrame, { kind: 'ping' | 'pong' | 'credit' | 'data' }>;

function messageSize(frame: MessageFrame): number {
  switch (frame.kind) {
    case 'open':
      return openSize(frame);
    case 'head':
      return (
        varintFieldSize(1, frame.status) +
        latin1FieldSize(2, frame.reason) +
        headerListSize(3, frame.headers) +
        varintFieldSize(4, Number(frame.ended))
      );
    case 'end':
      return headerListSize(1, frame.trailers);
    case 'reset':
      return (
        stringFieldSize(1, frame.code) +
        stringFieldSize(2, frame.message) +
        varintFieldSize(3, frame.retryAfterSeconds)
      );
    case 'hello':
      return helloSize(frame);
    case 'welcome':
      return welcomeSize(frame);
    case 'challenge':
      return fieldSize(1, frame.nonce.length);
    case 'proof':
      return fieldSize(1, frame.certificate.length) + fieldSize(2, frame.signature.length);
    case 'drain':
      return stringFieldSize(1, frame.reason);
    case 'services':
      return servicesSize(1, frame.services);
    case 'close':
      return (
        stringFieldSize(1, frame.code) +
        stringFieldSize(2, frame.message) +
        varintFieldSize(3, Number(frame.final))
      );
    default:
      return assertNever(frame);
  }
}

function openSize(frame: OpenFrame): number {
  return (
    stringFieldSize(1, frame.service.type) +
    stringFieldSize(2, frame.service.name) +
    latin1FieldSize(3, frame.method) +
    latin1FieldSize(4, frame.target) +
    headerListSize(5, frame.headers) +
    varintFieldSize(6, Number(frame.ended)) +
    varintFieldSize(7, Number(frame.upgrade)) +
    varintFieldSize(8, frame.window)
  );
}

function helloSize(frame: HelloFrame): number {
  return (
    varintFieldSize(1, frame.version) +
    varintFieldSize(2, frame.minVersion) +
    stringsSize(3, frame.capabilities) +
    stringFieldSize(4, frame.build) +
    stringFieldSize(5, frame.hostname) +
    stringFieldSize(6, frame.instance) +
    varintFieldSize(7, frame.generation) +
    servicesSize(8, frame.services) +
    mapSize(9, frame.annotations) +
    varintFieldSize(10, frame.window)
  );
}

function welcomeSize(frame: WelcomeFrame): number {
  return (
    varintFieldSize(1, frame.version) +
    stringsSize(3, frame.capabilities) +
    stringFieldSize(4, frame.build) +
    stringFieldSize(5, frame.session) +
    servicesSize(8, frame.services) +
    varintFieldSize(10, frame.window)
  );
}

function serviceSize(service: ServiceAdvertisement): number {
  return (
    stringFieldSize(1, service.type) +
    stringFieldSize(2, service.name) +
    varintFieldSize(3, Number(service.configured)) +
    mapSize(4, service.annotations) +
    stringsSize(5, service.namespaces) +
    stringFieldSize(6, service.accountId) +
    stringFieldSize(7, service.assumeRole)
  );
}

function headerListSize(field: number, headers: HeaderList): number {
  let size = 0;
  for (const text of headers) size += fieldSize(field, text.length);
  return size;
}

function stringsSize(field: number, texts: readonly string[]): number {
  let size = 0;
  for (const text of texts) size += fieldSize(field, utf8Length(text));
  return size;
}

function servicesSize(field: number, services: readonly ServiceAdvertisement[]): number {
  let size = 0;
  for (const service of services) size += fieldSize(field, serviceSize(service));
  return size;
}

function mapSize(field: number, map: Readonly<Record<string, string>>): number {
  let size = 0;
  for (const [key, value] of Object.entries(map)) {
    size += fieldSize(field, stringFieldSize(1, key) + stringFieldSize(2, value));
  }
  return size;
}

function writeMessage(writer: WireWriter, frame: MessageFrame): void {
  switch (frame.kind) {
    case 'open':
      return writeOpen(writer, frame);
    case 'head':
      writer.varintField(1, frame.status);
      writer.latin1Field(2, frame.reason);
      writeHeaderList(writer, 3, frame.headers);
      return writer.varintField(4, Number(frame.ended));
    case 'end':
      return writeHeaderList(writer, 1, frame.trailers);
    case 'reset':
      writer.stringField(1, frame.code);
      writer.stringField(2, frame.message);
      return writer.varintField(3, frame.retryAfterSeconds);
    case 'hello':
      return writeHello(writer, frame);
    case 'welcome':
      return writeWelcome(writer, frame);
    case 'challenge':
      return writer.bytesField(1, frame.nonce);
    case 'proof':
      writer.bytesField(1, frame.certificate);
      return writer.bytesField(2, frame.signature);
    case 'drain':
      return writer.stringField(1, frame.reason);
    case 'services':
      return writeServices(writer, 1, frame.services);
    case 'close':
      writer.stringField(1, frame.code);
      writer.stringField(2, frame.message);
      return writer.varintField(3, Number(frame.final));
    default:
      return assertNever(frame);
  }
}

function writeOpen(writer: WireWriter, frame: OpenFrame): void {
  writer.stringField(1, frame.service.type);
  writer.stringField(2, frame.service.name);
  writer.latin1Field(3, frame.method);
  writer.latin1Field(4, frame.target);
  writeHeaderList(writer, 5, frame.headers);
  writer.varintField(6, Number(frame.ended));
  writer.varintField(7, Number(frame.upgrade));
  writer.varintField(8, frame.window);
}

function writeHello(writer: WireWriter, frame: HelloFrame): void {
  writer.varintField(1, frame.version);
  writer.varintField(2, frame.minVersion);
  for (const capability of frame.capabilities) writer.stringItem(3, capability);
  writer.stringField(4, frame.build);
  writer.stringField(5, frame.hostname);
  writer.stringField(6, frame.instance);
  writer.varintField(7, frame.generation);
  writeServices(writer, 8, frame.services);
  writeMap(writer, 9, frame.annotations);
  writer.varintField(10, frame.window);
}

function writeWelcome(writer: WireWriter, frame: WelcomeFrame): void {
  writer.varintField(1, frame.version);
  for (const capability of frame.capabilities) writer.stringItem(3, capability);
  writer.stringField(4, frame.build);
  writer.stringField(5, frame.session);
  writeServices(writer, 8, frame.services);
  writer.varintField(10, frame.window);
}

function writeServices(
  writer: WireWriter,
  field: number,
  services: readonly ServiceAdvertisement[],
): void {
  for (const service of services) {
    writer.startField(field, serviceSize(service));
    writer.stringField(1, service.type);
    writer.stringField(2, service.name);
    writer.varintField(3, Number(service.configured));
    writeMap(writer, 4, service.annotations);
    for (const namespace of service.namespaces) writer.stringItem(5, namespace);
    writer.stringField(6, service.accountId);
    writer.stringField(7, service.assumeRole);
  }
}

function writeHeaderList(writer: WireWriter, field: number, headers: HeaderList): void {
  for (const text of headers) writer.latin1Item(field, text);
}

function writeMap(writer: WireWriter, field: number, map: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(map)) {
    writer.startField(field, stringFieldSize(1, key) + stringFieldSize(2, value));
    writer.stringField(1, key);
    writer.stringField(2, value);
  }
}
