import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  agentNameProblem,
  agentObjectName,
  namespaceProblem,
  pathNameProblem,
  plainNameProblem,
  secretNameProblem,
} from '../../../controller/rendering/name-rules.js';

describe('name rules', () => {
  it('leave exactly the room that the prefix of object names leaves in a label', () => {
    const longest = 'a'.repeat(51);
    assert.equal(agentNameProblem(longest), undefined);
    assert.equal(agentObjectName(longest).length, 63);
    assert.match(agentNameProblem(`${longest}a`) ?? '', /1 to 51/);
  });

  it('accept and refuse names of each kind', () => {
    const table: [rule: (name: string) => string | undefined, good: string[], bad: string[]][] = [
      [agentNameProblem, ['a', '1a', 'a-b'], ['', 'A', 'a_b', 'a.b', '-a', 'a-', 'a b', 'a\n']],
      [namespaceProblem, ['default', 'x'.repeat(63)], ['', 'x'.repeat(64), 'a.b', 'kube_system']],
      [secretNameProblem, ['a', 'a.b-c'], ['', 'a..b', '.a', 'a_b', 'A', 'x'.repeat(254)]],
      [plainNameProblem, ['a b', '..', '/', 'é', '${x}'], ['', '\0', 'a\r', '\u009f', '\ud800x']],
      [pathNameProblem, ['a b', '...', '%2F', '$x'], ['', '.', '..', 'a/b', 'a\\b', '${x}', '\t']],
    ];
    for (const [rule, good, bad] of table) {
      for (const name of good) assert.equal(rule(name), undefined, `${rule.name} ${name}`);
      for (const name of bad) assert.notEqual(rule(name), undefined, `${rule.name} ${name}`);
    }
  });
});
