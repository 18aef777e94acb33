/** Who an agent is: by its certificate in TLS, or by a signature with the key of one. */
import assert from 'node:assert/strict';
import { X509Certificate, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  agentOfCertificate,
  agentOfProof,
  type AgentProof,
} from '../../../controller/agents/agent-auth.js';
import { TunnelError } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import { newNonce, signNonce } from '../../../shared/protocol/agent-proof.js';
import { DAY_MS, caKey, certificateWith, testAuthority } from '../certificates/test-authority.js';

const authority = testAuthority();
const rsaAuthority = testAuthority({ key: caKey('rsa-2048') });
const stranger = testAuthority();
const NOW = Date.now();
const agent = { purpose: 'agent', agent: agentName('prod-eu') } as const;
const issued = await authority.issue(agent);

describe('a certificate that TLS has seen', () => {
  it('names the agent', () => {
    const certificate = new X509Certificate(issued.certPem);
    assert.equal(agentOfCertificate({ certificate, refusal: undefined }), 'prod-eu');
  });

  it('that TLS refuses is refused with the reason and what to do', () => {
    const certificate = new X509Certificate(issued.certPem);
    assert.throws(
      () => agentOfCertificate({ certificate, refusal: 'certificate has expired' }),
      refusedWith(/not accepted: certificate has expired; apply a newly generated agent manifest/),
    );
  });

  const others = {
    service: {
      purpose: 'service',
      route: { agent: agentName('prod-eu'), service: { type: 'a', name: 'b' } },
    },
    control: { purpose: 'control', name: 'oes' },
  } as const;
  for (const [purpose, identity] of Object.entries(others)) {
    it(`of a ${purpose} is refused`, async () => {
      const { certPem } = await authority.issue(identity);
      const client = { certificate: new X509Certificate(certPem), refusal: undefined };
      assert.throws(
        () => agentOfCertificate(client),
        refusedWith(new RegExp(`a ${purpose} certificate`)),
      );
    });
  }

  it('that names nobody, or an agent without a name, is refused', () => {
    for (const units of [[], ['Engineering'], ['{"agent":"","purpose":"agent"}']]) {
      const client = { certificate: certificateWith({ units }), refusal: undefined };
      assert.throws(() => agentOfCertificate(client), refusedWith(/./));
    }
  });
});

describe('a proof in the session', () => {
  for (const [kind, by] of [
    ['an ECDSA', authority],
    ['an RSA', rsaAuthority],
  ] as const) {
    it(`by a certificate of ${kind} CA names the agent`, async () => {
      const { certPem, keyPem } = await by.issue(agent);
      const proof = proofWith(certPem, keyPem);
      assert.equal(agentOfProof(proof, [stranger.certificate, by.certificate], NOW), 'prod-eu');
    });
  }

  const faults: Record<string, readonly [() => Promise<AgentProof> | AgentProof, RegExp]> = {
    'over another nonce': [
      () => ({ ...proofWith(issued.certPem, issued.keyPem), nonce: newNonce() }),
      /did not prove possession/,
    ],
    'with the key of another certificate': [
      async () => proofWith(issued.certPem, (await authority.issue(agent)).keyPem),
      /did not prove possession/,
    ],
    'without a signature': [
      () => ({ ...proofWith(issued.certPem, issued.keyPem), signature: Buffer.alloc(0) }),
      /did not prove possession/,
    ],
    'with a signature of random bytes': [
      () => ({ ...proofWith(issued.certPem, issued.keyPem), signature: randomBytes(72) }),
      /did not prove possession/,
    ],
    'by a certificate of another CA': [
      async () => {
        const other = await stranger.issue(agent);
        return proofWith(other.certPem, other.keyPem);
      },
      /not issued by the CA in use/,
    ],
    'by a CA of the same name and another key': [
      async () => {
        const twin = await testAuthority({ name: 'Test CA' }).issue(agent);
        return proofWith(twin.certPem, twin.keyPem);
      },
      /not issued by the CA in use/,
    ],
    'by a certificate that has expired': [
      async () => {
        const validity = { notBefore: NOW - 2 * 3_600_000, notAfter: NOW - 3_600_000 };
        const old = await authority.issue(agent, { validity });
        return proofWith(old.certPem, old.keyPem);
      },
      /expired at/,
    ],
    'by a certificate that is not valid yet': [
      async () => {
        const validity = { notBefore: NOW + DAY_MS, notAfter: NOW + 2 * DAY_MS };
        const young = await authority.issue(agent, { validity });
        return proofWith(young.certPem, young.keyPem);
      },
      /valid only from/,
    ],
    'by an operator': [
      async () => {
        const control = await authority.issue({ purpose: 'control', name: 'oes' });
        return proofWith(control.certPem, control.keyPem);
      },
      /a control certificate was used/,
    ],
    'by no certificate': [
      () => ({ nonce: newNonce(), certificate: Buffer.alloc(0), signature: Buffer.alloc(0) }),
      /no readable certificate/,
    ],
    'by bytes that are no certificate': [
      () => ({ nonce: newNonce(), certificate: randomBytes(500), signature: Buffer.alloc(0) }),
      /no readable certificate/,
    ],
  };
  for (const [what, [make, says]] of Object.entries(faults)) {
    it(`${what} is refused`, async () => {
      const proof = await make();
      assert.throws(() => agentOfProof(proof, [authority.certificate], NOW), refusedWith(says));
    });
  }

  it('is refused when there is no CA to ask', () => {
    const proof = proofWith(issued.certPem, issued.keyPem);
    assert.throws(() => agentOfProof(proof, [], NOW), refusedWith(/not issued by the CA/));
  });

  it('by the CA itself is refused, as it names no agent', () => {
    const ca = testAuthority();
    assert.throws(() => {
      const certificate = ca.certificate.raw;
      agentOfProof(
        { nonce: newNonce(), certificate, signature: randomBytes(70) },
        [ca.certificate],
        NOW,
      );
    }, refusedWith(/./));
  });
});

function proofWith(certPem: string, keyPem: string): AgentProof {
  const nonce = newNonce();
  const certificate = new X509Certificate(certPem).raw;
  return { nonce, certificate, signature: signNonce(nonce, keyPem) };
}

function refusedWith(says: RegExp) {
  return (reason: unknown): boolean =>
    reason instanceof TunnelError && reason.code === 'AGENT_REFUSED' && says.test(reason.message);
}
