/**
 * What an operator gets wrong: configuration, certificates, ports, control requests. The published
 * command says it in one message and ends with the exit code for it, never with a stack trace; an agent
 * that cannot connect goes on trying and says why.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as https from 'node:https';
import * as net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import { ChildProgram } from '../../deploy/demo/child-program.js';
import { systemClock } from '../../shared/clock.js';
import { agentName } from '../../shared/ids.js';
import { connectCaller } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FAIRLEAD, FairleadRig } from '../harness/fairlead-rig.js';
import { waitFor } from '../harness/wait-for.js';

const DAY_MS = 86_400_000;

let rig: FairleadRig;
let agentFile: string;

before(async () => {
  rig = await FairleadRig.start({ controller: { limits: { maxControlBodyBytes: 2048 } } });
  agentFile = await rig.writeAgentFiles({ services: [] });
  const foreignCa = await makeCertificateAuthority({ keyType: 'ecdsa', name: 'F' }, systemClock);
  const foreign = certificateAuthorityFromPem(foreignCa, systemClock);
  const pairs = {
    agent: await rig.authority.issue({ purpose: 'agent', agent: agentName('prod') }),
    server: await rig.authority.issueServerCertificate(['localhost']),
    otherAgent: await rig.authority.issue({ purpose: 'agent', agent: agentName('prod') }),
    control: await rig.authority.issue({ purpose: 'control', name: 'oes' }),
    expired: await rig.authority.issue(
      { purpose: 'agent', agent: agentName('prod') },
      { validity: { notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS } },
    ),
    foreignCa,
    foreignAgent: await foreign.issue({ purpose: 'agent', agent: agentName('prod') }),
  };
  for (const [name, { certPem, keyPem }] of Object.entries(pairs)) {
    writeFileSync(rig.path(`${name}.crt`), certPem);
    writeFileSync(rig.path(`${name}.key`), keyPem);
  }
  writeFileSync(rig.path('nonsense.pem'), 'nonsense');
});

after(async () => {
  await rig?.stop();
});

interface Outcome {
  readonly code: number | NodeJS.Signals;
  readonly output: string;
}

/** Runs the command until it ends by itself. */
async function run(...args: string[]): Promise<Outcome> {
  const program = new ChildProgram({
    name: `fairlead ${args[0] ?? ''}`,
    args: [FAIRLEAD, ...args],
  });
  const timer = setTimeout(() => program.process.kill('SIGKILL'), 20_000);
  const code = await program.exited;
  clearTimeout(timer);
  return { code, output: program.lines.join('\n') };
}

let files = 0;

