/**
 * Loaded before a program (name-service.ts does it): names that end in `.test` are looked up in a file of the
 * test, as DNS would have them at this moment; all others as ever.
 */
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { lookup } = dns;
const lookupPromise = dns.promises.lookup;

/** Lines of the file: name, blank, address. */
function addressOf(name) {
  const lines = readFileSync(process.env['FAIRLEAD_TEST_NAMES'], 'utf8').split('\n');
  const address = lines.map((line) => line.split(' ')).find(([known]) => known === name)?.[1];
  if (address !== undefined) return address;
  const facts = { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: name };
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), facts);
}

dns.lookup = (name, ...rest) => {
  if (!name.endsWith('.test')) return lookup(name, ...rest);
  const done = rest.at(-1);
  process.nextTick(() => {
    try {
      const found = { address: addressOf(name), family: 4 };
      if (rest[0].all === true) done(null, [found]);
      else done(null, found.address, found.family);
    } catch (reason) {
      done(reason);
    }
  });
};

dns.promises.lookup = async (name, options) => {
  if (!name.endsWith('.test')) return lookupPromise(name, options);
  const found = { address: addressOf(name), family: 4 };
  return options?.all === true ? [found] : found;
};

syncBuiltinESMExports();
