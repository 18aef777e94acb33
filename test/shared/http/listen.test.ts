import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { LISTEN_BACKLOG, listen, portUnavailable } from '../../../shared/http/listen.js';

describe('listen', () => {
  const servers: Server[] = [];
  const server = () => {
    const made = createServer();
    servers.push(made);
    return made;
  };

  afterEach(async () => {
    for (const open of servers.splice(0).filter(({ listening }) => listening)) {
      open.close();
      await once(open, 'close');
    }
  });

  it('takes a free port for 0 and tells which', async () => {
    const opened = server();
    const what = { what: 'callers', option: 'serviceListenPort' };
    const { address, port } = await listen(opened, { port: 0, host: '127.0.0.1', ...what });
    assert.equal(address, '127.0.0.1');
    assert.ok(port > 0);
    assert.equal(opened.listenerCount('error'), 0);
  });

  it('has the kernel keep more connections than Node asks it to', async (test) => {
    const opened = server();
    const { mock } = test.mock.method(opened, 'listen');
    await listen(opened, { port: 0, host: '127.0.0.1', what: 'callers', option: 'x' });
    const [options] = mock.calls[0]?.arguments as unknown as [{ backlog?: number }];
    assert.equal(options.backlog, LISTEN_BACKLOG);
    assert.ok(LISTEN_BACKLOG > 511, 'no more than by default');
  });

  it('names what, where, which option and what to do when the port is taken', async () => {
    const options = { host: '127.0.0.1', what: 'callers', option: 'serviceListenPort' };
    const { port } = await listen(server(), { port: 0, ...options });
    await assert.rejects(listen(server(), { port, ...options }), (error) => {
      assert.ok(error instanceof TunnelError);
      assert.equal(error.code, 'PORT_UNAVAILABLE');
      assert.equal(
        error.message,
        `cannot listen for callers on 127.0.0.1:${port} (option serviceListenPort): another process uses the port; stop it or choose another port (0 takes a free one)`,
      );
      return true;
    });
  });

  it('says so when the address is not one of this machine', async () => {
    const options = { port: 0, host: '192.0.2.1', what: 'agents', option: 'agentListenPort' };
    await assert.rejects(listen(server(), options), {
      code: 'PORT_UNAVAILABLE',
      message: /192\.0\.2\.1:0 \(option agentListenPort\): this machine does not have that address/,
    });
  });
});

describe('portUnavailable', () => {
  const where = { port: 443, what: 'callers', option: 'p' };

  it('tells that low ports need a privilege', () => {
    const error = portUnavailable(Object.assign(new Error('x'), { code: 'EACCES' }), where);
    assert.match(error.message, /on \*:443 .*below 1024/);
  });

  it('brackets an IPv6 address and passes other reasons on', () => {
    const error = portUnavailable(new Error('odd'), { ...where, host: '::1' });
    assert.match(error.message, /on \[::1\]:443 \(option p\): odd$/);
  });
});
