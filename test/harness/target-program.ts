/**
 * A web target as a process of its own, for tests that kill or freeze it.
 *
 *     node --import tsx test/harness/target-program.ts [port]     prints {"port": …}
 */
import { WebTarget } from './web-target.js';

const target = await WebTarget.start(Number(process.argv[2] ?? 0));
process.stdout.write(`${JSON.stringify({ port: target.port })}\n`);
