/** Mocks, copies, comparisons, and proxies of the other classes. */

import { createServer } from 'node:http';
import { inherits, inspect, isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import { OPCODE } from '../support/frames.js';
import { Inbox, until } from '../support/inbox.js';
import { upgradeRequest } from '../support/requests.js';
import {
  accepted,
  answered,
  connected,
  connectedPair,
  frameSeen,
  framesSeen,
  listening,
  masked,
  next,
  requestOf,
  thrown,
} from './scene.js';
import type { Class, Library, Untyped } from './subjects.js';
import { table } from './table.js';

import { deflated, WRAPPERS } from './wrappers.js';

const reactive = WRAPPERS['a reactive Proxy'] as (original: object) => Untyped;
const plainProxy = (original: object): Untyped => new Proxy(original, {});

/** Objects that have a prototype of the library and never saw its constructor. */
const MOCKS: Record<string, (library: Library) => Untyped> = {
  'Object.create(prototype)': (library) => Object.create(library.prototype),
  'a Proxy of Object.create(prototype)': (library) => plainProxy(Object.create(library.prototype)),
  'a class of before 2015': (library) => {
    function Mock(): void {}
    inherits(Mock, library);
    return new (Mock as unknown as Class)();
  },
};

const STATE = ['readyState', 'url', 'protocol', 'bufferedAmount', 'isPaused', 'binaryType'];
const HIDDEN = [
  '_socket',
  '_sender',
  '_receiver',
  '_isServer',
  '_readyState',
  '_req',
  '_closeTimer',
];

table(
  Object.entries(MOCKS).flatMap(([name, mock]) => [
    {
      id: 'stand-ins',
      it: `${name} has no state`,
      run: (lib) => [...STATE, ...HIDDEN].filter((name) => mock(lib)[name] !== undefined),
      expected: [],
    },
    {
      id: 'stand-ins',
      it: `${name} has the constants, handlers and listeners`,
      run: (lib) => {
        const ws = mock(lib);
        const seen: unknown[] = [ws.OPEN, ws.onopen, ws instanceof lib];
        ws.onmessage = () => seen.push('onmessage');
        ws.addEventListener('message', () => seen.push('event'));
        ws.on('message', () => seen.push('on'));
        ws.emit('message', Buffer.alloc(0), false);
        return seen;
      },
      expected: [1, null, true, 'onmessage', 'event', 'on'],
    },
    {
      id: 'stand-ins',
      it: `${name} sends nothing, and says so to the callback`,
      run: async (lib) => {
        const ws = mock(lib);
        const error = await answered((done) => ws.send('text', done));
        ws.ping();
        ws.pong();
        ws.terminate();
        return [error, ws.readyState];
      },
      expected: ['Error: WebSocket is not open: readyState undefined (undefined)', undefined],
    },
    {
      id: 'stand-ins',
      it: `${name} takes a binaryType, and readyState as an own property`,
      run: (lib) => {
        const ws = mock(lib);
        ws.binaryType = 'arraybuffer';
        Object.defineProperty(ws, 'readyState', { value: 1 });
        return [ws.binaryType, ws.readyState];
      },
      expected: ['arraybuffer', 1],
    },
    {
      id: 'stand-ins',
      it: `${name} shares nothing with another one, also after a call on the prototype`,
      run: (lib) => {
        const one = mock(lib);
        lib.prototype.ping();
        lib.prototype.terminate();
        one.binaryType = 'arraybuffer';
        const other = mock(lib);
        return [other.binaryType, other.readyState];
      },
      expected: [undefined, undefined],
    },
  ]),
);

table([
  {
    id: 'stand-ins',
    it: 'spread: does not throw, and leaves the WebSocket as it is',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      const copy = { ...ws, extra: 1 };
      ws.send('text');
      return [copy.extra, typeof copy.send, await frameSeen(inbox)];
    },
    expected: [1, 'undefined', 'text text'],
  },
  {
    id: 'stand-ins',
    it: 'deep equality: tells two WebSockets apart, also two servers',
    run: async (lib, scope) => {
      const [one, other] = [await connected(lib, scope), await connected(lib, scope)];
      one.ws.removeAllListeners();
      other.ws.removeAllListeners();
      const server = (path: string): Untyped => new lib.WebSocketServer({ noServer: true, path });
      return [
        isDeepStrictEqual(one.ws, one.ws),
        isDeepStrictEqual(one.ws, other.ws),
        isDeepStrictEqual(server('/a'), server('/b')),
      ];
    },
    expected: [true, false, false],
  },
  {
    id: 'stand-ins',
    it: 'structuredClone: refuses a WebSocket and a server that have listeners, and every proxy',
    run: async (lib, scope) => {
      const { ws, wss } = await accepted(lib, scope);
      wss.on('connection', () => {});
      const objects = [ws, wss, plainProxy(ws), plainProxy(wss), ws.constructor];
      const errors = objects.map((one) => thrown(() => structuredClone(one)));
      return errors.map((error) => error.includes('could not be cloned'));
    },
    expected: [true, true, true, true, true],
  },
  {
    id: 'stand-ins',
    it: 'util.inspect: shows every object, hidden properties and getters as well',
    run: async (lib, scope) => {
      const { ws, wss } = await accepted(lib, scope);
      const child = Object.create(ws);
      const objects = [ws, wss, child, plainProxy(ws), plainProxy(wss), lib, lib.WebSocketServer];
      const options = { showHidden: true, getters: true, showProxy: true, depth: 3 };
      return objects.map((one) => inspect(one, options).length > 0);
    },
    expected: Array(7).fill(true),
  },
  {
    id: 'stand-ins',
    it: 'for … in: and Object.keys show none of our own names',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const names: string[] = [];
      for (const name in plainProxy(ws)) if (!name.startsWith('_')) names.push(name);
      const inNode = new Set(Object.keys(Object.getPrototypeOf(lib.prototype)));
      return names.filter((name) => !inNode.has(name) && !/^on/.test(name)).sort();
    },
    expected: [
      ...['CLOSED', 'CLOSING', 'CONNECTING', 'OPEN', 'addEventListener', 'binaryType'],
      ...['bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState'],
      ...['removeEventListener', 'url'],
    ],
    differs: {
      expected: [
        ...['CLOSED', 'CLOSING', 'CONNECTING', 'OPEN', 'addEventListener', 'binaryType'],
        ...['bufferedAmount', 'closeInfo', 'extensions', 'isPaused', 'protocol', 'readyState'],
        ...['removeEventListener', 'url'],
      ],
      why: 'closeInfo is a member of its own',
    },
  },
]);

