/**
 * Reads what a path below /api or /apis names. Source of the rules:
 * k8s.io/apiserver/pkg/endpoints/request RequestInfoFactory.
 */

/** The parts of a resource path; '' where a part is absent. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly plural: string;
  readonly name: string;
  readonly subresource: string;
}

/** Parses decoded segments; undefined when they name no resource. */
export function parseResourcePath(segments: readonly string[]): ResourcePath | undefined {
  const [root, ...rest] = segments;
  const group = root === 'apis' ? rest.shift() : root === 'api' ? '' : undefined;
  const version = rest.shift();
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  const { namespace, parts } = splitNamespace(rest);
  const [plural = '', name = '', subresource = '', ...more] = parts;
  if (more.length > 0) return undefined;
  return { group, version, namespace, plural, name, subresource };
}

/** `/namespaces/NS/pods` is in a namespace; `/namespaces/NS` and its subresources are not. */
function splitNamespace(parts: string[]): { namespace: string; parts: string[] } {
  const [first, namespace = '', third] = parts;
  const isInNamespace =
    first === 'namespaces' && third !== undefined && third !== 'status' && third !== 'finalize';
  return isInNamespace ? { namespace, parts: parts.slice(2) } : { namespace: '', parts };
}
