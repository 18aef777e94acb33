/**
 * A YAML text together with the places of its keys, so that a problem can name line and column.
 * Used by read-config.ts; knows nothing of schemas.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, YAMLError } from 'yaml';

/** A place in a file, both counted from 1. */
export interface SourcePlace {
  readonly line: number;
  readonly col: number;
}

/** Keys and list positions from the root to a value. */
export type SourcePath = readonly (string | number)[];

/** Something wrong with a text, and where. */
export interface SourceProblem {
  readonly place: SourcePlace;
  readonly text: string;
}

/** Nobody means more references than this; a few bytes of nested aliases would fill the memory. */
const MAX_ALIASES = 100;

/** A well-formed YAML document. */
export class YamlSource {
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** The plain value. Keys without a value (`key:`) become undefined, which means "not set" as in Go. */
  value(): unknown {
    return emptyAsUndefined(this.#document.toJS({ maxAliasCount: MAX_ALIASES }));
  }

  /** Where the key or list item at the path stands, or the nearest one above it that exists. */
  place(path: SourcePath): SourcePlace {
    return placeOf(this.#lines, this.#walk(path).offset);
  }

  /**
   * Makes an unquoted number or boolean at the path the text that was written, and tells whether it
   * did. The Go versions read `name: 007` as text where the option is one.
   */
  takeAsText(path: SourcePath): boolean {
    const { node, isExact } = this.#walk(path);
    if (!isExact || !isScalar(node) || node.type !== 'PLAIN' || node.source === undefined) {
      return false;
    }
    node.value = node.source;
    return true;
  }

  #walk(path: SourcePath): { node: unknown; offset: number; isExact: boolean } {
    let node: unknown = this.#document.contents;
    let offset = 0;
    for (const step of path) {
      const within = this.#resolved(node);
      if (isMap(within)) {
        const pair = within.items.find(({ key }) => isScalar(key) && String(key.value) === step);
        if (pair === undefined) return { node, offset, isExact: false };
        offset = startOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(within)) {
        node = within.items[Number(step)];
        offset = startOf(node) ?? offset;
      } else {
        return { node, offset, isExact: false };
      }
    }
    return { node: this.#resolved(node), offset, isExact: true };
  }

  #resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }
}

/** Reads a YAML text (JSON is YAML too), or tells everything that is wrong with its syntax. */
export function parseYaml(text: string): YamlSource | readonly SourceProblem[] {
  const lines = new LineCounter();
  // Merge keys (`<<: *base`) are part of what the Go versions read.
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    logLevel: 'error',
  } as const;
  const document = parseDocument(text, options);
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map((fault) => ({
      place: placeOf(lines, fault.pos[0]),
      text: syntaxText(fault, text),
    }));
    return withoutRepetitions(problems);
  }
  const dangling = danglingAliases(document);
  if (dangling.length > 0) {
    return dangling.map((offset) => ({ place: placeOf(lines, offset), text: BAD_ALIAS }));
  }
  return new YamlSource(document, lines);
}

/** The parser finds some faults twice: once per collection that is not closed. */
function withoutRepetitions(problems: readonly SourceProblem[]): readonly SourceProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** Offsets of aliases without an anchor before them; the parser leaves these to later. */
function danglingAliases(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined) offsets.push(startOf(alias) ?? 0);
    },
  });
  return offsets;
}

const BAD_ALIAS =
  'an alias (*name) refers to no anchor (&name) before it; quote a text that begins with *';

/**
 * One sentence per kind of syntax fault. The parser's own texts quote the file, which may hold
 * secrets, so they are not used.
 */
const SYNTAX_TEXTS: Readonly<Record<string, string>> = {
  BAD_ALIAS,
  TAB_AS_INDENT: 'a tab is used for indentation: use spaces',
  BAD_INDENT:
    'indentation is misplaced (a key must stand under its siblings), or a bracket is not closed',
  BLOCK_AS_IMPLICIT_KEY: 'a colon or line break is misplaced: one "key: value" per line',
  MULTILINE_IMPLICIT_KEY: 'a colon is missing after a key, or indentation is misplaced',
  MULTIPLE_DOCS: 'a second document begins here (---): one file holds one document',
  MISSING_CHAR: 'a closing quote, bracket, comma or colon is missing before this place',
  BAD_DQ_ESCAPE:
    'a backslash in a double-quoted text begins no known escape: use single quotes or \\',
  BAD_SCALAR_START: 'a text begins with a character that has a meaning in YAML: quote it',
  TAG_RESOLVE_FAILED: 'a tag (!name) is not known: remove it, or quote the text',
};

function syntaxText(fault: YAMLError, text: string): string {
  if (fault.code === 'DUPLICATE_KEY') {
    return `key "${keyAt(text, fault.pos[0])}" is given twice: remove one`;
  }
  return SYNTAX_TEXTS[fault.code] ?? `this is not valid YAML (${fault.code})`;
}

function keyAt(text: string, offset: number): string {
  return /^["']?([\w./-]{1,64})/.exec(text.slice(offset, offset + 66))?.[1] ?? '?';
}

function placeOf(lines: LineCounter, offset: number): SourcePlace {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), col: Math.max(col, 1) };
}

function startOf(node: unknown): number | undefined {
  const range = (node as Partial<Node> | null | undefined)?.range; // keys and items of a parsed document are nodes
  return range?.[0];
}

function emptyAsUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(emptyAsUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      item === null ? undefined : emptyAsUndefined(item),
    ]),
  );
}
