/**
 * Base64 as configuration files and Kubernetes hold it: standard alphabet, line breaks allowed, nothing
 * else. Node alone would skip whatever it does not know.
 */

/** The decoded bytes as UTF-8 text, or undefined when the text is not base64. */
export function decodeBase64(text: string): string | undefined {
  const compact = text.replace(/\s+/g, '');
  const isBase64 = compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
  return isBase64 ? Buffer.from(compact, 'base64').toString('utf8') : undefined;
}
