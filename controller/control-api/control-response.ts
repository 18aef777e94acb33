/**
 * What the control API answers: a status, headers and a text, not yet tied to a socket.
 * The envelope of refusals is v3.5's, byte for byte: `{"error":{"message":"Unable to process request: …"}}`.
 */
import type { TunnelError } from '../../shared/errors.js';

/** An answer of the control API. `body` is UTF-8 text. */
export interface ControlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** 200 with a JSON body. */
export function jsonResponse(reply: object): ControlResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(reply),
  };
}

/** The object without its empty strings and undefined fields, as Go's `omitempty` writes it. */
export function withoutEmpty(reply: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(reply).filter(([, value]) => value !== '' && value !== undefined),
  );
}

/** 200 with a YAML document. */
export function yamlResponse(text: string): ControlResponse {
  return { status: 200, headers: { 'Content-Type': 'application/yaml' }, body: text };
}

/** v3.5's error envelope around a cause, with any status and further headers. */
export function refusal(
  status: number,
  cause: string,
  headers: Readonly<Record<string, string>> = {},
): ControlResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ error: { message: `Unable to process request: ${cause}` } }),
  };
}

/** The envelope for an error of the catalogue, with the status that the catalogue gives it. */
export function errorAnswer(error: TunnelError): ControlResponse {
  return refusal(error.kind.status, error.message);
}

/** What Go's router said to a path it did not know; some probes look for exactly that. */
export function unknownPath(): ControlResponse {
  return {
    status: 404,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
    body: '404 page not found\n',
  };
}
