/**
 * Durations by service type as a Prometheus histogram. Used by request-counters.ts for every request:
 * prom-client's histogram takes 1 µs per value, most of it on labels; here a value is three additions.
 */

/** Upper ends in seconds. Watches and logs last for minutes, so the upper end is coarse. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

/** The durations of one service type. */
export class Durations {
  /** One count per bound and one above all. */
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #count = 0;
  #sumSeconds = 0;

  add(ms: number): void {
    const seconds = ms / 1_000;
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sumSeconds += seconds;
  }

  /** The samples in Prometheus' text form; none before the first value. */
  lines(name: string, type: string): string[] {
    if (this.#count === 0) return [];
    const label = `type="${escapedLabel(type)}"`;
    let upTo = 0;
    const buckets = BOUNDS.map((bound, i) => {
      upTo += this.#counts[i] ?? 0;
      return `${name}_bucket{${label},le="${bound}"} ${upTo}`;
    });
    return [
      ...buckets,
      `${name}_bucket{${label},le="+Inf"} ${this.#count}`,
      `${name}_sum{${label}} ${this.#sumSeconds}`,
      `${name}_count{${label}} ${this.#count}`,
    ];
  }
}

/** One histogram with the label `type`. Who uses it bounds the number of types. */
export class DurationHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #byType = new Map<string, Durations>();

  /** `help` is one line without backslashes. */
  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  /** The durations of a type, to be kept by who adds to them. */
  of(type: string): Durations {
    const durations = this.#byType.get(type) ?? new Durations();
    this.#byType.set(type, durations);
    return durations;
  }

  /** The histogram in Prometheus' text form, version 0.0.4. */
  text(): string {
    const samples = [...this.#byType].flatMap(([type, durations]) =>
      durations.lines(this.#name, type),
    );
    const head = [`# HELP ${this.#name} ${this.#help}`, `# TYPE ${this.#name} histogram`];
    return [...head, ...samples, ''].join('\n');
  }
}

function escapedLabel(text: string): string {
  return text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n');
}
