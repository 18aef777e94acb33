import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { servicesOf, startRig } from './target-rig.js';
import type { TargetRig } from './target-rig.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const rigs: TargetRig[] = [];
after(() => {
  for (const rig of rigs) rig.catalog.stop();
});
const start = async (services: object[]) => {
  const rig = await startRig(services);
  rigs.push(rig);
  return rig;
};
const jenkins = (name: string, config: object = {}) => ({
  type: 'jenkins',
  name,
  config: { url: 'http://127.0.0.1:1', ...config },
});
const configured = ({ catalog }: TargetRig) =>
  catalog.advertisements().map(({ type, name, configured }) => [`${type}/${name}`, configured]);

describe('the service catalogue', () => {
  it('advertises enabled services with what v3.5 tells of them', async () => {
    const rig = await start([
      {
        ...jenkins('ci'),
        annotations: { description: 'builds' },
        accountId: '1',
        assumeRole: 'role',
      },
      { ...jenkins('off'), enabled: false },
    ]);
    assert.deepEqual(rig.catalog.advertisements(), [
      {
        type: 'jenkins',
        name: 'ci',
        configured: true,
        annotations: { description: 'builds' },
        namespaces: [],
        accountId: '1',
        assumeRole: 'role',
      },
    ]);
    assert.equal(rig.catalog.find({ type: 'jenkins', name: 'off' }), undefined);
  });

  it('finds services by type and name together', async () => {
    const rig = await start([jenkins('a'), { ...jenkins('a'), type: 'argocd' }]);
    assert.notEqual(rig.target('jenkins/a'), rig.target('argocd/a'));
    assert.equal(rig.target('jenkins/a'), rig.target('jenkins/a'));
    assert.equal(rig.catalog.find({ type: 'jenkins', name: 'b' }), undefined);
    assert.equal(rig.catalog.find({ type: 'JENKINS', name: 'a' }), undefined);
  });

  it('advertises and finds a service by its namespace items instead of its own name', async () => {
    const namespaces = [{ name: 'blue', namespaces: ['a', 'b'] }, { name: 'green' }];
    const rig = await start([{ ...jenkins('own'), namespaces, annotations: { x: 'y' } }]);
    assert.deepEqual(
      rig.catalog.advertisements().map(({ name, namespaces, annotations }) => ({
        name,
        namespaces,
        annotations,
      })),
      [
        { name: 'blue', namespaces: ['a', 'b'], annotations: {} },
        { name: 'green', namespaces: [], annotations: {} },
      ],
    );
    assert.equal(rig.target('jenkins/blue'), rig.target('jenkins/green'));
    assert.equal(rig.target('jenkins/blue').service.name, 'own');
    assert.equal(rig.catalog.find({ type: 'jenkins', name: 'own' }), undefined);
  });

  it('keeps a faulty service advertised as not configured, and the others working', async () => {
    const rig = await start([jenkins('bad', { url: 'ftp://x' }), jenkins('good')]);
    assert.deepEqual(configured(rig), [
      ['jenkins/bad', false],
      ['jenkins/good', true],
    ]);
    assert.match(rig.fault('jenkins/bad'), /begins with ftp/);
    rig.target('jenkins/good');
    const errors = rig.lines.filter(({ level }) => level === 'error');
    assert.equal(errors.length, 1);
    assert.equal(errors[0]?.service, 'jenkins/bad');
    assert.match(errors[0].msg, /^the service cannot be used: config\.url begins with ftp/);
  });

  it('advertises services of a type it does not support as not configured', async () => {
    const rig = await start([{ type: 'aws', name: 'a', config: { credentials: { type: 'iam' } } }]);
    assert.deepEqual(configured(rig), [['aws/a', false]]);
    assert.equal(rig.fault('aws/a'), 'services of type aws are not supported');
  });

  it('uses a service as soon as its fault is mended, and tells so once', async () => {
    const tokenFile = `${folder.path}/late-token`;
    const rig = await start([jenkins('ci', { credentials: { type: 'bearer', tokenFile } })]);
    await rig.look();
    await rig.look();
    assert.equal(rig.changes(), 0);
    assert.equal(rig.lines.length, 1);
    folder.write('late-token', 'x');
    await rig.look();
    await rig.look();
    assert.equal(rig.changes(), 1);
    assert.deepEqual(configured(rig), [['jenkins/ci', true]]);
    assert.equal(await rig.target('jenkins/ci').authorization(), 'Bearer x');
    assert.equal(rig.lines.at(-1)?.msg, 'the service is in order again');
  });

  it('stops its timers', async () => {
    const rig = await startRig([jenkins('ci')]);
    assert.equal(rig.clock.timerCount, 1);
    rig.catalog.stop();
    assert.equal(rig.clock.timerCount, 0);
    rig.catalog.stop();
  });

  it('does not let a slow service hold up the start, and offers it later', async () => {
    const gate = `${folder.path}/gate`;
    folder.write(
      'slow',
      `#!/bin/sh\nwhile ! [ -e ${gate} ]; do sleep 0.05; done\n` +
        `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"x"}}'\n`,
      0o700,
    );
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './slow' };
    const kubeConfig = folder.write(
      'slow-kubeconfig',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
        clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'u', user: { exec } }],
      }),
    );
    const rig = await start([jenkins('quick')]);
    const services = servicesOf([
      jenkins('quick'),
      { type: 'kubernetes', name: 'slow', config: { kubeConfig } },
    ]);
    const replacing = rig.catalog.replace(services);
    await untilTrue(() => rig.clock.timerCount === 2);
    rig.clock.advance(10_000);
    await replacing;
    assert.equal(rig.fault('kubernetes/slow'), 'it is still being prepared');
    rig.target('jenkins/quick');
    folder.write('gate', '');
    await untilTrue(() => rig.changes() === 1);
    assert.equal(rig.target('kubernetes/slow').authorization(), 'Bearer x');
  });
});

