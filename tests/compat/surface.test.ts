/** What `require` gives. */

import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import { Inbox } from '../support/inbox.js';
import { accepted, connectedPair, next, requestOf, thrown } from './scene.js';
import type { Class, Untyped } from './subjects.js';
import { table } from './table.js';

const NAMES = [
  'createWebSocketStream',
  'extension',
  'PerMessageDeflate',
  'Receiver',
  'Sender',
  'Server',
  'subprotocol',
  'WebSocket',
  'WebSocketServer',
];
const CONSTANTS = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];

const kindsOf = (lib: Untyped): unknown[] =>
  NAMES.map((name) => {
    const { value, ...rest } = Object.getOwnPropertyDescriptor(lib, name) ?? { value: undefined };
    return [name, typeof value, rest];
  });

const plain = { enumerable: true, writable: true, configurable: true };

table([
  {
    id: 'P1 module-1',
    it: 'the module is the class itself, and the same as its WebSocket',
    run: (lib) => [typeof lib, lib === lib.WebSocket, lib.Server === lib.WebSocketServer],
    expected: ['function', true, true],
  },
  {
    id: 'P3 module-1',
    it: 'the statics are there, and ordinary properties',
    run: kindsOf,
    expected: NAMES.map((name) => [
      name,
      ['extension', 'subprotocol'].includes(name) ? 'object' : 'function',
      plain,
    ]),
  },
  {
    id: 'P3 W37',
    it: 'the states are constants of the class and of its prototype',
    run: (lib) =>
      [lib, lib.prototype].map((of) =>
        CONSTANTS.map((name) => Object.getOwnPropertyDescriptor(of, name)),
      ),
    expected: [0, 1].map(() =>
      [0, 1, 2, 3].map((value) => ({
        value,
        enumerable: true,
        writable: false,
        configurable: false,
      })),
    ),
  },
  {
    id: 'P7',
    it: 'names and numbers of parameters',
    run: (lib) =>
      [lib, lib.WebSocketServer, lib.createWebSocketStream].map((f) => [f.name, f.length]),
    expected: [
      ['WebSocket', 3],
      ['WebSocketServer', 2],
      ['createWebSocketStream', 2],
    ],
  },
  {
    id: 'P9',
    it: 'classes need new',
    run: (lib) => [
      thrown(() => lib('ws://localhost/')).split(':')[0],
      thrown(() => lib.WebSocketServer({ noServer: true })).split(':')[0],
    ],
    expected: ['TypeError', 'TypeError'],
  },
  {
    id: 'P9',
    it: 'both classes are EventEmitters',
    run: (lib) => [
      lib.prototype instanceof EventEmitter,
      lib.WebSocketServer.prototype instanceof EventEmitter,
    ],
    expected: [true, true],
  },
  {
    id: 'P9 module-4 S19',
    it: 'both can be extended, and option WebSocket names the class of connections',
    run: async (lib, scope) => {
      class Socket extends (lib as Class) {
        hello(): string {
          return `hello, ${this['protocol']}`;
        }
      }
      class Server extends (lib.Server as Class) {}
      const { wss, ws } = await connectedPair(lib, scope, { WebSocket: Socket }, {}, 'chat');
      const other = new Server({ noServer: true });
      return [
        ws.hello(),
        ws instanceof lib,
        wss.constructor === lib.Server,
        other['address'].length,
      ];
    },
    expected: ['hello, chat', true, true, 0],
  },
  {
    id: 'P9 S34',
    it: 'a subclass of the server decides what it handles',
    run: async (lib, scope) => {
      class Server extends (lib.Server as Class) {
        shouldHandle({ url }: Untyped): boolean {
          return url === '/mine';
        }
      }
      const wss = new Server({ noServer: true }) as Untyped;
      const seen: unknown[] = [];
      for (const url of ['/mine', '/yours']) {
        const [peer, wire] = scope.wire();
        const request = { ...requestOf(wire), url };
        wss.handleUpgrade(request, wire, Buffer.alloc(0), (ws: Untyped) => scope.track(ws));
        seen.push((await new Inbox(peer).message()).status);
      }
      return seen;
    },
    expected: [101, 400],
  },
  {
    id: 'module-4',
    it: 'a subclass of WebSocket is a client whose listeners have the subclass for this',
    run: async (lib, scope) => {
      class Socket extends (lib as Class) {}
      const server = createServer();
      new lib.Server({ server });
      const createConnection = () => {
        const [end, wire] = scope.wire();
        server.emit('connection', wire);
        return end;
      };
      const ws = scope.track(new Socket('ws://localhost/', { createConnection }) as Untyped);
      let self: unknown;
      ws.on('open', function (this: unknown) {
        self = this;
      });
      await next(ws, 'open');
      return [self === ws, ws.constructor === Socket, ws.OPEN];
    },
    expected: [true, true, 1],
  },
  {
    id: 'module-2',
    it: 'the interop of Babel and TypeScript finds the class as default',
    run: (lib) => {
      const mod = lib?.__esModule ? lib : { default: lib };
      return mod.default === lib;
    },
    expected: true,
  },
  {
    id: 'V2.0 V3.0 V4.0',
    it: 'what earlier majors dropped is not there',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      return [
        lib.createServer,
        typeof lib.connect,
        ws.stream,
        ws.upgradeReq,
        ws.bytesReceived,
        ws.protocolVersion,
        ws.supports,
      ];
    },
    expected: [undefined, 'undefined', ...Array(5).fill(undefined)],
    differs: {
      expected: [undefined, 'function', ...Array(5).fill(undefined)],
      why: 'connect() is there again: it returns a promise',
    },
  },
  {
    id: 'V8.0',
    it: 'there is no default and no __esModule on it',
    run: (lib) => [lib.default, lib.__esModule],
    expected: [undefined, undefined],
  },
]);
