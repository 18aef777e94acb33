/**
 * Protobuf Batch (tunnel.proto) -> frames. Checks the protocol's limits as it reads and refuses what a
 * peer of an agreed version cannot have sent; the session then ends with PROTOCOL_VIOLATION.
 */
import type { HeaderList } from '../http/header-list.js';
import type { ServiceAdvertisement } from '../service-advertisement.js';
import { PROTOCOL_LIMITS } from './frame.js';
import type {
  CloseFrame,
  Frame,
  HeadFrame,
  HelloFrame,
  OpenFrame,
  ResetFrame,
  WelcomeFrame,
} from './frame.js';
import { FRAME_FIELDS } from './frame-encoder.js';
import { WireReader, bytesTag, varintTag, wireError } from './wire-reader.js';

const STREAM = varintTag(FRAME_FIELDS.stream);
const HELLO = bytesTag(FRAME_FIELDS.hello);
const WELCOME = bytesTag(FRAME_FIELDS.welcome);
const CHALLENGE = bytesTag(FRAME_FIELDS.challenge);
const PROOF = bytesTag(FRAME_FIELDS.proof);
const PING = varintTag(FRAME_FIELDS.ping);
const PONG = varintTag(FRAME_FIELDS.pong);
const DRAIN = bytesTag(FRAME_FIELDS.drain);
const SERVICES = bytesTag(FRAME_FIELDS.services);
const CLOSE = bytesTag(FRAME_FIELDS.close);
const OPEN = bytesTag(FRAME_FIELDS.open);
const HEAD = bytesTag(FRAME_FIELDS.head);
const DATA = bytesTag(FRAME_FIELDS.data);
const END = bytesTag(FRAME_FIELDS.end);
const RESET = bytesTag(FRAME_FIELDS.reset);
const CREDIT = varintTag(FRAME_FIELDS.credit);

/** Hands each frame of a batch to `onFrame`, in order. Throws PROTOCOL_VIOLATION. */
export function decodeBatch(message: Buffer, onFrame: (frame: Frame) => void): void {
  if (message.length > PROTOCOL_LIMITS.maxBatchBytes) throw wireError('batch is over the limit');
  const reader = new WireReader(message);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag !== bytesTag(1)) throw wireError(`unexpected field ${tag >>> 3} in a batch`);
    onFrame(readFrame(reader.message()));
  }
}

function readFrame(reader: WireReader): Frame {
  let stream = 0;
  let tag = reader.varint();
  if (tag === STREAM) {
    stream = reader.varint();
    tag = reader.varint();
  }
  const frame = stream === 0 ? readSessionFrame(reader, tag) : readStreamFrame(reader, tag, stream);
  if (!reader.isAtEnd) throw wireError('a frame holds more than one kind');
  return frame;
}

function readSessionFrame(reader: WireReader, tag: number): Frame {
  switch (tag) {
    case PING:
      return { kind: 'ping', id: reader.uint32() };
    case PONG:
      return { kind: 'pong', id: reader.uint32() };
    case HELLO:
      return readHello(reader.message());
    case WELCOME:
      return readWelcome(reader.message());
    case CHALLENGE:
      return { kind: 'challenge', nonce: readTwoByteStrings(reader.message())[0] };
    case PROOF: {
      const [certificate, signature] = readTwoByteStrings(reader.message());
      return { kind: 'proof', certificate, signature };
    }
    case DRAIN:
      return { kind: 'drain', reason: readText(reader.message()) };
    case SERVICES:
      return { kind: 'services', services: readServices(reader.message()) };
    case CLOSE:
      return readClose(reader.message());
    default:
      throw wireError(`unknown session frame ${tag >>> 3}`);
  }
}

