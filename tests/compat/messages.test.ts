/** Sending. */

import { Blob } from 'node:buffer';
import { readFrames } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import type { Scope } from '../support/scope.js';
import {
  accepted,
  answered,
  closed,
  connected,
  connectedPair,
  frameSeen,
  framesSeen,
  requested,
  thrown,
} from './scene.js';
import type { Library } from './subjects.js';
import { type Row, table } from './table.js';

const bytes = Uint8Array.from([104, 105]);

/** What a server's WebSocket sends for these arguments. */
async function sent(library: Library, scope: Scope, ...args: unknown[]): Promise<string> {
  const { ws, inbox } = await accepted(library, scope);
  ws.send(...args);
  return frameSeen(inbox);
}

/** A row for one kind of data. */
const data = (name: string, value: unknown, expected: string, id = 'W40'): Row => ({
  id,
  it: `${name} is sent as ${expected || 'nothing'}`,
  run: (lib, scope) => sent(lib, scope, value),
  expected,
});

const CONNECTING = 'Error: WebSocket is not open: readyState 0 (CONNECTING)';

const METHODS = ['send', 'ping', 'pong'] as const;

table([
  data('a string', 'hé', 'text hé'),
  data('an empty string', '', 'text'),
  data('a number', 42, 'text 42'),
  data('0', 0, 'text 0'),
  data('undefined', undefined, 'binary'),
  data('null', null, 'binary'),
  data('a Buffer', Buffer.from('hi'), 'binary hi'),
  data('an empty Buffer', Buffer.alloc(0), 'binary'),
  data('a Uint8Array', bytes, 'binary hi'),
  data('a part of a Uint8Array', Uint8Array.from([1, 104, 105, 2]).subarray(1, 3), 'binary hi'),
  data('a Uint16Array', new Uint16Array(bytes.slice().buffer), 'binary hi'),
  data('a DataView', new DataView(bytes.slice().buffer), 'binary hi'),
  data('an ArrayBuffer', bytes.slice().buffer, 'binary hi'),
  data('an array', [104, 105], 'binary hi', 'W40 B9'),
  data('an object like an array', { length: 2, 0: 104, 1: 105 }, 'binary hi'),
  data('a Blob', new Blob(['hi']), 'binary hi', 'W40 V8.18'),
  data('false', false, 'binary'),
  {
    id: 'W40',
    it: 'what Buffer.from does not take is a TypeError',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      return [{}, true, Symbol('a'), 5n].map((value) => {
        try {
          return ws.send(value);
        } catch (error) {
          return [(error as Error).name, (error as NodeJS.ErrnoException).code];
        }
      });
    },
    expected: Array(4).fill(['TypeError', 'ERR_INVALID_ARG_TYPE']),
  },
  {
    id: 'W40 V7.0',
    it: 'while connecting it throws, with and without a callback',
    run: async (lib, scope) => {
      const { ws } = await requested(lib, scope);
      return METHODS.flatMap((name) => [
        thrown(() => ws[name]('a')),
        thrown(() => ws[name]('a', () => {})),
      ]);
    },
    expected: Array(6).fill(CONNECTING),
  },
  {
    id: 'W40 W44 V7.0',
    it: 'when it closes or is closed, the callback gets the error in a later tick',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const seen: string[] = [];
      ws.close();
      for (const name of METHODS) seen.push(await answered((done) => ws[name]('a', done)));
      seen.push(thrown(() => ws.send('a')));
      ws.terminate();
      await closed(ws);
      for (const name of METHODS) seen.push(await answered((done) => ws[name]('a', done)));
      let early = true;
      ws.send('a', () => {
        early = false;
      });
      return [seen, early];
    },
    expected: [
      [
        ...Array(3).fill('Error: WebSocket is not open: readyState 2 (CLOSING)'),
        'nothing',
        ...Array(3).fill('Error: WebSocket is not open: readyState 3 (CLOSED)'),
      ],
      true,
    ],
  },
  {
    id: 'W40 B9',
    it: 'the callback of what was sent has no error',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const seen: string[] = [];
      for (const args of [
        ['a'],
        ['a', {}],
        ['a', undefined],
        [Buffer.from('a'), { binary: true }],
      ]) {
        seen.push(await answered((done) => ws.send(...args, done)));
      }
      return seen;
    },
    expected: Array(4).fill('no error'),
  },
  {
    id: 'W40',
    it: 'send() does not return false when all is well',
    run: async (lib, scope) => (await accepted(lib, scope)).ws.send('a') !== false,
    expected: true,
  },
  {
    id: 'W41',
    it: 'binary says what kind of message it is',
    run: async (lib, scope) => [
      await sent(lib, scope, 'hi', { binary: true }),
      await sent(lib, scope, Buffer.from('hi'), { binary: false }),
      await sent(lib, scope, 'hi', null),
    ],
    expected: ['binary hi', 'text hi', 'text hi'],
  },
  {
    id: 'W41',
    it: 'an option that is undefined',
    run: (lib, scope) => sent(lib, scope, bytes, { binary: undefined }),
    expected: 'text hi',
    differs: { expected: 'binary hi', why: 'undefined means the default, as everywhere' },
  },
  {
    id: 'W41 B9',
    it: 'fin: false sends a fragment; the first one decides the kind',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      ws.send('a', { fin: false });
      ws.send(Buffer.from('b'), { fin: false, binary: true });
      ws.ping('p');
      ws.send('c', { fin: true });
      ws.send('d');
      return framesSeen(inbox, 5);
    },
    expected: ['text more a', 'continuation more b', 'ping p', 'continuation c', 'text d'],
  },
  {
    id: 'W41',
    it: 'a client masks, a server does not, unless mask says otherwise',
    run: async (lib, scope) => {
      const client = await connected(lib, scope);
      const server = await accepted(lib, scope);
      for (const { ws } of [client, server]) {
        ws.send('a');
        ws.send('b', { mask: false });
        ws.send('c', { mask: true });
        ws.ping('d', false);
        ws.pong('e', true);
      }
      const seen: unknown[] = [];
      for (const { inbox } of [client, server]) {
        for (let i = 0; i < 5; i++) {
          const { masked: is, payload } = await inbox.frame();
          seen.push(`${payload}${is ? ' masked' : ''}`);
        }
      }
      return seen;
    },
    expected: [
      ...['a masked', 'b', 'c masked', 'd', 'e masked'],
      ...['a', 'b', 'c masked', 'd', 'e masked'],
    ],
    differs: {
      expected: [
        ...['a masked', 'b masked', 'c masked', 'd masked', 'e masked'],
        ...['a', 'b', 'c', 'd', 'e'],
      ],
      why: 'the role decides (RFC 6455 §5.1)',
    },
  },
  {
    id: 'W42',
    it: 'strict order through Blobs, pings and close',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      ws.send('1');
      ws.send(new Blob(['2']));
      ws.send('3');
      ws.ping('4');
      ws.send(new Blob(['5']), { binary: false });
      ws.pong('6');
      ws.close(1000, '7');
      return framesSeen(inbox, 7);
    },
    expected: ['text 1', 'binary 2', 'text 3', 'ping 4', 'text 5', 'pong 6', 'close 1000 7'],
  },
  {
    id: 'W42',
    it: 'callbacks come in the order of sending',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const seen: number[] = [];
      ws.send('a', () => seen.push(1));
      ws.send(new Blob(['b']), () => seen.push(2));
      ws.send('c', () => seen.push(3));
      ws.ping('d', () => seen.push(4));
      await until(() => seen.length === 4, 'callbacks');
      return seen;
    },
    expected: [1, 2, 3, 4],
  },
  {
    id: 'W42',
    it: 'a socket that dies while a Blob is read: the callbacks get the error',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const blob = answered((done) => ws.send(new Blob(['b']), done));
      const behind = answered((done) => ws.send('c', done));
      ws.terminate();
      return [await blob, await behind];
    },
    expected: Array(2).fill('Error: The socket was closed while the blob was being read'),
  },
  {
    id: 'W42',
    it: 'a socket that dies while data is compressed: the callback gets the error',
    run: async (lib, scope) => {
      const { ws } = await connectedPair(lib, scope, { perMessageDeflate: true });
      const message = answered((done) => ws.send('a'.repeat(5_000), done));
      ws.terminate();
      return (await message) === 'no error';
    },
    expected: false,
  },
  {
    id: 'W43',
    it: "a client does not change the caller's bytes",
    run: async (lib, scope) => {
      const { ws, inbox } = await connected(lib, scope);
      const [small, large] = [Buffer.from('mine'), Buffer.alloc(100_000, 'mine')];
      ws.send(small);
      ws.send(large);
      ws.ping(small);
      ws.send(new Uint8Array(large.buffer, 0, 4));
      for (let i = 0; i < 3; i++) await inbox.frame();
      return [String(small), large.equals(Buffer.alloc(100_000, 'mine'))];
    },
    expected: ['mine', true],
  },
  ...(['ping', 'pong'] as const).flatMap((name): Row[] => [
    {
      id: 'W44 B10',
      it: `${name} takes data of every kind, and a callback in any place`,
      run: async (lib, scope) => {
        const { ws, inbox } = await accepted(lib, scope);
        const seen: string[] = [];
        for (const args of [[], ['a'], [5], [Buffer.from('b')], [bytes], ['c', false], [null]]) {
          seen.push(await answered((done) => ws[name](...args, done)));
        }
        return [seen, (await framesSeen(inbox, 7)).map((frame) => frame.replace(name, ''))];
      },
      expected: [Array(7).fill('no error'), ['', ' a', ' 5', ' b', ' hi', ' c', '']],
    },
    {
      id: 'W44',
      it: `${name} of more than 125 bytes is a RangeError`,
      run: async (lib, scope) => {
        const { ws, inbox } = await accepted(lib, scope);
        const seen = ['a'.repeat(126), Buffer.alloc(126), 'é'.repeat(63)].map((payload) =>
          thrown(() => ws[name](payload)),
        );
        ws[name]('a'.repeat(125));
        return [seen, (await inbox.frame()).payload.length];
      },
      expected: [
        Array(3).fill('RangeError: The data size must not be greater than 125 bytes'),
        125,
      ],
    },
  ]),
  {
    id: 'W40 V2.0',
    it: 'many messages arrive whole and in order at the other side of the same library',
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope, { perMessageDeflate: true });
      const seen: number[] = [];
      ws.on('message', (data: Buffer) => seen.push(data.length));
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 200_000, 5];
      for (const size of sizes) client.send(Buffer.alloc(size, 'x'));
      await until(() => seen.length === sizes.length, 'all messages');
      return seen;
    },
    expected: [0, 1, 125, 126, 65_535, 65_536, 200_000, 5],
  },
  {
    id: 'W41',
    it: 'lengths are written in the shortest form',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      for (const size of [125, 126, 65_535, 65_536]) ws.send(Buffer.alloc(size));
      await turns();
      await until(() => readFrames(inbox.peek()).frames.length === 4, 'four frames');
      const all = inbox.peek();
      const at = [0, 127, 127 + 130, 127 + 130 + 65_539];
      return at.map((offset) =>
        all
          .subarray(offset + 1, offset + 10)
          .toString('hex')
          .slice(0, 2),
      );
    },
    expected: ['7d', '7e', '7e', '7f'],
  },
]);
