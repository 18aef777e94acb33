import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { execCredentialSource } from '../../../shared/forwarding/exec-credential.js';
import type { ExecPlugin } from '../../../shared/forwarding/exec-credential.js';
import { authorizationValue } from '../../../shared/forwarding/target-credential.js';
import { HandDrivenClock } from './hand-driven-clock.js';
import { temporaryFolder } from './temporary-folder.js';
import { createCa } from './throwaway-certificates.js';

const V1 = 'client.authentication.k8s.io/v1';
const folder = temporaryFolder();
let scripts = 0;

/** A plugin made of shell commands. */
function plugin(script: string, changes: Partial<ExecPlugin> = {}): ExecPlugin {
  return {
    apiVersion: V1,
    command: folder.write(`plugin-${++scripts}`, `#!/bin/sh\n${script}\n`, 0o700),
    args: [],
    env: { PATH: '/bin:/usr/bin' },
    installHint: undefined,
    clusterInfo: undefined,
    name: 'user "u"',
    ...changes,
  };
}

const printing = (status: object, apiVersion = V1) =>
  `echo '${JSON.stringify({ apiVersion, kind: 'ExecCredential', status })}'`;

function sourceOf(made: ExecPlugin, signal = new AbortController().signal) {
  const clock = new HandDrivenClock();
  return { clock, source: execCredentialSource(made, { clock, signal }) };
}

async function failure(made: ExecPlugin) {
  try {
    await sourceOf(made).source.current();
  } catch (reason) {
    assert.ok(reason instanceof TunnelError && reason.code === 'TARGET_CREDENTIAL_FAILED');
    assert.ok(!reason.message.includes('hunter2'));
    return reason;
  }
  return assert.fail('expected an error');
}

describe('an exec plugin', () => {
  it('gives a token', async () => {
    const { source } = sourceOf(plugin(printing({ token: 'abc' })));
    assert.equal(authorizationValue(await source.current()), 'Bearer abc');
  });

  it('gives a client certificate, alone or with a token', async () => {
    const { cert, key } = createCa('CA').issue('user');
    const status = { clientCertificateData: cert, clientKeyData: key };
    const script = (answer: object) => {
      const json = JSON.stringify({ apiVersion: V1, kind: 'ExecCredential', status: answer });
      return `cat ${folder.write(`answer-${++scripts}`, json)}`;
    };
    const alone = await sourceOf(plugin(script(status))).source.current();
    assert.equal(authorizationValue(alone), undefined);
    assert.equal(alone.clientCertificate?.cert, cert.replaceAll('\r', ''));
    assert.equal(alone.clientCertificate.key.reveal(), key);
    const both = await sourceOf(plugin(script({ ...status, token: 't' }))).source.current();
    assert.equal(authorizationValue(both), 'Bearer t');
    assert.equal(both.clientCertificate?.key.reveal(), key);
    const other = createCa('other').key;
    const mixed = plugin(script({ ...status, clientKeyData: other }));
    assert.match((await failure(mixed)).message, /is not the key of the client \(user "u", exec\)/);
  });

  it('gets arguments, environment and KUBERNETES_EXEC_INFO, and nobody to talk to', async () => {
    const script = `
read answer && exit 9
echo "$1/$2/$REGION" > ${folder.path}/seen
echo "$KUBERNETES_EXEC_INFO" >> ${folder.path}/seen
${printing({ token: 'x' })}`;
    const clusterInfo = { server: 'https://k', config: { audience: 'a' } };
    const made = plugin(script, {
      args: ['get', 'two words'],
      env: { PATH: '/bin:/usr/bin', REGION: 'eu' },
      clusterInfo,
    });
    await sourceOf(made).source.current();
    const [words, info] = readFileSync(`${folder.path}/seen`, 'utf8').split('\n');
    assert.equal(words, 'get/two words/eu');
    assert.deepEqual(JSON.parse(info ?? ''), {
      apiVersion: V1,
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: clusterInfo },
    });
  });

  it('runs once until the credential is about to expire', async () => {
    const count = `${folder.path}/count`;
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const script = `echo run >> ${count}\n${printing({ token: 'x', expirationTimestamp: soon })}`;
    const { source, clock } = sourceOf(plugin(script));
    const runs = () => readFileSync(count, 'utf8').trim().split('\n').length;
    const waiting = [source.current(), source.current()].map(async (one) => one);
    await Promise.all(waiting);
    clock.advance(3_500_000);
    await source.current();
    assert.equal(runs(), 1);
    clock.advance(50_000);
    await source.current();
    assert.equal(runs(), 2);
  });

  const faults: [string, () => ExecPlugin, RegExp][] = [
    [
      'is not installed',
      () => plugin('', { command: 'no-such-plugin', installHint: 'get it at example.com' }),
      /^user "u": exec plugin "no-such-plugin" is not there; .*\(get it at example\.com\)$/,
    ],
    [
      'is not executable',
      () => plugin('', { command: folder.write('not-executable', 'x', 0o600) }),
      /may not be executed/,
    ],
    ['fails', () => plugin('echo hunter2 >&2; exit 3'), /ended with exit code 3$/],
    ['is killed', () => plugin('kill -TERM $$'), /ended with SIGTERM/],
    ['prints no JSON', () => plugin('echo hunter2'), /something else than an ExecCredential/],
    ['prints another kind', () => plugin(`echo '{"kind":"X"}'`), /something else than/],
    [
      'speaks another version',
      () => plugin(printing({ token: 'x' }, 'client.authentication.k8s.io/v1beta1')),
      /answered with apiVersion client\.authentication\.k8s\.io\/v1beta1; expected/,
    ],
    ['gives nothing', () => plugin(printing({})), /neither token nor certificate/],
    [
      'gives half a pair',
      () => plugin(printing({ clientCertificateData: 'x' })),
      /only one of clientCertificateData and clientKeyData/,
    ],
    [
      'gives a token with a space in it',
      () => plugin(printing({ token: 'hunter2 hunter2' })),
      /no header can carry/,
    ],
    [
      'gives a nonsensical expiry',
      () => plugin(printing({ token: 'x', expirationTimestamp: 'soon' })),
      /expirationTimestamp that is no time/,
    ],
    ['prints too much', () => plugin('yes | head -c 1100000'), /more than 1 MiB/],
  ];
  for (const [what, make, message] of faults) {
    it(`says so when it ${what}`, async () =>
      assert.match((await failure(make())).message, message));
  }

  it('leaves what it wrote to stderr to the log', async () => {
    const reason = await failure(plugin('echo please log in >&2; exit 1'));
    assert.match(String(reason.cause), /please log in/);
  });

  it('is ended with the process', async () => {
    const stopping = new AbortController();
    const { source } = sourceOf(plugin('exec sleep 60'), stopping.signal);
    const waiting = source.current();
    stopping.abort();
    await assert.rejects(async () => waiting, /was stopped with the process/);
  });
});
