import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Slots } from '../../shared/slots.js';

describe('slots', () => {
  it('hold what a Map would, whoever comes and goes in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { maxLength: 400 }), (steps) => {
        const slots = new Slots<{ n: number }>();
        const expected = new Map<number, { n: number }>();
        for (const step of steps) {
          const taken = [...expected.keys()];
          const slot = step % 2 === 0 ? undefined : taken[step % taken.length];
          if (slot === undefined) {
            const member = { n: step };
            const place = slots.add(member);
            assert.ok(!expected.has(place), 'a place is given to one at a time');
            expected.set(place, member);
          } else {
            slots.remove(slot);
            expected.delete(slot);
          }
          assert.equal(slots.size, expected.size);
          for (const [place, member] of expected) assert.equal(slots.at(place), member);
        }
        assert.deepEqual(new Set(slots), new Set(expected.values()));
      }),
    );
  });

  it('use places again, and let go of many when nobody is left', () => {
    const slots = new Slots<object>();
    const first = slots.add({});
    slots.remove(first);
    assert.equal(slots.add({}), first);
    slots.remove(first);
    const places = Array.from({ length: 5000 }, () => slots.add({}));
    assert.equal(Math.max(...places), 4999);
    for (const place of places) slots.remove(place);
    assert.deepEqual([slots.size, [...slots], slots.at(4999)], [0, [], undefined]);
    assert.equal(slots.add({}), 0);
  });

  it('may change while they are gone through', () => {
    const slots = new Slots<{ n: number }>();
    const places = [1, 2, 3].map((n) => slots.add({ n }));
    const seen: number[] = [];
    for (const { n } of slots) {
      seen.push(n);
      if (n === 1) slots.remove(places[1] ?? -1);
      if (n === 3) slots.add({ n: 4 });
    }
    assert.deepEqual(seen, [1, 3], 'the freed place was behind');
  });
});
