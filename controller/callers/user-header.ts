/**
 * Spinnaker's user across the tunnel (v3.2 and later): towards agents X-Spinnaker-User becomes a signed
 * token, from agents the token becomes the user again, so that a remote clouddriver can hand back only
 * users whom this controller vouched for. So in requests and in responses. fiat gets the user in its path.
 */
import { TunnelError } from '../../shared/errors.js';
import { headerValue, isHeaderName } from '../../shared/http/header-list.js';
import type { HeaderList } from '../../shared/http/header-list.js';
import { headerOfText, textOfHeader } from '../../shared/http/header-text.js';
import type { RequestHead } from '../../shared/protocol/frame.js';

/** Signs and verifies users. */
export interface UserTokens {
  signUserHeader(user: string): string;
  verifyUserHeader(token: string): string;
}

const USER_HEADER = 'x-spinnaker-user';
const FIAT_TARGET = /^(\/authorize\/)([^/?]+)(.*)$/;

/** Headers that enter the tunnel: a caller's request, or the answer to a request of an agent. */
export function userIntoTunnel(headers: HeaderList, tokens: UserTokens): HeaderList {
  const user = headerValue(headers, USER_HEADER);
  return user === undefined
    ? headers
    : withUser(headers, tokens.signUserHeader(textOfHeader(user)));
}

/** Head of a request that an agent sent to a service beside the controller. Throws CREDENTIAL_REFUSED. */
export function userFromTunnel(head: RequestHead, tokens: UserTokens): RequestHead {
  const headers = withPlainUser(head.headers, (token) => verified(token, tokens));
  const target =
    head.service.type === 'fiat' && head.method === 'GET'
      ? fiatTarget(head.target, tokens)
      : head.target;
  return { ...head, headers, target };
}

/** Headers that an agent's target answered a caller. Throws TARGET_USER_REFUSED. */
export function answeredUserFromTunnel(headers: HeaderList, tokens: UserTokens): HeaderList {
  return withPlainUser(headers, (token) => {
    try {
      return tokens.verifyUserHeader(token);
    } catch (cause) {
      const text =
        'the target answered with an X-Spinnaker-User that did not come through this controller, or was signed too long ago (userHeaderValiditySeconds)';
      throw new TunnelError('TARGET_USER_REFUSED', text, { cause });
    }
  });
}

/** The very list when it names no user. */
function withPlainUser(headers: HeaderList, verify: (token: string) => string): HeaderList {
  const token = headerValue(headers, USER_HEADER);
  return token === undefined ? headers : withUser(headers, headerOfText(verify(token)));
}

function fiatTarget(target: string, tokens: UserTokens): string {
  const match = FIAT_TARGET.exec(target);
  if (match === null) return target;
  const [, before = '', token = '', after = ''] = match;
  return before + encodeURIComponent(verified(token, tokens, decodeURIComponent)) + after;
}

function verified(
  token: string,
  tokens: UserTokens,
  decode: (text: string) => string = (text) => text,
): string {
  try {
    return tokens.verifyUserHeader(decode(token));
  } catch (cause) {
    throw new TunnelError(
      'CREDENTIAL_REFUSED',
      'X-Spinnaker-User did not come through this controller, or was signed too long ago (userHeaderValiditySeconds)',
      { cause },
    );
  }
}

/** One user header in place of the first; further ones are dropped. */
function withUser(headers: HeaderList, value: string): HeaderList {
  const changed: HeaderList = [];
  let isSet = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const isUser = isHeaderName(name, USER_HEADER);
    if (!isUser) changed.push(name, headers[i + 1] ?? '');
    else if (!isSet) changed.push(name, value);
    isSet ||= isUser;
  }
  return changed;
}