function readStreamFrame(reader: WireReader, tag: number, stream: number): Frame {
  switch (tag) {
    case DATA: {
      const bytes = reader.bytesToKeep();
      if (bytes.length > PROTOCOL_LIMITS.maxDataBytes) throw wireError('data is over the limit');
      return { kind: 'data', stream, bytes };
    }
    case CREDIT:
      return { kind: 'credit', stream, bytes: reader.uint32() };
    case HEAD:
      return readHead(reader.message(), stream);
    case END:
      return { kind: 'end', stream, trailers: readHeaders(reader.message(), 1) };
    case OPEN:
      return readOpen(reader.message(), stream);
    case RESET:
      return readReset(reader.message(), stream);
    default:
      throw wireError(`unknown stream frame ${tag >>> 3}`);
  }
}

function readOpen(reader: WireReader, stream: number): OpenFrame {
  let type = '';
  let name = '';
  let method = '';
  let target = '';
  const headers: HeaderList = [];
  let ended = false;
  let upgrade = false;
  let window = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) type = reader.string();
    else if (tag === bytesTag(2)) name = reader.string();
    else if (tag === bytesTag(3)) method = reader.latin1();
    else if (tag === bytesTag(4)) target = reader.latin1();
    else if (tag === bytesTag(5)) pushHeader(headers, reader);
    else if (tag === varintTag(6)) ended = reader.bool();
    else if (tag === varintTag(7)) upgrade = reader.bool();
    else if (tag === varintTag(8)) window = reader.uint32();
    else reader.skip(tag);
  }
  checkPairs(headers);
  const service = { type, name };
  return { kind: 'open', stream, service, method, target, headers, ended, upgrade, window };
}

function readHead(reader: WireReader, stream: number): HeadFrame {
  let status = 0;
  let reason = '';
  const headers: HeaderList = [];
  let ended = false;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(3)) pushHeader(headers, reader);
    else if (tag === varintTag(1)) status = reader.uint32();
    else if (tag === bytesTag(2)) reason = reader.latin1();
    else if (tag === varintTag(4)) ended = reader.bool();
    else reader.skip(tag);
  }
  checkPairs(headers);
  if (status < 100 || status > 999) throw wireError(`status ${status}`);
  return { kind: 'head', stream, status, reason, headers, ended };
}

function readReset(reader: WireReader, stream: number): ResetFrame {
  let code = '';
  let message = '';
  let retryAfterSeconds = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) code = reader.string();
    else if (tag === bytesTag(2)) message = reader.string();
    else if (tag === varintTag(3)) retryAfterSeconds = reader.uint32();
    else reader.skip(tag);
  }
  return { kind: 'reset', stream, code, message, retryAfterSeconds };
}

function readHello(reader: WireReader): HelloFrame {
  let version = 0;
  let minVersion = 0;
  const capabilities: string[] = [];
  let build = '';
  let hostname = '';
  let instance = '';
  let generation = 0;
  const services: ServiceAdvertisement[] = [];
  const annotations = newMap();
  let entries = 0;
  let window = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === varintTag(1)) version = reader.uint32();
    else if (tag === varintTag(2)) minVersion = reader.uint32();
    else if (tag === bytesTag(3)) addItem(capabilities, reader.string());
    else if (tag === bytesTag(4)) build = reader.string();
    else if (tag === bytesTag(5)) hostname = reader.string();
    else if (tag === bytesTag(6)) instance = reader.string();
    else if (tag === varintTag(7)) generation = reader.uint32();
    else if (tag === bytesTag(8)) addItem(services, readService(reader.message()));
    else if (tag === bytesTag(9)) readMapEntry(reader.message(), annotations, ++entries);
    else if (tag === varintTag(10)) window = reader.uint32();
    else reader.skip(tag);
  }
  return {
    kind: 'hello',
    version,
    minVersion,
    capabilities,
    build,
    hostname,
    instance,
    generation,
    services,
    annotations,
    window,
  };
}

