/**
 * Text from outside (paths, header values, names) made safe for a log line, a header or a terminal.
 * Used by the request log and by error responses. It does not hide secrets: log-redaction.ts does.
 */

/** What nearly all texts are; found out far faster than the classes below. */
const PLAIN = /^[\x20-\x7e]*$/;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * `text` with control, line-separating and direction-changing characters as `\xNN` or `\uNNNN`, and cut
 * after `maxChars` characters of the original (a cut shows as `…`).
 */
export function printableText(text: string, maxChars: number): string {
  const kept = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
  return PLAIN.test(kept) ? kept : kept.replace(UNPRINTABLE, escaped);
}

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
