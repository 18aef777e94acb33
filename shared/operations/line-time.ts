/**
 * The time of a log line. pino's own ISO time builds a Date and its whole text for each line; here the
 * text of a second is made once.
 */

let second = -1;
let textOfSecond = '';

/** `,"time":"2026-01-31T10:20:30.456Z"`, UTC, the form in which pino takes it. */
export function lineTime(nowMs: number = Date.now()): string {
  const current = Math.floor(nowMs / 1000);
  if (current !== second) {
    second = current;
    textOfSecond = `,"time":"${new Date(nowMs).toISOString().slice(0, -4)}`;
  }
  const ms = nowMs - current * 1000;
  return `${textOfSecond}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z"`;
}
