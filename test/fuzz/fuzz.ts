/**
 * Property tests that run for a time instead of a number of inputs: a second as part of all tests, five
 * minutes or as long as wanted by hand:
 *
 *     npm run fuzz
 *     FAIRLEAD_FUZZ_SECONDS=3600 npm run fuzz
 *
 * A failure prints the seed and the smallest input; put that into corpus/.
 */
import * as fc from 'fast-check';

const SECONDS = Number(process.env['FAIRLEAD_FUZZ_SECONDS'] ?? 1);

/** Checks the property with new inputs until the time is up. Returns how many there were. */
export function fuzz<T>(inputs: fc.Arbitrary<T>, holds: (input: T) => void): number {
  let runs = 0;
  const property = fc.property(inputs, (input) => {
    runs++;
    holds(input);
  });
  fc.assert(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: SECONDS * 1000,
    markInterruptAsFailure: false,
    maxSkipsPerRun: 1,
  });
  return runs;
}
