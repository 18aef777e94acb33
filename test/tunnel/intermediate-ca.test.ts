/**
 * A supplied CA that is an intermediate one, its root nowhere in sight: what issues is what is trusted, as
 * v3.5's Go programs had it. Agents, callers and operators are let in by it alone.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { agentName } from '../../shared/ids.js';
import { testCa } from '../controller/certificates/test-authority.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { Http2Client } from '../harness/raw-http.js';
import { WebTarget } from '../harness/web-target.js';

describe('an intermediate CA without its root', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;

  before(async () => {
    target = await WebTarget.start();
    const root = testCa({ name: 'Root' });
    rig = await FairleadRig.start({ ca: testCa({ name: 'Issuing', parent: root }) });
    await rig.startAgent({ services: [target.service()] });
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

  test('lets agents in, and callers by certificate over both kinds of HTTP', async () => {
    const service = { type: 'generic', name: 'web' };
    const identity = { purpose: 'service', route: { agent: agentName('prod'), service } } as const;
    const { certPem: cert, keyPem: key } = await rig.authority.issue(identity);
    const tls = { ca: rig.caPem, cert, key };
    const client = await Http2Client.connect({ port: rig.ports.services, tls });
    const response = await client.request({ ':path': '/ok' });
    assert.equal(response.text, 'ok');
    client.close();
  });

  test('lets operators in, who trust what they were given', async () => {
    const { code, output } = await rig.client('agents', '-o', 'json');
    assert.equal(code, 0, output);
    assert.match(output, /"name": ?"prod"/u);
  });

  test('is still what decides: certificates of another CA of the same name are refused', async () => {
    const other = testCa({ name: 'Issuing', parent: testCa({ name: 'Root' }) });
    const stranger = await FairleadRig.start({ ca: other });
    try {
      for (const file of ['control-cert.pem', 'control-key.pem']) {
        assert.ok(readFileSync(stranger.path('ca', file)).length > 0);
      }
      const { code, output } = await rig.client(
        'agents',
        '--cert',
        stranger.path('ca', 'control-cert.pem'),
        '--key',
        stranger.path('ca', 'control-key.pem'),
      );
      assert.equal(code, 3, output);
    } finally {
      await stranger.stop();
    }
  });
});
