/**
 * A goal, what was measured, and whether the goal is met. A goal that even the bare machine misses is
 * answered with the measurement that shows so.
 */
import { figureText, median, spreadText } from './samples.js';

/** How a figure is held against the bound of its goal. */
const KINDS = {
  'at least': { sign: '>=', isMet: (value: number, bound: number) => value >= bound },
  'at most': { sign: '<=', isMet: (value: number, bound: number) => value <= bound },
  below: { sign: '<', isMet: (value: number, bound: number) => value < bound },
} as const;

/** A bound on a figure. */
export interface Goal {
  readonly kind: keyof typeof KINDS;
  readonly bound: number;
  readonly unit: string;
}

/**
 * What keeps us from reaching the goal here: a measurement of this run under the same conditions of something
 * that does less. What misses the goal, too, shows that its way does not get there, even where we are ahead of it.
 */
export interface Limit {
  readonly what: string;
  readonly values: readonly number[];
}

export type Verdict = 'met' | 'not met' | 'measured limit' | 'not measured' | 'not judged';

/** One line of the table. */
export interface Finding {
  readonly row: number;
  readonly what: string;
  readonly goal: string;
  readonly figure: string;
  readonly spread: string;
  readonly verdict: Verdict;
  readonly note: string;
}

/** What is judged. */
export interface Question {
  readonly row: number;
  readonly what: string;
  readonly goal: Goal;
  /** One per round; none: not measured. */
  readonly values: readonly number[];
  readonly limit?: Limit;
  /** Why this run cannot answer: the figure is shown only. */
  readonly notJudged?: string | undefined;
  readonly note?: string;
}

export function atLeast(bound: number, unit: string): Goal {
  return { kind: 'at least', bound, unit };
}

export function atMost(bound: number, unit: string): Goal {
  return { kind: 'at most', bound, unit };
}

export function below(bound: number, unit: string): Goal {
  return { kind: 'below', bound, unit };
}

/** Judges by the median. */
export function judge(question: Question): Finding {
  const { row, what, goal, values, limit, notJudged = '', note = '' } = question;
  const unit = goal.unit === '' ? '' : ` ${goal.unit}`;
  const verdict = verdictOf(question);
  const reason =
    verdict === 'measured limit' && limit !== undefined ? limitText(limit, values, unit) : '';
  return {
    row,
    what,
    goal: `${KINDS[goal.kind].sign} ${figureText(goal.bound)}${unit}`,
    figure: values.length === 0 ? '-' : `${figureText(median(values))}${unit}`,
    spread: spreadText(values),
    verdict,
    note: [reason, notJudged, note].filter((text) => text !== '').join('; '),
  };
}

/** What the limit is, and how far the figure is from it. */
function limitText(limit: Limit, values: readonly number[], unit: string): string {
  const [most, figure] = [median(limit.values), median(values)];
  const share = most > 0 ? `, of which this is ${figureText(figure / most)} x` : '';
  const spread = limit.values.length > 1 ? ` (${spreadText(limit.values)})` : '';
  return `${limit.what}: ${figureText(most)}${unit}${spread}${share}`;
}

function verdictOf({ goal, values, limit, notJudged }: Question): Verdict {
  if (values.length === 0) return 'not measured';
  if (notJudged !== undefined) return 'not judged';
  if (isMet(goal, median(values))) return 'met';
  const isOutOfReach = limit !== undefined && !isMet(goal, median(limit.values));
  return isOutOfReach && limit.values.length > 0 ? 'measured limit' : 'not met';
}

function isMet({ kind, bound }: Goal, value: number): boolean {
  return KINDS[kind].isMet(value, bound);
}
