/**
 * Where a load generator calls and as whom, and what a generator reports. Shared by the bench and the
 * generators in processes of their own, which get and give these as JSON.
 */
import { z } from 'zod';

/** A port of this machine, spoken to over plain TCP or TLS. */
export const endpointSchema = z.object({
  port: z.number(),
  /** Undefined: plain. `cert` and `key` only where the caller has a client certificate. */
  tls: z
    .object({ ca: z.string(), cert: z.string().optional(), key: z.string().optional() })
    .optional(),
  /** The caller's credential, if it goes into headers. */
  headers: z.record(z.string(), z.string()),
});
export type Endpoint = z.infer<typeof endpointSchema>;

/** What a generator of requests saw. */
export const loadSchema = z.object({
  requests: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});
export type Load = z.infer<typeof loadSchema>;

/** What a generator of large bodies saw. */
export const transferSchema = z.object({
  bytes: z.number(),
  seconds: z.number(),
  transfers: z.number(),
});
export type Transfer = z.infer<typeof transferSchema>;

/** Body of `/small` at the target. */
export const SMALL_BYTES = 1024;

/** `http://127.0.0.1:PORT/path` of an endpoint. */
export function urlOf({ port, tls }: Endpoint, path: string): string {
  return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}${path}`;
}