table([
  {
    id: 'stand-ins',
    it: 'class: whose constructor returns a Proxy of the client',
    run: async (lib, scope) => {
      class Traced extends (lib as Class) {
        constructor(...args: unknown[]) {
          super(...args);
          // biome-ignore lint/correctness/noConstructorReturn: what the row is about
          return plainProxy(this);
        }
      }
      const { ws, inbox, events } = await connected(Traced, scope);
      ws.send('text');
      return [await frameSeen(inbox), ws instanceof Traced, events];
    },
    expected: ['text text', true, ['open']],
  },
  {
    id: 'stand-ins',
    it: 'class: of the option WebSocket, behind a Proxy that traces construction',
    run: async (lib, scope) => {
      const made: unknown[] = [];
      const Traced = new Proxy(lib.WebSocket, {
        construct(target, args, newTarget) {
          const proxy = plainProxy(Reflect.construct(target, args, newTarget));
          made.push(proxy);
          return proxy;
        },
      });
      const { ws, wss, inbox } = await accepted(lib, scope, { WebSocket: Traced });
      ws.send('text');
      const seen = [made[0] === ws, wss.clients.has(ws), await frameSeen(inbox)];
      ws.terminate();
      await until(() => wss.clients.size === 0, 'the end');
      return seen;
    },
    expected: [true, true, 'text text'],
  },
  {
    id: 'stand-ins',
    it: 'class: made by Reflect.construct with another prototype',
    run: async (lib, scope) => {
      class Own extends (lib as Class) {
        hello(): string {
          return `hello ${this['readyState']}`;
        }
      }
      const [wire] = scope.wire();
      const options = { createConnection: () => wire };
      const args = ['ws://server.example.com/', undefined, options];
      const ws = scope.track(Reflect.construct(lib, args, Own) as Untyped);
      ws.on('error', () => {});
      return [ws instanceof Own, ws.hello()];
    },
    expected: [true, 'hello 0'],
  },
  {
    id: 'stand-ins',
    it: 'class: with members named like state: they are its own',
    run: async (lib, scope) => {
      class Named extends (lib as Class) {
        session = 1;
        connection = 2;
        handshake = 3;
        state = 'mine';
        owner = 5;
        role = 'admin';
      }
      const { ws, inbox } = await accepted(lib, scope, { WebSocket: Named });
      ws.send('text');
      const frame = await frameSeen(inbox);
      return [frame, ws.session, ws.connection, ws.handshake, ws.state, ws.owner, ws.role];
    },
    expected: ['text text', 1, 2, 3, 'mine', 5, 'admin'],
  },
  {
    id: 'stand-ins',
    it: 'server: behind a Proxy that replaces shouldHandle',
    run: async (lib, scope) => {
      const wss = new lib.WebSocketServer({ noServer: true });
      const picky = new Proxy(wss, {
        get: (target, name, receiver) =>
          name === 'shouldHandle' ? () => false : Reflect.get(target, name, receiver),
      });
      const [peer, wire] = scope.wire();
      const inbox = new Inbox(peer);
      picky.handleUpgrade(requestOf(wire), wire, Buffer.alloc(0), () => {});
      const { startLine } = await inbox.message();
      peer.end();
      return startLine;
    },
    expected: 'HTTP/1.1 400 Bad Request',
  },
  {
    id: 'stand-ins',
    it: 'server: on an http server behind a Proxy',
    run: async (lib, scope) => {
      const http = createServer();
      const wss = new lib.WebSocketServer({ server: plainProxy(http) });
      wss.on('connection', (ws: Untyped) => scope.track(ws).send('welcome'));
      const [peer, wire] = scope.wire();
      const inbox = new Inbox(peer);
      http.emit('connection', wire);
      peer.write(upgradeRequest());
      return [(await inbox.message()).startLine, await frameSeen(inbox)];
    },
    expected: ['HTTP/1.1 101 Switching Protocols', 'text welcome'],
  },
  {
    id: 'stand-ins',
    it: 'server: reactive, on a port: address and close',
    run: async (lib, scope) => {
      const { wss, port } = await listening(lib, scope);
      const wrapped = reactive(wss);
      const address = thrown(() => expect(wrapped.address().port).toBe(port));
      await new Promise((done) => wss.close(done));
      return address;
    },
    expected: 'TypeError: Illegal invocation',
    differs: { expected: 'nothing', why: 'the http server is not reached through the proxy' },
  },
  {
    id: 'stand-ins',
    it: 'server: hands out clients that may be wrapped: broadcast except, handleUpgrade, emit',
    run: async (lib, scope) => {
      const { wss, ws, client } = await connectedPair(lib, scope);
      const seen: string[] = [];
      wss.on('connection', (one: Untyped) => seen.push(`again ${one.readyState}`));
      wss.emit('connection', plainProxy(ws), {});
      const message = next<[Buffer]>(client, 'message');
      for (const one of [...wss.clients].map(reactive)) one.send('to all');
      return [seen, String((await message)[0])];
    },
    expected: [['again 1'], 'to all'],
  },
  {
    id: 'stand-ins',
    it: 'options: may be proxies, and lists of subprotocols as well',
    run: async (lib, scope) => {
      const serverOptions = reactive({ perMessageDeflate: { threshold: 0 } });
      const clientOptions = reactive({ perMessageDeflate: { threshold: 0 }, headers: { a: 'b' } });
      const protocols = reactive(['chat', 'other']);
      const scene = await connectedPair(lib, scope, serverOptions, clientOptions, protocols);
      const { ws, client, request } = scene;
      return [ws.extensions, client.protocol, request.headers.a];
    },
    expected: ['permessage-deflate', 'chat', 'b'],
  },
  {
    id: 'stand-ins',
    it: 'socket: behind a Proxy is taken by handleUpgrade',
    run: async (lib, scope) => {
      const wss = new lib.WebSocketServer({ noServer: true });
      const [peer, wire] = scope.wire();
      const inbox = new Inbox(peer);
      wss.handleUpgrade(requestOf(wire), plainProxy(wire), Buffer.alloc(0), (ws: Untyped) => {
        scope.track(ws).send('welcome');
      });
      return [(await inbox.message()).startLine, await frameSeen(inbox)];
    },
    expected: ['HTTP/1.1 101 Switching Protocols', 'text welcome'],
  },
]);

