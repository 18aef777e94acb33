/** Which streams an exec or attach request asks for in its query. */
import { isTrue } from '../http/exchange.js';

/** The streams of a command. */
export interface StreamSelection {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Reads the selection; the streams are named as in PodExecOptions. */
export function streamSelection(query: URLSearchParams): StreamSelection {
  return {
    stdin: isTrue(query, 'stdin'),
    stdout: isTrue(query, 'stdout'),
    stderr: isTrue(query, 'stderr'),
    tty: isTrue(query, 'tty'),
  };
}