/** Writes a file of its own and returns its path. */
function file(text: string): string {
  const path = rig.path(`input-${++files}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** The rig's own configuration, changed. */
function changed(of: string, changes: Readonly<Record<string, unknown>>): string {
  const config = parse(readFileSync(of, 'utf8')) as Record<string, unknown>;
  return file(stringify({ ...config, ...changes }));
}

const freePorts = {
  agentListenPort: 0,
  serviceListenPort: 0,
  controlListenPort: 0,
  prometheusListenPort: 0,
};

function controllerFile(changes: Readonly<Record<string, unknown>>): string {
  return changed(rig.path('controller.yaml'), { ...freePorts, ...changes });
}

/** Ended with the code for wrong input, one message, and nothing that only a programmer can read. */
function assertRefused({ code, output }: Outcome, text: RegExp): void {
  assert.equal(code, 2, output);
  assert.match(output, text);
  const messages = output.split('\n').filter((line) => line.startsWith('fairlead: '));
  assert.equal(messages.length, 1, output);
  assert.doesNotMatch(output, /^\s+at |node:internal|Error:/m);
  assert.doesNotMatch(output, /PRIVATE KEY/);
}

type Case = readonly [file: () => string, text: RegExp];

/** Two at a time: each is a process of its own. */
function cases(command: 'controller' | 'agent', all: Readonly<Record<string, Case>>): void {
  const names = Object.keys(all);
  for (let i = 0; i < names.length; i += 2) {
    const pair = names.slice(i, i + 2);
    test(pair.join('; '), async () => {
      await Promise.all(
        pair.map(async (name) => {
          const [make, text] = all[name]!;
          assertRefused(await run(command, '--config', make()), text);
        }),
      );
    });
  }
}

describe('a controller does not start, and says why, with', () => {
  cases('controller', {
    'no configuration file': [() => rig.path('absent.yaml'), /absent\.yaml: there is no such file/],
    'YAML that is none': [() => file('a: [1\nb: 2\n'), /\.yaml:\d+:\d+: /],
    'an unknown key': [
      () => controllerFile({ servicelistenport: 1 }),
      /\.yaml:\d+:\d+: .*servicelistenport.*serviceListenPort/,
    ],
    'a host name that is missing': [
      () => controllerFile({ agentHostname: undefined }),
      /agentHostname.*missing/,
    ],
    'a port in use': [
      () => controllerFile({ controlListenPort: rig.ports.control }),
      /cannot listen for operators on .*controlListenPort.*another process uses the port/,
    ],
    'an address that is not its own': [
      () => controllerFile({ bindAddress: '192.0.2.1' }),
      /192\.0\.2\.1.*does not have that address/,
    ],
    'no CA file': [
      () =>
        controllerFile({
          caConfig: { caCertFile: rig.path('absent.crt'), caKeyFile: rig.path('agent.key') },
        }),
      /absent\.crt/,
    ],
    'a CA that is none': [
      () =>
        controllerFile({
          caConfig: { caCertFile: rig.path('agent.crt'), caKeyFile: rig.path('agent.key') },
        }),
      /not the certificate of a CA/,
    ],
    'a CA key of another CA': [
      () =>
        controllerFile({
          caConfig: {
            caCertFile: rig.path('foreignCa.crt'),
            caKeyFile: rig.path('ca', 'ca-key.pem'),
          },
        }),
      /is not the key of/,
    ],
    'a metrics certificate of another key': [
      () =>
        controllerFile({
          prometheusTLS: 'server',
          prometheusCertFile: rig.path('server.crt'),
          prometheusKeyFile: rig.path('agent.key'),
        }),
      /agent\.key.* is not the key of .*server\.crt/,
    ],
    'a CA of scrapers that is none': [
      () =>
        controllerFile({
          prometheusTLS: 'mutual',
          prometheusClientCAFile: rig.path('agent.crt'),
        }),
      /agent\.crt.* not the certificate of a CA/,
    ],
    'a signing key that is not there': [
      () =>
        controllerFile({
          serviceAuth: {
            currentKeyName: 'absent',
            headerMutationKeyName: 'public.pem',
            secretsPath: rig.path('ca', 'service-auth'),
          },
        }),
      /serviceAuth\.currentKeyName names the key "absent"/,
    ],
  });
});

describe('an agent does not start, and says why, with', () => {
  const withPair = (name: string, key = name): string =>
    changed(agentFile, { certFile: rig.path(`${name}.crt`), keyFile: rig.path(`${key}.key`) });
  const withMetricsPair = (name: string, key = name): string =>
    changed(agentFile, {
      prometheusTLS: 'server',
      prometheusCertFile: rig.path(`${name}.crt`),
      prometheusKeyFile: rig.path(`${key}.key`),
    });
  cases('agent', {
    'an unknown key': [
      () => changed(agentFile, { controllerHostnme: 'x' }),
      /controllerHostnme.*controllerHostname/,
    ],
    'no services file': [
      () => changed(agentFile, { servicesConfigPath: rig.path('absent-services.yaml') }),
      /absent-services\.yaml: there is no such file/,
    ],
    'an unknown key in the services file': [
      () => changed(agentFile, { servicesConfigPath: file('outgoingService: []\n') }),
      /:1:1: .*outgoingService.*outgoingServices/,
    ],
    'a certificate file that is missing': [
      () => changed(agentFile, { certFile: rig.path('absent.crt') }),
      /absent\.crt/,
    ],
    'a key of another certificate': [
      () => withPair('agent', 'otherAgent'),
      /otherAgent\.key.* is not the key of .*agent\.crt/,
    ],
    'a certificate that has expired': [() => withPair('expired'), /expired\.crt.* expired on/],
    'a control certificate': [
      () => withPair('control'),
      /control\.crt is a certificate for control use; an agent certificate is needed/,
    ],
    'a certificate that names nobody': [
      () => withPair('server'),
      /server\.crt: the certificate does not say who holds it/,
    ],
    'a CA that is none': [
      () => changed(agentFile, { caCertFile: rig.path('agent.crt') }),
      /agent\.crt.* not the certificate of a CA/,
    ],
    'a CA that is missing': [
      () => changed(agentFile, { caCertFile: rig.path('absent.pem') }),
      /absent\.pem/,
    ],
    'a metrics certificate that is missing': [
      () => withMetricsPair('absent', 'server'),
      /certificate file ".*absent\.crt" does not exist/,
    ],
    'a metrics certificate of another key': [
      () => withMetricsPair('server', 'agent'),
      /agent\.key.* is not the key of .*server\.crt/,
    ],
    'a metrics certificate that has expired': [
      () => withMetricsPair('expired'),
      /expired\.crt.* expired on/,
    ],
    'a metrics certificate that is not for servers': [
      () => withMetricsPair('agent'),
      /agent\.crt" is not for servers: its extended key usage lacks serverAuth/,
    ],
    'TLS on the metrics port and no certificate for it': [
      () => changed(agentFile, { prometheusTLS: 'server' }),
      /\.yaml:\d+:\d+: key "prometheusCertFile": is missing/,
    ],
    'an incoming port in use': [
      () =>
        changed(agentFile, {
          servicesConfigPath: file(
            stringify({
              incomingServices: [
                {
                  name: 'front50',
                  port: rig.ports.services,
                  destination: 'controller',
                  serviceType: 'front50',
                  destinationService: 'front50',
                },
              ],
            }),
          ),
        }),
      /incoming service "front50".*another process uses the port/,
    ],
  });
});

describe('--check', () => {
  /** What it says is wrong, without the places. */
  async function faults(...args: string[]): Promise<string[]> {
    const { code, output } = await run(...args, '--check');
    assert.equal(code, 2, output);
    assert.doesNotMatch(output, /is sound|are sound|^\s+at |PRIVATE KEY/m);
    const [title, ...lines] = output.split('\n');
    if (lines.length === 0) return [String(title)];
    assert.equal(title, `fairlead: ${lines.length} problems:`);
    return lines;
  }

  function assertFaults(found: readonly string[], expected: readonly RegExp[]): void {
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [index, text] of expected.entries()) assert.match(String(found[index]), text);
  }

  test('finds nothing wrong with what would start, and opens no port', async () => {
    const { agents, services, control, operations } = rig.ports;
    const portsInUse = {
      agentListenPort: agents,
      serviceListenPort: services,
      controlListenPort: control,
      prometheusListenPort: operations,
    };
    const [controller, agent] = await Promise.all([
      run('controller', '--config', changed(rig.path('controller.yaml'), portsInUse), '--check'),
      run('agent', '--config', agentFile, '--check'),
    ]);
    assert.deepEqual(
      [controller.code, agent.code],
      [0, 0],
      `${controller.output}\n${agent.output}`,
    );
    assert.match(controller.output, /\.yaml is sound$/);
    assert.match(agent.output, /\.yaml and .*-services\.yaml are sound$/);
  });

  test('tells all that is wrong with what the configuration of a controller names', async () => {
    const outgoing = (name: string, config: object) => ({
      enabled: true,
      type: 'front50',
      name,
      config,
    });
    const config = controllerFile({
      caConfig: { caCertFile: rig.path('ca', 'ca-cert.pem'), caKeyFile: rig.path('absent.key') },
      serviceAuth: {
        currentKeyName: 'absent',
        headerMutationKeyName: 'missing',
        secretsPath: rig.path('ca', 'service-auth'),
      },
      prometheusTLS: 'mutual',
      prometheusCertFile: rig.path('expired.crt'),
      prometheusKeyFile: rig.path('expired.key'),
      prometheusClientCAFile: rig.path('agent.crt'),
      services: {
        outgoingServices: [
          outgoing('sound', { url: 'http://front50:8080' }),
          outgoing('no-ca', { url: 'https://front50', caFile: rig.path('absent.pem') }),
          outgoing('unread', {
            url: 'https://front50',
            credentials: { type: 'basic', secretName: 'front50' },
          }),
        ],
      },
    });
    assertFaults(await faults('controller', '--config', config), [
      /key file ".*absent\.key" does not exist/,
      /serviceAuth\.currentKeyName names the key "absent"/,
      /serviceAuth\.headerMutationKeyName names the key "missing"/,
      /expired\.crt" expired on/,
      /agent\.crt" is not the certificate of a CA/,
      /service front50\/no-ca: .*absent\.pem/,
    ]);
  });

  test('tells all that is wrong with what the configuration of an agent names', async () => {
    const services = (type: string, name: string, config: object) => ({
      enabled: true,
      type,
      name,
      config,
    });
    const servicesConfigPath = file(
      stringify({
        outgoingServices: [
          services('kubernetes', 'prod', { kubeConfig: rig.path('absent-kubeconfig') }),
          services('jenkins', 'no-url', {}),
          services('jenkins', 'no-token', {
            url: 'http://jenkins',
            credentials: { type: 'bearer', tokenFile: rig.path('absent-token') },
          }),
          { ...services('jenkins', 'off', {}), enabled: false },
        ],
      }),
    );
    const changes = {
      certFile: rig.path('agent.crt'),
      keyFile: rig.path('absent.key'),
      caCertFile: rig.path('absent-ca.pem'),
      servicesConfigPath,
    };
    assertFaults(await faults('agent', '--config', changed(agentFile, changes)), [
      /key file ".*absent\.key" does not exist/,
      /CA certificate file ".*absent-ca\.pem" does not exist/,
      /service kubernetes\/prod: kubeconfig ".*absent-kubeconfig" does not exist/,
      /service jenkins\/no-url: config\.url is missing/,
      /service jenkins\/no-token: .*absent-token/,
    ]);
    const broken = { ...changes, servicesConfigPath: file('a: 1\nb: 2\n') };
    assertFaults(await faults('agent', '--config', changed(agentFile, broken)), [
      /absent\.key/,
      /absent-ca\.pem/,
      /\.yaml:\d+:\d+: .*a/,
      /\.yaml:\d+:\d+: .*b/,
    ]);
  });

  test('runs no exec plugin', async () => {
    const ran = rig.path('plugin-ran');
    const kubeConfig = file(
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'a',
        contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
        clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [
          {
            name: 'a',
            user: {
              exec: {
                apiVersion: 'client.authentication.k8s.io/v1',
                command: 'touch',
                args: [ran],
                interactiveMode: 'Never',
              },
            },
          },
        ],
      }),
    );
    const service = { enabled: true, type: 'kubernetes', name: 'prod', config: { kubeConfig } };
    const servicesConfigPath = file(stringify({ outgoingServices: [service] }));
    const config = changed(agentFile, { servicesConfigPath });
    const { code, output } = await run('agent', '--config', config, '--check');
    assert.equal(code, 0, output);
    assert.equal(existsSync(ran), false);
  });
});

describe('a command line that is wrong', () => {
  test('says what is wrong and where help is', async () => {
    const [unknown, option, none] = await Promise.all([
      run('controler'),
      run('agent', '--confg', 'x'),
      run('agents', '--controller', 'nonsense://x'),
    ]);
    assertRefused(unknown, /controler.*\n.*controller/);
    assertRefused(option, /--confg.*\n.*--config/);
    assert.equal(none.code, 2, none.output);
  });
});

describe('an agent that cannot connect goes on trying', () => {
  const fast = { limits: { reconnectMinMs: 50, reconnectMaxMs: 150 } };

  async function tries(changes: Readonly<Record<string, unknown>>, text: RegExp): Promise<void> {
    const config = changed(agentFile, { ...fast, ...changes });
    const agent = new ChildProgram({
      name: 'agent',
      args: [FAIRLEAD, 'agent', '--config', config],
    });
    try {
      const isTold = (line: Record<string, unknown>): boolean =>
        String(line['msg']).match(/^not connected|^refused/) !== null;
      const first = await agent.line(isTold);
      assert.match(String(first['reason']), text);
      const count = (): number => agent.lines.filter((line) => line.includes('"reason"')).length;
      await waitFor('further attempts', () => count() >= 3);
      const ready = await agent.line((line) => line['msg'] === 'agent is ready to connect');
      const response = await fetch(`http://127.0.0.1:${String(ready['operations'])}/readyz`);
      assert.equal(response.status, 503);
      assert.match(await response.text(), text);
      assert.doesNotMatch(agent.lines.join('\n'), /^\s+at |node:internal/m);
    } finally {
      await agent.stop('SIGKILL');
    }
  }

  test('the CA is not that of the controller', () =>
    tries(
      { caCertFile: rig.path('foreignCa.crt') },
      /was not issued by the CA of this agent; caCertFile/,
    ));

  test('the name is not that of the certificate', () =>
    tries(
      { controllerServerName: 'other.example' },
      /is not for other\.example but for .*DNS:localhost; .*controllerServerName/,
    ));

  test('nobody listens there', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo; // it listens
    await new Promise((resolve) => server.close(resolve));
    await tries(
      { controllerHostname: `127.0.0.1:${port}` },
      /connection refused; is the controller running/,
    );
  });

  test('somebody else listens there', () =>
    tries({ controllerHostname: `localhost:${rig.ports.operations}` }, /does not speak TLS there/));

  test('its certificate is of another CA', () =>
    tries(
      { certFile: rig.path('foreignAgent.crt'), keyFile: rig.path('foreignAgent.key') },
      /certificate of the agent is not accepted/,
    ));
});

