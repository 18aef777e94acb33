import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { GatheredLines } from '../../../shared/operations/gathered-lines.js';

/** `written` is read when asked for: bytes must not change after they were handed over. */
function gathering() {
  const pieces: Buffer[] = [];
  let drained = () => {};
  const lines = new GatheredLines({
    write: (bytes) => pieces.push(bytes),
    on: (_event, listener) => (drained = listener),
  });
  const written = () => pieces.map((piece) => piece.toString());
  return { lines, written, drained: () => drained() };
}

describe('gathered log lines', () => {
  it('go out together after a moment, in their order, and no timer is left', (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const { written, lines } = gathering();
    lines.write('a\n');
    mock.timers.tick(19);
    lines.write('b\n');
    assert.deepEqual(written(), []);
    mock.timers.tick(1);
    assert.deepEqual(written(), ['a\nb\n']);
    mock.timers.tick(1000);
    assert.deepEqual(written(), ['a\nb\n']);
    lines.write('c\n');
    mock.timers.tick(20);
    assert.deepEqual(written(), ['a\nb\n', 'c\n']);
  });

  it('go out at once when they are asked for, and when they are many', () => {
    const { written, lines } = gathering();
    lines.write('a\n');
    lines.passOn();
    lines.passOn();
    assert.deepEqual(written(), ['a\n']);
    const long = `${'x'.repeat(20 * 1024)}\n`;
    lines.write('b\n');
    lines.write(long);
    assert.deepEqual(written(), ['a\n']);
    lines.write(long.replaceAll('x', 'y'));
    lines.write('c\n');
    assert.deepEqual(written(), ['a\n', `b\n${long}`]);
    lines.passOn();
    assert.deepEqual(written().slice(2), [`${long.replaceAll('x', 'y')}c\n`]);
  });

  it('go out whole and in order when one is longer than what is gathered', () => {
    const { written, lines } = gathering();
    const huge = `${'\u20ac'.repeat(64 * 1024)}\n`;
    for (const line of ['a\n', huge, 'b\n']) lines.write(line);
    lines.passOn();
    assert.deepEqual(written(), ['a\n', huge, 'b\n']);
  });

  it('are the UTF-8 of their texts, lone surrogates replaced', () => {
    const { written, lines } = gathering();
    lines.write('\u00e9\u20ac\ud83d\ude00 \ud800\n');
    lines.passOn();
    assert.deepEqual(written(), ['\u00e9\u20ac\ud83d\ude00 \ufffd\n']);
  });

  it('stay as they were handed over while a slow stream still holds them', () => {
    const { written, lines, drained } = gathering();
    const expected = Array.from({ length: 9 }, (_, i) => `line ${i}\n`);
    for (const [i, line] of expected.entries()) {
      lines.write(line);
      lines.passOn();
      assert.deepEqual(written().slice(0, i + 1), expected.slice(0, i + 1));
    }
    // once they are written, their place may be used again, by one piece at a time
    drained();
    for (const text of ['a\n', 'b\n', 'c\n']) {
      lines.write(text);
      lines.passOn();
    }
    assert.deepEqual(written().slice(-3), ['a\n', 'b\n', 'c\n']);
  });
});
