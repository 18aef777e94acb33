/**
 * Members that wait for their turn, in order. They are linked through themselves: they join and leave by
 * the thousand a second, and a Set would keep each alive for the young generation (slots.ts says how).
 */

/** What a member keeps for the line that it waits in; only lines write here. */
export interface LineMember<Self extends LineMember<Self>> {
  line: WaitingLine<Self> | undefined;
  ahead: Self | undefined;
  behind: Self | undefined;
}

/** In the order in which they came. A member waits in one line at a time. */
export class WaitingLine<Member extends LineMember<Member>> {
  #first: Member | undefined;
  #last: Member | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  has(member: Member): boolean {
    return member.line === this;
  }

  /** To the end of this line, out of another; who waits in this one keeps the place. */
  join(member: Member): void {
    if (member.line === this) return;
    member.line?.leave(member);
    member.line = this;
    member.ahead = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#last.behind = member;
    this.#last = member;
  }

  /** Nothing for who does not wait here. */
  leave(member: Member): void {
    if (member.line !== this) return;
    const { ahead, behind } = member;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    // who has left leads to nobody
    member.line = undefined;
    member.ahead = undefined;
    member.behind = undefined;
  }

  /** Who is first, and leaves. */
  takeFirst(): Member | undefined {
    const first = this.#first;
    if (first !== undefined) this.leave(first);
    return first;
  }

  /** Who came last, and leaves. */
  takeLast(): Member | undefined {
    const last = this.#last;
    if (last !== undefined) this.leave(last);
    return last;
  }

  /** Everybody leaves. */
  clear(): void {
    while (this.takeFirst() !== undefined);
  }
}
