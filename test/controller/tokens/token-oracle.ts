/** A second, independent writer of HS256 tokens: any header and claims, in exactly the order given. */
import { createHmac } from 'node:crypto';

const base64url = (value: object): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs as RFC 7515 A.1 says; a wrong `header.alg` changes the header only. */
export function rawToken(
  claims: object,
  {
    header = { alg: 'HS256', kid: 'key1', typ: 'JWT' },
    key = 'this is a key',
  }: {
    header?: object;
    key?: string | Buffer;
  } = {},
): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}
