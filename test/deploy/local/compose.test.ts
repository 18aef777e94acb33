import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAgentConfig, parseServicesConfig } from '../../../agent/config.js';
import { initCa } from '../../../controller/commands/ca-init.js';
import { parseControllerConfig } from '../../../controller/config.js';
import { systemClock } from '../../../shared/clock.js';
import { tempDir } from '../../harness/temp-dir.js';
import { at, listAt, projectFile, ROOT, textAt, yamlDocuments } from '../project-files.js';
import { imageOf, lastOf, stagesOf } from '../docker/dockerfile.js';

const FOLDER = 'deploy/local';
const COMPOSE = yamlDocuments(projectFile(`${FOLDER}/compose.yaml`))[0];
const file = (name: string): string => projectFile(`${FOLDER}/${name}`);
const controller = parseControllerConfig(file('controller.yaml'), 'controller.yaml');
const agent = parseAgentConfig(file('agent.yaml'), 'agent.yaml');
const services = parseServicesConfig(file('services.yaml'), 'services.yaml');
/** Where the folder with what `ca init` made is mounted. */
const MADE = '/app/secrets/made/';

describe('the compose file', () => {
  it('has configuration that the programs accept without a warning', () => {
    for (const { warnings } of [controller, agent, services]) assert.deepEqual(warnings, []);
  });

  it('mounts files that exist where the programs look for them', () => {
    const mounts = ['controller', 'agent'].flatMap((name) =>
      listAt(COMPOSE, `services.${name}.volumes`).map((mount) => String(mount).split(':')),
    );
    assert.equal(mounts.length, 5);
    for (const [source = '', target = '', mode] of mounts) {
      assert.equal(mode, 'ro');
      if (source !== './secrets') assert.ok(existsSync(join(ROOT, FOLDER, source)), source);
      else assert.equal(`${target}/`, MADE);
    }
    const targets = mounts.map(([, target]) => target);
    assert.ok(targets.includes('/app/config/config.yaml'));
    assert.ok(targets.includes(agent.config.servicesConfigPath));
  });

  it('names the files that its README has ca init make', async (t) => {
    const { path, remove } = tempDir('local');
    t.after(remove);
    assert.match(file('README.md'), /ca init --dir deploy\/local\/secrets --also-agent local\n/);
    const { files } = await initCa({ dir: path, alsoAgentNamed: 'local' }, systemClock);
    const { caConfig, serviceAuth } = controller.config;
    const { caCertFile, certFile, keyFile } = agent.config;
    const key = `${serviceAuth.secretsPath}/${serviceAuth.currentKeyName}`;
    const wanted = [caConfig.caCertFile, caConfig.caKeyFile, key, caCertFile, certFile, keyFile];
    for (const name of wanted) {
      assert.ok(name.startsWith(MADE), name);
      assert.ok(files.includes(join(path, name.slice(MADE.length))), name);
    }
    assert.equal(file('.gitignore'), 'secrets/\n');
  });

  it('builds the images of the Dockerfile', () => {
    const stages = stagesOf(projectFile('deploy/docker/Dockerfile'));
    for (const name of ['controller', 'agent']) {
      const build = at(COMPOSE, `services.${name}.build`);
      assert.ok(stages.has(textAt(build, 'target')));
      assert.equal(join(FOLDER, textAt(build, 'context')), '.');
      assert.equal(textAt(build, 'dockerfile'), 'deploy/docker/Dockerfile');
    }
  });

  it('leads from the agent to the controller and to the target by the names of the services', () => {
    const [{ host, port } = { host: '', port: 0 }] = agent.config.controllers;
    assert.equal(host, controller.config.agentHostname);
    assert.ok(at(COMPOSE, `services.${host}`) !== undefined);
    assert.equal(port, controller.config.agentListenPort);
    const [service] = services.config.outgoingServices;
    const { hostname } = new URL(service?.kind === 'generic' ? (service.config.url ?? '') : '');
    assert.deepEqual(at(COMPOSE, `services.${hostname}.networks`), ['closed']);
    assert.equal(at(COMPOSE, 'services.controller.networks'), undefined);
    assert.ok(listAt(COMPOSE, 'services.agent.networks').includes('closed'));
  });

  it('opens its ports on loopback only, and gives time to stop', () => {
    const exposed = lastOf(
      imageOf(stagesOf(projectFile('deploy/docker/Dockerfile')), 'controller'),
      'EXPOSE',
    );
    for (const mapping of listAt(COMPOSE, 'services.controller.ports').map(String)) {
      const [address, outside, inside = ''] = mapping.split(':');
      assert.equal(address, '127.0.0.1');
      assert.equal(outside, inside);
      assert.ok(exposed?.split(' ').includes(inside));
    }
    for (const { config, name } of [
      { name: 'controller', ...controller },
      { name: 'agent', ...agent },
    ]) {
      const grace = Number(textAt(COMPOSE, `services.${name}.stop_grace_period`).replace(/s$/, ''));
      assert.ok(grace * 1000 > config.limits.drainGraceMs);
    }
  });
});
