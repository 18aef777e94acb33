/**
 * Demo clusters behind a controller and agents, with a kubeconfig through the tunnel and a direct one to
 * the same cluster, and kubectl runs over both whose results can be compared.
 */
import assert from 'node:assert/strict';
import { targetCertificate, writeTargetKubeconfig } from '../../deploy/demo/demo-files.js';
import type { Fault, KubernetesApiOptions } from '../../deploy/demo/kubernetes/api-options.js';
import type { RecordedRequest } from '../../deploy/demo/kubernetes/api-options.js';
import { startKubernetesApi } from '../../deploy/demo/kubernetes/kubernetes-api.js';
import type { KubernetesApi } from '../../deploy/demo/kubernetes/kubernetes-api.js';
import { systemClock } from '../../shared/clock.js';
import { FairleadRig } from './fairlead-rig.js';
import type { RigAgentOptions, RigOptions } from './fairlead-rig.js';
import type { Kubectl } from './kubectl.js';
import { runKubectl, RunningKubectl } from './kubectl-run.js';
import type { KubectlResult, KubectlRunOptions } from './kubectl-run.js';

/** The only credential that the clusters know unless told otherwise: whatever else arrives is refused. */
export const CLUSTER_TOKEN = 'cluster-token';

/** A cluster and the ways to it. */
export interface RigCluster {
  readonly api: KubernetesApi;
  /** PEM of the CA that signed its certificate. */
  readonly ca: string;
  /** Path of a kubeconfig that goes straight to it. */
  readonly direct: string;
  /** Decides on each request; may be replaced at any time. */
  fault: ((request: RecordedRequest) => Fault | undefined) | undefined;
  /** Entry for `outgoingServices`, under a service name. */
  service(name: string, config?: Readonly<Record<string, unknown>>): unknown;
}

/** What an agent offers and how it is set up. */
export type ClusterAgentOptions = Omit<RigAgentOptions, 'services'> & {
  /** Clusters by service name. */
  readonly clusters: Readonly<Record<string, RigCluster>>;
};

/** One side of a comparison: a kubeconfig and a name for its caches. */
export interface Way {
  readonly name: string;
  readonly kubeconfig: string;
  /** Given with `--namespace` before the verb, as clouddriver does. */
  readonly namespace?: string;
}

/** What a run needs beside kubectl and the way. */
export type WayOptions = Omit<KubectlRunOptions, 'kubeconfig' | 'home'> & {
  readonly home?: string;
};

/** What is expected of two runs that must be the same. */
export type SameOptions = WayOptions & {
  readonly code: number;
  /** Replaces what cannot be equal. */
  readonly normalize?: (text: string) => string;
};

/** Quick enough that tests do not wait for the cluster, slow enough that kubectl sees the steps. */
const TIMINGS = { reconcileMs: 5, podStartMs: 40, podStopMs: 40, jobRunMs: 60 };

/** Clusters, a controller and agents. */
export class KubernetesRig {
  readonly fairlead: FairleadRig;
  readonly #apis: KubernetesApi[] = [];
  readonly #followers = new Set<RunningKubectl>();

  /** Starts the controller only. */
  static async start(options: RigOptions = {}): Promise<KubernetesRig> {
    return new KubernetesRig(await FairleadRig.start(options));
  }

  private constructor(fairlead: FairleadRig) {
    this.fairlead = fairlead;
  }

  /** Starts a cluster that speaks TLS and accepts one token. */
  async startCluster(options: Omit<KubernetesApiOptions, 'tls'> = {}): Promise<RigCluster> {
    const tls = await targetCertificate(systemClock);
    const faults: { hook: RigCluster['fault'] } = { hook: undefined };
    const api = await startKubernetesApi({
      tls: { key: tls.key, cert: tls.cert },
      tokens: [{ token: CLUSTER_TOKEN, user: 'agent-of-the-cluster' }],
      timings: TIMINGS,
      fault: (request) => faults.hook?.(request),
      ...options,
    });
    this.#apis.push(api);
    const direct = this.fairlead.path(`direct-${this.#apis.length}`);
    writeTargetKubeconfig(direct, { url: api.url, ca: tls.ca, token: CLUSTER_TOKEN });
    return {
      api,
      ca: tls.ca,
      direct,
      get fault() {
        return faults.hook;
      },
      set fault(hook) {
        faults.hook = hook;
      },
      service: (name, config = {}) => kubernetesService(name, { kubeConfig: direct, ...config }),
    };
  }

  /** Starts an agent process for clusters. */
  async startAgent(options: ClusterAgentOptions): ReturnType<FairleadRig['startAgent']> {
    const { clusters, ...rest } = options;
    const services = Object.entries(clusters).map(([name, cluster]) => cluster.service(name));
    return this.fairlead.startAgent({ ...rest, services });
  }

