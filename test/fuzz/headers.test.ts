/** Headers, targets and Locations of callers and targets, however they are written. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { routeAddress } from '../../controller/callers/route-address.js';
import { TunnelError } from '../../shared/errors.js';
import { callerHeaders, endToEndHeaders } from '../../shared/http/hop-by-hop.js';
import { headerValues } from '../../shared/http/header-list.js';
import type { HeaderList } from '../../shared/http/header-list.js';
import { locationForCaller, locationFromTarget } from '../../shared/http/location.js';
import { isLongRunning } from '../../shared/http/long-running.js';
import { targetHeaders } from '../../shared/http/target-headers.js';
import { agentName } from '../../shared/ids.js';
import { testExchange } from '../controller/callers/test-exchange.js';
import { requestHead } from '../shared/protocol/session-pair.js';
import { fuzz } from './fuzz.js';

const headerLists = JSON.parse(corpusText('header-lists.json')) as HeaderList[]; // ours
const targetTexts = corpusText('targets.txt').trimEnd().split('\n');

const latin1 = fc
  .uint8Array({ maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const headerText = fc.oneof(
  fc.constantFrom(...new Set(headerLists.flat())),
  fc.constantFrom(...new Set(headerLists.flat())).map((text) => text.toUpperCase()),
  latin1,
);
const headerList = fc
  .array(fc.tuple(headerText, headerText), { maxLength: 8 })
  .map((pairs) => pairs.flat());

/** Pieces of known targets, put together anew. */
const pieces = [
  ...new Set(targetTexts.flatMap((text) => text.match(/[a-z0-9]+|[^a-z0-9]/gi) ?? [])),
];
const target = fc.oneof(
  fc.constantFrom(...targetTexts),
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), latin1), { maxLength: 14 })
    .map((all) => all.join('')),
  fc
    .tuple(
      fc.constantFrom(...targetTexts),
      fc.constantFrom(...pieces),
      fc.constantFrom(...targetTexts),
    )
    .map((all) => all.join('')),
);

const kubernetes = {
  kind: 'kubernetes',
  authority: 'api:6443',
  authorization: 'Bearer of-the-agent',
} as const;
const HOP_NAMES = [
  'keep-alive',
  'te',
  'transfer-encoding',
  'proxy-authorization',
  'http2-settings',
];
const ROUTE = { agent: agentName('prod'), service: { type: 'kubernetes', name: 'k8s' } };
const JENKINS = {
  origins: ['https://jenkins.corp', 'https://jenkins.corp:443'],
  basePath: '/jenkins',
};

describe('headers of a caller', () => {
  const holds = (headers: HeaderList): void => {
    for (const isUpgrade of [false, true]) {
      const sent = targetHeaders(callerHeaders(headers, isUpgrade), kubernetes, isUpgrade);
      assert.equal(sent.length % 2, 0);
      assert.deepEqual(headerValues(sent, 'host'), ['api:6443']);
      assert.deepEqual(headerValues(sent, 'authorization'), ['Bearer of-the-agent']);
      assert.deepEqual(headerValues(sent, 'connection'), isUpgrade ? ['Upgrade'] : []);
      for (const name of HOP_NAMES) assert.deepEqual(headerValues(sent, name), [], name);
      for (let i = 0; i < sent.length; i += 2) {
        assert.doesNotMatch(sent[i] ?? '', /^(impersonate-|x-remote-|x-spinnaker-)/i);
      }
      assertPartOf(endToEndHeaders(sent), [...kubernetesOwn(), ...headers]);
    }
  };
  for (const headers of headerLists)
    it(`reach a target as they may: ${headers.join().slice(0, 60)}`, () => holds(headers));
  it('reach a target as they may, whatever they are', () => {
    assert.ok(fuzz(headerList, holds) > 5);
  });
});

describe('a target of a caller', () => {
  const holds = (text: string): void => {
    isLongRunning(requestHead({ target: text }));
    try {
      const { target: rest, prefix } = routeAddress(
        testExchange({ target: text }),
        ROUTE,
        undefined,
        new Set(),
      );
      if (prefix === '') return assert.equal(rest, text, 'byte for byte');
      assert.equal(decodeURIComponent(prefix), '/agents/prod/kubernetes/k8s');
      const cut = text.slice(prefix.length);
      assert.equal(rest, cut.startsWith('/') ? cut : `/${cut}`);
    } catch (reason) {
      assert.ok(reason instanceof TunnelError && reason.code === 'ROUTE_MISMATCH', String(reason));
    }
  };
  for (const text of targetTexts) it(`is cut or left alone: ${text}`, () => holds(text));
  it('is cut or left alone, whatever it is', () => {
    assert.ok(fuzz(target, holds) > 5);
  });
});

describe('a Location of a target', () => {
  const holds = (text: string): void => {
    const [, inTunnel = ''] = locationFromTarget(['Location', text], JENKINS);
    const [, atCaller = ''] = locationForCaller(['Location', inTunnel], 'https://ctl:9002', '/p');
    const isPath = inTunnel.startsWith('/') && !inTunnel.startsWith('//');
    assert.equal(atCaller, isPath ? `https://ctl:9002/p${inTunnel}` : text);
    // nothing is made up: what stays is the end of what was there
    const end = inTunnel.replace(/^\/\.(?=\/\/)/, '').slice(1);
    assert.ok(text.endsWith(end), `${text} became ${inTunnel}`);
  };
  for (const text of targetTexts) it(`becomes one of ours or stays: ${text}`, () => holds(text));
  it('becomes one of ours or stays, whatever it is', () => {
    assert.ok(fuzz(target, holds) > 5);
  });
});

function corpusText(name: string): string {
  return readFileSync(join(import.meta.dirname, 'corpus', name), 'utf8');
}

function kubernetesOwn(): HeaderList {
  return ['Host', kubernetes.authority, 'Authorization', kubernetes.authorization];
}

/** Every name was given; values may have lost a bearer protocol. */
function assertPartOf(sent: HeaderList, given: HeaderList): void {
  const names = new Set(given.filter((_text, i) => i % 2 === 0));
  for (let i = 0; i < sent.length; i += 2) assert.ok(names.has(sent[i] ?? ''), sent[i] ?? '');
}
