import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { fairleadProgram } from '../../../controller/commands/fairlead-program.js';
import { systemClock } from '../../../shared/clock.js';
import { projectFile } from '../project-files.js';

const PAGES = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'deploy/EXPOSING.md',
  'deploy/local/README.md',
  'deploy/kubernetes/kustomization.yaml',
];

describe('command lines in the pages', () => {
  it('use commands and options that exist', () => {
    const lines = PAGES.flatMap((page) => commandLinesOf(page).map((line) => ({ page, line })));
    assert.ok(lines.length >= 12, `found only ${lines.length}`);
    for (const { page, line } of lines) assert.equal(faultOf(line), undefined, `${page}: ${line}`);
  });

  it('are looked at closely enough to notice a wrong one', () => {
    assert.equal(faultOf('fairlead kubeconfig --agent a --name n'), undefined);
    assert.match(faultOf('fairlead kubeconfg') ?? '', /no command/);
    assert.match(faultOf('fairlead kubeconfig --agents a') ?? '', /no option --agents/);
    assert.match(faultOf('fairlead agent-manifest --rbac everything') ?? '', /not a choice/);
  });

  it('run npm scripts that exist', () => {
    const { scripts } = JSON.parse(projectFile('package.json')) as { scripts: object };
    const builtIn = new Set(['ci', 'cit', 'test']);
    for (const page of [...PAGES, 'CONTRIBUTING.md']) {
      for (const [, script = '', name = script] of projectFile(page).matchAll(
        /\bnpm (?:run ([\w:]+)|([a-z]+)\b(?! packages))/g,
      )) {
        assert.ok(builtIn.has(name) || name in scripts, `${page}: npm ${name}`);
      }
    }
  });
});

const program = fairleadProgram({
  io: {
    stdout: { write: () => true },
    stderr: { write: () => true },
    env: {},
    clock: systemClock,
    interruption: () => new AbortController().signal,
  },
  programs: {
    controller: () => Promise.resolve(0),
    agent: () => Promise.resolve(0),
    demo: () => Promise.resolve(0),
  },
  exitWith: () => undefined,
});

/** `fairlead …` in code blocks and in backticks. */
function commandLinesOf(page: string): string[] {
  const found = projectFile(page).matchAll(/(?:^|[`#] *|npx )(fairlead (?:ca|[a-z]+)[^`|\n]*)/gm);
  return [...found].map((match) => (match[1] ?? '').replace(/\s+#.*$/, '').trim());
}

function faultOf(line: string): string | undefined {
  const [, ...words] = line.split(/\s+/);
  let command: Command = program;
  while (words[0] !== undefined && command.commands.length > 0) {
    const name = words.shift() ?? '';
    const next = command.commands.find((one) => one.name() === name);
    if (next === undefined) return `there is no command ${name}`;
    command = next;
  }
  for (const [index, word] of words.entries()) {
    if (!word.startsWith('-')) continue;
    const option = command.options.find((one) => one.long === word || one.short === word);
    if (option === undefined) return `${command.name()} has no option ${word}`;
    for (const value of words[index + 1]?.split('|') ?? []) {
      if (option.argChoices !== undefined && !option.argChoices.includes(value)) {
        return `${value} is not a choice of ${word}`;
      }
    }
  }
  return undefined;
}
