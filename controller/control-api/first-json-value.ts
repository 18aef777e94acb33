/**
 * Reads a request body as Go's JSON decoder did: the first value counts, whatever follows it is
 * ignored. Used by the endpoints of the control API; what the value must hold is their business.
 */
import { errorText, TunnelError } from '../../shared/errors.js';

/**
 * The fields of the JSON object a body starts with. `null` is an object without fields, as in Go.
 * Anything else fails with CONTROL_REQUEST_INVALID and a text that says what was found.
 */
export function firstJsonObject(
  body: string,
  fieldNames: readonly string[],
): ReadonlyMap<string, unknown> {
  const value = firstJsonValue(body);
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(
      `json: cannot unmarshal ${jsonKind(value)} into an object with the fields ${fieldNames.join(', ')}`,
    );
  }
  return new Map(Object.entries(value));
}

/** What a parsed JSON value is called in messages; Go's words. */
export function jsonKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function firstJsonValue(body: string): unknown {
  const text = body.trimStart();
  if (text === '') throw invalid('EOF: the body is empty, a JSON object was expected');
  try {
    return JSON.parse(text.slice(0, endOfFirstValue(text))) as unknown;
  } catch (reason) {
    throw invalid(`the body is not JSON: ${errorText(reason)}`);
  }
}

/** Index after the first JSON value of a text without leading space; scalars reach to the end. */
function endOfFirstValue(text: string): number {
  if (text[0] === '"') return endOfString(text, 0);
  if (text[0] !== '{' && text[0] !== '[') return text.length;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Index after the string that opens at `start`, or the length of the text when it never closes. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function invalid(message: string): TunnelError {
  return new TunnelError('CONTROL_REQUEST_INVALID', message);
}
