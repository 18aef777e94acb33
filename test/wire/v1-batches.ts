/**
 * What the recordings in v1/ say, as frames. A recording is never changed: a later version that writes
 * other bytes gets a folder of its own and goes on reading these.
 */
import type { Frame } from '../../shared/protocol/frame.js';

const demoService = {
  type: 'kubernetes',
  name: 'k8s-prod',
  configured: true,
  annotations: { region: 'eu-west-1', note: 'größer' },
  namespaces: ['default', 'payments'],
  accountId: '',
  assumeRole: '',
};

/** Frames by the name of their file. */
export const V1_BATCHES: Readonly<Record<string, readonly Frame[]>> = {
  // the agent's first message
  hello: [
    { kind: 'ping', id: 1 },
    {
      kind: 'hello',
      version: 1,
      minVersion: 1,
      capabilities: ['example-capability'],
      build: '0.1.0',
      hostname: 'agent-7d9f-x2x',
      instance: 'c2l4dGVlbi1yYW5kb20',
      generation: 3,
      services: [
        demoService,
        {
          type: 'aws',
          name: 'ecr',
          configured: false,
          annotations: {},
          namespaces: [],
          accountId: '123456789012',
          assumeRole: 'role/spinnaker',
        },
      ],
      annotations: { team: 'delivery', '': 'empty key' },
      window: 262_144,
    },
  ],
  // the controller's answers to an agent that TLS did not identify, and to one it did
  challenge: [{ kind: 'challenge', nonce: Buffer.alloc(32, 0xa5) }],
  proof: [
    {
      kind: 'proof',
      certificate: Buffer.from('3082010a0282010100', 'hex'),
      signature: Buffer.from('3045022100ff', 'hex'),
    },
  ],
  welcome: [
    { kind: 'pong', id: 1 },
    {
      kind: 'welcome',
      version: 1,
      capabilities: ['example-capability'],
      build: '0.1.0',
      session: 'AbCdEf-_0123456789',
      services: [{ ...demoService, type: 'front50', name: 'front50', annotations: {} }],
      window: 262_144,
    },
  ],
  'session-frames': [
    { kind: 'ping', id: 4_294_967_295 },
    { kind: 'services', services: [] },
    { kind: 'services', services: [demoService] },
    { kind: 'drain', reason: 'the controller stops' },
    { kind: 'close', code: 'AGENT_REFUSED', message: 'issued by another CA', final: true },
    { kind: 'close', code: 'DRAINING', message: '', final: false },
  ],
  // bytes over 0x7f in target and headers, duplicates, empty values, an empty body
  'request-without-body': [
    {
      kind: 'open',
      stream: 2,
      service: { type: 'kubernetes', name: 'k8s-prod' },
      method: 'GET',
      target: '//api/v1/namespaces/a%2Fb/pods?watch=true&x=[|]\u00e9',
      headers: ['Host', 'x', 'Accept', 'a/b', 'accept', 'c', 'X-Empty', '', 'X-Bytes', '\u00ff\u0080'],
      ended: true,
      upgrade: false,
      window: 262_144,
    },
  ],
  'request-with-body': [
    {
      kind: 'open',
      stream: 4_294_967_294,
      service: { type: 'jenkins', name: 'ci' },
      method: 'POST',
      target: '/job/x/build',
      headers: ['Trailer', 'X-Sum'],
      ended: false,
      upgrade: false,
      window: 16_384,
    },
    { kind: 'data', stream: 4_294_967_294, bytes: Buffer.from('00ff0d0a', 'hex') },
    { kind: 'end', stream: 4_294_967_294, trailers: ['X-Sum', 'd41d8cd9'] },
  ],
  'upgrade-request': [
    {
      kind: 'open',
      stream: 3,
      service: { type: 'kubernetes', name: 'k8s-prod' },
      method: 'POST',
      target: '/api/v1/namespaces/default/pods/p/exec?command=sh',
      headers: ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1'],
      ended: false,
      upgrade: true,
      window: 65_536,
    },
    { kind: 'head', stream: 3, status: 101, reason: '', headers: ['Upgrade', 'SPDY/3.1'], ended: false },
  ],
  response: [
    { kind: 'head', stream: 2, status: 103, reason: '', headers: ['Link', '</a>'], ended: false },
    { kind: 'head', stream: 2, status: 200, reason: 'Fine', headers: ['Set-Cookie', 'a'], ended: false },
    { kind: 'data', stream: 2, bytes: Buffer.alloc(300, 'b') },
    { kind: 'end', stream: 2, trailers: [] },
    { kind: 'head', stream: 4, status: 304, reason: '', headers: [], ended: true },
  ],
  'stream-endings': [
    { kind: 'credit', stream: 2, bytes: 65_536 },
    { kind: 'credit', stream: 2, bytes: 0 },
    { kind: 'reset', stream: 6, code: 'TARGET_UNREACHABLE', message: 'refused', retryAfterSeconds: 0 },
    { kind: 'reset', stream: 8, code: 'DRAINING', message: '', retryAfterSeconds: 1 },
    { kind: 'reset', stream: 10, code: '', message: '', retryAfterSeconds: 0 },
  ],
};
