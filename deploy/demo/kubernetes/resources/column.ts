/** Building blocks of the table columns that kubectl prints. Used by the column files beside it. */
import type { Json, JsonObject } from '../objects/json-value.js';
import { listAt, objectAt, stringAt, stringsAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf } from '../objects/kube-object.js';
import { ageOf } from './human-duration.js';
import type { Column } from './resource-definition.js';

/** Reads the cell of a row. */
export type CellReader = (object: KubeObject, now: Date) => Json;

/** A text column that is always shown. */
export function textColumn(name: string, cell: CellReader, description = ''): Column {
  return { name, type: 'string', format: '', description, priority: 0, cell };
}

/** A text column of -o wide. */
export function wideColumn(name: string, cell: CellReader, description = ''): Column {
  return { ...textColumn(name, cell, description), priority: 1 };
}

/** An integer column. */
export function numberColumn(name: string, cell: CellReader, description = ''): Column {
  return { ...textColumn(name, cell, description), type: 'integer' };
}

/** The first column. */
export const nameColumn: Column = {
  ...textColumn('Name', nameOf, 'Name must be unique within a namespace.'),
  format: 'name',
};

/** Time since creation. */
export const ageColumn: Column = textColumn(
  'Age',
  (object, now) => ageOf(stringAt(object, 'metadata', 'creationTimestamp'), now),
  'CreationTimestamp is a timestamp representing the server time when this object was created.',
);

/** Columns of kinds without any of their own. */
export const plainColumns: readonly Column[] = [
  nameColumn,
  {
    ...textColumn('Created At', (object) => stringAt(object, 'metadata', 'creationTimestamp')),
    type: 'date',
  },
];

/** Containers of a pod spec as `names` and `images` columns. */
export function containerColumns(...podSpec: string[]): readonly Column[] {
  const joined = (object: JsonObject, field: string) =>
    listAt(object, ...podSpec, 'containers')
      .map((container) => stringAt(container, field))
      .join(',');
  return [
    wideColumn('Containers', (object) => joined(object, 'name')),
    wideColumn('Images', (object) => joined(object, 'image')),
  ];
}

/** A label selector at a path as text. */
export function selectorColumn(...path: string[]): Column {
  return wideColumn('Selector', (object) => selectorText(objectAt(object, ...path)));
}

/** A label selector, or a plain map of labels, as kubectl prints it. */
export function selectorText(selector: JsonObject): string {
  const labels =
    'matchLabels' in selector ? stringsAt(selector, 'matchLabels') : stringsAt(selector);
  const text = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
  return text === '' ? '<none>' : text;
}
