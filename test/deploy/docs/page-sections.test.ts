import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { tableOf } from '../../../deploy/docs/markdown-table.js';
import { optionRows, optionSchema } from '../../../deploy/docs/option-table.js';
import { withSections } from '../../../deploy/docs/page-sections.js';
import { quantityText } from '../../../deploy/docs/quantity-text.js';

describe('generated parts of pages', () => {
  const page = 'Above.\n\n<!-- generated: one -->\nold\n<!-- end of one -->\n\nBelow.\n';

  it('are replaced, and nothing else is', () => {
    const once = withSections(page, new Map([['one', 'new $& text']]));
    assert.equal(
      once,
      'Above.\n\n<!-- generated: one -->\n\nnew $& text\n\n<!-- end of one -->\n\nBelow.\n',
    );
    assert.equal(withSections(once, new Map([['one', 'new $& text']])), once);
  });

  it('are not forgotten, on the page or in the code', () => {
    assert.throws(() => withSections(page, new Map()), /has the parts \[one\], expected \[\]/);
    assert.throws(() => withSections('Text.\n', new Map([['one', 'x']])), /expected \[one\]/);
    const open = '<!-- generated: one -->\n';
    assert.throws(() => withSections(open, new Map([['one', 'x']])), /end of one/);
  });

  it('keep what is in a cell inside it', () => {
    assert.equal(
      tableOf(['a', 'b'], [['x|y', 'two\nlines']]),
      '| a | b |\n| --- | --- |\n| x\\|y | two lines |',
    );
  });

  it('show numbers with their unit', () => {
    assert.equal(quantityText('maxWindowBytes', 16_777_216), '16777216 (16 MiB)');
    assert.equal(quantityText('maxHeaderBytes', 1_000), '1000');
    assert.equal(quantityText('drainGraceMs', 25_000), '25000 (25 s)');
    assert.equal(quantityText('userHeaderValiditySeconds', 604_800), '604800 (7 days)');
    assert.equal(quantityText('maxStreams', 50_000), '50000');
    assert.equal(quantityText('HEADS_WAIT_MS', 1), '1');
    assert.equal(quantityText('targetKeepAliveMs', 0), '0');
  });

  it('describe nested options, lists, switches and what is required', () => {
    const schema = z.strictObject({
      on: z
        .preprocess((value) => value, z.boolean())
        .default(false)
        .describe('A switch.'),
      inner: z.strictObject({ name: z.string().describe('Its name.') }).prefault({} as never),
      items: z.array(z.strictObject({ port: z.int().min(0).max(9) })).default([]),
      hidden: z.strictObject({ secret: z.string() }).optional(),
    });
    const rows = optionRows(optionSchema(schema), new Set(['hidden']));
    assert.deepEqual(
      rows.map(({ name, isRequired, defaultValue }) => [name, isRequired, defaultValue]),
      [
        ['on', false, false],
        ['inner.name', true, undefined],
        ['items', false, []],
        ['items[].port', true, undefined],
      ],
    );
    assert.equal(rows[0]?.meaning, 'A switch.');
    assert.equal(rows[3]?.values, '0 to 9');
  });
});
