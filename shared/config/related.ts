/**
 * Checks between several options of one mapping, and between the items of a list. Used by the schemas; they run even when other options are
 * wrong, so that one reading tells everything there is to mend.
 */
import { z } from 'zod';

/**
 * A zod check: `holds` must be true of the mapping, or the last of `options` gets the `sentence`.
 * Skipped when one of the options is itself faulty.
 */
export function related<T extends object>(
  options: readonly (keyof T & string)[],
  holds: (mapping: T) => boolean,
  sentence: string,
) {
  const names = new Set<PropertyKey>(options);
  return z.superRefine<T>(
    (mapping, context) => {
      if (holds(mapping)) return;
      context.addIssue({ code: 'custom', message: sentence, path: options.slice(-1) });
    },
    {
      when: ({ value, issues }) =>
        typeof value === 'object' &&
        value !== null &&
        !issues.some(({ path }) => path?.[0] !== undefined && names.has(path[0])),
    },
  );
}

/** Tells of a problem at a place within a list. */
export type ReportProblem = (path: (string | number)[], sentence: string) => void;

/**
 * A zod check on a list as a whole. `check` gets the items that are in order, by their positions;
 * faulty ones are left out, as their problems are known already.
 */
export function forItems<T>(check: (items: ReadonlyMap<number, T>, report: ReportProblem) => void) {
  return z.superRefine<T[]>(
    (items, context) => {
      const faulty = new Set(context.issues.map(({ path }) => path?.[0]));
      const sound = [...items.entries()].filter(([index]) => !faulty.has(index));
      check(new Map(sound), (path, message) => {
        context.addIssue({ code: 'custom', message, path });
      });
    },
    { when: ({ value }) => Array.isArray(value) },
  );
}
