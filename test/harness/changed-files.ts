/**
 * Files changed under a running program, and what it says of them.
 */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import type { ChildProgram } from '../../deploy/demo/child-program.js';

/** As Kubernetes and careful people do: another file under the same name. */
export function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Changes files, asks for a reload and waits until it is done. */
export async function reloaded(program: ChildProgram, change: () => void): Promise<void> {
  const seen = program.lines.length;
  change();
  program.process.kill('SIGHUP');
  await lineAfter(program, seen, 'configuration reloaded');
}

/** Changes files, asks for a reload and waits until it is refused for that reason. */
export async function refused(
  program: ChildProgram,
  change: () => void,
  reason: RegExp,
): Promise<void> {
  const seen = program.lines.length;
  change();
  program.process.kill('SIGHUP');
  assert.match(await lineAfter(program, seen, 'new configuration refused'), reason);
}

/** The first line that holds the text, after so many that were there. */
export async function lineAfter(
  program: ChildProgram,
  seen: number,
  text: string,
): Promise<string> {
  let found: string | undefined;
  await program.until(() => {
    found = program.lines.slice(seen).find((line) => line.includes(text));
    return found !== undefined;
  });
  return found ?? '';
}
