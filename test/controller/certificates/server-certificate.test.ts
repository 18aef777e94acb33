import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IssuedCertificate } from '../../../controller/certificates/authority.js';
import {
  renewalTime,
  ServerCertificate,
} from '../../../controller/certificates/server-certificate.js';
import { ManualClock } from './manual-clock.js';
import { DAY_MS, testAuthority } from './test-authority.js';

/** A server certificate on a manual clock, with a record of what it told. */
async function started(caLifeDays: number) {
  const clock = new ManualClock(Date.now());
  const authority = testAuthority({ notAfter: clock.now() + caLifeDays * DAY_MS, clock });
  const renewed: IssuedCertificate[] = [];
  const troubles: unknown[] = [];
  const issuing: Promise<IssuedCertificate>[] = [];
  const certificate = await ServerCertificate.start({
    authority: {
      issueServerCertificate(names) {
        const issued = authority.issueServerCertificate(names);
        issuing.push(issued);
        return issued;
      },
    },
    names: ['localhost'],
    clock,
    onRenewed: (issued) => renewed.push(issued),
    onTrouble: (reason) => troubles.push(reason),
  });
  /** Until what is being issued has been dealt with: the certificate waits for the same promise, earlier. */
  const settled = async (): Promise<void> => {
    await Promise.allSettled(issuing);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, certificate, renewed, troubles, issuing, settled };
}

describe('ServerCertificate', () => {
  it('renews after two thirds of the life and tells the listeners, again and again', async () => {
    const { clock, certificate, renewed, settled } = await started(3650);
    const first = certificate.current;
    clock.advance(243 * DAY_MS);
    assert.equal(certificate.current, first);

    clock.advance(DAY_MS);
    await settled();
    assert.equal(renewed.length, 1);
    assert.equal(certificate.current, renewed[0]);
    assert.ok(certificate.current.notAfter > first.notAfter + 240 * DAY_MS);

    clock.advance(244 * DAY_MS);
    await settled();
    assert.equal(renewed.length, 2);
    certificate.stop();
  });

  it('renews once although several checks fall into one renewal', async () => {
    const { clock, certificate, renewed, issuing, settled } = await started(3650);
    clock.advance(300 * DAY_MS);
    clock.advance(DAY_MS);
    clock.advance(DAY_MS);
    await settled();
    assert.deepEqual([issuing.length, renewed.length], [2, 1]); // the first one and one more
    certificate.stop();
  });

  it('says once that it cannot outlive its CA, and keeps the certificate', async () => {
    const { clock, certificate, renewed, troubles, settled } = await started(100);
    const first = certificate.current;
    clock.advance(70 * DAY_MS);
    await settled();
    assert.match(String(troubles[0]), /cannot be renewed beyond the end of its CA/);
    assert.deepEqual([renewed.length, certificate.current, clock.timerCount], [0, first, 0]);
  });

  it('tries again an hour after a failure', async () => {
    const { clock, certificate, renewed, troubles, settled } = await started(400);
    clock.advance(401 * DAY_MS); // the CA is over: nothing can be issued
    await settled();
    assert.match(String(troubles[0]), /expired on .*cannot issue/);
    clock.advance(3_600_000);
    await settled();
    assert.deepEqual([troubles.length, renewed.length], [2, 0]);
    certificate.stop();
  });

  it('leaves no timer and changes nothing after stop', async () => {
    const { clock, certificate, renewed, issuing, settled } = await started(3650);
    clock.advance(300 * DAY_MS); // starts a renewal
    certificate.stop();
    certificate.stop();
    assert.equal(clock.timerCount, 0);
    await settled();
    assert.deepEqual([issuing.length, renewed.length], [2, 0]);
  });
});

describe('renewalTime', () => {
  const at = (days: number): number => {
    const issued = { certPem: '', keyPem: '', fingerprint256: '' };
    return renewalTime({ ...issued, notBefore: 0, notAfter: days * DAY_MS }) / DAY_MS;
  };

  it('is two thirds of the life, but 30 days before the end of lives of one to three months', () => {
    assert.equal(at(366), 244);
    assert.equal(at(60), 30);
    assert.equal(at(30), 20);
    assert.equal(at(3), 2);
  });
});
