import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { onOff, secretText, someText } from '../../../shared/config/option-kinds.js';
import { parseConfig, readConfig } from '../../../shared/config/read-config.js';
import type { ConfigFormat } from '../../../shared/config/read-config.js';
import { SecretValue } from '../../../shared/config/secret-value.js';
import { TunnelError } from '../../../shared/errors.js';

const schema = z.strictObject({
  name: z.string().optional(),
  port: z.int().min(0).max(65535).default(9001),
  enabled: onOff.default(false),
  level: z.enum(['info', 'debug']).default('info'),
  password: secretText,
  list: z.array(z.strictObject({ key: someText })).default([]),
  labels: z.record(z.string(), z.string()).default({}),
});
const format: ConfigFormat<z.output<typeof schema>> = {
  schema,
  obsolete: { oldName: 'it is called name' },
  notes: ({ level }) => (level === 'debug' ? ['debug is chatty'] : []),
};
const parse = (text: string) => parseConfig(text, 'c.yaml', format);

/** The message of the error that reading the text ends with. */
function faultOf(text: string): string {
  try {
    parse(text);
  } catch (reason) {
    assert.ok(reason instanceof TunnelError);
    assert.equal(reason.code, 'CONFIG_INVALID');
    return reason.message;
  }
  return assert.fail('expected an error');
}

describe('a file in order', () => {
  it('gives values and defaults', () => {
    const { config, warnings } = parse('name: x\nlist:\n- key: a\n');
    assert.deepEqual(config.list, [{ key: 'a' }]);
    assert.equal(config.name, 'x');
    assert.equal(config.port, 9001);
    assert.deepEqual(warnings, []);
  });

  it('may be JSON', () => assert.equal(parse('{"name": "x", "port": 0}').config.port, 0));

  it('is frozen all the way down', () => {
    const { config } = parse('list:\n- key: a\nlabels: {a: b}');
    assert.ok(Object.isFrozen(config));
    assert.ok(Object.isFrozen(config.list));
    assert.ok(Object.isFrozen(config.list[0]));
    assert.ok(Object.isFrozen(config.labels));
  });

  it('takes keys without a value as not set', () => {
    assert.equal(parse('port:\nname: ~').config.port, 9001);
    assert.equal(parse('port:\nname: ~').config.name, undefined);
  });

  it('takes unquoted numbers and booleans as the text that was written, where text is meant', () => {
    const { config } = parse('name: 007\nlabels: {a: 1.10, b: true, c: 0x1F, d: "1"}');
    assert.equal(config.name, '007');
    assert.deepEqual(config.labels, { a: '1.10', b: 'true', c: '0x1F', d: '1' });
  });

  it('accepts the switches of YAML 1.1', () => {
    assert.equal(parse('enabled: yes').config.enabled, true);
    assert.equal(parse('enabled: Off').config.enabled, false);
  });

  it('follows anchors and merge keys', () => {
    const { config } = parse('labels: &l {a: x}\nlist:\n- &k {key: a}\n- {<<: *k}\n- *k\n');
    assert.deepEqual(config.list, [{ key: 'a' }, { key: 'a' }, { key: 'a' }]);
  });

  it('wraps secrets', () => {
    const { config } = parse('password: hunter2');
    assert.ok(config.password instanceof SecretValue);
    assert.equal(config.password.reveal(), 'hunter2');
    assert.ok(!JSON.stringify(config).includes('hunter2'));
  });

  it('warns of keys that older versions knew, with their place, and drops them', () => {
    const { config, warnings } = parse('name: x\noldName: y');
    assert.deepEqual(warnings, ['c.yaml:2:1: key "oldName" has no effect: it is called name']);
    assert.ok(!('oldName' in config));
  });

  it("adds the format's own notes to the warnings", () => {
    assert.deepEqual(parse('level: debug').warnings, ['c.yaml: debug is chatty']);
  });
});

