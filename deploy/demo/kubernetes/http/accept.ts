/**
 * Which form of an answer the caller asks for: the object, a table for `kubectl get`, or only
 * metadata; and which version of aggregated discovery.
 */
import { aggregatedMediaType } from '../discovery/aggregated-discovery.js';
import { notAcceptable } from '../status-error.js';

/** The form of an answer. */
export type AnswerForm =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly version: string }
  | { readonly kind: 'metadata'; readonly version: string };

interface MediaRange {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first form of the Accept header that can be produced. Throws a 406 StatusError. */
export function acceptedForm(accept: string): AnswerForm {
  for (const range of parseAccept(accept)) {
    if (!isJson(range.type)) continue;
    const { as: wanted, v: version = 'v1', g: group } = range.parameters;
    if (wanted === undefined) return { kind: 'object' };
    if (group !== 'meta.k8s.io') continue;
    if (wanted === 'Table') return { kind: 'table', version };
    if (wanted.startsWith('PartialObjectMetadata')) return { kind: 'metadata', version };
  }
  throw notAcceptable('application/json');
}

/** The aggregated discovery version to answer with; undefined for the plain document. */
export function acceptedDiscovery(accept: string, offered: readonly string[]): string | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (!isJson(type)) continue;
    if (parameters['as'] === undefined) return undefined;
    const version = parameters['v'] ?? '';
    const isAggregated =
      parameters['g'] === 'apidiscovery.k8s.io' && parameters['as'] === 'APIGroupDiscoveryList';
    if (isAggregated && offered.includes(version)) return version;
  }
  return undefined;
}

/** The Content-Type of a discovery answer. */
export function discoveryContentType(version: string | undefined): string {
  return version === undefined ? 'application/json' : aggregatedMediaType(version);
}

/** True when any range of the header names this media type. */
export function acceptsType(accept: string, type: string): boolean {
  return parseAccept(accept).some((range) => range.type === type);
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === '*/*' || type === 'application/*';
}

function parseAccept(accept: string): MediaRange[] {
  const text = accept.trim() === '' ? '*/*' : accept;
  return text.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const pairs = parameters.map((parameter) => {
      const [name = '', value = ''] = parameter.split('=');
      return [name, value] as const;
    });
    return { type, parameters: Object.fromEntries(pairs) };
  });
}