describe('replacing the services', () => {
  const secret = (text: string) => ({
    credentials: { type: 'bearer', token: Buffer.from(text).toString('base64') },
  });

  it('keeps the targets of services that stay as they are', async () => {
    const rig = await start([jenkins('a', secret('x')), jenkins('b')]);
    const [a, b] = [rig.target('jenkins/a'), rig.target('jenkins/b')];
    const change = await rig.catalog.replace(servicesOf([jenkins('b'), jenkins('a', secret('x'))]));
    assert.equal(rig.target('jenkins/a'), a);
    assert.equal(rig.target('jenkins/b'), b);
    assert.deepEqual(change.retired, []);
  });

  it('makes a new target when a secret alone changed, without a new advertisement', async () => {
    const rig = await start([jenkins('a', secret('x'))]);
    const old = rig.target('jenkins/a');
    const change = await rig.catalog.replace(servicesOf([jenkins('a', secret('y'))]));
    assert.notEqual(rig.target('jenkins/a'), old);
    assert.equal(rig.target('jenkins/a').authorization(), 'Bearer y');
    assert.deepEqual(change, { hasAdvertisementChanged: false, retired: [old] });
  });

  it('keeps the target when only annotations or advertised names changed', async () => {
    const rig = await start([jenkins('a')]);
    const old = rig.target('jenkins/a');
    const annotated = await rig.catalog.replace(
      servicesOf([{ ...jenkins('a'), annotations: { description: 'x' } }]),
    );
    assert.deepEqual(annotated, { hasAdvertisementChanged: true, retired: [] });
    const named = await rig.catalog.replace(
      servicesOf([{ ...jenkins('a'), namespaces: [{ name: 'blue' }] }]),
    );
    assert.deepEqual(named, { hasAdvertisementChanged: true, retired: [] });
    assert.equal(rig.target('jenkins/blue'), old);
  });

  it('adds and removes services, and says whether the advertisement changed', async () => {
    const rig = await start([jenkins('a')]);
    const a = rig.target('jenkins/a');
    const added = await rig.catalog.replace(servicesOf([jenkins('a'), jenkins('b')]));
    assert.equal(added.hasAdvertisementChanged, true);
    const removed = await rig.catalog.replace(servicesOf([jenkins('b')]));
    assert.deepEqual(removed, { hasAdvertisementChanged: true, retired: [a] });
    assert.equal(rig.catalog.find({ type: 'jenkins', name: 'a' }), undefined);
    assert.equal(a.authorization(), undefined); // requests under way may still use it
    const same = await rig.catalog.replace(servicesOf([jenkins('b')]));
    assert.deepEqual(same, { hasAdvertisementChanged: false, retired: [] });
    assert.equal(rig.changes(), 0);
  });

  it('does one after the other', async () => {
    const rig = await start([jenkins('a')]);
    await Promise.all([
      rig.catalog.replace(servicesOf([jenkins('b')])),
      rig.catalog.replace(servicesOf([jenkins('c')])),
    ]);
    assert.deepEqual(configured(rig), [['jenkins/c', true]]);
  });
});

async function untilTrue(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, 'the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
