/**
 * Field selectors (`status.phase=Running,metadata.name!=x`), as lists, watches and kubectl's
 * events and delete commands use them. Which fields a kind supports is in the resource table.
 */
import type { JsonObject } from '../objects/json-value.js';
import { valueAt } from '../objects/json-value.js';
import { badRequest } from '../status-error.js';

/** Decides whether an object is selected. */
export type FieldMatcher = (object: JsonObject) => boolean;

interface FieldRequirement {
  readonly field: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/**
 * Parses the fieldSelector query parameter.
 * @param supported the fields that the kind can be selected by, besides name and namespace
 * Throws a 400 StatusError for other fields, as the apiserver does.
 */
export function parseFieldSelector(text: string, supported: readonly string[]): FieldMatcher {
  const requirements = text
    .split(',')
    .filter((part) => part !== '')
    .map(parseRequirement);
  for (const { field } of requirements) {
    if (field !== 'metadata.name' && field !== 'metadata.namespace' && !supported.includes(field)) {
      throw badRequest(
        `Unable to find "${text}" that match label selector "", field selector "${text}": field label not supported: ${field}`,
      );
    }
  }
  return (object) =>
    requirements.every(
      ({ field, isEqual, value }) => (fieldText(object, field) === value) === isEqual,
    );
}

function parseRequirement(part: string): FieldRequirement {
  const match = /^([^!=]+)(==|=|!=)(.*)$/.exec(part);
  if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
  return { field: match[1] ?? '', isEqual: match[2] !== '!=', value: match[3] ?? '' };
}

function fieldText(object: JsonObject, field: string): string {
  const value = valueAt(object, ...field.split('.'));
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
