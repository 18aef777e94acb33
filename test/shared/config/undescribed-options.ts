/**
 * Which options of a configuration file have no description, from which its documentation is made.
 */
import { z } from 'zod';

/** Their paths, such as `.limits.maxStreams`. */
export function undescribedOptions(options: z.ZodType): string[] {
  return undescribed(z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' }), '');
}

function undescribed(schema: z.core.JSONSchema._JSONSchema, path: string): string[] {
  if (typeof schema === 'boolean') return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, option]) => {
    const isDescribed = typeof option === 'object' && option.description !== undefined;
    return [...(isDescribed ? [] : [`${path}.${key}`]), ...undescribed(option, `${path}.${key}`)];
  });
  const items = [schema.items ?? []].flat().flatMap((item) => undescribed(item, `${path}[]`));
  const members = (schema.anyOf ?? []).flatMap((member) => undescribed(member, path));
  return [...own, ...items, ...members];
}
