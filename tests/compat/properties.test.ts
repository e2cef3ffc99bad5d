/** §5.3 and §5.5 of the checklist: properties, listeners and event objects. */

import { EventEmitter } from 'node:events';
import { OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import {
  type Accepted,
  accepted,
  closed,
  closeTo,
  connected,
  masked,
  meeting,
  next,
  requested,
  thrown,
  to,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { type Row, table } from './table.js';

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

/** A row for something the event object of that type has. */
const event = (
  id: string,
  it: string,
  play: (scene: Accepted) => unknown,
  expected: unknown,
): Row => ({
  id,
  it,
  run: async (lib, scope) => play(await accepted(lib, scope)),
  expected,
});

/** The event object that a listener of that type got. */
async function eventOf({ ws }: Untyped, type: string, cause: () => unknown): Promise<Untyped> {
  let seen: Untyped;
  ws.addEventListener(type, (given: unknown) => {
    seen = given;
  });
  cause();
  await until(() => seen !== undefined, `an event object of ${type}`);
  return seen;
}

const OWN = ['type', 'target', 'data', 'code', 'reason', 'wasClean', 'error', 'message'];

/** Which of these `in` finds. */
const has = (object: object): string[] => OWN.filter((name) => name in object);

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
      const { ws, client } = await meeting(lib, scope, options);
      return [ws.extensions, client.extensions];
    },
    expected: ['permessage-deflate', 'permessage-deflate'],
  },
  {
    id: 'W33 12.8.18',
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
    id: 'W33 eco.behaviour-11',
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
    id: 'W35 W48 12.8.3',
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
  {
    id: 'W36 W49',
    it: 'onX and addEventListener do not know of each other; the order is that of adding',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: string[] = [];
      ws.onmessage = () => seen.push('first onmessage');
      ws.addEventListener('message', () => seen.push('added'));
      ws.on('message', () => seen.push('on'));
      ws.onmessage = () => seen.push('onmessage');
      peer.write(masked({ payload: 'a' }));
      return seen;
    },
    expected: ['added', 'on', 'onmessage'],
  },
  {
    id: 'W49 12.8.0 eco.behaviour-3',
    it: 'addEventListener knows four types; others are ignored',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const types = ['open', 'message', 'close', 'error', 'ping', 'pong', 'upgrade', 'foo'];
      const before = types.map((type) => ws.listenerCount(type));
      for (const type of types) ws.addEventListener(type, () => {});
      return types.map((type, i) => ws.listenerCount(type) - (before[i] ?? 0));
    },
    expected: [1, 1, 1, 1, 0, 0, 0, 0],
  },
  {
    id: 'W49 12.8.11 eco.behaviour-2',
    it: 'a listener may be an object with handleEvent, and be heard once',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: unknown[] = [];
      const object = {
        name: 'object',
        handleEvent({ data }: Untyped) {
          seen.push(this.name, data);
        },
      };
      ws.addEventListener('message', object);
      ws.addEventListener('message', ({ data }: Untyped) => seen.push('once', data), {
        once: true,
      });
      peer.write(Buffer.concat([masked({ payload: 'a' }), masked({ payload: 'b' })]));
      return seen;
    },
    expected: ['object', 'a', 'once', 'a', 'object', 'b'],
  },
  {
    id: 'W49',
    it: 'the same listener is added once',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      let calls = 0;
      const listener = (): void => {
        calls++;
      };
      const object = { handleEvent: listener };
      for (const each of [listener, listener, object, object]) ws.addEventListener('message', each);
      peer.write(masked({ payload: 'a' }));
      return calls;
    },
    expected: 2,
  },
  {
    id: 'W49',
    it: 'listeners have the WebSocket for this',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: unknown[] = [];
      ws.onmessage = function (this: unknown) {
        seen.push(this === ws);
      };
      ws.addEventListener('message', function (this: unknown) {
        seen.push(this === ws);
      });
      peer.write(masked({ payload: 'a' }));
      return seen;
    },
    expected: [true, true],
  },
  {
    id: 'W49',
    it: 'there is no dispatchEvent',
    run: (lib) => typeof lib.prototype.dispatchEvent,
    expected: 'undefined',
  },
  {
    id: 'W50',
    it: 'removeEventListener removes what addEventListener added, nothing else',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: string[] = [];
      const added = (): unknown => seen.push('added');
      const on = (): unknown => seen.push('on');
      const attribute = (): unknown => seen.push('onmessage');
      ws.addEventListener('message', added);
      ws.on('message', on);
      ws.onmessage = attribute;
      for (const listener of [added, on, attribute]) ws.removeEventListener('message', listener);
      ws.removeEventListener('message', () => {});
      peer.write(masked({ payload: 'a' }));
      return seen;
    },
    expected: ['on', 'onmessage'],
  },
  event(
    'W61 eco.behaviour-2',
    'a message event has type, target and data, a string for text',
    async (scene) => {
      const text = await eventOf(scene, 'message', () =>
        scene.peer.write(masked({ payload: 'text' })),
      );
      const binary = await eventOf(scene, 'message', () =>
        scene.peer.write(masked({ payload: 'b', opcode: OPCODE.BINARY })),
      );
      const { type, target, data } = text;
      return [type, target === scene.ws, data, Buffer.isBuffer(binary.data), has(text)];
    },
    ['message', true, 'text', true, ['type', 'target', 'data']],
  ),
  event(
    'W63 eco.behaviour-2',
    'a close event has code, reason as a string, and whether it was clean',
    async (scene) => {
      const seen = await eventOf(scene, 'close', () => {
        scene.peer.write(closeTo('server', 4000, 'because'));
        scene.peer.end();
      });
      const { type, target, code, reason, wasClean } = seen;
      return [type, target === scene.ws, code, reason, wasClean, has(seen)];
    },
    ['close', true, 4000, 'because', true, ['type', 'target', 'code', 'reason', 'wasClean']],
  ),
  event(
    'W63',
    'a close without a closing handshake was not clean',
    async (scene) => {
      const { code, reason, wasClean } = await eventOf(scene, 'close', () => scene.peer.end());
      return [code, reason, wasClean];
    },
    [1006, '', false],
  ),
  event(
    'W64 eco.behaviour-2',
    'an error event has error and message',
    async (scene) => {
      const seen = await eventOf(scene, 'error', () => scene.peer.write(to('client')));
      const { type, target, error, message } = seen;
      return [type, target === scene.ws, error.message === message, message, has(seen)];
    },
    [
      'error',
      true,
      true,
      'Invalid WebSocket frame: MASK must be set',
      ['type', 'target', 'error', 'message'],
    ],
  ),
  {
    id: 'W60 eco.behaviour-2',
    it: 'an open event has type and target only',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const seen = await eventOf(scene, 'open', () => scene.ws.emit('open'));
      return [seen.type, seen.target === scene.ws, has(seen)];
    },
    expected: ['open', true, ['type', 'target']],
  },
  {
    id: 'eco.behaviour-2',
    it: 'event objects are of classes of their own, named as in browsers',
    run: async (lib, scope) => {
      const scene = await accepted(lib, scope);
      const message = await eventOf(scene, 'message', () => scene.peer.write(masked()));
      const close = await eventOf(scene, 'close', () => scene.peer.end());
      return [message, close].map((each) => [each.constructor.name, each instanceof Event]);
    },
    expected: [
      ['MessageEvent', false],
      ['CloseEvent', false],
    ],
    differs: {
      expected: [
        ['MessageEvent', true],
        ['CloseEvent', true],
      ],
      why: 'code that asks for instanceof Event finds what its types say',
    },
  },
  {
    id: 'W60',
    it: "a server's WebSocket emits open as well, inside setSocket, before it is handed out",
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      class Socket extends lib {
        constructor(...args: unknown[]) {
          super(...args);
          const self = this as Untyped;
          self.on('open', () => seen.push('open', self.readyState));
        }
      }
      const { wss } = await meeting(lib, scope, { WebSocket: Socket });
      wss.on('connection', () => seen.push('connection'));
      return seen;
    },
    expected: ['open', 1],
  },
  {
    id: 'W61 eco.behaviour-1 12.8.0',
    it: 'message brings a Buffer for text too, and whether it is binary',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: unknown[] = [];
      ws.on('message', (...args: unknown[]) =>
        seen.push(args.length, Buffer.isBuffer(args[0]), args[1]),
      );
      const binary = masked({ payload: 'a', opcode: OPCODE.BINARY });
      peer.write(Buffer.concat([masked({ payload: 'a' }), binary, masked()]));
      return seen;
    },
    expected: [2, true, false, 2, true, true, 2, true, false],
  },
  {
    id: 'eco.behaviour-2',
    it: 'events.once and events.on work on it',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const first = EventEmitter.once(ws, 'message');
      const all = EventEmitter.on(ws, 'message');
      peer.write(masked({ payload: 'a' }));
      const { value } = await all.next();
      await all.return?.();
      return [String((await first)[0]), String(value[0])];
    },
    expected: ['a', 'a'],
  },
  {
    id: 'U9 eco.behaviour-12',
    it: 'properties may be added to it, and methods replaced',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      Object.assign(ws, { isAlive: true, id: 7, room: 'red', user: {} });
      const send = ws.send.bind(ws);
      ws.send = (data: string) => send(`<${data}>`);
      ws.send('a');
      return [Object.isExtensible(ws), ws.isAlive, ws.id, String((await inbox.frame()).payload)];
    },
    expected: [true, true, 7, '<a>'],
  },
]);
