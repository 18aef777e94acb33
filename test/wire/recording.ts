/**
 * Recorded batches as text: one gRPC message in hexadecimal digits, 32 bytes a line.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a recording of a protocol version is kept. */
export function recordingPath(version: string, name: string): string {
  return join(import.meta.dirname, version, `${name}.hex`);
}

/** The message of a recording. */
export function readRecording(version: string, name: string): Buffer {
  return Buffer.from(readFileSync(recordingPath(version, name), 'utf8').replaceAll(/\s/g, ''), 'hex');
}

/** A message as a recording. */
export function hexText(message: Buffer): string {
  return message.toString('hex').replaceAll(/.{1,64}/g, '$&\n');
}
