import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FairleadPrograms } from '../../../controller/commands/fairlead-programs.js';
import { TunnelError } from '../../../shared/errors.js';
import { VERSION } from '../../../shared/version.js';
import { NO_PROGRAMS, run } from './command-fixture.js';

const COMMANDS = [
  'controller',
  'agent',
  'demo',
  'ca init',
  'kubeconfig',
  'agent-manifest',
  'service-credentials',
  'control-credentials',
  'agents',
];

describe('help', () => {
  it('goes to stdout with exit code 0, names every command and the exit codes', async () => {
    const { code, out, err } = await run(['--help']);
    assert.equal(code, 0);
    assert.equal(err, '');
    for (const command of COMMANDS)
      assert.match(out, new RegExp(`^  ${command.split(' ')[0]}\\b`, 'm'));
    assert.match(
      out,
      /0 done +1 failed +2 usage or configuration +3 credential refused +4 unreach/,
    );
  });

  it('has examples for every command', async () => {
    for (const command of COMMANDS) {
      const { code, out } = await run([...command.split(' '), '--help']);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`Examples:\\n  fairlead ${command}`), command);
      assert.match(out, /Exit codes:/);
    }
  });

  it('names the environment variable of every connection option, never its value', async () => {
    const env = { FAIRLEAD_CONTROLLER: 'https://user-value', FAIRLEAD_KEY: '/key-value' };
    const { out } = await run(['agents', '--help'], { env });
    for (const name of ['CONTROLLER', 'CA', 'CERT', 'KEY']) {
      assert.match(out, new RegExp(`env FAIRLEAD_${name}\\)`));
    }
    assert.doesNotMatch(out, /user-value|key-value/);
  });

  it('is given for one command by "help"', async () => {
    assert.match((await run(['help', 'agents'])).out, /^Usage: fairlead agents/);
  });

  it('shows on stderr with exit code 2 when no command is given', async () => {
    const { code, out, err } = await run([]);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, /^Usage: fairlead/);
  });

  it('prints the version', async () => {
    assert.deepEqual(await run(['--version']), { code: 0, out: `${VERSION}\n`, err: '' });
  });
});

describe('usage errors', () => {
  it('end with exit code 2, one line that says what is wrong, and one that says what to do', async () => {
    const table: [argv: string[], message: RegExp, hint: RegExp][] = [
      [['kubecofig'], /unknown command 'kubecofig'/, /Did you mean kubeconfig\?/],
      [['ca', 'inti'], /unknown command 'inti'/, /Did you mean init\?/],
      [['agents', '--wacth'], /unknown option '--wacth'/, /Did you mean --watch\?/],
      [
        ['agents', '-o', 'xml'],
        /argument 'xml' is invalid. Allowed choices are table, json/,
        /agents --help/,
      ],
      [['agents', 'more'], /too many arguments for 'agents'/, /see fairlead agents --help/],
      [['agents', '--interval', '0'], /number of seconds above 0/, /--help/],
      [['agent-manifest', '--agent', 'a', '--replicas', 'x'], /whole number/, /--help/],
      [['kubeconfig'], /option --agent is missing/, /for example: fairlead kubeconfig/],
      [['kubeconfig', '--agent', 'a'], /option --name is missing/, /for example/],
      [['kubeconfig', '--agent'], /'--agent <name>' argument missing/, /--help/],
      [['agent-manifest'], /option --agent is missing/, /for example/],
      [['service-credentials', '--agent', 'a'], /option --type is missing/, /for example/],
      [['control-credentials'], /option --name is missing/, /for example/],
      [
        ['ca', 'init'],
        /required option '--dir <dir>' not specified/,
        /see fairlead ca init --help/,
      ],
      [['--nonsense'], /unknown option '--nonsense'/, /fairlead --help/],
    ];
    for (const [argv, message, hint] of table) {
      const { code, out, err } = await run(argv);
      assert.equal(code, 2, argv.join(' '));
      assert.equal(out, '');
      const [first = '', second = '', rest] = err.split('\n');
      assert.match(first, /^fairlead: /);
      assert.match(first, message);
      assert.match(second, hint);
      assert.equal(rest, '', err);
    }
  });

  it('name every missing connection option with its environment variable', async () => {
    const none = await run(['agents']);
    assert.equal(none.code, 2);
    for (const [option, variable] of [
      ['--controller', 'FAIRLEAD_CONTROLLER'],
      ['--ca', 'FAIRLEAD_CA'],
      ['--cert', 'FAIRLEAD_CERT'],
      ['--key', 'FAIRLEAD_KEY'],
    ]) {
      assert.ok(none.err.includes(`${String(option)} (or ${String(variable)})`), none.err);
    }
    const env = { FAIRLEAD_CONTROLLER: 'https://x:1', FAIRLEAD_CA: '', FAIRLEAD_CERT: 'c' };
    const some = await run(['agents', '--key', 'k'], { env });
    assert.match(some.err, /^fairlead: missing option: --ca \(or FAIRLEAD_CA\)\n/);
  });

  it('refuse controller URLs that are not plain https', async () => {
    const files = ['--ca', 'a', '--cert', 'b', '--key', 'c'];
    for (const [url, message] of [
      ['http://x:9003', /HTTPS only/],
      ['https://user:pass@x:9003', /must not contain a user or password/],
      ['https://', /is not a URL/],
      ['ftp://x', /HTTPS only/],
    ] as const) {
      const { code, err } = await run(['agents', '--controller', url, ...files]);
      assert.equal(code, 2);
      assert.match(err, message);
      assert.doesNotMatch(err, /user:pass/);
    }
  });
});

