/** Properties of a client. */

import { OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import {
  type Accepted,
  accepted,
  closed,
  closeTo,
  connected,
  connectedPair,
  masked,
  next,
  requested,
  thrown,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { table } from './table.js';

const GETTERS = [
  'binaryType',
  'bufferedAmount',
  'extensions',
  'isPaused',
  'onclose',
  'onerror',
  'onmessage',
  'onopen',
  'protocol',
  'readyState',
  'url',
];

/** What 'message' brings for a binary message in two fragments. */
async function received({ ws, peer }: Accepted, binaryType: string): Promise<Untyped> {
  ws.binaryType = binaryType;
  const message = next<[Untyped, boolean]>(ws, 'message');
  peer.write(masked({ opcode: OPCODE.BINARY, fin: false, payload: 'ab' }));
  peer.write(masked({ opcode: OPCODE.CONTINUATION, payload: 'c' }));
  return (await message)[0];
}

table([
  {
    id: 'W30 W31 W32 W33 W34 W35 W36',
    it: 'the getters are enumerable on the prototype',
    run: ({ prototype }) =>
      GETTERS.map((name) => {
        const { enumerable, get } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
        return [name, enumerable, typeof get];
      }),
    expected: GETTERS.map((name) => [name, true, 'function']),
  },
  {
    id: 'W30 W31 W32 W34 W35',
    it: 'those without a setter throw when they are assigned',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      return ['readyState', 'url', 'protocol', 'extensions', 'bufferedAmount', 'isPaused'].map(
        (name) =>
          thrown(() => {
            ws[name] = 1;
          }).split(':')[0],
      );
    },
    expected: Array(6).fill('TypeError'),
  },
  {
    id: 'W30',
    it: 'readyState through a life',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const states = [scene.ws.readyState];
      const { ws, peer } = await connected(lib, scope);
      states.push(ws.readyState);
      ws.close();
      states.push(ws.readyState);
      peer.write(closeTo('client'));
      states.push(ws.readyState);
      peer.end();
      await closed(ws);
      return [...states, ws.readyState];
    },
    expected: [0, 1, 2, 2, 3],
  },
  {
    id: 'W31 W32',
    it: "a server's WebSocket has no url, and '' where nothing was agreed on",
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      return [ws.url, ws.protocol, ws.extensions];
    },
    expected: [undefined, '', ''],
  },
  {
    id: 'W32',
    it: 'extensions are names without parameters',
    run: async (lib, scope) => {
      const options = { perMessageDeflate: { serverNoContextTakeover: true } };
      const { ws, client } = await connectedPair(lib, scope, options);
      return [ws.extensions, client.extensions];
    },
    expected: ['permessage-deflate', 'permessage-deflate'],
  },
  {
    id: 'W33 V8.18',
    it: 'binaryType: what it may be; anything else is ignored',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const seen = [ws.binaryType];
      for (const type of ['arraybuffer', 'fragments', 'blob', 'text', null, 'nodebuffer', 5]) {
        ws.binaryType = type;
        seen.push(ws.binaryType);
      }
      return seen;
    },
    expected: [
      'nodebuffer',
      'arraybuffer',
      'fragments',
      'blob',
      'blob',
      'blob',
      'nodebuffer',
      'nodebuffer',
    ],
  },
  {
    id: 'W33 B11',
    it: 'binaryType decides what a binary message is, from the next one on',
    run: async (lib, scope) => {
      const scene = await accepted(lib, scope);
      const buffer = await received(scene, 'nodebuffer');
      const array = await received(scene, 'arraybuffer');
      const list = await received(scene, 'fragments');
      const blob = await received(scene, 'blob');
      return [
        [Buffer.isBuffer(buffer), String(buffer)],
        [Object.prototype.toString.call(array), array.byteLength, Buffer.from(array).toString()],
        [Array.isArray(list), list.every(Buffer.isBuffer), list.map(String).join('')],
        [Object.prototype.toString.call(blob), await blob.text()],
      ];
    },
    expected: [
      [true, 'abc'],
      ['[object ArrayBuffer]', 3, 'abc'],
      [true, true, 'abc'],
      ['[object Blob]', 'abc'],
    ],
  },
  {
    id: 'W33 W50',
    it: 'a message that came in several chunks begins its memory: typed arrays can be laid over it',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const samples = Float64Array.from({ length: 20_000 }, (_, i) => i / 3);
      const frame = masked({ opcode: OPCODE.BINARY, payload: Buffer.from(samples.buffer) });
      const message = next<[Untyped]>(ws, 'message');
      peer.write(frame.subarray(0, 65_536));
      peer.write(frame.subarray(65_536, 131_072));
      peer.write(frame.subarray(131_072));
      const [data] = await message;
      const laid = new Float64Array(data.buffer, data.byteOffset, samples.length);
      return [data.byteOffset, data.buffer.byteLength, laid.every((x, i) => x === samples[i])];
    },
    expected: [0, 160_000, true],
  },
  {
    id: 'W33',
    it: 'binaryType does not touch text',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: unknown[] = [];
      ws.on('message', (data: unknown, binary: boolean) =>
        seen.push(Buffer.isBuffer(data), binary),
      );
      ws.binaryType = 'arraybuffer';
      ws.on('message', () => {
        ws.binaryType = seen.length === 2 ? 'fragments' : 'blob';
      });
      peer.write(Buffer.concat(Array(3).fill(masked({ payload: 'text' }))));
      return seen;
    },
    expected: [true, false, true, false, true, false],
  },
  {
    id: 'W34',
    it: 'bufferedAmount is 0 when everything was written',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      const before = ws.bufferedAmount;
      ws.send('abc');
      await inbox.frame();
      await turns(2);
      return [before, ws.bufferedAmount];
    },
    expected: [0, 0],
  },
  {
    id: 'W34',
    it: 'bufferedAmount counts what waits',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      peer.pause();
      for (let i = 0; i < 4; i++) {
        ws.send(Buffer.alloc(100_000));
        await turns(2);
      }
      const { bufferedAmount } = ws;
      return [bufferedAmount >= 200_000, bufferedAmount <= 4 * 100_010];
    },
    expected: [true, true],
  },
  {
    id: 'W34',
    it: 'bufferedAmount counts a message as it was given, where it is compressed',
    run: async (lib, scope) => {
      const options = { perMessageDeflate: { threshold: 0 } };
      const offer = { 'sec-websocket-extensions': 'permessage-deflate' };
      const { ws } = await accepted(lib, scope, options, offer);
      ws.send('foo');
      return ws.bufferedAmount;
    },
    expected: 3,
  },
  {
    id: 'W34 W40',
    it: 'bufferedAmount grows by what is sent when it is over',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      ws.terminate();
      await closed(ws);
      const before = ws.bufferedAmount;
      ws.send('hé');
      ws.send(Buffer.alloc(10));
      ws.ping('abc');
      ws.pong(12);
      return ws.bufferedAmount - before;
    },
    expected: 18,
  },
  {
    id: 'W35 W48 V8.3',
    it: 'pause() and resume()',
    run: async (lib, scope) => {
      const { ws, peer, events } = await accepted(lib, scope);
      const seen = [ws.isPaused];
      ws.pause();
      seen.push(ws.isPaused);
      peer.write(masked({ payload: 'a' }));
      await turns(3);
      seen.push(...events);
      ws.resume();
      await until(() => events.length > 0, 'a message');
      return [...seen, ws.isPaused, events];
    },
    expected: [false, true, false, ['message a']],
  },
  {
    id: 'W48',
    it: 'pause() and resume() do nothing before and after',
    run: async (lib, scope) => {
      const { ws } = await requested(lib, scope);
      ws.pause();
      ws.resume();
      const seen = [ws.isPaused];
      ws.pause();
      seen.push(ws.isPaused);
      ws.terminate();
      await closed(ws);
      ws.pause();
      return [...seen, ws.isPaused];
    },
    expected: [false, false, false],
  },
  {
    id: 'W36',
    it: 'onX is null, then the function; what is no function clears it',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const seen: unknown[] = [ws.onmessage, ws.onopen, ws.onclose, ws.onerror];
      const listener = (): void => {};
      ws.onmessage = listener;
      seen.push(ws.onmessage === listener, ws.listenerCount('message'));
      for (const value of [null, undefined, 5, {}]) {
        ws.onmessage = listener;
        ws.onmessage = value;
        seen.push(ws.onmessage);
      }
      return seen;
    },
    expected: [null, null, null, null, true, 2, null, null, null, null],
  },
]);
