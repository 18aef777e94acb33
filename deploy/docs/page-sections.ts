/**
 * Pages that are written by hand around parts that are generated. A part stands between two comments:
 *
 *     <!-- generated: limits -->
 *     …
 *     <!-- end of limits -->
 */

/** Generated parts by the name in their comments. */
export type PageSections = ReadonlyMap<string, string>;

/** The page with its generated parts as they should be. Throws when the page lacks one or has others. */
export function withSections(page: string, sections: PageSections): string {
  const written = [...page.matchAll(/^<!-- generated: (.+) -->$/gm)].map((match) => match[1] ?? '');
  const wanted = [...sections.keys()];
  if (written.sort().join() !== wanted.sort().join()) {
    throw new Error(`the page has the parts [${written.join()}], expected [${wanted.join()}]`);
  }
  let text = page;
  for (const [name, content] of sections) text = withSection(text, name, content);
  return text;
}

function withSection(page: string, name: string, content: string): string {
  const start = `<!-- generated: ${name} -->\n`;
  const end = `<!-- end of ${name} -->\n`;
  const from = page.indexOf(start) + start.length;
  const to = page.indexOf(end, from);
  if (to < 0) throw new Error(`the page lacks the line "${end.trim()}"`);
  return `${page.slice(0, from)}\n${content}\n\n${page.slice(to)}`;
}
