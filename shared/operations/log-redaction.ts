/**
 * The second net under log lines: what looks like a secret is replaced before a line leaves the
 * process. The first net is never to hand secrets to the log (SecretValue, no headers, no bodies).
 * Works on the finished JSON line, so that child bindings and nested objects are covered alike.
 */

/** What stands in a log line in place of a secret. */
export const REDACTED = '[secret]';

const SECRET_NAMES =
  'authorization|proxy-authorization|x-opsmx-token|cookie|set-cookie|token|password|passphrase|secret|key|cert|private-?key|client-?(?:key|certificate)-?data';

/** A JSON key, or a name in a flat header list (not a value, which a colon precedes): its string value is never shown. */
const SECRET_FIELD = new RegExp(
  `("(?:${SECRET_NAMES})":\\[?|(?<!:)"(?:${SECRET_NAMES})",)"(?:[^"\\\\]|\\\\.)*"`,
  'gi',
);

/**
 * Secrets inside other text. A credential after its scheme needs 16 characters, so that
 * "basic authentication" stays readable.
 */
const SECRET_TEXT =
  /\b(bearer|basic) [\w.~+/=-]{16,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?=")|$)/gi;

/**
 * What is not plain: anything but visible ASCII; quotes and backslashes, which JSON escapes and which a
 * SECRET_FIELD consists of; spaces, without which SECRET_TEXT finds neither credentials after their scheme
 * nor private keys; and the start of a token.
 */
const NOT_PLAIN = /[^!#-[\]-~]|eyj/i;

/**
 * Whether `text` can stand in a JSON line as it is, in a field whose name tells no secret: withoutSecrets
 * would find nothing there. One look, and far cheaper than that; may deny what is harmless.
 */
export function isPlain(text: string): boolean {
  return !NOT_PLAIN.test(text);
}

/** A JSON log line without what looks like a credential, token or private key. */
export function withoutSecrets(line: string): string {
  return line
    .replace(SECRET_FIELD, `$1"${REDACTED}"`)
    .replace(SECRET_TEXT, (_match, scheme: string | undefined) =>
      scheme === undefined ? REDACTED : `${scheme} ${REDACTED}`,
    );
}
