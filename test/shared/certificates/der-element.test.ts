import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { derChildren, derText, readDer } from '../../../shared/certificates/der-element.js';
import { testCa } from '../../controller/certificates/test-authority.js';

describe('readDer', () => {
  it('reads short and long lengths and hands on views of the same bytes', () => {
    const short = readDer(Buffer.from('0c0361626399', 'hex'));
    assert.equal(derText(short), 'abc');
    assert.equal(short.whole.toString('hex'), '0c03616263');
    const long = readDer(Buffer.concat([Buffer.from('04820100', 'hex'), Buffer.alloc(300, 7)]));
    assert.equal(long.contents.length, 256);
  });

  it('refuses every certificate that is cut short', () => {
    const { raw } = testCa().certificate;
    for (let length = 0; length < raw.length; length++) {
      assert.throws(() => readDer(raw.subarray(0, length)), RangeError);
    }
    assert.equal(readDer(raw).whole.length, raw.length);
  });

  it('refuses lengths that are indefinite or too long', () => {
    for (const hex of ['3080', '308500000000010a', '3084ffffffff00', '1f0100']) {
      assert.throws(() => readDer(Buffer.from(hex, 'hex')), RangeError, hex);
    }
  });

  it('throws nothing but RangeError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          derChildren(readDer(Buffer.from(bytes)));
        } catch (reason) {
          assert.ok(reason instanceof RangeError);
        }
      }),
    );
  });
});

describe('derText', () => {
  it('reads the string types that names use', () => {
    const read = (hex: string): string => derText(readDer(Buffer.from(hex, 'hex')));
    assert.equal(read('0c02c3a9'), 'é');
    assert.equal(read('13026162'), 'ab');
    assert.equal(read('16026162'), 'ab');
    assert.equal(read('1e0400e90062'), 'éb');
    assert.throws(() => read('0c01ff'), TypeError); // not UTF-8
    assert.throws(() => read('020101'), RangeError); // an INTEGER
  });
});
