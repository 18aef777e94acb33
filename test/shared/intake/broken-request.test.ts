/** What never became a request: its error, and the answer on a connection that ends with it. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { BrokenRequest, brokenRequestError } from '../../../shared/intake/broken-request.js';
import { sendWhole } from '../../../shared/intake/tunnel-exchange.js';

describe('the error of bytes that are no request', () => {
  const cases: readonly (readonly [string, Error, number, string])[] = [
    ['of an unknown fault', nodeError('HPE_INVALID_METHOD'), 400, 'REQUEST_INVALID'],
    ['of a fault without a code', new Error('x'), 400, 'REQUEST_INVALID'],
    ['with a head over the limit', nodeError('HPE_HEADER_OVERFLOW'), 431, 'HEADERS_TOO_LARGE'],
    ['that come too slowly', nodeError('ERR_HTTP_REQUEST_TIMEOUT'), 408, 'REQUEST_TIMEOUT'],
    [
      'with endless chunk extensions',
      nodeError('HPE_CHUNK_EXTENSIONS_OVERFLOW'),
      413,
      'BODY_TOO_LARGE',
    ],
    ['that end too early', nodeError('HPE_INVALID_EOF_STATE'), 499, 'CALLER_LEFT'],
  ];
  for (const [what, cause, status, code] of cases) {
    it(`${what} is ${status} ${code}`, () => {
      const error = brokenRequestError(cause);
      assert.ok(error instanceof TunnelError);
      assert.deepEqual([error.kind.status, error.code, error.kind.hop], [status, code, 'caller']);
      assert.equal(error.cause, cause);
    });
  }
});

describe('the answer to what never became a request', () => {
  const body = Buffer.from('{"error":{}}');
  const answer = { status: 431, headers: ['Content-Length', String(body.length)], body };

  it('is whole, and the connection ends with it', async () => {
    const socket = new FakeSocket();
    const endings = answered(socket, false);
    await socket.whenClosed;
    assert.equal(
      socket.text,
      'HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{"error":{}}',
    );
    assert.deepEqual(endings, [true]);
  });

  it('is not sent where it would become part of another: the connection is broken', async () => {
    const socket = new FakeSocket();
    const endings = answered(socket, true);
    await socket.whenClosed;
    assert.equal(socket.text, '');
    assert.deepEqual(endings, [false]);
  });

  it('is followed by no more than a second of what its sender goes on to say', async () => {
    const socket = new FakeSocket();
    socket.isEndless = true;
    answered(socket, false);
    const keepsAlive = setTimeout(() => undefined, 60_000); // as the connection would
    await socket.whenClosed;
    clearTimeout(keepsAlive);
  });

  it('survives a connection that breaks meanwhile, and counts as not sent', async () => {
    const socket = new FakeSocket();
    socket.isBroken = true;
    const endings = answered(socket, false);
    await socket.whenClosed;
    assert.deepEqual(endings, [false]);
  });

  function answered(socket: FakeSocket, isBehindAnother: boolean): boolean[] {
    const endings: boolean[] = [];
    const reset = (broken: Duplex): void => void broken.destroy();
    const broken = new BrokenRequest(socket, { isBehindAnother, reset });
    broken.onClose = (complete) => endings.push(complete);
    sendWhole(broken, answer);
    return endings;
  }
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
