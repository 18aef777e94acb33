import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { agentName } from '../../../shared/ids.js';
import { DAY_MS, testAuthority, WITHOUT_OPENSSL } from '../certificates/test-authority.js';
import { run, startControlServer, writePem, type CommandResult } from './command-fixture.js';

async function listening(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that demands a client certificate and refuses it by an alert, as Go does and Node does not. */
async function opensslServer(t: TestContext, options: readonly string[]): Promise<string> {
  const args = ['s_server', '-accept', '127.0.0.1:0', '-Verify', '1', '-verify_return_error'];
  // It ends when its standard input does.
  const child = spawn('openssl', [...args, ...options], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(async () => {
    const ended = once(child, 'close');
    child.kill();
    await ended;
  });
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    const port = /^ACCEPT 127\.0\.0\.1:(\d+)$/m.exec(text)?.[1];
    if (port !== undefined) return `https://127.0.0.1:${port}`;
  }
  throw new Error(`openssl s_server did not start: ${text}`);
}

function expectEnd(result: CommandResult, code: number, message: RegExp, hint: RegExp): void {
  assert.equal(result.code, code, result.err);
  assert.equal(result.out, '');
  const [first = '', second = '', rest] = result.err.split('\n');
  assert.match(first, message);
  assert.match(second, hint);
  assert.equal(rest, '', result.err);
}

describe('a control API that cannot be reached', () => {
  it('ends with exit code 4 when nobody listens', async (t) => {
    const { env, stop } = await startControlServer(t);
    await stop();
    expectEnd(
      await run(['agents'], { env }),
      4,
      /^fairlead: cannot reach the control API at 127\.0\.0\.1:\d+: connection refused$/,
      /is the controller running/,
    );
  });

  it('ends with exit code 4 when its name does not resolve', async (t) => {
    const { env } = await startControlServer(t);
    const url = 'https://no-such-host.invalid:9003';
    const result = await run(['agents', '--controller', url], { env });
    expectEnd(result, 4, /the name no-such-host\.invalid does not resolve/, /spelling/);
  });

  it('ends with exit code 4 when it speaks no TLS, or cuts the connection', async (t) => {
    const { env } = await startControlServer(t);
    const plain = await listening(t, createHttpServer());
    expectEnd(
      await run(['agents', '--controller', plain], { env }),
      4,
      /does not speak TLS there/,
      /check the port/,
    );
    const cutting = await listening(
      t,
      createServer((socket) => socket.destroy()),
    );
    expectEnd(
      await run(['agents', '--controller', cutting], { env }),
      4,
      /the connection was cut/,
      /TLS/,
    );
  });
});

describe('TLS between a command and the control API', () => {
  it('ends with exit code 3 and the names seen when the certificate is for others', async (t) => {
    const { env } = await startControlServer(t, ['ctl.example.com', '192.0.2.9']);
    expectEnd(
      await run(['agents'], { env }),
      3,
      /has a certificate for ctl\.example\.com, 192\.0\.2\.9, not for 127\.0\.0\.1$/,
      /add 127\.0\.0\.1 to serverNames/,
    );
  });

  it('ends with exit code 3 and the issuer seen when another CA issued it', async (t) => {
    const { env, dir } = await startControlServer(t);
    const other = writePem(dir, 'other-ca.pem', testAuthority({ name: 'Other CA' }).caPem);
    expectEnd(
      await run(['agents', '--ca', other], { env }),
      3,
      /was issued by "CN=Control test CA", which is not the CA in .*other-ca\.pem$/,
      /the controller's own CA/,
    );
  });

  it('ends with exit code 3 and the dates seen when it has expired', async (t) => {
    const { env, authority } = await startControlServer(t);
    const now = Date.now();
    const old = await authority.issueServerCertificate(['127.0.0.1'], {
      validity: { notBefore: now - 3 * DAY_MS, notAfter: now - DAY_MS },
    });
    const url = await listening(t, createHttpsServer({ cert: old.certPem, key: old.keyPem }));
    expectEnd(
      await run(['agents', '--controller', url], { env }),
      3,
      /is not valid now \(valid from .* to .* GMT\)/,
      /compare the clocks/,
    );
  });

  it(
    'ends with exit code 3 when the server refuses the certificate in the handshake, as v3.5',
    { skip: WITHOUT_OPENSSL },
    async (t) => {
      const { env, authority, dir } = await startControlServer(t);
      const server = await authority.issueServerCertificate(['127.0.0.1']);
      const cert = writePem(dir, 'server.pem', server.certPem + server.keyPem);
      const ca = writePem(dir, 'its-own-ca.pem', testAuthority({ name: 'Its own CA' }).caPem);
      for (const version of ['-tls1_2', '-tls1_3']) {
        const url = await opensslServer(t, ['-cert', cert, '-CAfile', ca, version]);
        expectEnd(
          await run(['agents', '--controller', url], { env }),
          3,
          /refused the certificate in .*control-cert\.pem during the TLS handshake$/,
          /oes-control-secret/,
        );
      }
    },
  );
});

describe('refusals by the control API', () => {
  it('end with exit code 3 and say whose certificate it was', async (t) => {
    const { env, authority, dir } = await startControlServer(t);
    const agent = await authority.issue({ purpose: 'agent', agent: agentName('prod-eu') });
    const files = [
      ['--cert', writePem(dir, 'agent-cert.pem', agent.certPem)],
      ['--key', writePem(dir, 'agent-key.pem', agent.keyPem)],
    ].flat();
    expectEnd(
      await run(['agents', ...files], { env }),
      3,
      /the controller refused .*agent-cert\.pem: .* it was issued to agent prod-eu$/,
      /a certificate with purpose control/,
    );
  });

  it('are told apart from answers of other servers', async (t) => {
    const { env, authority } = await startControlServer(t);
    const pair = await authority.issueServerCertificate(['127.0.0.1']);
    let status = 0;
    let body = '';
    const url = await listening(
      t,
      createHttpsServer({ cert: pair.certPem, key: pair.keyPem }, (_request, response) => {
        response.writeHead(status).end(body);
      }),
    );
    const table: [number, string, number, RegExp, RegExp][] = [
      [401, '', 2, /is not a control API/, /9003/],
      [404, '404 page', 2, /does not know \/api\/v1\/getAgentStatistics/, /9003/],
      [503, '<html>', 4, /in front of the controller answered 503/, /look whether/],
      [
        500,
        '{"error":{"message":"Unable to process request: why"}}',
        1,
        /answered 500: why/,
        /log/,
      ],
      [418, 'null', 1, /answered 418$/, /log/],
      [400, '{"error":{"message":"other"}}', 2, /^fairlead: other$/, /^$/],
      [200, '<html>', 2, /is not JSON/, /9003/],
      [200, '{"a":1}', 2, /holds no agent statistics/, /9003/],
    ];
    for (const [answer, text, code, message, hint] of table) {
      status = answer;
      body = text;
      const result = await run(['agents', '--controller', url], { env });
      assert.equal(result.code, code, `${answer}: ${result.err}`);
      const [first = '', second = ''] = result.err.split('\n');
      assert.match(first, message);
      assert.match(second, hint);
    }
  });
});

describe('files of a client', () => {
  it('end with exit code 2 when they are missing, mixed up or do not belong together', async (t) => {
    const { env, dir, authority } = await startControlServer(t);
    const other = await authority.issue({ purpose: 'control', name: 'other' });
    const otherKey = writePem(dir, 'other-key.pem', other.keyPem);
    const table: [string[], RegExp][] = [
      [['--ca', 'no-such.pem'], /no-such\.pem/],
      [['--ca', env['FAIRLEAD_CERT'] ?? ''], /is not the certificate of a CA/],
      [['--cert', env['FAIRLEAD_KEY'] ?? ''], /control-key\.pem/],
      [['--key', env['FAIRLEAD_CERT'] ?? ''], /control-cert\.pem/],
      [['--key', otherKey], /is not the key of/],
    ];
    for (const [options, message] of table) {
      const { code, err } = await run(['agents', ...options], { env });
      assert.equal(code, 2, err);
      assert.match(err, message);
      assert.doesNotMatch(err, /[A-Za-z0-9+/]{60}|\n +at /);
    }
  });
});
