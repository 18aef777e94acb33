import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { parseAgentConfig, parseServicesConfig } from '../../../agent/config.js';
import { parseControllerConfig } from '../../../controller/config.js';
import { freshPages } from '../../../deploy/docs/pages.js';
import { VERSION } from '../../../shared/version.js';
import { filesIn, projectFile, ROOT, yamlDocuments } from '../project-files.js';

const PAGES = [
  ...filesIn('.', '.md').map((path) => normalize(path)),
  ...filesIn('deploy', '.md'),
  ...filesIn('deploy/local', '.md'),
];

describe('pages', () => {
  it('are all there', () => {
    for (const page of [
      'README.md',
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CONFIGURATION.md',
      'CONTRIBUTING.md',
      'ERRORS.md',
      'LIMITS.md',
      'SECURITY.md',
      'deploy/EXPOSING.md',
      'deploy/local/README.md',
    ]) {
      assert.ok(PAGES.includes(page), page);
    }
  });

  it('have generated parts that fit the code', () => {
    for (const [page, text] of freshPages(projectFile)) {
      assert.ok(
        projectFile(page) === text,
        `${page} is out of date: node --import tsx deploy/docs/generate-pages.ts`,
      );
    }
  });

  it('link to files and headings that exist', () => {
    let links = 0;
    for (const page of PAGES) {
      for (const [, target = ''] of projectFile(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        links++;
        const [path = '', heading] = target.split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        assert.ok(existsSync(join(ROOT, file)), `${page} links to ${target}`);
        if (heading !== undefined) {
          assert.ok(headingsOf(file).includes(heading), `${page} links to ${target}`);
        }
      }
    }
    assert.ok(links > 20);
  });

  it('name files that exist', () => {
    let names = 0;
    for (const page of PAGES) {
      for (const [, path = ''] of projectFile(page).matchAll(FILE_NAME)) {
        names++;
        assert.ok(existsSync(join(ROOT, path)), `${page} names ${path}`);
      }
    }
    assert.ok(names > 60);
  });

  it('show configuration that the programs accept', () => {
    const [controller = '', agent = '', services = ''] = blocksOf('CONFIGURATION.md', 'yaml');
    parseControllerConfig(controller, 'example');
    parseAgentConfig(agent, 'example');
    const { config, warnings } = parseServicesConfig(services, 'example');
    assert.deepEqual(warnings, []);
    assert.equal(config.outgoingServices.length, 2);
    const limits = blocksOf('LIMITS.md', 'yaml')[0] ?? '';
    parseControllerConfig(controller + limits, 'example');
    parseAgentConfig(agent + limits, 'example');
  });

  it('show well-formed YAML, and a services file that the agent accepts', () => {
    const blocks = blocksOf('README.md', 'yaml');
    assert.equal(blocks.length, 3);
    for (const block of blocks) assert.equal(yamlDocuments(block).length, 1);
    const services = blocks.find((block) => block.includes('outgoingServices')) ?? '';
    assert.deepEqual(parseServicesConfig(services, 'example').warnings, []);
  });

  it('name one version', () => {
    for (const page of ['README.md', 'deploy/docker/Dockerfile', 'deploy/kubernetes/config.yaml']) {
      const found = projectFile(page).matchAll(/fairlead-(?:agent|controller):([\w.-]+)/g);
      const versions = [...found].map((match) => match[1]);
      assert.ok(versions.length > 0, page);
      assert.deepEqual(new Set(versions), new Set([VERSION]), page);
    }
    assert.match(
      projectFile('CHANGELOG.md'),
      new RegExp(`^## ${VERSION.replaceAll('.', '\\.')}\\b`, 'm'),
    );
  });
});

/** A path in backticks with a folder in it; absolute ones are of machines. */
const FILE_NAME = /`((?:agent|controller|shared|deploy|proto|test)\/[\w./-]*)`/g;

function blocksOf(page: string, language: string): string[] {
  const blocks = projectFile(page).matchAll(new RegExp('^```' + language + '\\n(.*?)^```$', 'gms'));
  return [...blocks].map((match) => match[1] ?? '');
}

/** Headings as GitHub names them in links. */
function headingsOf(page: string): string[] {
  return [...projectFile(page).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}
