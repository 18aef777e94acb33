/**
 * The services that this process reaches: makes a target of each configured service, keeps it up to
 * date with the files it is made of, and finds it by the names under which it is advertised. A faulty
 * service is advertised as not configured, tried again and again, and disturbs no other.
 */
import type { Clock, Timer } from '../clock.js';
import { isSameValue } from '../config/same-value.js';
import { advertisedNames } from '../config/services-config.js';
import type { OutgoingService } from '../config/services-config.js';
import type { ServiceRef } from '../ids.js';
import type { Log } from '../log.js';
import { LogField } from '../log.js';
import type { ServiceAdvertisement } from '../service-advertisement.js';
import type { KubernetesEnvironment } from './kubernetes-environment.js';
import { KubernetesSecrets } from './kubernetes-secrets.js';
import { PreparedTarget } from './prepared-target.js';
import type { PlanParts } from './target-plan.js';
import type { CatalogEntry, ServiceCatalog, Target } from './target.js';

/** What a catalogue works with. */
export interface ServiceCatalogDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: KubernetesEnvironment;
  /** Told when a service becomes usable by itself: a file appeared, a Secret could be read. */
  readonly onAdvertisementChange?: (() => void) | undefined;
}

/** What a reload did. */
export interface CatalogChange {
  readonly hasAdvertisementChanged: boolean;
  /** Targets that are no longer used; their connections can be closed. */
  readonly retired: readonly Target[];
}

/** A catalogue with a life. */
export interface ManagedServiceCatalog extends ServiceCatalog {
  /** Prepares all services; waits at most 10 s for slow ones, which follow later. Never rejects. */
  start(): Promise<void>;
  /** Ends timers and exec plugins; targets stay usable as they are. */
  stop(): void;
  /** Looks at all files now; otherwise that happens every 10 s. For reloads. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Takes other services. Those that stay as they are keep their targets; the old ones serve until the
   * new ones are prepared.
   */
  replace(services: readonly OutgoingService[]): Promise<CatalogChange>;
}

/** Between two looks at the files that targets are made of. */
const REFRESH_INTERVAL_MS = 10_000;
/** How long a start or reload waits for services that are slow to prepare (exec plugins, Secrets). */
const PREPARE_TIMEOUT_MS = 10_000;

/** A service as configured now, and its target, which may be older. */
interface Slot {
  readonly service: OutgoingService;
  readonly prepared: PreparedTarget;
}

/** Makes a catalogue of the services of a configuration; those that are not enabled are left out. */
export function createServiceCatalog(
  services: readonly OutgoingService[],
  deps: ServiceCatalogDeps,
): ManagedServiceCatalog {
  return new Catalog(services, deps);
}

class Catalog implements ManagedServiceCatalog {
  readonly #deps: ServiceCatalogDeps;
  readonly #parts: Omit<PlanParts, 'onCredentialFailure'>;
  readonly #stopping = new AbortController();
  #slots: readonly Slot[];
  #index: ReadonlyMap<string, CatalogEntry> = new Map();
  #advertisements: readonly ServiceAdvertisement[] = [];
  #isStarted = false;
  #timer: Timer | undefined;
  #replacing: Promise<unknown> = Promise.resolve();

  constructor(services: readonly OutgoingService[], deps: ServiceCatalogDeps) {
    this.#deps = deps;
    const { clock, log, kubernetes } = deps;
    const { inCluster } = kubernetes;
    const onFailure = (err: unknown) =>
      log.warn(
        { [LogField.err]: err },
        'a Kubernetes Secret could not be read, the old one is used',
      );
    const secrets = inCluster && new KubernetesSecrets(inCluster, clock, onFailure);
    this.#parts = { clock, kubernetes, secrets, signal: this.#stopping.signal };
    this.#slots = enabled(services).map((service) => this.#newSlot(service));
    this.#publish();
  }

