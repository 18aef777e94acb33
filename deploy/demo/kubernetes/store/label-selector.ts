/**
 * Label selectors as query text (`app=web,tier in (a,b),!old`). Used by lists, watches, deletions
 * and metrics.
 */
import { badRequest } from '../status-error.js';

type Operator = 'in' | 'notin' | 'exists' | 'absent' | 'gt' | 'lt';

interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** Decides whether a set of labels is selected. */
export type LabelMatcher = (labels: Readonly<Record<string, string>>) => boolean;

/** Parses the labelSelector query parameter. An empty text selects everything. Throws a 400 StatusError. */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = splitOutsideParentheses(text)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseRequirement(part, text));
  return matcherOf(requirements);
}

/** The text form of an equality-only selector, as Scale.status.selector has it. */
export function labelSelectorText(matchLabels: Readonly<Record<string, string>>): string {
  return Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

function matcherOf(requirements: readonly Requirement[]): LabelMatcher {
  return (labels) => requirements.every((requirement) => isMet(requirement, labels));
}

function isMet(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[requirement.key];
  switch (requirement.operator) {
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case 'notin':
      return value === undefined || !requirement.values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'gt':
      return value !== undefined && Number(value) > Number(requirement.values[0]);
    case 'lt':
      return value !== undefined && Number(value) < Number(requirement.values[0]);
  }
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

function parseRequirement(part: string, whole: string): Requirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'in' : 'notin', values };
  }
  const compared = /^([^\s!=<>]+)\s*(==|=|!=|>|<)\s*([^\s=!<>]*)$/.exec(part);
  if (compared) {
    const operators: Record<string, Operator> = { '!=': 'notin', '>': 'gt', '<': 'lt' };
    return {
      key: compared[1] ?? '',
      operator: operators[compared[2] ?? ''] ?? 'in',
      values: [compared[3] ?? ''],
    };
  }
  const existence = /^(!?)\s*([A-Za-z0-9][-A-Za-z0-9_./]*)$/.exec(part);
  if (existence) {
    return {
      key: existence[2] ?? '',
      operator: existence[1] === '!' ? 'absent' : 'exists',
      values: [],
    };
  }
  throw badRequest(`unable to parse requirement: found '${part}' in label selector '${whole}'`);
}