  /** The way that clouddriver takes: the generated kubeconfig, as it comes. */
  async tunnel(agent: string, service: string): Promise<Way> {
    const kubeconfig = await this.fairlead.kubeconfig(agent, service);
    return { name: `${agent}-${service}`, kubeconfig };
  }

  /** A folder for kubectl's caches; the same name gives the same one. */
  home(kubectl: Kubectl, name: string): string {
    return this.fairlead.path('homes', kubectl.version, name);
  }

  /** Runs kubectl to its end; each version and way has a warm home unless one is given. */
  async run(
    kubectl: Kubectl,
    way: Way,
    args: readonly string[],
    { home, ...options }: WayOptions = {},
  ): Promise<KubectlResult> {
    const { kubeconfig, name } = way;
    const folder = home ?? this.home(kubectl, name);
    return runKubectl(kubectl, argsOf(way, args), { ...options, kubeconfig, home: folder });
  }

  /**
   * Runs the same command over two ways at once and asserts that text and exit code are equal, byte for
   * byte unless `normalize` says what must differ. Returns the run over the second way.
   */
  async runSame(
    kubectl: Kubectl,
    ways: readonly [Way, Way],
    args: readonly string[],
    { code, normalize = (text) => text, ...options }: SameOptions,
  ): Promise<KubectlResult> {
    const [expected, actual] = await this.#runPair(kubectl, ways, args, options);
    assertSameResult([expected, actual], `kubectl ${kubectl.version} ${args.join(' ')}`, normalize);
    assert.equal(actual.code, code, `kubectl ${kubectl.version} ${args.join(' ')}: ${actual.err}`);
    return actual;
  }

  /** Again when the first run, which the second is measured by, has met the race that kubectl has with itself. */
  async #runPair(
    kubectl: Kubectl,
    [first, second]: readonly [Way, Way],
    args: readonly string[],
    options: WayOptions,
  ): Promise<readonly [expected: KubectlResult, actual: KubectlResult]> {
    for (let attempt = 1; ; attempt++) {
      const pair = await Promise.all([
        this.run(kubectl, first, args, options),
        this.run(kubectl, second, args, options),
      ]);
      if (!OWN_RACE.test(pair[0].err) || attempt === MAX_ATTEMPTS) return pair;
      console.log(`# kubectl ${kubectl.version} lost output past the tunnel; both ways once more`);
    }
  }

  /** Starts kubectl and leaves it running, its input open. */
  follow(
    kubectl: Kubectl,
    way: Way,
    args: readonly string[],
    options: WayOptions = {},
  ): RunningKubectl {
    const { kubeconfig, name } = way;
    const home = options.home ?? this.home(kubectl, name);
    const all = { ...options, kubeconfig, home };
    const follower = new RunningKubectl(kubectl, argsOf(way, args), all);
    this.#followers.add(follower);
    return follower;
  }

  /** Ends everything, also what a failed test has left running. */
  async stop(): Promise<void> {
    for (const follower of this.#followers) follower.kill('SIGKILL');
    await Promise.all([...this.#followers].map(async ({ finished }) => finished));
    await Promise.all(this.#apis.map((api) => api.close()));
    await this.fairlead.stop();
  }
}

/** Output that arrives before kubectl has made its streams is thrown away (client-go, remotecommand/websocket.go). */
const OWN_RACE = /Unknown stream id \d+, discarding message/;
const MAX_ATTEMPTS = 3;

function argsOf({ namespace }: Way, args: readonly string[]): readonly string[] {
  return namespace === undefined ? args : [`--namespace=${namespace}`, ...args];
}

/** Entry for `outgoingServices`. */
export function kubernetesService(
  name: string,
  config: Readonly<Record<string, unknown>>,
): unknown {
  return { enabled: true, type: 'kubernetes', name, config };
}

/** Asserts that the second run wrote what the first one did and ended as it did. */
function assertSameResult(
  [expected, actual]: readonly [KubectlResult, KubectlResult],
  what: string,
  normalize: (text: string) => string = (text) => text,
): void {
  assert.equal(normalize(actual.err), normalize(expected.err), `${what}: standard error`);
  assert.equal(normalize(actual.out), normalize(expected.out), `${what}: standard output`);
  assert.equal(actual.code, expected.code, `${what}: exit code`);
}

/** The way past the tunnel, to compare with. */
export function directWay(cluster: RigCluster): Way {
  return { name: `direct-${cluster.api.port}`, kubeconfig: cluster.direct };
}
