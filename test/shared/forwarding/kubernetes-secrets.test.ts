import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { KubernetesSecrets } from '../../../shared/forwarding/kubernetes-secrets.js';
import { HandDrivenClock } from './hand-driven-clock.js';
import { startSecretServer } from './secret-server.js';
import type { SecretServer } from './secret-server.js';
import { temporaryFolder } from './temporary-folder.js';
import { createCa } from './throwaway-certificates.js';

describe('KubernetesSecrets', () => {
  const folder = temporaryFolder();
  let server: SecretServer;
  let clock: HandDrivenClock;
  let failures: unknown[];
  before(async () => {
    server = await startSecretServer(folder);
  });
  after(() => server.close());
  beforeEach(() => {
    server.secrets.clear();
    server.secrets.set('a', { 'tls.crt': 'certificate\n', password: 'hunter2' });
    server.requests.length = 0;
    server.status = undefined;
    server.body = undefined;
    clock = new HandDrivenClock();
    failures = [];
  });
  const reader = (changes = {}) =>
    new KubernetesSecrets({ ...server.access, ...changes }, clock, (reason) =>
      failures.push(reason),
    );
  const failure = async (read: () => unknown) => {
    try {
      await read();
    } catch (reason) {
      assert.ok(reason instanceof TunnelError && reason.code === 'TARGET_CREDENTIAL_FAILED');
      assert.ok(!/hunter2|sa-token|forbidden|NotFound/.test(reason.message), reason.message);
      return reason.message;
    }
    return assert.fail('expected an error');
  };

  it('reads all entries with the service account of the pod', async () => {
    const data = await reader().read('a');
    assert.equal(data.get('tls.crt')?.reveal(), 'certificate\n');
    assert.equal(data.get('password')?.reveal(), 'hunter2');
    assert.deepEqual(server.requests, [
      { path: '/api/v1/namespaces/ns/secrets/a', authorization: 'Bearer sa-token-1' },
    ]);
  });

  it('asks once a minute at most, and after a refusal', async () => {
    const secrets = reader();
    const first = await secrets.read('a');
    clock.advance(59_999);
    assert.equal(secrets.read('a'), first);
    clock.advance(1);
    assert.notEqual(await secrets.read('a'), first);
    assert.equal(server.requests.length, 2);
    clock.advance(2_000);
    secrets.refused('a');
    await secrets.read('a');
    assert.equal(server.requests.length, 3);
  });

  it('keeps what it knows while the API server is away, and reports it', async () => {
    const secrets = reader();
    const first = await secrets.read('a');
    server.status = 500;
    clock.advance(60_000);
    assert.equal(await secrets.read('a'), first);
    assert.equal(failures.length, 1);
  });

  it('says what is wrong', async () => {
    assert.equal(
      await failure(() => reader().read('b')),
      'Secret "b" in namespace "ns" does not exist',
    );
    server.status = 403;
    assert.match(await failure(() => reader().read('a')), /\(403\): grant it "get" on secrets$/);
    server.status = 401;
    assert.match(await failure(() => reader().read('a')), /did not accept the service account/);
    server.status = 500;
    assert.match(await failure(() => reader().read('a')), /answered 500$/);
    server.status = undefined;
    server.body = '<html>hunter2';
    assert.match(await failure(() => reader().read('a')), /something else than JSON/);
    server.body = '{"data": {"password": "hunter2!"}}';
    assert.match(await failure(() => reader().read('a')), /entry "password" is not base64/);
    server.body = 'x'.repeat(4 * 1024 * 1024 + 1);
    assert.match(await failure(() => reader().read('a')), /larger than 4 MiB/);
    assert.match(await failure(() => reader({ namespace: undefined }).read('a')), /POD_NAMESPACE/);
    assert.match(await failure(() => reader({ port: 1 }).read('a')), /is not reached/);
  });

  it('cannot be led elsewhere by a name', async () => {
    await failure(() => reader().read('../../pods'));
    assert.equal(server.requests[0]?.path, '/api/v1/namespaces/ns/secrets/..%2F..%2Fpods');
  });

  it('talks to no server that the CA of the cluster has not signed', async () => {
    const caFile = folder.write('other-ca.crt', createCa('other CA').cert);
    assert.match(await failure(() => reader({ caFile }).read('a')), /is not reached/);
    assert.deepEqual(server.requests, []);
  });

  it('reads token and CA anew each time', async () => {
    const secrets = reader();
    await secrets.read('a');
    folder.write('sa-token', 'sa-token-2');
    clock.advance(60_000);
    await secrets.read('a');
    assert.equal(server.requests[1]?.authorization, 'Bearer sa-token-2');
    folder.write('sa-token', 'sa-token-1');
  });
});
