/** The answer to bytes that never became a request. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { answerBrokenRequest } from '../../../shared/intake/broken-request.js';

describe('bytes that are no request', () => {
  const cases: readonly (readonly [string, string | Error, number, string])[] = [
    ['of an unknown fault', nodeError('HPE_INVALID_METHOD'), 400, 'REQUEST_INVALID'],
    ['of a fault without a code', new Error('x'), 400, 'REQUEST_INVALID'],
    ['with a head over the limit', nodeError('HPE_HEADER_OVERFLOW'), 431, 'HEADERS_TOO_LARGE'],
    ['that come too slowly', nodeError('ERR_HTTP_REQUEST_TIMEOUT'), 408, 'REQUEST_INVALID'],
    [
      'with endless chunk extensions',
      nodeError('HPE_CHUNK_EXTENSIONS_OVERFLOW'),
      413,
      'BODY_TOO_LARGE',
    ],
    ['of CONNECT', 'connect', 400, 'REQUEST_INVALID'],
    ['of an upgrade with a body', 'upgrade-with-body', 400, 'REQUEST_INVALID'],
  ];
  for (const [what, cause, status, code] of cases) {
    it(`${what} are answered with ${status} ${code}, and the connection ends`, async () => {
      const socket = new FakeSocket();
      answerBrokenRequest(socket, cause);
      await socket.whenClosed;
      const [head = '', body = ''] = socket.text.split('\r\n\r\n');
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
      assert.match(head, /\r\nConnection: close\b/);
      assert.match(head, new RegExp(`\\r\\nContent-Length: ${body.length}\\b`));
      assert.match(head, new RegExp(`\\r\\nX-Fairlead-Error: ${code}\\b`));
      const parsed = JSON.parse(body) as { error: { code: string; hop: string; message: string } };
      assert.deepEqual([parsed.error.code, parsed.error.hop], [code, 'caller']);
      assert.doesNotMatch(parsed.error.message, /NotFound|forbidden/);
    });
  }

  it('of a connection that is gone get no answer', async () => {
    const reset = new FakeSocket();
    answerBrokenRequest(reset, nodeError('ECONNRESET'));
    await reset.whenClosed;
    const gone = new FakeSocket();
    gone.destroy();
    answerBrokenRequest(gone, new Error('x'));
    await gone.whenClosed;
    assert.deepEqual([reset.text, gone.text], ['', '']);
  });

  it('are answered once, though Node complains of each packet that follows', async () => {
    const socket = new FakeSocket();
    for (let i = 0; i < 3; i++) answerBrokenRequest(socket, new Error('x'));
    await socket.whenClosed;
    assert.equal(socket.text.split('HTTP/1.1 400').length, 2);
  });

  it('that go on after the answer are read no longer than a second', async () => {
    const socket = new FakeSocket();
    socket.isEndless = true;
    answerBrokenRequest(socket, new Error('x'));
    const keepsAlive = setTimeout(() => undefined, 60_000); // as the connection would
    await socket.whenClosed;
    clearTimeout(keepsAlive);
  });

  it('survive a connection that breaks while they are answered', async () => {
    const socket = new FakeSocket();
    socket.isBroken = true;
    answerBrokenRequest(socket, new Error('x'));
    await socket.whenClosed;
  });
});

class FakeSocket extends Duplex {
  text = '';
  isBroken = false;
  /** The caller goes on sending whatever it is told. */
  isEndless = false;
  readonly whenClosed = new Promise<void>((resolve) => this.once('close', resolve));

  override _read(): void {
    // the caller says no more
  }

  override _final(done: () => void): void {
    if (!this.isEndless) this.push(null); // the caller has read the answer and closes
    done();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.isBroken) return done(new Error('EPIPE'));
    this.text += chunk.toString('latin1');
    done();
  }
}

function nodeError(code: string): Error {
  return Object.assign(new Error('parse error'), { code });
}
