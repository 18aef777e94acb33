/**
 * The state of one half (one direction) of a stream, as a pure function. Both ends run the same
 * machine, once for what they send and once for what they receive.
 *
 *   the acceptor's half (response)        the opener's half (request; its head is the open frame)
 *
 *      head --head--> body --end--> ended        body --end--> ended
 *      |  ^ |                        ^            | ^
 *      |  +-+ info (1xx)             |            +-+ data
 *      +-----head that ends----------+
 *
 * A reset ends both halves from any state. A pair that is not listed is a protocol violation.
 */

/** What may come next on a half. */
export type HalfState = 'head' | 'body' | 'ended';

/** What happens on a half. */
export type HalfEvent = 'info' | 'head' | 'last-head' | 'data' | 'end';

/** The state after an event, or undefined when the event is not allowed in this state. */
export function nextHalfState(state: HalfState, event: HalfEvent): HalfState | undefined {
  switch (state) {
    case 'head':
      if (event === 'info') return 'head';
      if (event === 'head') return 'body';
      return event === 'last-head' ? 'ended' : undefined;
    case 'body':
      if (event === 'data') return 'body';
      return event === 'end' ? 'ended' : undefined;
    case 'ended':
      return undefined;
  }
}

/** The event that a response head is. */
export function headEvent(status: number, ended: boolean): HalfEvent {
  if (status < 200 && status !== 101) return 'info';
  return ended ? 'last-head' : 'head';
}
