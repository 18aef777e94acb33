/**
 * The proxy for the dial to the controller, as the usual environment variables give it, in the form that
 * grpc-js understands: it reads the lower-case names only, and its reading of no_proxy is poor.
 */

const NAMES = ['https_proxy', 'http_proxy', 'no_proxy'] as const;

/** Lower-case variables to set; what is set in lower case already goes before the upper-case one. */
export function proxySettings(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const name of NAMES) {
    const value = env[name] ?? env[name.toUpperCase()];
    if (value === undefined) continue;
    settings[name] = name === 'no_proxy' ? noProxyForGrpc(value) : value;
  }
  return settings;
}

/**
 * grpc-js takes the items for suffixes as they stand: blanks, ports, `*.` and `*` never match, and an empty
 * item matches every host. The latter is how `*` is said to it.
 */
function noProxyForGrpc(text: string): string {
  const items = text
    .split(/[\s,]+/u)
    .map((item) => item.replace(/^\*(?=\.)/u, '').replace(/^\[(.*)\]/u, '$1'))
    .map((item) => (/^[^:]*:\d+$/u.test(item) ? item.replace(/:\d+$/u, '') : item))
    .filter((item) => item !== '');
  return items.includes('*') ? ',' : items.join(',');
}
