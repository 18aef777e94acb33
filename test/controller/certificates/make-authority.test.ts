import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { certificateAuthorityFromPem } from '../../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../../controller/certificates/make-authority.js';
import { validityOf } from '../../../shared/certificates/validity.js';
import { systemClock } from '../../../shared/clock.js';
import { DAY_MS, openssl, temporaryDirectory, WITHOUT_OPENSSL } from './test-authority.js';

describe('makeCertificateAuthority', () => {
  for (const keyType of ['ecdsa', 'rsa'] as const) {
    it(`makes a self-signed ${keyType} CA for ten years that can be loaded`, async (t) => {
      const made = await makeCertificateAuthority({ keyType, name: 'Fairlead CA' }, systemClock);
      const ca = new X509Certificate(made.certPem);
      const { notAfter } = validityOf(ca);
      assert.ok(Math.abs(notAfter - Date.now() - 3650 * DAY_MS) < 60_000);
      assert.ok(ca.ca && ca.checkIssued(ca) && ca.verify(ca.publicKey));
      assert.deepEqual(certificateAuthorityFromPem(made, systemClock).warnings, []);
      if (WITHOUT_OPENSSL !== false) return;
      const dir = temporaryDirectory(t);
      writeFileSync(join(dir, 'ca.pem'), made.certPem);
      const shown = openssl(['x509', '-in', 'ca.pem', '-noout', '-text'], dir);
      assert.match(shown, /Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
      assert.match(shown, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
      assert.match(openssl(['verify', '-x509_strict', '-CAfile', 'ca.pem', 'ca.pem'], dir), /OK/);
    });
  }
});
