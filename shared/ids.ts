/**
 * Names and ids as distinct types, so that look-alike strings cannot change places.
 * Made only here; everything else passes them on.
 */
import { randomBytes } from 'node:crypto';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** The identity that several agent processes may share. */
export type AgentName = Branded<string, 'AgentName'>;
/** One connected agent process, as the controller numbers it. */
export type SessionId = Branded<string, 'SessionId'>;
/** One request at a caller's door; goes into logs and error bodies. */
export type RequestId = Branded<string, 'RequestId'>;

/** What an agent reaches: v3.5's (type, name) pair. */
export interface ServiceRef {
  readonly type: string;
  readonly name: string;
}

/** What a caller's credential stands for. */
export interface Route {
  readonly agent: AgentName;
  readonly service: ServiceRef;
}

/** A name as it stands in a certificate, token or config; validity is the business of whoever read it. */
export function agentName(name: string): AgentName {
  return name as AgentName; // the only place that brands
}

/** A new session id: 10 random bytes, base64url. */
export function newSessionId(): SessionId {
  return randomBytes(10).toString('base64url') as SessionId; // the only place that brands
}

/**
 * A source of request ids: a random prefix of this process and a counter, so that making one costs
 * no system call on the data path.
 */
export function requestIdSource(): () => RequestId {
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}` as RequestId; // the only place that brands
}

/** `type/name`, as it stands in logs, metrics and error texts. */
export function serviceText(service: ServiceRef): string {
  return `${service.type}/${service.name}`;
}

/** `agent/type/name`. */
export function routeText(route: Route): string {
  return `${route.agent}/${serviceText(route.service)}`;
}