describe('a file with problems', () => {
  it('lists all of them at once, in the order of the file, with their places', () => {
    const fault = faultOf(
      [
        'nam: x',
        'port: 70000',
        'enabled: perhaps',
        'level: verbose',
        'list:',
        '- key: a',
        '- kye: b',
        '- text',
        'labels: [a]',
      ].join('\n'),
    );
    assert.deepEqual(fault.split('\n'), [
      '8 problems:',
      'c.yaml:1:1: key "nam": is not known here; did you mean "name"?',
      'c.yaml:2:1: key "port": found 70000, expected 65535 or less',
      'c.yaml:3:1: key "enabled": found "perhaps", expected true or false',
      'c.yaml:4:1: key "level": found "verbose", expected one of info, debug',
      'c.yaml:7:3: key "list[1].key": is missing, expected text',
      'c.yaml:7:3: key "list[1].kye": is not known here; did you mean "key"?',
      'c.yaml:8:3: key "list[2]": found a text, expected a mapping (key: value)',
      'c.yaml:9:1: key "labels": found a list, expected a mapping (key: value)',
    ]);
  });

  it('names the known keys when none is near', () => {
    assert.match(faultOf('list:\n- whatever: 1\n  key: a'), /is not known here; known are key$/);
  });

  it('repeats no secret', () => {
    assert.ok(!faultOf('password: [hunter2]').includes('hunter2'));
    assert.ok(!faultOf('level: https://me:hunter2@host/').includes('hunter2'));
    assert.ok(!faultOf('list: hunter2').includes('hunter2'));
    assert.ok(!faultOf('list: [hunter2]').includes('hunter2'));
    assert.ok(!faultOf(`level: |\n  ${'x'.repeat(80)}hunter2`).includes('hunter2'));
  });

  const texts: [string, string, RegExp][] = [
    ['empty', '', /^c\.yaml: the file is empty/],
    ['only a comment', '# nothing', /^c\.yaml: the file is empty/],
    ['a list', '- a', /^c\.yaml:1:1: found a list, expected "key: value"/],
    ['a single value', 'hello', /^c\.yaml:1:1: found a single value/],
    ['a key twice', 'name: a\nport: 1\nname: b', /^c\.yaml:3:1: key "name" is given twice/],
    ['tabs', 'list:\n\t- key: a', /^c\.yaml:2:1: a tab is used/],
    ['an open bracket', 'list: [', /bracket is not closed/],
    ['an open quote', 'name: "x', /closing quote/],
    ['a second document', 'name: a\n---\nname: b', /^c\.yaml:2:1: a second document/],
    ['an unknown alias', 'name: *x', /^c\.yaml:1:7: an alias/],
    ['an unknown tag', 'name: !secret x', /^c\.yaml:1:7: a tag/],
    ['an alias in its own anchor', 'list: &x [*x]', /aliases/],
    ['a prototype', '__proto__: {port: 1}', /"__proto__": is not known here/],
  ];
  for (const [what, text, expected] of texts) {
    it(`says so when the file is or has ${what}`, () => assert.match(faultOf(text), expected));
  }

  it('refuses aliases that expand to very much, quickly', () => {
    const lines = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']) {
      lines.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(',')}]`);
    }
    assert.match(faultOf(lines.join('\n')), /aliases \(\*name\) expand to too much/);
  });

  it('tells a fault of the syntax once, however often the parser met it', () => {
    const lines = faultOf('{"list": [{"key": "a",').split('\n');
    assert.ok(lines.length > 1);
    assert.deepEqual(lines, [...new Set(lines)]);
  });

  it('quotes nothing of a malformed file', () => {
    assert.ok(!faultOf('password: hunter2: x\n  y').includes('hunter2'));
  });
});

describe('readConfig', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'config-'));
  });
  after(() => rmSync(dir, { recursive: true }));
  const fault = (file: string) => {
    let message = '';
    assert.throws(
      () => readConfig(file, format),
      (reason) => {
        assert.ok(reason instanceof TunnelError && reason.code === 'CONFIG_INVALID');
        message = reason.message;
        return true;
      },
    );
    return message;
  };

  it('reads a file', () => {
    const file = join(dir, 'good.yaml');
    writeFileSync(file, 'name: x');
    assert.equal(readConfig(file, format).config.name, 'x');
  });

  it('names the file that is missing, a directory, too large or not permitted', () => {
    assert.equal(fault(join(dir, 'none')), `${join(dir, 'none')}: there is no such file`);
    assert.equal(fault(dir), `${dir}: this is a directory, expected a file`);
    const large = join(dir, 'large');
    writeFileSync(large, ' '.repeat(4 * 1024 * 1024 + 1));
    assert.match(fault(large), /is larger than/);
    if (process.getuid?.() === 0) return; // root reads everything
    const locked = join(dir, 'locked');
    writeFileSync(locked, 'name: x');
    chmodSync(locked, 0);
    assert.match(fault(locked), /lacks the permission/);
  });
});
