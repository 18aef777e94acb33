/**
 * The traffic of a soak: callers of every kind, good and bad, each doing its thing once. What must hold is
 * checked on the spot: a response is whole or visibly broken, and nobody waits without end.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { bodyHash, writeBody } from '../harness/scripted-target.js';
import type { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, RawCaller } from '../harness/slow-caller.js';

/** How one exchange went. */
export type Outcome = 'served' | 'refused' | 'broken' | 'left';

/** One caller's visit; throws when something was not as it must be. */
export type Visit = (rig: ServiceRig, random: () => number) => Promise<Outcome>;

const LARGE_BYTES = 4_000_000;
const LARGE_HASH = bodyHash(LARGE_BYTES);
const UPLOAD = Buffer.alloc(300_000, 'upload');
const UPLOAD_HASH = createHash('sha256').update(UPLOAD).digest('hex');

/** Scripts the target. */
export function prepareTarget({ target }: ServiceRig): void {
  target.on.set('/watch', ({ response }) => {
    const timer = setInterval(() => response.write('event\n'), 50);
    response.on('close', () => clearInterval(timer));
    response.flushHeaders();
  });
  target.on.set('/dies', ({ response, socket }) => {
    response.write('begun');
    setTimeout(() => socket.resetAndDestroy(), 20);
  });
  target.onSwitch = ({ socket, first }) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
    );
    socket.write(first);
    socket.on('end', () => socket.end());
    socket.pipe(socket, { end: false });
  };
}

/** Every kind of visit; the more often a kind stands here, the more of the traffic it is. */
export const VISITS: Readonly<Record<string, Visit>> = {
  small: async (rig) => whole(rig.ask('/ok'), (text) => assert.equal(text, 'ok')),
  post: async (rig) =>
    whole(rig.ask('/upload', { method: 'POST', body: UPLOAD }), (text) =>
      assert.ok(text.includes(UPLOAD_HASH)),
    ),
  download: async (rig) =>
    whole(rig.ask(`/body?bytes=${LARGE_BYTES}`), (_text, body) =>
      assert.equal(createHash('sha256').update(body).digest('hex'), LARGE_HASH),
    ),
  'cut download': async (rig) => {
    const outcome = await whole(rig.ask('/dies'), () => assert.fail('a cut body looked whole'));
    return outcome;
  },
  'watch and leave': async (rig, random) => {
    const caller = await Http2Caller.connect(rig.identity);
    for (let i = 0; i < 5; i++) caller.open('/watch?watch=true').resume();
    await delay(random() * 1000);
    caller.close();
    return 'left';
  },
  'stop reading': async (rig, random) => {
    const caller = await RawCaller.ask(rig.identity, {
      path: '/body?bytes=1000000000',
      isStopped: true,
    });
    await delay(random() * 1000);
    caller.leave();
    return 'left';
  },
  'leave an upload': async (rig, random) => {
    const caller = await RawCaller.ask(rig.identity, {
      path: '/upload',
      method: 'PUT',
      headers: ['Content-Length: 1000000000'],
    });
    void writeBody(caller.socket, 20_000_000);
    await delay(random() * 300);
    caller.leave();
    return 'left';
  },
  upgrade: async (rig, random) => {
    const caller = await RawCaller.ask(rig.identity, {
      path: '/exec',
      method: 'POST',
      headers: ['Connection: Upgrade', 'Upgrade: echo'],
      first: Buffer.from('first'),
    });
    await delay(random() * 500);
    const isOpen = caller.text.includes(' 101 ');
    if (random() < 0.5) caller.leave();
    else caller.socket.end('last');
    await caller.ended;
    caller.leave();
    return isOpen ? 'served' : 'left';
  },
};

/** A whole response that is as it should be, an error answer of ours, or a break; nothing else. */
async function whole(
  asked: ReturnType<ServiceRig['ask']>,
  check: (text: string, body: Buffer) => void,
): Promise<Outcome> {
  const response = await asked.catch(() => undefined);
  if (response === undefined) return 'broken';
  if (response.status === 200) {
    check(response.text, response.body);
    return 'served';
  }
  assert.ok([502, 503].includes(response.status), `status ${response.status}: ${response.text}`);
  assert.notEqual(response.headers['x-fairlead-error'], undefined);
  return 'refused';
}
