/** How a WebSocket closes, and the events of it. */

import { OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import {
  type Accepted,
  accepted,
  closed,
  closeTo,
  connected,
  connectedPair,
  frameSeen,
  masked,
  next,
  opened,
  ROLES,
  type Role,
  type Scene,
  thrown,
  to,
} from './scene.js';
import { type Row, table } from './table.js';

/** What a server's WebSocket sends when it is closed with these. */
const closing = (args: unknown[], expected: string): Row => ({
  id: 'W45',
  it: `close(${args.map((arg) => JSON.stringify(arg)).join(', ')}) sends ${expected}`,
  run: async (lib, scope) => {
    const { ws, inbox } = await accepted(lib, scope);
    ws.close(...args);
    return frameSeen(inbox);
  },
  expected,
});

const rejected = (it: string, args: unknown[][], expected: string): Row => ({
  id: 'W45 V8.22',
  it,
  run: async (lib, scope) => {
    const { ws, inbox } = await accepted(lib, scope);
    const seen = args.map((each) => [thrown(() => ws.close(...each)), ws.readyState]);
    ws.send('still here');
    return [seen, await frameSeen(inbox)];
  },
  expected: [args.map(() => [expected, 1]), 'text still here'],
});

/** A row that both roles are asked for. */
const roles = (
  id: string,
  it: string,
  play: (scene: Scene, role: Role) => unknown,
  expected: unknown,
  differs?: Row['differs'],
): Row[] =>
  ROLES.map((role) => ({
    id,
    it: `${it} (${role})`,
    run: async (lib, scope) => play(await opened(role, lib, scope), role),
    expected,
    ...(differs ? { differs } : {}),
  }));

/** The arguments of 'close' when the peer sends this and closes the connection. */
async function peerCloses(scene: Scene, role: Role, code?: number, reason = ''): Promise<unknown> {
  const close = next<[number, Buffer]>(scene.ws, 'close');
  scene.peer.write(closeTo(role, code, reason));
  const answer = await frameSeen(scene.inbox);
  scene.peer.end();
  const [seen, why] = await close;
  return [seen, Buffer.isBuffer(why), String(why), answer];
}

table([
  closing([], 'close'),
  closing([undefined, 'ignored'], 'close'),
  closing([1000], 'close 1000'),
  closing([1000, ''], 'close 1000'),
  closing([1001, 'going'], 'close 1001 going'),
  closing([1007], 'close 1007'),
  closing([1014, 'gateway'], 'close 1014 gateway'),
  closing([3000, 'é'], 'close 3000 é'),
  closing([4999, 'a'.repeat(123)], `close 4999 ${'a'.repeat(123)}`),
  closing([1000, 5], 'close 1000'),
  {
    id: 'W45 B10',
    it: 'the reason may be a Buffer or another Uint8Array',
    run: async (lib, scope) => {
      const seen: string[] = [];
      for (const reason of [Buffer.from('bye'), Uint8Array.from([98, 121, 101]), Buffer.alloc(0)]) {
        const { ws, inbox } = await accepted(lib, scope);
        ws.close(1000, reason);
        seen.push(await frameSeen(inbox));
      }
      return seen;
    },
    expected: ['close 1000 bye', 'close 1000 bye', 'close 1000'],
  },
  rejected(
    'a code that may not be sent is a TypeError, and the WebSocket stays open',
    [[999], [1004], [1005], [1006], [1015], [2999], [5000], ['1000'], [null], [1000n], [{}], [NaN]],
    'TypeError: First argument must be a valid error code number',
  ),
  rejected(
    'a reason of more than 123 bytes is a RangeError',
    [
      [1000, 'a'.repeat(124)],
      [1000, 'é'.repeat(62)],
      [1000, Buffer.alloc(124)],
    ],
    'RangeError: The message must not be greater than 123 bytes',
  ),
  rejected(
    'a reason that is another array of bytes is a TypeError',
    [[1000, new Uint16Array(5)]],
    'TypeError: Second argument must be a string or a Uint8Array',
  ),
  {
    id: 'W45',
    it: 'an array as a reason is what Node calls an invalid argument',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      try {
        return ws.close(1000, [1]);
      } catch (error) {
        return [(error as Error).name, (error as NodeJS.ErrnoException).code, ws.readyState];
      }
    },
    expected: ['TypeError', 'ERR_INVALID_ARG_TYPE', 1],
  },
  {
    id: 'W45',
    it: 'close() twice sends one Close; close() when it is closed does nothing',
    run: async (lib, scope) => {
      const { ws, peer, inbox, events } = await accepted(lib, scope);
      ws.close(1000, 'a');
      ws.close(1001, 'b');
      const first = await frameSeen(inbox);
      peer.write(closeTo('server', 1000));
      peer.end();
      await closed(ws);
      ws.close();
      ws.close(5);
      ws.terminate();
      await turns();
      return [first, (await inbox.rest()).length, events];
    },
    expected: ['close 1000 a', 0, ['close 1000']],
  },
  ...roles(
    'W46 W63',
    "the peer's Close is answered with the same code; close has it",
    (scene, role) => peerCloses(scene, role, 4001, 'enough'),
    [4001, true, 'enough', 'close 4001 enough'],
  ),
  ...roles(
    'W46 W63',
    'an empty Close is 1005 and answered with an empty one',
    (scene, role) => peerCloses(scene, role),
    [1005, true, '', 'close'],
  ),
  ...roles(
    'W63',
    'a peer that closes the connection is 1006',
    async ({ ws, peer, events }) => {
      peer.end();
      await closed(ws);
      return events.slice(-1);
    },
    ['close 1006'],
  ),
  ...roles(
    'W46',
    'close() when a Close has come: the socket is ended',
    async ({ ws, peer, inbox }, role) => {
      ws.close(1000);
      await frameSeen(inbox);
      peer.write(closeTo(role, 1000));
      if (role === 'client') peer.end();
      await inbox.rest();
      peer.end();
      await closed(ws);
      return inbox.ended;
    },
    true,
  ),
  ...roles(
    'T4 W45',
    'messages that come before the answer to our Close are delivered',
    async ({ ws, peer, inbox, events }, role) => {
      ws.close(1000);
      await frameSeen(inbox);
      peer.write(Buffer.concat([to(role, { payload: 'late' }), closeTo(role, 1000)]));
      peer.end();
      await closed(ws);
      return events.filter((event) => event !== 'open');
    },
    ['message late', 'close 1000'],
  ),
  ...roles(
    'T4',
    'what comes behind a Close is discarded',
    async ({ ws, peer, events }, role) => {
      const more = to(role, { payload: 'too late' });
      peer.write(Buffer.concat([closeTo(role, 1000), more, Buffer.from([0xff, 0xff])]));
      peer.end();
      await closed(ws);
      return events.filter((event) => event !== 'open');
    },
    ['close 1000'],
  ),
  ...roles(
    'W47 B5',
    'terminate(): 1006, without an error, the socket destroyed, CLOSING until then',
    async ({ ws, wire, events }) => {
      ws.terminate();
      const state = ws.readyState;
      await closed(ws);
      return [state, wire.destroyed, events.slice(-1), events.length <= 2];
    },
    [2, true, ['close 1006'], true],
  ),
  {
    id: 'W47',
    it: 'terminate() of one that is not connected does nothing at once',
    run: (lib) => {
      const ws = new lib(null, undefined, {});
      ws.on('error', () => {});
      return [ws.readyState, typeof ws.terminate];
    },
    expected: [0, 'function'],
  },
  ...roles(
    'T5 W64',
    'an error of the socket: error, then close 1006',
    async ({ ws, wire, events }) => {
      wire.destroy(new Error('of the wire'));
      await closed(ws);
      return events.filter((event) => event !== 'open');
    },
    ['close 1006'],
  ),
  ...roles(
    'W64 T5 B5',
    'error once, then close once, however much is wrong',
    async ({ ws, peer, events }, role) => {
      peer.write(Buffer.concat([to(role, { rsv: 7 }), to(role, { rsv: 7 })]));
      await until(() => events.some((event) => event.startsWith('error')), 'an error');
      peer.destroy();
      await closed(ws);
      return events.filter((event) => event !== 'open');
    },
    ['error Invalid WebSocket frame: RSV2 and RSV3 must be clear', 'close 1006'],
  ),
  ...roles(
    'W63 X.1006',
    'after we failed the connection close says 1006, whatever the peer answers',
    async ({ ws, peer, inbox, events }, role) => {
      peer.write(to(role, { rsv: 1 }));
      await frameSeen(inbox);
      peer.write(closeTo(role, 1002));
      peer.end();
      await closed(ws);
      return events.at(-1);
    },
    'close 1006',
  ),
  ...roles(
    'W62 T6',
    'ping and pong bring a Buffer; a ping is answered before its event',
    async ({ ws, peer, inbox }, role) => {
      const seen: unknown[] = [];
      ws.on('ping', (data: Buffer) => {
        seen.push('ping', Buffer.isBuffer(data), String(data));
        ws.send('behind');
      });
      ws.on('pong', (data: Buffer) => seen.push('pong', Buffer.isBuffer(data), String(data)));
      peer.write(
        Buffer.concat([
          to(role, { opcode: OPCODE.PING, payload: 'a' }),
          to(role, { opcode: OPCODE.PONG, payload: 'b' }),
        ]),
      );
      return [seen, await frameSeen(inbox), await frameSeen(inbox)];
    },
    [['ping', true, 'a', 'pong', true, 'b'], 'pong a', 'text behind'],
  ),
  ...roles(
    'T4 W62',
    'a ping after our Close',
    async ({ ws, peer, inbox }, role) => {
      ws.close();
      const close = await frameSeen(inbox);
      peer.write(to(role, { opcode: OPCODE.PING, payload: 'a' }));
      await turns();
      const more = inbox.peek().length > 0;
      return [close, more];
    },
    ['close', false],
    {
      expected: ['close', true],
      why: 'answered until a Close was received (RFC 6455 §5.5.2)',
    },
  ),
  {
    id: 'W47',
    it: 'terminate() in a listener: later messages of the same chunk',
    run: async (lib, scope) => {
      const { ws, peer, events } = await accepted(lib, scope);
      ws.on('message', () => ws.terminate());
      peer.write(Buffer.concat([masked({ payload: 'a' }), masked({ payload: 'b' })]));
      await closed(ws);
      return events;
    },
    expected: ['message a', 'message b', 'close 1006'],
    differs: { expected: ['message a', 'close 1006'], why: 'nothing more is delivered' },
  },
  {
    id: 'W46',
    it: 'close() on both sides at once is clean for both',
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope);
      const codes = [ws, client].map((each) => next<[number]>(each, 'close'));
      ws.close(1000);
      client.close(1001);
      return (await Promise.all(codes)).map(([code]) => code);
    },
    expected: [1001, 1000],
  },
  {
    id: 'W63 W46',
    it: 'close() of a client reaches the server, and the answer the client',
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope);
      const closes = [ws, client].map((each) => next<[number, Buffer]>(each, 'close'));
      client.close(4321, 'so long');
      return (await Promise.all(closes)).map(([code, reason]) => [code, String(reason)]);
    },
    expected: [
      [4321, 'so long'],
      [4321, 'so long'],
    ],
  },
  {
    id: 'W51 private-3',
    it: 'emitClose() of one that is not connected closes it',
    run: (lib) => {
      const ws = new lib(null, undefined, {});
      const seen: unknown[] = [];
      ws.on('close', (code: number, reason: Buffer) => seen.push(code, String(reason)));
      ws.emitClose();
      return [ws.readyState, seen];
    },
    expected: [3, [1006, '']],
  },
  {
    id: 'W51 W60 private-3',
    it: 'setSocket() opens one that is not connected',
    run: async (lib, scope) => {
      const [peer, wire] = scope.wire();
      const ws = scope.track(new lib(null, undefined, {}));
      const seen: unknown[] = [];
      ws.on('open', () => seen.push('open', ws.readyState));
      ws.on('message', (data: Buffer) => seen.push(String(data)));
      ws.setSocket(wire, masked({ payload: 'head' }), { maxPayload: 0 });
      peer.write(masked({ payload: 'more' }));
      await until(() => seen.length === 4, 'two messages');
      return seen;
    },
    expected: ['open', 1, 'head', 'more'],
  },
  {
    id: 'W48',
    it: 'close() while paused ends it all the same once it is resumed',
    run: async (lib, scope) => {
      const { ws, peer, inbox, events }: Accepted = await accepted(lib, scope);
      ws.pause();
      ws.close(1000);
      await frameSeen(inbox);
      peer.write(closeTo('server', 1000));
      peer.end();
      await turns();
      const state = ws.readyState;
      ws.resume();
      await closed(ws);
      return [state, events];
    },
    expected: [2, ['close 1000']],
  },
  {
    id: 'W46',
    it: 'a client that completed the closing handshake ends the connection',
    run: async (lib, scope) => {
      const { peer, inbox } = await connected(lib, scope);
      peer.write(closeTo('client', 1000));
      await frameSeen(inbox);
      await turns();
      return inbox.ended;
    },
    expected: true,
    differs: { expected: false, why: 'waits for the server to end it, at most 1 s' },
  },
]);
