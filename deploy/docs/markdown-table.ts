/**
 * Markdown tables for the generated parts of pages.
 */

/** A table; cells are Markdown, in which `|` and line ends are escaped here. */
export function tableOf(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => '---'), ...rows].map(lineOf).join('\n');
}

function lineOf(cells: readonly string[]): string {
  const escaped = cells.map((cell) => cell.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' '));
  return `| ${escaped.join(' | ')} |`;
}
