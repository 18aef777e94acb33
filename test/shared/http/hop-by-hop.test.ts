/** What belongs to one connection stays there, and callers do not speak for us to a target. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { answerHeaders, callerHeaders, endToEndHeaders } from '../../../shared/http/hop-by-hop.js';
import { headerList } from '../protocol/arbitrary-frames.js';

describe('end-to-end headers', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['nothing', [], []],
    ['order, case and duplicates', ['B', '1', 'a', '2', 'b', '3'], ['B', '1', 'a', '2', 'b', '3']],
    [
      'no header of one connection, in any case',
      [
        'Connection',
        'keep-alive',
        'KEEP-ALIVE',
        'timeout=5',
        'Proxy-Connection',
        'x',
        'Proxy-Authenticate',
        'Basic',
        'proxy-authorization',
        'Basic x',
        'TE',
        'trailers',
        'Transfer-Encoding',
        'chunked',
        'Upgrade',
        'h2c',
        'HTTP2-Settings',
        'x',
        'Trailer',
        'X-Sum',
      ],
      ['Trailer', 'X-Sum'],
    ],
    [
      'no header that Connection names, in any case and any spacing',
      ['Connection', ' x-Hop ,close,', 'X-HOP', '1', 'X-Keep', '2', 'x-hop', '3'],
      ['X-Keep', '2'],
    ],
    [
      'no header that any of several Connection headers names',
      ['X-A', '1', 'connection', 'x-a', 'X-B', '2', 'CONNECTION', 'x-b', 'X-C', '3'],
      ['X-C', '3'],
    ],
    [
      'no header that one of the usual Connection headers names',
      ['Close', '1', 'Connection', 'close', 'CLOSE', '2', 'X', '3'],
      ['X', '3'],
    ],
    [
      'everything else beside Connection headers that name nothing',
      ['X', '1', 'Connection', '', 'connection', ' , ', 'Close', '2'],
      ['X', '1', 'Close', '2'],
    ],
    [
      'what frames and addresses the message, even if Connection names it',
      [
        'Connection',
        'host, Content-Length, EXPECT',
        'Host',
        'h',
        'Content-Length',
        '5',
        'Expect',
        'x',
      ],
      ['Host', 'h', 'Content-Length', '5', 'Expect', 'x'],
    ],
    [
      'names that only begin alike',
      ['Connections', 'a', 'Upgraded', 'b'],
      ['Connections', 'a', 'Upgraded', 'b'],
    ],
  ];
  for (const [what, given, kept] of cases) {
    it(`keep ${what}`, () => assert.deepEqual(endToEndHeaders([...given]), kept));
  }

  it('keep Upgrade for a switch of protocols, named by Connection or not', () => {
    for (const connection of ['Upgrade', 'keep-alive, upgrade', 'close']) {
      assert.deepEqual(
        endToEndHeaders(['Connection', connection, 'Upgrade', 'websocket', 'X', '1'], true),
        ['Upgrade', 'websocket', 'X', '1'],
      );
    }
  });

  it('are the very list when nothing has to go, and never change the one given', () => {
    const list = ['Host', 'h', 'User-Agent', 'u', 'X-Connection', 'x-a', 'X-A', '1'];
    assert.equal(endToEndHeaders(list), list);
    const given = ['X-A', '1', 'Connection', 'x-a', 'X-B', '2'];
    const copy = [...given];
    assert.deepEqual(endToEndHeaders(given), ['X-B', '2']);
    assert.deepEqual(given, copy);
  });

  it('stay the same when they are taken again', () => {
    fc.assert(
      fc.property(headerList, (headers) => {
        const once = endToEndHeaders(headers);
        assert.deepEqual(endToEndHeaders(once), once);
      }),
    );
  });
});

describe("a caller's headers", () => {
  it('enter the tunnel without its credential for us and without claims about its address', () => {
    const given = [
      ...['Authorization', 'Bearer x', 'authorization', 'Basic y', 'X-OPSMX-Token', 'z'],
      ...['Forwarded', 'for=x', 'X-Forwarded-For', '1', 'x-forwarded-host', '2'],
      ...['X-Forwarded-Port', '3', 'X-Forwarded-Proto', '4', 'X-Forwarded-Prefix', '5'],
      ...['X-Real-IP', '6', 'X-Other', '7', 'Cookie', 'c'],
    ];
    assert.deepEqual(callerHeaders(given, false), ['X-Other', '7', 'Cookie', 'c']);
  });

  it('lose what Connection names, credentials or not', () => {
    const given = ['X-Hop', '1', 'Authorization', 'x', 'Connection', 'authorization, x-hop'];
    assert.deepEqual(callerHeaders([...given, 'X-Keep', '2'], false), ['X-Keep', '2']);
  });

  it('are those of the request itself when nothing has to go', () => {
    const given = ['Host', 'h', 'Accept-Encoding', 'gzip', 'Kubectl-Session', 's'];
    assert.equal(callerHeaders(given, false), given);
  });

  it('keep Upgrade only for a switch of protocols', () => {
    const given = ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', 'Authorization', 'x'];
    assert.deepEqual(callerHeaders(given, true), ['Upgrade', 'SPDY/3.1']);
    assert.deepEqual(callerHeaders(given, false), []);
  });

  it('never hold a credential, however it is written', () => {
    const name = fc.constantFrom('Authorization', 'X-Opsmx-Token').map((text) => mixedCase(text));
    fc.assert(
      fc.property(headerList, fc.nat({ max: 6 }), name, (headers, at, credential) => {
        const given = [...headers];
        given.splice(Math.min(at * 2, given.length), 0, credential, 'secret-of-the-caller');
        assert.ok(!callerHeaders(given, true).includes('secret-of-the-caller'));
      }),
    );
  });
});

describe("the headers of a target's answer", () => {
  it('enter the tunnel without a credential and without those of the connection', () => {
    const given = [
      ...['AUTHORIZATION', 'x', 'Connection', 'x-hop', 'X-Hop', '1', 'Keep-Alive', 'timeout=5'],
      ...['X-Real-IP', '2', 'X-Forwarded-For', '3', 'WWW-Authenticate', 'Basic'],
    ];
    assert.deepEqual(answerHeaders(given, false), given.slice(8));
  });

  it('keep Upgrade only for a switch of protocols', () => {
    const given = ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', 'Authorization', 'x'];
    assert.deepEqual(answerHeaders(given, true), ['Upgrade', 'SPDY/3.1']);
    assert.deepEqual(answerHeaders(given, false), []);
  });
});

function mixedCase(text: string): string {
  return text.replaceAll(
    /.{1,3}/g,
    (part) => part.charAt(0).toLowerCase() + part.slice(1).toUpperCase(),
  );
}
