/**
 * Figures by contestant and measure, one per round or turn; medians, spreads and ratios of the same round.
 */
import type { Load, Transfer } from './endpoint.js';
import { ROLES } from './process-usage.js';
import type { Usage } from './process-usage.js';

const MIB = 1024 ** 2;

/** The figures of one row. */
export class Samples {
  readonly #values = new Map<string, Map<string, number[]>>();

  add(contestant: string, measure: string, value: number): void {
    const measures = this.#values.get(contestant) ?? new Map<string, number[]>();
    this.#values.set(contestant, measures);
    measures.set(measure, [...(measures.get(measure) ?? []), value]);
  }

  /** Rate, latencies, CPU time per request and peak memory of one point. */
  addLoad(contestant: string, load: Load, usage: Usage): void {
    const { requests, seconds, p50Ms, p99Ms } = load;
    this.add(contestant, 'requests/s', requests / seconds);
    this.add(contestant, 'p50 ms', p50Ms);
    this.add(contestant, 'p99 ms', p99Ms);
    this.#addUsage(contestant, usage, 'us/request', (ms) => (ms * 1000) / requests);
  }

  /** Rate, CPU time per GB and peak memory of one point. */
  addTransfer(contestant: string, { bytes, seconds }: Transfer, usage: Usage): void {
    this.add(contestant, 'MiB/s', bytes / MIB / seconds);
    this.#addUsage(contestant, usage, 'ms/GB', (ms) => (ms * 1e9) / bytes);
  }

  /** One figure per round; empty when it was not measured. */
  of(contestant: string, measure: string): readonly number[] {
    return this.#values.get(contestant)?.get(measure) ?? [];
  }

  /** Ratio of two contestants round by round, so that noise that hits a whole round cancels out. */
  ratio(measure: string, contestant: string, against: string): number[] {
    const [values, others] = [this.of(contestant, measure), this.of(against, measure)];
    return inPairs(values, others, (one, other) => one / other);
  }

  /** Difference of two contestants round by round. */
  difference(measure: string, contestant: string, against: string): number[] {
    const [values, others] = [this.of(contestant, measure), this.of(against, measure)];
    return inPairs(values, others, (one, other) => one - other);
  }

  get contestants(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** All measures, in the order in which they came. */
  get measures(): readonly string[] {
    return [...new Set([...this.#values.values()].flatMap((measures) => [...measures.keys()]))];
  }

  toJSON(): unknown {
    return Object.fromEntries(
      [...this.#values].map(([contestant, measures]) => [contestant, Object.fromEntries(measures)]),
    );
  }

  #addUsage(contestant: string, usage: Usage, unit: string, scaled: (ms: number) => number): void {
    for (const role of ROLES) {
      const used = usage[role];
      if (used === undefined) continue;
      this.add(contestant, `${role} CPU ${unit}`, scaled(used.cpuMs));
      this.add(contestant, `${role} peak MiB`, used.peakMib);
    }
  }
}

/** Of as many rounds as both have. */
function inPairs(
  values: readonly number[],
  others: readonly number[],
  combine: (one: number, other: number) => number,
): number[] {
  return values.flatMap((value, i) => {
    const other = others[i];
    return other === undefined ? [] : [combine(value, other)];
  });
}

/** The middle value; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return (low + high) / 2;
}

/** A figure with three significant digits, or whole from a thousand on. */
export function figureText(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** `min..max`, empty for a single value. */
export function spreadText(values: readonly number[]): string {
  if (values.length < 2) return '';
  return `${figureText(Math.min(...values))}..${figureText(Math.max(...values))}`;
}
