/** Big artifacts of any size with known contents, made as they are sent. */

const CHUNK_BYTES = 64 * 1024;

/** The bytes of an artifact in chunks; equal for equal sizes and without long repetitions. */
export function* blobChunks(totalBytes: number): Generator<Buffer, void, undefined> {
  for (let sent = 0, chunk = 0; sent < totalBytes; sent += CHUNK_BYTES, chunk += 1) {
    const bytes = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, totalBytes - sent));
    // A linear congruential sequence per chunk: cheap, and chunks out of place are noticed.
    let state = (chunk * 2_654_435_761 + 1) >>> 0;
    let index = 0;
    for (; index + 4 <= bytes.length; index += 4) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      bytes.writeUInt32LE(state, index);
    }
    for (; index < bytes.length; index += 1) bytes[index] = index & 0xff;
    yield bytes;
  }
}
