import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controllerConfigFormat } from '../../../controller/config.js';
import { AGENT_HEAP_MIB } from '../../../controller/rendering/agent-memory.js';
import { optionRows, optionSchema } from '../../../deploy/docs/option-table.js';
import { projectFile } from '../project-files.js';
import { imageOf, lastOf, stagesOf } from './dockerfile.js';

const STAGES = stagesOf(projectFile('deploy/docker/Dockerfile'));
const IMAGES = ['controller', 'agent'] as const;

describe('the images', () => {
  it('are built in stages that exist, from bases named by the tag of an LTS line', () => {
    assert.deepEqual(
      [...STAGES.keys()],
      ['build', 'dependencies', 'runtime', 'controller', 'agent'],
    );
    for (const { name, from } of STAGES.values()) {
      if (STAGES.has(from)) continue;
      const major = /^node:(\d+)-slim$/.exec(from)?.[1];
      assert.ok(major !== undefined, `${name} is from ${from}`);
      assert.equal(Number(major) % 2, 0, 'odd releases of Node are no LTS');
    }
  });

  it('hold dist/ and what package.json calls dependencies, and nothing else of ours', () => {
    for (const target of IMAGES) {
      const copies = imageOf(STAGES, target).filter(({ name }) => name === 'COPY');
      assert.deepEqual(
        copies.map(({ text }) => text),
        [
          '--from=dependencies /src/node_modules ./node_modules',
          '--from=build /src/package.json ./package.json',
          '--from=build /src/dist ./dist',
        ],
      );
    }
    const install = STAGES.get('dependencies')?.instructions.at(-1)?.text;
    assert.equal(install, 'npm ci --omit=dev --ignore-scripts');
  });

  it('preload the memory allocator that they install, as their own user', () => {
    for (const target of IMAGES) {
      const image = imageOf(STAGES, target);
      const installs = image.filter(({ name }) => name === 'RUN').map(({ text }) => text);
      assert.equal(installs.length, 1);
      assert.match(
        installs[0] ?? '',
        /apt-get install .* libjemalloc2 .*&& rm -rf \/var\/lib\/apt\/lists/,
      );
      const variables = image.filter(({ name }) => name === 'ENV').map(({ text }) => text);
      assert.ok(
        variables.some((text) => /^LD_PRELOAD=libjemalloc\.so\.2 +MALLOC_CONF=\S+$/.test(text)),
      );
    }
  });

  it('run node itself as a user that is not root, by number', () => {
    for (const target of IMAGES) {
      const image = imageOf(STAGES, target);
      const [user, group] = (lastOf(image, 'USER') ?? '').split(':').map(Number);
      assert.ok(user !== undefined && user > 0 && group !== undefined && group > 0);
      assert.deepEqual(jsonOf(image, 'ENTRYPOINT'), ['node', 'dist/fairlead.js']);
      assert.deepEqual(jsonOf(image, 'CMD'), [target, '--config', '/app/config/config.yaml']);
      assert.equal(lastOf(image, 'STOPSIGNAL'), 'SIGTERM');
      // nothing is installed after the user has changed
      const steps = image.map(({ name }) => name);
      assert.ok(steps.lastIndexOf('RUN') < steps.indexOf('USER'));
      assert.ok(!steps.includes('ADD'));
    }
  });

  it('expose the ports of the configuration', () => {
    const rows = optionRows(optionSchema(controllerConfigFormat.options), new Set());
    const ports = rows
      .filter(({ name }) => /^(?:agent|service|control|prometheus)ListenPort$/.test(name))
      .map(({ defaultValue }) => String(defaultValue));
    assert.deepEqual(portsOf('controller'), ports.sort());
    assert.deepEqual(portsOf('agent'), ['9102']);
  });

  it('give the agent the heap that its manifests give it', () => {
    const environment = imageOf(STAGES, 'agent').filter(({ name }) => name === 'ENV');
    const options = `NODE_OPTIONS=--max-old-space-size=${AGENT_HEAP_MIB}`;
    assert.ok(environment.some(({ text }) => text === options));
  });

  it('get no secret and no foreign build from the folder they are built in', () => {
    const ignored = projectFile('deploy/docker/Dockerfile.dockerignore').split('\n');
    const wanted = [
      '.git',
      '**/node_modules',
      'dist',
      '.env',
      '**/*.pem',
      '**/*.key',
      '**/secrets',
    ];
    for (const line of wanted) assert.ok(ignored.includes(line), line);
    // what the build reads must not be among them
    assert.ok(!ignored.some((line) => /^(?:deploy|proto|build\.mjs|package)/.test(line)));
  });
});

function jsonOf(image: ReturnType<typeof imageOf>, name: string): unknown {
  return JSON.parse(lastOf(image, name) ?? 'null');
}

function portsOf(target: string): string[] {
  return (lastOf(imageOf(STAGES, target), 'EXPOSE') ?? '').split(' ').sort();
}
