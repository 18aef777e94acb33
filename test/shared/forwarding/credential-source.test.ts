import assert from 'node:assert/strict';
import { unlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { SecretValue } from '../../../shared/config/secret-value.js';
import { TunnelError } from '../../../shared/errors.js';
import {
  fileCredentialSource,
  inlineCredentialSource,
  secretCredentialSource,
} from '../../../shared/forwarding/credential-source.js';
import type { CredentialSource } from '../../../shared/forwarding/credential-source.js';
import { execCredentialSource } from '../../../shared/forwarding/exec-credential.js';
import { KubernetesSecrets } from '../../../shared/forwarding/kubernetes-secrets.js';
import {
  authorizationValue,
  credentialFromTexts,
} from '../../../shared/forwarding/target-credential.js';
import { HandDrivenClock } from './hand-driven-clock.js';
import { startSecretServer } from './secret-server.js';
import type { SecretServer } from './secret-server.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();

/** A source of a bearer token, and how its origin is changed or broken; undefined where it cannot be. */
interface Rig {
  readonly source: CredentialSource;
  readonly clock: HandDrivenClock;
  readonly set: ((token: string) => void) | undefined;
  readonly breakIt: (() => void) | undefined;
  readonly failures: () => number;
  /** After this long the source looks by itself; undefined if it never does. */
  readonly maxAgeMs: number | undefined;
}

function contract(name: string, createRig: (token: string) => Rig) {
  const header = async ({ source }: Rig) => authorizationValue(await source.current());

  describe(`${name} as a source`, () => {
    it('gives the credential, trimmed, and the same object again', async () => {
      const rig = createRig('one\n');
      assert.equal(await header(rig), 'Bearer one');
      const first = rig.source.current();
      assert.ok(!(first instanceof Promise));
      assert.equal(rig.source.current(), first);
    });

    it('gives a changed credential after a refusal', async () => {
      const rig = createRig('one');
      await header(rig);
      if (rig.set === undefined) return rig.source.refused();
      rig.set('two');
      assert.equal(await header(rig), 'Bearer one');
      rig.clock.advance(2_000);
      rig.source.refused();
      assert.equal(await header(rig), 'Bearer two');
    });

    it('gives a changed credential when what it knows is old', async () => {
      const rig = createRig('one');
      await header(rig);
      if (rig.set === undefined || rig.maxAgeMs === undefined) return;
      rig.set('two');
      rig.clock.advance(rig.maxAgeMs - 1);
      assert.equal(await header(rig), 'Bearer one');
      rig.clock.advance(1);
      assert.equal(await header(rig), 'Bearer two');
    });

    it('keeps the old credential when the origin breaks, reports it, and recovers', async () => {
      const rig = createRig('one');
      await header(rig);
      if (rig.breakIt === undefined || rig.set === undefined) return;
      rig.breakIt();
      rig.clock.advance(2_000);
      rig.source.refused();
      assert.equal(await header(rig), 'Bearer one');
      assert.equal(rig.failures(), 1);
      rig.set('two');
      rig.clock.advance(60_000);
      rig.source.refused();
      assert.equal(await header(rig), 'Bearer two');
    });

    it('rejects with TARGET_CREDENTIAL_FAILED when it never had one', async () => {
      const rig = createRig('one');
      if (rig.breakIt === undefined) return;
      rig.breakIt();
      await assert.rejects(
        async () => rig.source.current(),
        (reason) => reason instanceof TunnelError && reason.code === 'TARGET_CREDENTIAL_FAILED',
      );
    });
  });
}

contract('the configuration', (token) => ({
  source: inlineCredentialSource(
    credentialFromTexts('bearer', { token: new SecretValue(token) }, 'here'),
  ),
  clock: new HandDrivenClock(),
  set: undefined,
  breakIt: undefined,
  failures: () => 0,
  maxAgeMs: undefined,
}));

let files = 0;
contract('a file', (token) => {
  const clock = new HandDrivenClock();
  const name = `token-${++files}`;
  const file = folder.write(name, token);
  let failures = 0;
  return {
    source: fileCredentialSource(
      'bearer',
      { token: { file } },
      { clock, onFailure: () => failures++ },
    ),
    clock,
    set: (text) => folder.write(name, text),
    breakIt: () => unlinkSync(file),
    failures: () => failures,
    maxAgeMs: 10_000,
  };
});

let plugins = 0;
contract('an exec plugin', (token) => {
  const clock = new HandDrivenClock();
  const name = `plugin-${++plugins}`;
  const set = (text: string) => {
    const status = { token: text.trim() };
    const answer = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status,
    };
    return folder.write(name, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, 0o700);
  };
  let failures = 0;
  const command = set(token);
  return {
    source: execCredentialSource(
      {
        apiVersion: 'client.authentication.k8s.io/v1',
        command,
        args: [],
        env: { PATH: '/bin:/usr/bin' },
        installHint: undefined,
        clusterInfo: undefined,
        name: 'user "u"',
      },
      { clock, onFailure: () => failures++, signal: new AbortController().signal },
    ),
    clock,
    set,
    breakIt: () => unlinkSync(command),
    failures: () => failures,
    maxAgeMs: undefined,
  };
});

describe('with an API server', () => {
  let server: SecretServer;
  before(async () => {
    server = await startSecretServer(folder);
  });
  after(() => server.close());

  let secrets = 0;
  contract('a Kubernetes Secret', (token) => {
    const clock = new HandDrivenClock();
    const name = `secret-${++secrets}`;
    let failures = 0;
    const onFailure = () => failures++;
    server.secrets.set(name, { token });
    const reader = new KubernetesSecrets(server.access, clock, onFailure);
    return {
      source: secretCredentialSource('bearer', name, reader, onFailure),
      clock,
      set: (text) => server.secrets.set(name, { token: text }),
      breakIt: () => server.secrets.delete(name),
      failures: () => failures,
      maxAgeMs: 60_000,
    };
  });

  it('keeps the old credential when a Secret loses its entry', async () => {
    const clock = new HandDrivenClock();
    let failures = 0;
    server.secrets.set('s', { token: 'one' });
    const reader = new KubernetesSecrets(server.access, clock, () => failures++);
    const source = secretCredentialSource('bearer', 's', reader, () => failures++);
    await source.current();
    server.secrets.set('s', { other: 'x' });
    clock.advance(60_000);
    assert.equal(authorizationValue(await source.current()), 'Bearer one');
    assert.equal(authorizationValue(await source.current()), 'Bearer one');
    assert.equal(failures, 1);
  });
});

it('joins a user name of the configuration with a password from a file', async () => {
  const source = fileCredentialSource(
    'basic',
    {
      username: new SecretValue('user'),
      password: { file: folder.write('password', 'hunter2\n') },
    },
    { clock: new HandDrivenClock() },
  );
  const expected = `Basic ${Buffer.from('user:hunter2').toString('base64')}`;
  assert.equal(authorizationValue(await source.current()), expected);
});

it('names the file that is missing or empty, not its content', async () => {
  const rules = { clock: new HandDrivenClock() };
  const missing = fileCredentialSource('bearer', { token: { file: '/nonexistent/t' } }, rules);
  await assert.rejects(async () => missing.current(), {
    message: 'token file "/nonexistent/t" does not exist',
  });
  const file = folder.write('two-lines', 'hunter2\nhunter3');
  const twoLines = fileCredentialSource('bearer', { token: { file } }, rules);
  await assert.rejects(
    async () => twoLines.current(),
    (reason: Error) => {
      assert.ok(reason.message.includes(file) && !reason.message.includes('hunter'));
      return true;
    },
  );
});
