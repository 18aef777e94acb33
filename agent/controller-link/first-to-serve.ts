/**
 * Dials beside dials. What a network has swallowed is lost for good, even when the network is back a moment
 * later: a dial that hears nothing keeps its time, but is not waited for alone.
 */
import type { Clock, Timer } from '../../shared/clock.js';
import { TunnelError } from '../../shared/errors.js';
import type { FailedSession, ServingSession, SessionEnd } from './connect-once.js';

/** From one dial to the next while none has an outcome. Well above what a handshake takes on a busy machine. */
export const DIAL_AGAIN_MS = 4_000;
/** Under way at once: a controller to which all its agents come back must not drown in handshakes. */
export const MAX_DIALS = 3;

/** What dials are made with. */
export interface DialParts<S extends ServingSession> {
  readonly clock: Clock;
  /** When it aborts, those under way are given up and no other begins. */
  readonly signal: AbortSignal;
  /** Opens one session, giving up when `signal` aborts before it serves; never rejects. */
  dial(signal: AbortSignal): Promise<S | FailedSession>;
  /** One has failed while others are under way. */
  onFailed(end: SessionEnd): void;
}

/** The first session that serves; the other dials are given up. How the last one failed, if all did. */
export async function firstToServe<S extends ServingSession>(
  parts: DialParts<S>,
): Promise<S | FailedSession> {
  const { clock, signal } = parts;
  const givenUp = new AbortController();
  const giveUp = (): void => givenUp.abort();
  signal.addEventListener('abort', giveUp);
  let timer: Timer | undefined;
  try {
    return await new Promise((resolve) => {
      const next = dials(parts, givenUp.signal, resolve);
      timer = clock.every(DIAL_AGAIN_MS, () => {
        if (!givenUp.signal.aborted) next();
      });
      next();
    });
  } finally {
    timer?.cancel();
    signal.removeEventListener('abort', giveUp);
    giveUp();
  }
}

/** Begins a dial each time it is called, if there is room for one; `resolve` is called once. */
function dials<S extends ServingSession>(
  { dial, onFailed }: DialParts<S>,
  signal: AbortSignal,
  resolve: (outcome: S | FailedSession) => void,
): () => void {
  let underWay = 0;
  let isDecided = false;
  const settled = (outcome: S | FailedSession): void => {
    underWay--;
    const hasFailed = 'end' in outcome;
    if (isDecided) {
      if (!hasFailed) outcome.tunnel.close(new TunnelError('DRAINING', 'another dial was first'));
    } else if (hasFailed && underWay > 0) {
      onFailed(outcome.end);
    } else {
      isDecided = true;
      resolve(outcome);
    }
  };
  return () => {
    if (underWay >= MAX_DIALS) return;
    underWay++;
    void dial(signal).then(settled); // never rejects
  };
}
