/**
 * The port for metrics and health with TLS, at both ends, as a scraper that verifies sees it.
 */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import * as https from 'node:https';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import type { CertificateAuthority } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { systemClock } from '../../shared/clock.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { waitFor } from '../harness/wait-for.js';

interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly serial: string;
}

describe('the port for metrics and health over TLS', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  /** The PKI of the cluster: of the agent's port and of scrapers. */
  let pki: CertificateAuthority;
  let scraper: Pair;

  before(async () => {
    const pem = await makeCertificateAuthority({ keyType: 'ecdsa', name: 'PKI' }, systemClock);
    pki = certificateAuthorityFromPem(pem, systemClock);
    scraper = await pki.issue({ purpose: 'control', name: 'prometheus' });
    // the controller shows its own certificate, of the CA
    rig = await FairleadRig.start({ controller: { prometheusTLS: 'server' } });
    writeFileSync(rig.path('pki.pem'), pki.caPem);
  });

  after(async () => {
    await rig?.stop();
  });

  /** Writes a pair; whoever reads it sees an old or a new file, never half of one. */
  function place(name: string, { certPem, keyPem }: Pair): void {
    const files = { crt: certPem, key: keyPem };
    for (const [ending, content] of Object.entries(files)) {
      writeFileSync(rig.path('new'), content);
      renameSync(rig.path('new'), rig.path(`${name}.${ending}`));
    }
  }

  async function startAgent(
    name: string,
    mode: 'server' | 'mutual',
  ): Promise<[ChildProgram, number]> {
    place(name, await pki.issueServerCertificate(['localhost']));
    const agent = await rig.startAgent({
      name,
      services: [],
      config: {
        prometheusTLS: mode,
        prometheusCertFile: rig.path(`${name}.crt`),
        prometheusKeyFile: rig.path(`${name}.key`),
        ...(mode === 'mutual' ? { prometheusClientCAFile: rig.path('pki.pem') } : {}),
      },
    });
    const ready = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    return [agent, Number(ready['operations'])];
  }

  it('is verified by scrapers, and renewed certificates are taken without a restart', async () => {
    const [agent, port] = await startAgent('first', 'server');
    const ask = (): Promise<Answer> => get(port, '/metrics', { ca: pki.caPem });
    const first = await ask();
    assert.equal(first.status, 200);
    assert.match(first.body, /^fairlead_certificate_.*certificate="operations"} \d+$/m);
    place('first', { ...(await pki.issueServerCertificate(['localhost'])), keyPem: 'half a key' });
    agent.process.kill('SIGHUP');
    await agent.line(({ msg }) => String(msg).startsWith('files of the port for metrics'));
    assert.equal((await ask()).serial, first.serial, 'a pair that does not fit is not taken');
    place('first', await pki.issueServerCertificate(['localhost']));
    agent.process.kill('SIGHUP');
    await waitFor('the renewed certificate', async () => (await ask()).serial !== first.serial);
  });

  it('demands a certificate of scrapers and none of probes, at the agent', async () => {
    const [, port] = await startAgent('second', 'mutual');
    await assertMutual(port, pki.caPem);
  });

  it("shows the controller's own certificate, or one of its own", async () => {
    const own = await get(rig.ports.operations, '/metrics', { ca: rig.caPem });
    assert.equal(own.status, 200);
    place('port', await pki.issueServerCertificate(['localhost']));
    const other = await FairleadRig.start({
      controller: {
        prometheusTLS: 'mutual',
        prometheusCertFile: rig.path('port.crt'),
        prometheusKeyFile: rig.path('port.key'),
        prometheusClientCAFile: rig.path('pki.pem'),
      },
    });
    try {
      await assertMutual(other.ports.operations, pki.caPem);
      const before = await get(other.ports.operations, '/livez', { ca: pki.caPem });
      place('port', await pki.issueServerCertificate(['localhost']));
      other.controller.process.kill('SIGHUP');
      await waitFor('the renewed certificate', async () => {
        const now = await get(other.ports.operations, '/livez', { ca: pki.caPem });
        return now.serial !== before.serial;
      });
    } finally {
      await other.stop();
    }
  });

  async function assertMutual(port: number, ca: string): Promise<void> {
    const probed = await get(port, '/readyz', { ca });
    assert.deepEqual([probed.status, probed.body], [200, '{"status":"ready"}\n']);
    assert.equal((await get(port, '/metrics', { ca })).status, 401);
    const own = await rig.authority.issue({ purpose: 'control', name: 'oes' });
    const foreign = await get(port, '/metrics', { ca, cert: own.certPem, key: own.keyPem });
    assert.equal(foreign.status, 401, "a certificate of Fairlead's CA is not one of the PKI");
    const client = { ca, cert: scraper.certPem, key: scraper.keyPem };
    assert.equal((await get(port, '/metrics', client)).status, 200);
    assert.match((await get(port, '/readyz', client)).body, /"checks":\[/);
  }
});

/** One request over a connection of its own that verifies name and CA. */
function get(port: number, path: string, tls: https.RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      path,
      agent: false,
      ...tls,
    };
    const request = https.get(options, (response) => {
      const { socket, statusCode: status } = response;
      const serial = socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : '';
      text(response).then((body) => resolve({ status, body, serial }), reject);
    });
    request.on('error', reject);
  });
}
