/**
 * The pages with generated parts, as they should be. generate-pages.ts writes them; a test compares them.
 */
import { configurationPage } from './configuration-page.js';
import { errorPage } from './error-page.js';
import { limitsPage } from './limits-page.js';
import { withSections } from './page-sections.js';
import type { PageSections } from './page-sections.js';

/** The text of each page with fresh parts, by file name. `read` gives the text of a file of the project. */
export function freshPages(read: (path: string) => string): ReadonlyMap<string, string> {
  const sections: readonly (readonly [string, PageSections])[] = [
    ['CONFIGURATION.md', configurationPage()],
    ['LIMITS.md', limitsPage(read)],
    ['ERRORS.md', errorPage()],
  ];
  return new Map(sections.map(([page, parts]) => [page, withSections(read(page), parts)]));
}
