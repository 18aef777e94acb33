/**
 * What a head or a list of trailers may be to travel in a frame. Checked by the sender, because the
 * receiver can only end the whole session.
 */
import { headerBytes } from '../http/header-list.js';
import type { HeaderList } from '../http/header-list.js';
import { PROTOCOL_LIMITS } from './frame.js';

/** What is wrong with them (`1500 header fields, at most …`), or undefined. `otherBytes`: of the start line. */
export function headFault(headers: HeaderList, otherBytes = 0): string | undefined {
  const { maxHeaderCount, maxHeadBytes } = PROTOCOL_LIMITS;
  const count = headers.length / 2;
  if (count > maxHeaderCount) {
    return `${count} header fields, at most ${maxHeaderCount} can be forwarded`;
  }
  // lengths of texts take up to four bytes each on the wire, where headerBytes counts two
  const bytes = headerBytes(headers) + headers.length * 2 + otherBytes;
  if (bytes > maxHeadBytes) {
    return `${bytes} bytes of header fields, at most ${maxHeadBytes} can be forwarded`;
  }
  return undefined;
}
