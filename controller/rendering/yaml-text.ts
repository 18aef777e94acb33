/**
 * How the renderers write YAML: in a dialect that every reader on the way understands the same
 * (kubectl and the API server parse YAML 1.1), with explanations as comments in front.
 */
import { stringify } from 'yaml';

/** One document of a YAML stream. */
export interface YamlDocument {
  /** Lines of explanation, without `#`; an empty line separates paragraphs. */
  readonly comment: readonly string[];
  readonly content: object;
}

/** The documents as one text, in order, keys in the order of the objects. */
export function yamlStream(documents: readonly YamlDocument[]): string {
  return documents
    .map(({ comment, content }) => `${commentText(comment)}${yamlText(content)}`)
    .join('---\n');
}

/** One object as YAML. Long lines stay whole: base64 must not be folded. */
export function yamlText(content: object): string {
  return stringify(content, {
    // Quotes what YAML 1.1 takes for something else than a string: yes, on, 1_000, 12:30:45.
    version: '1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

function commentText(lines: readonly string[]): string {
  return lines.map((line) => (line === '' ? '#\n' : `# ${line}\n`)).join('');
}
