/**
 * The frames of the tunnel as TypeScript sees them; proto/tunnel/v1/tunnel.proto says who sends which
 * when. frame-encoder.ts and frame-decoder.ts turn them into bytes and back.
 */
import type { HeaderList } from '../http/header-list.js';
import type { ServiceRef } from '../ids.js';
import type { ServiceAdvertisement } from '../service-advertisement.js';

/** Newest protocol version this build speaks, and the oldest it still does (N and N-1 work together). */
export const PROTOCOL_VERSION = 1;
export const OLDEST_PROTOCOL_VERSION = 1;

/** Limits that are part of the protocol: both ends keep and check them. */
export const PROTOCOL_LIMITS = {
  /** Bytes of one gRPC message; a larger one is refused before it is read. */
  maxBatchBytes: 1 << 20,
  /** Bytes of one data frame. */
  maxDataBytes: 64 * 1024,
  /** Fields of one header list. */
  maxHeaderCount: 1024,
  /** Bytes of one head or list of trailers, so that it fits a message with what travels beside it. */
  maxHeadBytes: 512 * 1024,
  /** Services, namespaces, capabilities or annotations of one list. */
  maxListItems: 10_000,
  /** Largest credit a stream may hold. */
  maxWindowBytes: 16 * 1024 * 1024,
} as const;

/**
 * HTTP/2 receive window of the call and its connection, at both ends. A receiver opens it again when half is used, so
 * half of it may pass in a round trip: two of the largest windows of a stream. Nothing waits in it: what
 * arrives is taken at once, and held back by the windows of streams.
 */
export const LINK_WINDOW_BYTES = 64 * 1024 * 1024;

/** A request, as it stands at the head of a stream. */
export interface RequestHead {
  readonly service: ServiceRef;
  readonly method: string;
  /** Raw request target, starting with `/` (or `*` for OPTIONS), never parsed and printed again. */
  readonly target: string;
  readonly headers: HeaderList;
  /** No body and no trailers follow. */
  readonly ended: boolean;
  /** The caller asks for a protocol upgrade (SPDY/3.1, websocket). */
  readonly upgrade: boolean;
}

/** A response head; `status` 1xx (but not 101) is informational and another one follows. */
export interface ResponseHead {
  readonly status: number;
  /** Reason phrase when it is not the standard one of the status, else empty. */
  readonly reason: string;
  readonly headers: HeaderList;
  readonly ended: boolean;
}

/** First frame of an agent. */
export interface HelloFrame {
  readonly kind: 'hello';
  readonly version: number;
  readonly minVersion: number;
  readonly capabilities: readonly string[];
  readonly build: string;
  readonly hostname: string;
  readonly instance: string;
  readonly generation: number;
  readonly services: readonly ServiceAdvertisement[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly window: number;
}

/** The controller's answer to it. */
export interface WelcomeFrame {
  readonly kind: 'welcome';
  readonly version: number;
  readonly capabilities: readonly string[];
  readonly build: string;
  readonly session: string;
  readonly services: readonly ServiceAdvertisement[];
  readonly window: number;
}

/** Frames that concern the session as a whole. */
export type SessionFrame =
  | HelloFrame
  | WelcomeFrame
  | { readonly kind: 'challenge'; readonly nonce: Buffer }
  | { readonly kind: 'proof'; readonly certificate: Buffer; readonly signature: Buffer }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'pong'; readonly id: number }
  | { readonly kind: 'drain'; readonly reason: string }
  | { readonly kind: 'services'; readonly services: readonly ServiceAdvertisement[] }
  | CloseFrame;

/** Why a session ends. */
export interface CloseFrame {
  readonly kind: 'close';
  readonly code: string;
  readonly message: string;
  readonly final: boolean;
}

/** Opens a stream. */
export interface OpenFrame extends RequestHead {
  readonly kind: 'open';
  readonly stream: number;
  readonly window: number;
}

/** Answers an open. */
export interface HeadFrame extends ResponseHead {
  readonly kind: 'head';
  readonly stream: number;
}

/** Frames of one stream. */
export type StreamFrame =
  | OpenFrame
  | HeadFrame
  | DataFrame
  | { readonly kind: 'end'; readonly stream: number; readonly trailers: HeaderList }
  | ResetFrame
  | { readonly kind: 'credit'; readonly stream: number; readonly bytes: number };

/** Body bytes, as they arrive. */
export interface DataFrame {
  readonly kind: 'data';
  readonly stream: number;
  readonly bytes: Buffer;
}

/** Ends a stream as failed, or, with an empty code, as no longer wanted. */
export interface ResetFrame {
  readonly kind: 'reset';
  readonly stream: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds: number;
}

/** Everything that travels, as it arrives. */
export type Frame = SessionFrame | StreamFrame;

/** What is sent ahead of data. */
export type UrgentFrame = Exclude<Frame, DataFrame>;

/** Body bytes, as they are sent: pieces of `length` bytes together, as their source gave them, which travel as one frame. */
export interface GatheredDataFrame {
  readonly kind: 'data';
  readonly stream: number;
  readonly pieces: readonly Buffer[];
  readonly length: number;
}

/** Everything that travels, as it is sent. */
export type OutgoingFrame = UrgentFrame | GatheredDataFrame;
