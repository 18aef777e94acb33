/**
 * The harness's relay in a process of its own, for long links.
 */
import { z } from 'zod';
import { LossyLink } from '../../harness/lossy-link.js';
import { readOptions, report } from './program-options.js';

const { targetPort, rttMs, bytesPerSecond } = await readOptions(
  z.object({
    targetPort: z.number(),
    rttMs: z.number(),
    bytesPerSecond: z.number().optional(),
  }),
);

const link = await LossyLink.start(targetPort);
link.impair({ delayMs: rttMs / 2, bytesPerSecond });
report('ready', { port: link.port });
