/**
 * What Jenkins' remote API shows: beans with properties, cut to the `tree` asked for, written as XML
 * or JSON. `exclude` takes the XPaths that igor sends, not all of XPath.
 */

/** A value of a bean. */
export type BeanValue = string | number | boolean | null | Bean | readonly BeanValue[];

/** An object of the remote API; `_class` is its Java class. */
export interface Bean {
  readonly [property: string]: BeanValue;
}

/** A parsed `tree` parameter: wanted properties and, below them, what is wanted of their beans. */
export type Tree = ReadonlyMap<string, Tree>;

/** Parses `jobs[name,lastBuild[number]]`; ranges such as `{0,10}` are skipped. */
export function parseTree(text: string): Tree {
  let position = 0;
  const parse = (): Tree => {
    const tree = new Map<string, Tree>();
    while (position < text.length) {
      const name = /^[^[\],{]*/.exec(text.slice(position))?.[0] ?? '';
      position += name.length;
      let nested: Tree = new Map<string, Tree>();
      if (text[position] === '[') {
        position += 1;
        nested = parse();
      }
      if (text[position] === '{') position = text.indexOf('}', position) + 1 || text.length;
      if (name.trim() !== '') tree.set(name.trim(), nested);
      const next = text[position];
      position += 1;
      if (next !== ',') return tree;
    }
    return tree;
  };
  return parse();
}

/** A bean with only the wanted properties; `*` wants all. */
export function cutToTree(value: BeanValue, tree: Tree): BeanValue {
  if (isList(value)) return value.map((item) => cutToTree(item, tree));
  if (!isBean(value)) return value;
  const kept = Object.entries(value).flatMap(([name, entry]): [string, BeanValue][] => {
    const nested = tree.get(name) ?? (tree.has('*') ? new Map<string, Tree>() : undefined);
    if (name === '_class') return [[name, entry]];
    return nested === undefined
      ? []
      : [[name, nested.size === 0 ? entry : cutToTree(entry, nested)]];
  });
  return Object.fromEntries(kept);
}

interface Element {
  readonly name: string;
  readonly className: string;
  readonly text: string;
  children: Element[];
}

/** The XML of a bean below a root element, without what the XPaths exclude. */
export function beanXml(root: string, bean: Bean, excluded: readonly string[]): string {
  const [element] = elementsOf(root, bean);
  if (element === undefined) return '';
  for (const path of excluded) exclude(element, path);
  return xmlText(element);
}

/** Lists become one element per item, named in the singular, as Jenkins does it. */
function elementsOf(name: string, value: BeanValue): Element[] {
  if (value === null) return [];
  if (isList(value)) return value.flatMap((item) => elementsOf(name.replace(/s$/, ''), item));
  if (!isBean(value)) return [{ name, className: '', text: String(value), children: [] }];
  const { _class: className = '', ...rest } = value;
  const children = Object.entries(rest).flatMap(([key, entry]) => elementsOf(key, entry));
  return [{ name, className: typeof className === 'string' ? className : '', text: '', children }];
}

/** Removes what a path such as `/∗/action[not(totalCount)]` points at (∗ is a star). */
function exclude(root: Element, path: string): void {
  const steps = path.split('/').filter((step) => step !== '');
  const [first, ...rest] = steps;
  if (first === undefined || rest.length === 0 || !matches(root, first)) return;
  let parents = [root];
  for (const step of rest.slice(0, -1)) {
    parents = parents.flatMap((parent) => parent.children.filter((child) => matches(child, step)));
  }
  const last = rest.at(-1) ?? '';
  for (const parent of parents) {
    parent.children = parent.children.filter((child) => !matches(child, last));
  }
}

function matches(element: Element, step: string): boolean {
  const parsed = /^([^[]+)(?:\[not\(([^)]*)\)\])?$/.exec(step);
  if (!parsed) return false;
  const [, name = '', without] = parsed;
  if (name !== '*' && name !== element.name) return false;
  if (without === undefined) return true;
  const names = without.split('|').map((entry) => entry.trim());
  return !element.children.some((child) => names.includes(child.name));
}

function xmlText(element: Element): string {
  const attribute = element.className === '' ? '' : ` _class='${escapeXml(element.className)}'`;
  const inner = escapeXml(element.text) + element.children.map(xmlText).join('');
  if (inner === '') return `<${element.name}${attribute}/>`;
  return `<${element.name}${attribute}>${inner}</${element.name}>`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;');
}

function isList(value: BeanValue): value is readonly BeanValue[] {
  return Array.isArray(value);
}

function isBean(value: BeanValue): value is Bean {
  return typeof value === 'object' && value !== null && !isList(value);
}
