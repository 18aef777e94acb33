/**
 * Resources that CustomResourceDefinition objects add to the cluster: table rows made from them.
 * Used by the catalogue; kinds are served as soon as the definition is stored.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import { listAt, numberAt, objectAt, stringAt, textOf, valueAt } from '../objects/json-value.js';
import { ageColumn, nameColumn, textColumn } from './column.js';
import { ageOf } from './human-duration.js';
import type { Column, ResourceDefinition, Subresource } from './resource-definition.js';

/** The table row of a CustomResourceDefinition. */
export function customResource(crd: JsonObject): ResourceDefinition {
  const names = objectAt(crd, 'spec', 'names');
  const versions = listAt(crd, 'spec', 'versions').filter(
    (version) => valueAt(version, 'served') === true,
  );
  return {
    group: stringAt(crd, 'spec', 'group'),
    versions: versions.map((version) => ({ name: stringAt(version, 'name') })),
    plural: stringAt(names, 'plural'),
    singular: stringAt(names, 'singular') || stringAt(names, 'kind').toLowerCase(),
    kind: stringAt(names, 'kind'),
    shortNames: listAt(names, 'shortNames').map(String),
    categories: listAt(names, 'categories').map(String),
    isNamespaced: stringAt(crd, 'spec', 'scope') === 'Namespaced',
    access: 'all',
    subresources: subresourcesOf(versions[0]),
    selectableFields: [],
    columns: columnsOf(versions[0]),
  };
}

function subresourcesOf(version: Json | undefined): Subresource[] {
  const declared = objectAt(version, 'subresources');
  const known: Subresource[] = ['scale', 'status'];
  return known.filter((name) => name in declared);
}

function columnsOf(version: Json | undefined): Column[] {
  const printed = listAt(version, 'additionalPrinterColumns').map((column): Column => {
    const path = stringAt(column, 'jsonPath').replace(/^\./, '').split('.');
    const isDate = stringAt(column, 'type') === 'date';
    return {
      ...textColumn(stringAt(column, 'name'), (object, now) => {
        const value = valueAt(object, ...path);
        if (value === undefined) return isDate ? '<unknown>' : '';
        return isDate ? ageOf(textOf(value), now) : value;
      }),
      priority: numberAt(column, 'priority'),
    };
  });
  return printed.length === 0 ? [nameColumn, ageColumn] : [nameColumn, ...printed];
}