table(
  Object.entries(WRAPPERS).flatMap(([name, wrap]) => [
    {
      id: 'proxies',
      it: `${name} of a Sender sends`,
      run: async (lib, scope) => {
        const [peer, wire] = scope.wire();
        const inbox = new Inbox(peer);
        const sender = wrap(new lib.Sender(wire, {}));
        sender.send('text', { binary: false, compress: false, fin: true, mask: false });
        sender.ping(Buffer.from('p'), false, () => {});
        sender.close(1000, '', false, () => {});
        return framesSeen(inbox, 3);
      },
      expected: ['text text', 'ping p', 'close 1000'],
    },
    {
      id: 'proxies',
      it: `${name} of a Receiver reads`,
      run: async (lib) => {
        const receiver = wrap(new lib.Receiver({ isServer: true }));
        const message = next<[Buffer, boolean]>(receiver, 'message');
        receiver.write(Buffer.concat([masked({ payload: 'text' })]));
        const [data, isBinary] = await message;
        const ping = next<[Buffer]>(receiver, 'ping');
        receiver.write(masked({ opcode: OPCODE.PING, payload: 'p' }));
        return [String(data), isBinary, String((await ping)[0])];
      },
      expected: ['text', false, 'p'],
    },
  ]),
);

/** Through a proxy of everything inside, `ws` cannot call zlib. */
const SHALLOW = Object.entries(WRAPPERS).filter(([name]) => name !== 'a reactive Proxy');

table(
  SHALLOW.map(([name, wrap]) => ({
    id: 'proxies',
    it: `${name} of a PerMessageDeflate negotiates, compresses and decompresses`,
    run: (lib) => deflated(wrap(new lib.PerMessageDeflate({ isServer: true, threshold: 0 }))),
    expected: [{}, true, 'text text text text'],
  })),
);
