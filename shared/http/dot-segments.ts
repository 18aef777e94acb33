/**
 * Dot segments in a request target. Targets pass byte for byte, but where a service has a base path the
 * path below it is all that a caller may reach, and servers resolve `..` before they look.
 */

/** Whether a segment of the path (not the query) is `..`, in any spelling that servers resolve. */
export function hasParentSegment(target: string): boolean {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (!path.includes('.') && !path.includes('%')) return false;
  const resolved = path.replace(/%2e/gi, '.').replace(/%2f|%5c|\\/gi, '/');
  return resolved.split('/').some((segment) => segment === '..' || segment.startsWith('..;'));
}