describe('services that are faulty', () => {
  test('are advertised as unusable, disturb no other, and say why to callers', async () => {
    const kubeconfig = file(
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
        clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'a', user: {} }],
      }),
    );
    const http = { url: `http://127.0.0.1:${rig.ports.operations}` };
    const agent = await rig.startAgent({
      name: 'faulty',
      services: [
        { enabled: true, type: 'jenkins', name: 'fine', config: http },
        { enabled: true, type: 'jenkins', name: 'nourl' },
        { enabled: true, type: 'jenkins', name: 'badurl', config: { url: 'ftp://x' } },
        {
          enabled: true,
          type: 'kubernetes',
          name: 'nocontext',
          config: { kubeConfig: kubeconfig },
        },
      ],
    });
    const ask = async (type: string, name: string) => {
      const token = basic(serviceToken(rig, `faulty/${type}/${name}`));
      const caller = await connectCaller('h2', rig.ports.services, { ca: rig.caPem }, token);
      const response = await caller.send({ target: '/livez' });
      caller.close();
      return response;
    };
    assert.equal((await ask('jenkins', 'fine')).status, 200);
    for (const [type, name, text] of [
      ['jenkins', 'nourl', /jenkins\/nourl is not usable: config\.url is missing/],
      ['jenkins', 'badurl', /begins with ftp:\/\//],
      ['kubernetes', 'nocontext', /kubernetes\/nocontext is not usable: .*current-context/],
    ] as const) {
      const response = await ask(type, name);
      assert.equal(response.status, 502);
      assert.match(response.text, text);
    }
    const { output } = await rig.client('agents', '-o', 'json');
    const configured = [...output.matchAll(/"configured": ?(true|false)/g)].map(([, one]) => one);
    assert.deepEqual(configured.sort(), ['false', 'false', 'false', 'true'], output);
    assert.ok(agent.lines.some((line) => line.includes('nocontext')));
  });
});