function readWelcome(reader: WireReader): WelcomeFrame {
  let version = 0;
  const capabilities: string[] = [];
  let build = '';
  let session = '';
  const services: ServiceAdvertisement[] = [];
  let window = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === varintTag(1)) version = reader.uint32();
    else if (tag === bytesTag(3)) addItem(capabilities, reader.string());
    else if (tag === bytesTag(4)) build = reader.string();
    else if (tag === bytesTag(5)) session = reader.string();
    else if (tag === bytesTag(8)) addItem(services, readService(reader.message()));
    else if (tag === varintTag(10)) window = reader.uint32();
    else reader.skip(tag);
  }
  return { kind: 'welcome', version, capabilities, build, session, services, window };
}

function readClose(reader: WireReader): CloseFrame {
  let code = '';
  let message = '';
  let final = false;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) code = reader.string();
    else if (tag === bytesTag(2)) message = reader.string();
    else if (tag === varintTag(3)) final = reader.bool();
    else reader.skip(tag);
  }
  return { kind: 'close', code, message, final };
}

function readServices(reader: WireReader): ServiceAdvertisement[] {
  const services: ServiceAdvertisement[] = [];
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) addItem(services, readService(reader.message()));
    else reader.skip(tag);
  }
  return services;
}

function readService(reader: WireReader): ServiceAdvertisement {
  let type = '';
  let name = '';
  let configured = false;
  const annotations = newMap();
  let entries = 0;
  const namespaces: string[] = [];
  let accountId = '';
  let assumeRole = '';
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) type = reader.string();
    else if (tag === bytesTag(2)) name = reader.string();
    else if (tag === varintTag(3)) configured = reader.bool();
    else if (tag === bytesTag(4)) readMapEntry(reader.message(), annotations, ++entries);
    else if (tag === bytesTag(5)) addItem(namespaces, reader.string());
    else if (tag === bytesTag(6)) accountId = reader.string();
    else if (tag === bytesTag(7)) assumeRole = reader.string();
    else reader.skip(tag);
  }
  return { type, name, configured, annotations, namespaces, accountId, assumeRole };
}

function readHeaders(reader: WireReader, field: number): HeaderList {
  const headers: HeaderList = [];
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(field)) pushHeader(headers, reader);
    else reader.skip(tag);
  }
  checkPairs(headers);
  return headers;
}

function pushHeader(headers: HeaderList, reader: WireReader): void {
  if (headers.length >= PROTOCOL_LIMITS.maxHeaderCount * 2) throw wireError('too many headers');
  headers.push(reader.latin1());
}

function addItem<T>(list: T[], item: T): void {
  list.push(item);
  checkItems(list.length);
}

/** An item may take two bytes in a message and hundreds in memory. */
function checkItems(count: number): void {
  if (count > PROTOCOL_LIMITS.maxListItems) throw wireError('a list is too long');
}

function checkPairs(headers: HeaderList): void {
  if (headers.length % 2 !== 0) throw wireError('a header has no value');
}

function readTwoByteStrings(reader: WireReader): [Buffer, Buffer] {
  let first: Buffer = Buffer.alloc(0);
  let second: Buffer = first;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    // copied: they outlive the message, which may be large
    if (tag === bytesTag(1)) first = Buffer.from(reader.bytes());
    else if (tag === bytesTag(2)) second = Buffer.from(reader.bytes());
    else reader.skip(tag);
  }
  return [first, second];
}

function readText(reader: WireReader): string {
  let text = '';
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) text = reader.string();
    else reader.skip(tag);
  }
  return text;
}

/** A map whose keys come from a peer: no prototype to collide with. */
function newMap(): Record<string, string> {
  return Object.create(null) as Record<string, string>; // Object.create is typed any
}

/** `count` is the number of the entry: repeated keys are counted too. */
function readMapEntry(reader: WireReader, into: Record<string, string>, count: number): void {
  checkItems(count);
  let key = '';
  let value = '';
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === bytesTag(1)) key = reader.string();
    else if (tag === bytesTag(2)) value = reader.string();
    else reader.skip(tag);
  }
  into[key] = value;
}
