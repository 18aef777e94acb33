import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CODE_LIMITS } from '../../../deploy/docs/code-limits.js';
import { constantValue } from '../../../deploy/docs/source-constant.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import { projectFile, ROOT } from '../project-files.js';

/** Constants whose names look like bounds and that nobody outside the code notices. */
const NO_BOUNDS: ReadonlySet<string> = new Set([
  'BACKDATED_MS',
  'CHECK_MS',
  'CLOSE_GRACE_MS',
  'CLOSE_TIMEOUT_MS',
  'DAY_MS',
  'DEFAULT_VALIDITY_MS',
  'FRAME_COST_BYTES',
  'FROZEN_MS',
  'LAST_WORDS_BYTES',
  'LOOK_TIMEOUT_MS',
  'MAX_AGENT_NAME_LENGTH',
  'MAX_CAUSES',
  'MAX_DNS_NAME_LENGTH',
  'MAX_FACT_CHARS',
  'MAX_LABEL_LENGTH',
  'MAX_NAME_LENGTH',
  'MAX_PATH_CHARS',
  'MAX_QUERY_NAMES',
  'MAX_REPLY_BYTES',
  'MAX_STACK_CHARS',
  'MAX_TEXT_CHARS',
  'MAX_TIMER_MS',
  'MAX_VARINT_BYTES',
  'NONCE_BYTES',
  'REPLY_TIMEOUT_MS',
  'RETRY_MS',
  'AGENT_BUFFER_BYTES',
  'TERMINATION_GRACE_SECONDS',
  'TOKEN_KEY_BYTES',
]);

describe('the table of bounds in the code', () => {
  it('has every constant that looks like one', () => {
    const listed = new Set(CODE_LIMITS.map(({ file, name }) => `${file} ${name}`));
    const sources = ['agent', 'controller', 'shared'].flatMap(sourcesBelow);
    assert.ok(sources.length > 150);
    const missing = sources.flatMap((file) =>
      boundsIn(projectFile(file))
        .filter((name) => !listed.has(`${file} ${name}`) && !NO_BOUNDS.has(name))
        .map((name) => `${file} ${name}`),
    );
    assert.deepEqual(
      missing,
      [],
      'add them to deploy/docs/code-limits.ts, then generate the pages',
    );
  });

  it('has every limit of the protocol', () => {
    const listed = CODE_LIMITS.filter(({ file }) => file === 'shared/protocol/frame.ts');
    for (const name of Object.keys(PROTOCOL_LIMITS)) {
      assert.ok(
        listed.some((limit) => limit.name === name),
        name,
      );
    }
  });

  it('reads values as the code means them', () => {
    const source = [
      'const KIB = 1024;',
      'export const A_BYTES = 64 * 1024;',
      'const B_MS: number = 5_000;',
      'const C_BYTES = 2 * KIB;',
      'const LIMITS = {',
      '  maxBatchBytes: 1 << 20,',
      '  other: 7,',
      '};',
      "const D_MS = clock('now');",
    ].join('\n');
    assert.equal(constantValue(source, 'A_BYTES'), 65_536);
    assert.equal(constantValue(source, 'B_MS'), 5_000);
    assert.equal(constantValue(source, 'C_BYTES'), 2_048);
    assert.equal(constantValue(source, 'maxBatchBytes'), 1_048_576);
    assert.equal(constantValue(source, 'other'), 7);
    assert.throws(() => constantValue(source, 'D_MS'), /not a number/);
    assert.throws(() => constantValue(source, 'E_MS'), /no constant E_MS/);
  });
});

function boundsIn(source: string): string[] {
  const found = source.matchAll(
    /^(?:export )?const ([A-Z0-9_]+_(?:MS|BYTES|SECONDS|DAYS)|(?:DEFAULT_)?MAX_[A-Z0-9_]+)(?:: [^=]+)? =/gm,
  );
  return [...found].map((match) => match[1] ?? '');
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}
