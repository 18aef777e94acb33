/**
 * Whether bytes of a large body are where they belong, checked so cheaply that checking does not become
 * what is measured: one byte per piece shows any loss, repetition or swap sooner or later.
 */
import { block } from '../harness/scripted-target.js';

const BLOCK_BYTES = block(0).length;

/** Whether a piece belongs at this offset of the test body. */
export function isRightPiece(piece: Buffer, offset: number): boolean {
  const last = offset + piece.length - 1;
  return piece.length === 0 || piece.at(-1) === byteAt(last);
}

function byteAt(offset: number): number | undefined {
  return block(Math.floor(offset / BLOCK_BYTES))[offset % BLOCK_BYTES];
}
