/** A caller's exchange of which only the request is looked at. */
import type { CallerExchange, ClientCertificate } from '../../../shared/intake/caller-exchange.js';

/** What a test says of a request. */
export interface TestRequest {
  readonly target?: string;
  readonly headers?: readonly string[];
  readonly certificate?: ClientCertificate | undefined;
}

/** The parts of an exchange that say who calls and what for. */
export function testExchange({
  target = '/',
  headers = [],
  certificate,
}: TestRequest): CallerExchange {
  const parts: Pick<CallerExchange, 'target' | 'headers' | 'clientCertificate'> = {
    target,
    headers: [...headers],
    clientCertificate: () => certificate,
  };
  // whoever decides about a request uses nothing else of it
  return parts as CallerExchange;
}
