/**
 * Writes the recordings that are missing, and only those: `node --import tsx test/wire/record-batches.ts`.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { hexText, recordingPath } from './recording.js';
import { V1_BATCHES } from './v1-batches.js';
import { encodeBatch } from '../harness/encoded-batch.js';

for (const [name, frames] of Object.entries(V1_BATCHES)) {
  const path = recordingPath('v1', name);
  if (!existsSync(path)) writeFileSync(path, hexText(encodeBatch(frames)));
}
