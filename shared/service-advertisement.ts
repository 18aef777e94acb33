/**
 * What one end of a session tells the other about a service it can reach (v3.5's EndpointHealth).
 * Sent in hello and after a reload, shown in statistics; the controller routes by it.
 */

/** One advertised service. `configured` false means: known, but its configuration is faulty. */
export interface ServiceAdvertisement {
  readonly type: string;
  readonly name: string;
  readonly configured: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  readonly namespaces: readonly string[];
  readonly accountId: string;
  readonly assumeRole: string;
}
