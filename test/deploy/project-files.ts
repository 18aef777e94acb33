/**
 * Files of the project as tests of deploy/ read them.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The text of a file, by its path in the project. */
export function projectFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Paths of the files directly in a folder of the project that end in `extension`. */
export function filesIn(folder: string, extension: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}

/** What stands at a path such as `spec.ports.0.name`; undefined when there is nothing. */
export function at(document: unknown, path: string): unknown {
  let value = document;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key]; // of an array too
  }
  return value;
}

/** The text at a path. Throws when there is something else. */
export function textAt(document: unknown, path: string): string {
  const value = at(document, path);
  if (typeof value === 'string') return value;
  throw new Error(`${path} is ${JSON.stringify(value)}, expected text`);
}

/** The list at a path. Throws when there is something else. */
export function listAt(document: unknown, path: string): unknown[] {
  const value = at(document, path);
  if (Array.isArray(value)) return value as unknown[];
  throw new Error(`${path} is ${JSON.stringify(value)}, expected a list`);
}

/** The documents of a YAML text. Throws when one is not well formed or has duplicate keys. */
export function yamlDocuments(text: string): unknown[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    return document.toJS() as unknown;
  });
}
