/**
 * A catalogue of services written as in a services file, with a clock and a log that a test looks at.
 */
import { parseServicesConfig } from '../../../agent/config.js';
import type { OutgoingService } from '../../../shared/config/services-config.js';
import type { KubernetesEnvironment } from '../../../shared/forwarding/kubernetes-environment.js';
import { createServiceCatalog } from '../../../shared/forwarding/service-catalog.js';
import type { ManagedServiceCatalog } from '../../../shared/forwarding/service-catalog.js';
import type { Target } from '../../../shared/forwarding/target.js';
import { createLog } from '../../../shared/log.js';
import { HandDrivenClock } from './hand-driven-clock.js';

export interface TargetRig {
  readonly catalog: ManagedServiceCatalog;
  readonly clock: HandDrivenClock;
  /** Log lines, parsed. */
  readonly lines: { level: string; msg: string; service?: string }[];
  /** How often onAdvertisementChange was called. */
  readonly changes: () => number;
  /** The ready target of `type/name`; throws with its fault otherwise. */
  target(ref: string): Target;
  fault(ref: string): string;
  /** Lets the ten-second look at the files happen. */
  look(): Promise<void>;
}

/** Outgoing services of a services file in YAML or as objects. */
export function servicesOf(outgoingServices: readonly object[]): readonly OutgoingService[] {
  const text = JSON.stringify({
    outgoingServices: outgoingServices.map((service) => ({ enabled: true, ...service })),
  });
  return parseServicesConfig(text, 'services.yaml').config.outgoingServices;
}

/** A started catalogue; stop it with `catalog.stop()`. */
export async function startRig(
  services: readonly object[],
  kubernetes: Partial<KubernetesEnvironment> = {},
): Promise<TargetRig> {
  const clock = new HandDrivenClock();
  const lines: TargetRig['lines'] = [];
  const sink = { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) };
  const { log } = createLog({
    level: 'info',
    format: 'json',
    destination: { write: (line) => void sink.write(line) },
  });
  let changes = 0;
  const catalog = createServiceCatalog(servicesOf(services), {
    clock,
    log,
    kubernetes: {
      defaultKubeconfig: '/nonexistent/kubeconfig.yaml',
      inCluster: undefined,
      execEnv: { PATH: '/bin:/usr/bin' },
      ...kubernetes,
    },
    onAdvertisementChange: () => changes++,
  });
  await catalog.start();
  const entry = (ref: string) => {
    const [type = '', name = ''] = ref.split('/');
    return catalog.find({ type, name });
  };
  return {
    catalog,
    clock,
    lines,
    changes: () => changes,
    target(ref) {
      const found = entry(ref);
      if (found?.state !== 'ready') throw new Error(found?.fault ?? `no service ${ref}`);
      return found.target;
    },
    fault(ref) {
      const found = entry(ref);
      if (found?.state !== 'faulty') throw new Error(`${ref} is ${found?.state ?? 'unknown'}`);
      return found.fault;
    },
    async look() {
      clock.advance(10_000);
      await catalog.refresh();
    },
  };
}