  async start(): Promise<void> {
    await this.#prepare(this.#slots);
    this.#publish();
    this.#isStarted = true;
    if (this.#stopping.signal.aborted) return;
    this.#timer = this.#deps.clock.every(REFRESH_INTERVAL_MS, () => {
      void this.refresh();
    });
  }

  async refresh(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#refresh(slot)));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stopping.abort();
  }

  find(service: ServiceRef): CatalogEntry | undefined {
    return this.#index.get(keyOf(service));
  }

  advertisements(): readonly ServiceAdvertisement[] {
    return this.#advertisements;
  }

  replace(services: readonly OutgoingService[]): Promise<CatalogChange> {
    const change = this.#replacing.then(() => this.#replace(services));
    this.#replacing = change;
    return change;
  }

  async #replace(services: readonly OutgoingService[]): Promise<CatalogChange> {
    const before = this.#slots;
    const slots = enabled(services).map((service) => {
      const same = before.find((slot) => isSameTarget(slot.service, service));
      return same === undefined ? this.#newSlot(service) : { service, prepared: same.prepared };
    });
    const known = new Set(before.map(({ prepared }) => prepared));
    await this.#prepare(slots.filter(({ prepared }) => !known.has(prepared)));
    this.#slots = slots;
    const hasAdvertisementChanged = this.#publish();
    const used = new Set(slots.map(({ prepared }) => prepared));
    const retired = before.flatMap(({ prepared }) =>
      used.has(prepared) || prepared.target === undefined ? [] : [prepared.target],
    );
    return { hasAdvertisementChanged, retired };
  }

  #newSlot(service: OutgoingService): Slot {
    return { service, prepared: new PreparedTarget(service, this.#parts, this.#deps.log) };
  }

  /** Waits for all to be ready or faulty; slow ones go on by themselves. */
  #prepare(slots: readonly Slot[]): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(PREPARE_TIMEOUT_MS, resolve);
      void Promise.all(slots.map((slot) => this.#refresh(slot))).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #refresh({ prepared }: Slot): Promise<void> {
    const { target, fault } = prepared;
    await prepared.refresh();
    if (prepared.target === target && prepared.fault === fault) return;
    if (this.#publish() && this.#isStarted) this.#deps.onAdvertisementChange?.();
  }

  /** Makes index and advertisements of the slots; tells whether the latter changed. */
  #publish(): boolean {
    this.#index = new Map(this.#slots.flatMap(indexed));
    const advertisements = this.#slots.flatMap(advertised);
    if (isSameValue(advertisements, this.#advertisements)) return false;
    this.#advertisements = advertisements;
    return true;
  }
}

function enabled(services: readonly OutgoingService[]): OutgoingService[] {
  return services.filter((service) => service.enabled);
}

/** Annotations and advertised names may differ: they do not touch the target. */
function isSameTarget(one: OutgoingService, other: OutgoingService): boolean {
  const facts = (service: OutgoingService) => ({
    kind: service.kind,
    type: service.type,
    name: service.name,
    config: service.kind === 'unsupported' ? undefined : service.config,
  });
  return isSameValue(facts(one), facts(other));
}

function keyOf({ type, name }: ServiceRef): string {
  return `${type}\0${name}`;
}

function indexed({ service, prepared }: Slot): [string, CatalogEntry][] {
  const { target, fault } = prepared;
  return advertisedNames(service).map((name) => {
    const ref = { type: service.type, name };
    const entry: CatalogEntry =
      target === undefined ? { state: 'faulty', service: ref, fault } : { state: 'ready', target };
    return [keyOf(ref), entry];
  });
}

/** As v3.5: the items of `namespaces` stand for the service, without its annotations. */
function advertised({ service, prepared }: Slot): ServiceAdvertisement[] {
  const { type, name, annotations, namespaces, accountId, assumeRole } = service;
  const configured = prepared.target !== undefined;
  if (namespaces.length === 0) {
    return [{ type, name, configured, annotations, namespaces: [], accountId, assumeRole }];
  }
  return namespaces.map((item) => ({
    type,
    name: item.name,
    configured,
    annotations: {},
    namespaces: item.namespaces,
    accountId: '',
    assumeRole: '',
  }));
}
