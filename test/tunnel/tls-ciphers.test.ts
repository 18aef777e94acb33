/**
 * Which cipher each port of the controller agrees on, as its clients see it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import * as tls from 'node:tls';
import { FairleadRig } from '../harness/fairlead-rig.js';
import type { RigPorts } from '../harness/fairlead-rig.js';

const PORTS = ['agents', 'services', 'control', 'operations'] as const;
const ONLY_AES_256 = 'TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384';

describe('the cipher of a connection', { timeout: 60_000 }, () => {
  let rig: FairleadRig;

  before(async () => {
    rig = await FairleadRig.start({ controller: { prometheusTLS: 'server' } });
  });

  after(async () => {
    await rig?.stop();
  });

  for (const name of PORTS) {
    it(`is AES-128 for clients who would take either, at the port for ${name}`, async () => {
      assert.equal(await cipherOf(rig, name), 'TLS_AES_128_GCM_SHA256');
      const tls12 = await cipherOf(rig, name, { maxVersion: 'TLSv1.2' });
      assert.match(tls12, /^ECDHE-(RSA|ECDSA)-AES128-GCM-SHA256$/);
    });

    it(`is AES-256 for clients who insist, at the port for ${name}`, async () => {
      assert.equal(await cipherOf(rig, name, { ciphers: ONLY_AES_256 }), 'TLS_AES_256_GCM_SHA384');
    });
  }

  it('is one of those that the operator allows Node', async () => {
    const strict = await FairleadRig.start({
      env: { NODE_OPTIONS: `--tls-cipher-list=${ONLY_AES_256}` },
    });
    try {
      assert.equal(await cipherOf(strict, 'services'), 'TLS_AES_256_GCM_SHA384');
      const weaker = cipherOf(strict, 'services', { ciphers: 'TLS_AES_128_GCM_SHA256' });
      await assert.rejects(weaker, /handshake failure/);
    } finally {
      await strict.stop();
    }
  });
});

/** Standard name of the cipher that a port of the controller chooses for a client. */
async function cipherOf(
  rig: FairleadRig,
  name: keyof RigPorts,
  client: tls.ConnectionOptions = {},
): Promise<string> {
  const ALPNProtocols = name === 'agents' ? ['h2'] : [];
  const to = { port: rig.ports[name], host: 'localhost', ca: rig.caPem, ALPNProtocols };
  const socket = tls.connect({ ...to, ...client });
  try {
    await once(socket, 'secureConnect');
    return socket.getCipher().name;
  } finally {
    socket.destroy();
  }
}
