/** TLS on the port for metrics and health, as `prometheusTLS` and who renders it name it; the first is the default. */
export const OPERATIONS_TLS = ['off', 'server', 'mutual'] as const;

/** One of them. */
export type OperationsTls = (typeof OPERATIONS_TLS)[number];
