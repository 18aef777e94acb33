/**
 * The kinds of values that options have: ports, host names, files, switches. Used by every schema of
 * a configuration file, so that one kind is checked and explained in one way.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isHost, parseHostPort } from './host-port.js';
import type { HostPort } from './host-port.js';
import { SecretValue } from './secret-value.js';

/** Longest wait that a timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** A TCP port; 0 picks a free one. */
export const listenPort = z.int().min(0).max(65535);

/** A port told to others. Not set, or 0 as in the Go versions: the port that is listened on. */
export const advertisedPort = listenPort
  .optional()
  .transform((port) => (port === 0 ? undefined : port));

/** `true` or `false`; also YAML 1.1's yes, no, on and off, which the Go versions accept. */
export const onOff = z.preprocess(
  (value) => (typeof value === 'string' ? (YAML_1_1_SWITCHES.get(value) ?? value) : value),
  z.boolean(),
);

const YAML_1_1_SWITCHES = new Map(
  ['yes', 'Yes', 'YES', 'y', 'Y', 'on', 'On', 'ON']
    .map((word): [string, boolean] => [word, true])
    .concat(
      ['no', 'No', 'NO', 'n', 'N', 'off', 'Off', 'OFF'].map((word): [string, boolean] => [
        word,
        false,
      ]),
    ),
);

/** Text that must not be empty. */
export const someText = z.string().trim().min(1);

/** Text whose absence and emptiness mean the same: not set. */
export const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === '' ? undefined : text));

/** Text with a default that an empty one stands for too, as in the Go versions. */
export function textOr(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((text) => (text === '' ? fallback : text));
}

/** Text that prints as `[secret]`. Empty means not set. */
export const secretText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === '' ? undefined : new SecretValue(text)));

/** A DNS name or IP address; IPv6 may stand in brackets and is kept without. No zone: that means something on one host only. */
export const hostName = hostText((text) => isHost(text) && !text.includes('%'));

/** A name for a certificate: as hostName, or a DNS name with `*` as its first label. */
export const certificateName = hostText((text) => {
  const name = text.replace(/^\*\./, '');
  return isHost(name) && !text.includes('%') && (name === text || isIP(name) === 0);
});

function hostText(isGood: (text: string) => boolean) {
  return z
    .string()
    .trim()
    .transform((text) => text.replace(/^\[(.*)\]$/, '$1'))
    .refine(isGood, {
      error: ({ input }) => `found "${printable(input)}", expected ${hostExpectation(input)}`,
    });
}

function hostExpectation(input: unknown): string {
  const plain = 'a DNS name or IP address';
  if (typeof input !== 'string') return plain;
  if (input.includes('://')) return `${plain} without "https://"`;
  if (/:\d+$/.test(input)) return `${plain} without a port (ports have options of their own)`;
  return plain;
}

/** `host:port`, IPv6 in brackets. */
export const hostAndPort = z.string().transform(hostPortOrIssue);

/** The same; an empty text means not set, as in the Go versions. */
export const optionalHostAndPort = z
  .string()
  .optional()
  .transform((text, context) =>
    text === undefined || text === '' ? undefined : hostPortOrIssue(text, context),
  );

function hostPortOrIssue(text: string, context: z.core.$RefinementCtx): HostPort {
  const address = parseHostPort(text);
  if (address !== undefined) return address;
  context.addIssue({
    code: 'custom',
    message: `found "${printable(text)}", expected host:port, such as forwarder-controller:9001 or [2001:db8::1]:9001`,
  });
  return z.NEVER;
}

/** An address of this machine to listen on; not set means all of them, IPv4 and IPv6. */
export const bindAddress = z
  .string()
  .trim()
  .refine((text) => text === '' || text === 'localhost' || isIP(text) !== 0, {
    error: (issue) =>
      `found "${printable(issue.input)}", expected an IP address of this machine, such as 127.0.0.1 or ::1`,
  })
  .optional()
  .transform((text) => (text === '' ? undefined : text));

/** Duration in ms, at least `min`. */
export function durationMs(min: number) {
  return z.int().min(min).max(MAX_TIMER_MS);
}

/** Count or size, at least `min`. */
export function amount(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** Part of a user's value, for a message: no user part of a URL, nothing long. */
function printable(input: unknown): string {
  const text = String(input).replace(/\/\/[^/@]*@/, '//');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
