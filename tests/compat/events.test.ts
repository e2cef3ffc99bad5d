/** Listeners and event objects. */

import { EventEmitter } from 'node:events';
import { OPCODE } from '../support/frames.js';
import { until } from '../support/inbox.js';
import { type Accepted, accepted, closeTo, connectedPair, masked, requested, to } from './scene.js';
import type { Untyped } from './subjects.js';
import { type Row, table } from './table.js';

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
    id: 'W49 V8.0 B3',
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
    id: 'W49 V8.11 B2',
    it: 'a listener may be an object with handleEvent, and be called once',
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
    'W61 B2',
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
    'W63 B2',
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
    'W64 B2',
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
    id: 'W60 B2',
    it: 'an open event has type and target only',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const seen = await eventOf(scene, 'open', () => scene.ws.emit('open'));
      return [seen.type, seen.target === scene.ws, has(seen)];
    },
    expected: ['open', true, ['type', 'target']],
  },
  {
    id: 'B2',
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
      const { wss } = await connectedPair(lib, scope, { WebSocket: Socket });
      wss.on('connection', () => seen.push('connection'));
      return seen;
    },
    expected: ['open', 1],
  },
  {
    id: 'W61 B1 V8.0',
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
    id: 'B2',
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
    id: 'U9 B12',
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
