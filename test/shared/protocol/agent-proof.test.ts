/** Proof of possession: only the key of the certificate makes it, and only for one nonce. */
import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { isNonceSigned, newNonce, signNonce } from '../../../shared/protocol/agent-proof.js';
import { caKey, testCa } from '../../controller/certificates/test-authority.js';

describe('a proof of possession', () => {
  for (const kind of ['P-256', 'P-384', 'rsa-2048'] as const) {
    it(`is made with a key of kind ${kind}`, () => {
      const { certPem, keyPem } = testCa({ key: caKey(kind) });
      const other = testCa({ key: caKey(kind) });
      const nonce = newNonce();
      const certificate = new X509Certificate(certPem);
      const signature = signNonce(nonce, keyPem);
      assert.equal(isNonceSigned(nonce, signature, certificate), true);
      assert.equal(isNonceSigned(newNonce(), signature, certificate), false, 'another nonce');
      assert.equal(isNonceSigned(nonce, signNonce(nonce, other.keyPem), certificate), false);
      assert.equal(isNonceSigned(nonce, Buffer.alloc(0), certificate), false);
    });
  }

  it('is over more than the nonce, so that no other protocol can be made to sign it', () => {
    const { certPem, keyPem } = testCa();
    const nonce = newNonce();
    const bare = sign('sha256', nonce, createPrivateKey(keyPem));
    assert.equal(isNonceSigned(nonce, bare, new X509Certificate(certPem)), false);
  });

  it('has a new nonce each time', () => {
    const nonces = new Set(Array.from({ length: 100 }, () => newNonce().toString('hex')));
    assert.equal(nonces.size, 100);
    for (const nonce of nonces) assert.equal(nonce.length, 64);
  });
});
