/** A line of members that wait, held against lists. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WaitingLine } from '../../shared/waiting-line.js';
import type { LineMember } from '../../shared/waiting-line.js';

class Member implements LineMember<Member> {
  line: WaitingLine<Member> | undefined;
  ahead: Member | undefined;
  behind: Member | undefined;
}

describe('lines', () => {
  it('hold what a list would, whoever joins, changes over and leaves', () => {
    const step = fc.record({
      does: fc.constantFrom('join', 'leave', 'takeFirst', 'takeLast', 'clear'),
      who: fc.nat(7),
      where: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const members = Array.from({ length: 8 }, () => new Member());
        const lines = [new WaitingLine<Member>(), new WaitingLine<Member>()] as const;
        const model: [Member[], Member[]] = [[], []];
        for (const { does, who, where } of steps) {
          const [member, line] = [members[who], lines[where]];
          assert.ok(member !== undefined && line !== undefined);
          const expected = model[where] ?? [];
          if (does === 'join') {
            line.join(member);
            if (!expected.includes(member)) {
              model[1 - where] = (model[1 - where] ?? []).filter((one) => one !== member);
              expected.push(member);
            }
          } else if (does === 'leave') {
            line.leave(member);
            model[where] = expected.filter((one) => one !== member);
          } else if (does === 'takeFirst') {
            assert.equal(line.takeFirst(), expected.shift());
          } else if (does === 'takeLast') {
            assert.equal(line.takeLast(), expected.pop());
          } else {
            line.clear();
            model[where] = [];
          }
          for (const other of members) {
            if (other.line !== undefined) continue;
            assert.deepEqual([other.ahead, other.behind], [undefined, undefined]);
          }
          for (const [i, one] of lines.entries()) {
            assert.deepEqual(
              members.filter((other) => one.has(other)),
              members.filter((other) => model[i]?.includes(other)),
            );
          }
        }
        for (const [i, line] of lines.entries()) {
          for (const member of model[i] ?? []) assert.equal(line.takeFirst(), member);
          assert.equal(line.takeFirst(), undefined);
        }
      }),
    );
  });
});