describe('programs', () => {
  /** Records what each program was given and ends with the code. */
  function recordingPrograms(code: number): { programs: FairleadPrograms; calls: unknown[] } {
    const calls: unknown[] = [];
    const record =
      (name: string) =>
      (options: object): Promise<number> => {
        calls.push([name, options]);
        return Promise.resolve(code);
      };
    const programs = {
      controller: record('controller'),
      agent: record('agent'),
      demo: record('demo'),
    };
    return { programs, calls };
  }

  it('get the configuration file, by our flags or as v3.5 spells them', async () => {
    const file = '/app/config/config.yaml';
    const table: [argv: string[], call: unknown][] = [
      [['controller'], ['controller', { configFile: file }]],
      [
        ['controller', '--config', 'c'],
        ['controller', { configFile: 'c' }],
      ],
      [
        ['controller', '-c', 'c'],
        ['controller', { configFile: 'c' }],
      ],
      [
        ['controller', '-configFile', 'c'],
        ['controller', { configFile: 'c' }],
      ],
      [
        ['controller', '-configFile=c=d'],
        ['controller', { configFile: 'c=d' }],
      ],
      [
        ['agent', '--configFile', 'c'],
        ['agent', { configFile: 'c', caCertFile: undefined }],
      ],
      [
        ['agent', '-caCertFile', 'a'],
        ['agent', { configFile: file, caCertFile: 'a' }],
      ],
      [['demo'], ['demo', {}]],
      [
        ['demo', '--kubeconfig', 'k'],
        ['demo', { kubeconfig: 'k' }],
      ],
    ];
    for (const [argv, call] of table) {
      const { programs, calls } = recordingPrograms(0);
      assert.deepEqual(await run(argv, { programs }), { code: 0, out: '', err: '' });
      assert.deepEqual(calls, [call]);
    }
  });

  it('start in spite of flags of v3.5 that mean nothing here, with a note', async () => {
    const { programs, calls } = recordingPrograms(0);
    const argv = [
      'agent',
      '-tickTime',
      '30',
      '-traceToStdout',
      '-configFile',
      'c',
      '-traceRatio=1',
    ];
    const { err } = await run(argv, { programs });
    assert.deepEqual(calls, [['agent', { configFile: 'c', caCertFile: undefined }]]);
    assert.match(err, /-tickTime has no effect: limits\.heartbeatIntervalMs/);
    assert.match(err, /-traceToStdout has no effect/);
    assert.match(err, /-traceRatio has no effect/);
  });

  it('print the version for -version, as the binaries of v3.5', async () => {
    assert.equal((await run(['controller', '-version'])).out, `${VERSION}\n`);
  });

  it('choose the exit code', async () => {
    assert.equal((await run(['agent'], { programs: recordingPrograms(4).programs })).code, 4);
  });

  it('end with the exit code of the error they throw, its lines and no stack', async () => {
    const failing = {
      ...NO_PROGRAMS,
      controller: () =>
        Promise.reject(
          new TunnelError('CONFIG_INVALID', 'controller.yaml:3: no\ncontroller.yaml:9: no'),
        ),
    };
    assert.deepEqual(await run(['controller'], { programs: failing }), {
      code: 2,
      out: '',
      err: 'fairlead: controller.yaml:3: no\n  controller.yaml:9: no\n',
    });
  });

  it('end with exit code 1 and a stack when the fault is ours', async () => {
    const { code, err } = await run(['agent']);
    assert.equal(code, 1);
    assert.match(err, /^fairlead: internal fault\nError: agent started\n +at /);
  });
});
