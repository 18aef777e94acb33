import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { initCa } from '../../../controller/commands/ca-init.js';
import { ChildProgram } from '../../../deploy/demo/child-program.js';
import { systemClock } from '../../../shared/clock.js';
import { VERSION } from '../../../shared/version.js';
import { tempDir } from '../../harness/temp-dir.js';
import { ROOT } from '../project-files.js';
import { imageOf, lastOf, stagesOf } from './dockerfile.js';

// What the runtime stage of the Dockerfile puts together, in a folder of the test: dist/, package.json and
// the packages that package-lock.json does not call "dev". No container engine is needed.

const DOCKERFILE = readFileSync(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8');

describe('the files of the images', () => {
  const { path: app, remove } = tempDir('image');
  const entryPoint = join(app, 'dist', 'fairlead.js');
  const programs: ChildProgram[] = [];

  before(async () => {
    assert.ok(existsSync(join(ROOT, 'dist/fairlead.js')), 'dist/ is missing: run node build.mjs');
    cpSync(join(ROOT, 'dist'), join(app, 'dist'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(app, 'package.json'));
    copyProductionPackages(app);
    await initCa({ dir: join(app, 'made'), alsoAgentNamed: 'box' }, systemClock);
  });

  after(async () => {
    for (const program of programs.reverse()) await program.stop();
    remove();
  });

  /** Starts an image as its ENTRYPOINT and CMD say, with the configuration at another path. */
  function start(image: 'controller' | 'agent', config: object): ChildProgram {
    const file = join(app, `${image}.yaml`);
    writeFileSync(file, stringify(config));
    const command = JSON.parse(
      lastOf(imageOf(stagesOf(DOCKERFILE), image), 'CMD') ?? '',
    ) as string[];
    const args = command.map((word) => (word === '/app/config/config.yaml' ? file : word));
    const program = new ChildProgram({
      name: image,
      args: [entryPoint, ...args],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    programs.push(program);
    return program;
  }

  it('print the version', () => {
    const { stdout } = spawnSync(process.execPath, [entryPoint, '--version'], { encoding: 'utf8' });
    assert.equal(stdout.trim(), VERSION);
  });

  it('run a controller and an agent until SIGTERM', async () => {
    const made = (...path: string[]): string => join(app, 'made', ...path);
    const controller = start('controller', {
      bindAddress: '127.0.0.1',
      agentHostname: 'localhost',
      serviceHostname: 'localhost',
      controlHostname: 'localhost',
      agentListenPort: 0,
      serviceListenPort: 0,
      controlListenPort: 0,
      prometheusListenPort: 0,
      serviceAuth: {
        currentKeyName: 'public.pem',
        headerMutationKeyName: 'public.pem',
        secretsPath: made('service-auth'),
      },
      caConfig: { caCertFile: made('ca-cert.pem'), caKeyFile: made('ca-key.pem') },
    });
    const ready = await controller.line((line) => line['msg'] === 'controller is ready');
    const readiness = await fetch(`http://127.0.0.1:${Number(ready['operations'])}/readyz`);
    assert.equal(readiness.status, 200);

    writeFileSync(join(app, 'services.yaml'), 'outgoingServices: []\n');
    const agent = start('agent', {
      bindAddress: '127.0.0.1',
      prometheusListenPort: 0,
      controllerHostname: `localhost:${Number(ready['agents'])}`,
      caCertFile: made('ca-cert.pem'),
      certFile: made('agent-cert.pem'),
      keyFile: made('agent-key.pem'),
      servicesConfigPath: join(app, 'services.yaml'),
    });
    await agent.line((line) => line['msg'] === 'connected');
    assert.equal(await agent.stop(), 0, agent.lines.join('\n'));
    assert.equal(await controller.stop(), 0, controller.lines.join('\n'));
  });
});

/** The packages of node_modules that `npm ci --omit=dev` would install. */
function copyProductionPackages(app: string): void {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>;
  };
  const wanted = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  );
  assert.ok(wanted.length > 10);
  for (const [path, { optional }] of wanted) {
    const from = join(ROOT, path);
    if (optional === true && !existsSync(from)) continue;
    mkdirSync(dirname(join(app, path)), { recursive: true });
    cpSync(from, join(app, path), {
      recursive: true,
      // nested packages are entries of their own
      filter: (source) => source === from || !/node_modules$/.test(source),
    });
  }
}
