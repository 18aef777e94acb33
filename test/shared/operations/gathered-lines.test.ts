import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { GatheredLines } from '../../../shared/operations/gathered-lines.js';

function gathering() {
  const written: string[] = [];
  return { written, lines: new GatheredLines({ write: (text) => written.push(text) }) };
}

describe('gathered log lines', () => {
  it('go out together after a moment, in their order, and no timer is left', (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const { written, lines } = gathering();
    lines.write('a\n');
    mock.timers.tick(19);
    lines.write('b\n');
    assert.deepEqual(written, []);
    mock.timers.tick(1);
    assert.deepEqual(written, ['a\nb\n']);
    mock.timers.tick(1000);
    assert.deepEqual(written, ['a\nb\n']);
    lines.write('c\n');
    mock.timers.tick(20);
    assert.deepEqual(written, ['a\nb\n', 'c\n']);
  });

  it('go out at once when they are asked for, and when they are many', () => {
    const { written, lines } = gathering();
    lines.write('a\n');
    lines.passOn();
    lines.passOn();
    assert.deepEqual(written, ['a\n']);
    const long = `${'x'.repeat(16 * 1024)}\n`;
    lines.write('b\n');
    lines.write(long);
    assert.deepEqual(written, ['a\n', `b\n${long}`]);
  });
});
