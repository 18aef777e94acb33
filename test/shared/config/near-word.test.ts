import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearWord } from '../../../shared/config/near-word.js';

const known = ['agentHostname', 'agentListenPort', 'limits', 'url', 'insecure'];

describe('nearWord', () => {
  const table: [string, string | undefined][] = [
    ['agentHostnme', 'agentHostname'],
    ['agenthostname', 'agentHostname'],
    ['agentListneProt', 'agentListenPort'],
    ['limit', 'limits'],
    ['ulr', 'url'],
    ['uri', 'url'],
    ['x', undefined],
    ['somethingElse', undefined],
    ['', undefined],
  ];
  for (const [word, expected] of table) {
    it(`takes "${word}" for ${expected ?? 'nothing known'}`, () =>
      assert.equal(nearWord(word, known), expected));
  }
});
