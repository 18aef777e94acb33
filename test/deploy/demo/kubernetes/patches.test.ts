/** The forms of PATCH of the demo API, and what server-side apply does to fields and their owners. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Cluster } from '../../../../deploy/demo/kubernetes/cluster.js';
import { createCluster } from '../../../../deploy/demo/kubernetes/cluster.js';
import type { Json, JsonObject } from '../../../../deploy/demo/kubernetes/objects/json-value.js';
import {
  listAt,
  objectAt,
  stringAt,
  valueAt,
} from '../../../../deploy/demo/kubernetes/objects/json-value.js';
import type { KubeObject } from '../../../../deploy/demo/kubernetes/objects/kube-object.js';
import { applyJsonPatch } from '../../../../deploy/demo/kubernetes/patch/json-patch.js';
import { applyMergePatch } from '../../../../deploy/demo/kubernetes/patch/merge-patch.js';
import { applyServerSide } from '../../../../deploy/demo/kubernetes/patch/server-side-apply.js';
import { applyStrategicMergePatch } from '../../../../deploy/demo/kubernetes/patch/strategic-merge-patch.js';
import { createSchemaCatalog } from '../../../../deploy/demo/kubernetes/schemas/schema-catalog.js';
import { StatusError } from '../../../../deploy/demo/kubernetes/status-error.js';

const schemas = createSchemaCatalog();

describe('JSON patch', () => {
  const document = { a: { 'b/c': 1 }, list: [1, 2, 3] };
  const cases: [string, Json, Json][] = [
    [
      'adds before an index',
      [{ op: 'add', path: '/list/1', value: 9 }],
      { a: { 'b/c': 1 }, list: [1, 9, 2, 3] },
    ],
    [
      'adds at the end',
      [{ op: 'add', path: '/list/-', value: 9 }],
      { a: { 'b/c': 1 }, list: [1, 2, 3, 9] },
    ],
    [
      'replaces below an escaped name',
      [{ op: 'replace', path: '/a/b~1c', value: 2 }],
      { a: { 'b/c': 2 }, list: [1, 2, 3] },
    ],
    ['removes', [{ op: 'remove', path: '/list/0' }], { a: { 'b/c': 1 }, list: [2, 3] }],
    ['moves', [{ op: 'move', from: '/a', path: '/z' }], { list: [1, 2, 3], z: { 'b/c': 1 } }],
    ['copies', [{ op: 'copy', from: '/list/0', path: '/one' }], { ...document, one: 1 }],
    ['tests', [{ op: 'test', path: '/list', value: [1, 2, 3] }], document],
  ];
  for (const [name, patch, expected] of cases) {
    it(name, () => assert.deepEqual(applyJsonPatch(document, patch), expected));
  }

  it('refuses a failed test, a missing value and a wrong operation', () => {
    for (const [patch, code] of [
      [[{ op: 'test', path: '/list/0', value: 2 }], 422],
      [[{ op: 'remove', path: '/nothing' }], 422],
      [[{ op: 'add', path: '/list/7', value: 0 }], 422],
      [[{ op: 'grow', path: '/list' }], 400],
      [{ op: 'remove', path: '/a' }, 400],
    ] as const) {
      assert.throws(() => applyJsonPatch(document, patch as unknown as Json), { code }); // readonly literals
    }
  });
});

describe('merge patch', () => {
  it('merges objects, replaces lists and removes nulls', () => {
    const patched = applyMergePatch(
      { a: { x: 1, y: 2 }, l: [1], gone: 1 },
      { a: { y: null }, l: [2], gone: null },
    );
    assert.deepEqual(patched, { a: { x: 1 }, l: [2] });
  });
});

describe('strategic merge patch', () => {
  const containers = (...names: string[]): Json =>
    names.map((name) => ({ name, image: `${name}:1` }));
  const pod = (spec: JsonObject): JsonObject => ({ kind: 'Pod', spec });
  const patched = (spec: JsonObject, patch: JsonObject) =>
    objectAt(applyStrategicMergePatch(schemas, 'Pod', pod(spec), { spec: patch }), 'spec');

  const cases: [string, JsonObject, JsonObject, JsonObject][] = [
    [
      'merges containers by name and adds new ones',
      { containers: containers('a', 'b') },
      {
        containers: [
          { name: 'b', image: 'b:2' },
          { name: 'c', image: 'c:1' },
        ],
      },
      {
        containers: [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:2' },
          { name: 'c', image: 'c:1' },
        ],
      },
    ],
    [
      'deletes an item',
      { containers: containers('a', 'b') },
      { containers: [{ name: 'a', $patch: 'delete' }] },
      { containers: containers('b') },
    ],
    [
      'replaces a list',
      { containers: containers('a', 'b') },
      { containers: [{ $patch: 'replace' }, { name: 'z', image: 'z' }] },
      { containers: [{ name: 'z', image: 'z' }] },
    ],
    [
      'merges env by name inside a container',
      {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'X', value: '1' },
              { name: 'Y', value: '2' },
            ],
          },
        ],
      },
      {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'Y', value: '3' },
              { name: 'X', $patch: 'delete' },
            ],
          },
        ],
      },
      { containers: [{ name: 'a', env: [{ name: 'Y', value: '3' }] }] },
    ],
    [
      'keeps only retained keys of a volume',
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ name: 'v', $retainKeys: ['name', 'secret'], secret: { secretName: 's' } }] },
      { volumes: [{ name: 'v', secret: { secretName: 's' } }] },
    ],
    [
      'puts items into the order given',
      { containers: containers('a', 'b') },
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] },
      { containers: containers('b', 'a') },
    ],
    [
      'removes nulls and replaces lists without a key',
      { hostname: 'h', tolerations: [{ key: 'a' }] },
      { hostname: null, tolerations: [] },
      { tolerations: [] },
    ],
  ];
  for (const [name, spec, patch, expected] of cases) {
    it(name, () => assert.deepEqual(patched(spec, patch), expected));
  }

  it('merges and deletes scalars of finalizers', () => {
    const object = { kind: 'Pod', metadata: { finalizers: ['a', 'b'] } };
    const merged = applyStrategicMergePatch(schemas, 'Pod', object, {
      metadata: { finalizers: ['c'] },
    });
    assert.deepEqual(valueAt(merged, 'metadata', 'finalizers'), ['a', 'b', 'c']);
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } };
    assert.deepEqual(
      valueAt(applyStrategicMergePatch(schemas, 'Pod', object, patch), 'metadata', 'finalizers'),
      ['b'],
    );
  });
});

describe('server-side apply', () => {
  let cluster: Cluster;
  beforeEach(() => {
    cluster = createCluster({ version: '1.31' });
  });

  const config = (spec: JsonObject, labels?: JsonObject): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app', ...(labels === undefined ? {} : { labels }) },
    spec,
  });
  const containers = (...names: string[]): JsonObject => ({
    template: { spec: { containers: names.map((name) => ({ name, image: `${name}:1` })) } },
  });
  const apply = (
    current: KubeObject | undefined,
    manager: string,
    wanted: KubeObject,
    isForced = false,
  ) => applyServerSide(cluster, current, { manager, isForced, subresource: '', config: wanted });
  const names = (object: KubeObject) =>
    listAt(object, 'spec', 'template', 'spec', 'containers').map((entry) =>
      stringAt(entry, 'name'),
    );

  it('removes what the manager no longer applies, and leaves the rest of others', () => {
    const first = apply(
      undefined,
      'one',
      config({ replicas: 1, ...containers('a', 'b') }, { x: '1' }),
    );
    const second = apply(first, 'two', config({ ...containers('c') }, { y: '2' }));
    const third = apply(second, 'one', config({ ...containers('a') }));
    assert.deepEqual(names(third), ['a', 'c']);
    assert.equal(valueAt(third, 'spec', 'replicas'), undefined);
    assert.deepEqual(valueAt(third, 'metadata', 'labels'), { y: '2' });
  });

  it('refuses to change what another manager owns, unless forced', () => {
    const first = apply(undefined, 'one', config({ replicas: 1 }));
    const refusal = () => apply(first, 'two', config({ replicas: 2 }));
    assert.throws(refusal, (error: unknown) => {
      assert.ok(error instanceof StatusError);
      assert.equal(
        error.message,
        'Apply failed with 1 conflict: conflict with "one" using apps/v1: .spec.replicas',
      );
      return error.code === 409;
    });
    const forced = apply(first, 'two', config({ replicas: 2 }), true);
    assert.equal(valueAt(forced, 'spec', 'replicas'), 2);
    const owners = listAt(forced, 'metadata', 'managedFields').map((entry) =>
      stringAt(entry, 'manager'),
    );
    assert.deepEqual(owners, ['two']);
  });

  it('lets two managers own a field of the same value', () => {
    const first = apply(undefined, 'one', config({ replicas: 1 }));
    const second = apply(first, 'two', config({ replicas: 1 }));
    assert.equal(listAt(second, 'metadata', 'managedFields').length, 2);
    const third = apply(second, 'one', config({}));
    assert.equal(valueAt(third, 'spec', 'replicas'), 1, 'the other manager still applies it');
  });
});