describe('the control API', () => {
  /** One request with any certificate and any bytes as body. */
  function control(
    pair: string,
    path: string,
    body: string,
    method = 'POST',
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          port: rig.ports.control,
          host: 'localhost',
          method,
          path: `/api/v1/${path}`,
          ca: rig.caPem,
          agent: false,
          ...(pair === ''
            ? {}
            : {
                cert: readFileSync(rig.path(`${pair}.crt`)),
                key: readFileSync(rig.path(`${pair}.key`)),
              }),
        },
        (response) => {
          let text = '';
          response.on('data', (bytes: Buffer) => (text += bytes.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  test('refuses certificates of agents, of other CAs, and none, with 403 that says why', async () => {
    for (const [pair, text] of [
      ['agent', /not authorized for 'control'.*agent prod/],
      ['foreignCa', /not issued by the CA/],
      ['', /no client certificate/],
      ['expired', /expired/],
    ] as const) {
      const { status, text: answer } = await control(pair, 'generateKubectlComponents', '{}');
      assert.equal(status, 403, answer);
      assert.match((JSON.parse(answer) as { error: { message: string } }).error.message, text);
    }
  });

  test('refuses bodies that are no JSON, of the wrong shape, or too large', async () => {
    for (const [body, status, text] of [
      ['', 400, /./],
      ['nonsense', 400, /not JSON/],
      ['[1]', 400, /cannot unmarshal/],
      ['{"agentName":5,"name":"x"}', 400, /agentName/],
      ['{"name":"x"}', 400, /'agentName' is invalid/],
      ['{"agentName":"x"}', 400, /'name' is invalid/],
      ['{"agentName":"a\\u0000b","name":"x"}', 400, /'agentName' is invalid/],
      [`{"agentName":"${'a'.repeat(3000)}"}`, 413, /larger than 2048 bytes/],
    ] as const) {
      const answer = await control('control', 'generateKubectlComponents', body);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.text, text);
    }
    const path = await control('control', 'unknown', '{}');
    assert.equal(path.status, 404);
    const method = await control('control', 'generateKubectlComponents', '', 'GET');
    assert.equal(method.status, 405);
  });

  test('refuses names that Kubernetes could not take, where they become names of objects', async () => {
    for (const name of ['Prod', 'a b', '-a', 'a_b', 'a'.repeat(70), 'ü', '']) {
      const answer = await control(
        'control',
        'generateAgentManifest',
        JSON.stringify({ agentName: name }),
      );
      assert.equal(answer.status, 400, `${name}: ${answer.text}`);
      assert.match(answer.text, /'agentName' is invalid/);
    }
    for (const name of ['a/b', '..', '${x}']) {
      const answer = await control(
        'control',
        'generateKubeconfig',
        JSON.stringify({ agentName: 'a', name }),
      );
      assert.equal(answer.status, 400, `${name}: ${answer.text}`);
    }
  });

  test('client commands end with 3 for a credential that is refused, 4 for nobody there', async () => {
    const common = ['agents', '--ca', rig.path('ca', 'ca-cert.pem')];
    const pair = (name: string): string[] => [
      '--cert',
      rig.path(`${name}.crt`),
      '--key',
      rig.path(`${name}.key`),
    ];
    const at = (port: number): string[] => ['--controller', `https://localhost:${port}`];
    const [refused, unreachable] = await Promise.all([
      run(...common, ...at(rig.ports.control), ...pair('agent')),
      run(...common, ...at(1), ...pair('control')),
    ]);
    assert.equal(refused.code, 3, refused.output);
    assert.match(refused.output, /not authorized for 'control'/);
    assert.equal(unreachable.code, 4, unreachable.output);
    for (const { output } of [refused, unreachable]) assert.doesNotMatch(output, /^\s+at /m);
  });
});

test('a control certificate is refused at the port for agents, an agent’s at the service port', async () => {
  const tls = (name: string) => ({
    ca: rig.caPem,
    cert: readFileSync(rig.path(`${name}.crt`), 'utf8'),
    key: readFileSync(rig.path(`${name}.key`), 'utf8'),
  });
  for (const name of ['agent', 'control']) {
    const caller = await connectCaller('http/1.1', rig.ports.services, tls(name));
    const response = await caller.send({ target: '/' });
    assert.equal(response.status, 401);
    assert.match(response.text, new RegExp(`for ${name} use`));
    caller.close();
  }
});
