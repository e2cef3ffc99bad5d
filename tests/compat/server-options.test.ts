/** The options of a server. */

import { createServer } from 'node:http';
import { frame, KEY, OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { upgradeRequest } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import {
  accepted,
  closed,
  connected,
  connectedPair,
  failing,
  frameSeen,
  listening,
  masked,
  next,
  ROLES,
  type Role,
  requestOf,
  responseTo,
  type Settings,
  thrown,
} from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

const ONE =
  'TypeError: One and only one of the "port", "server", or "noServer" options must be specified';

const MIB_100 = 100 * 1024 * 1024;

/** What becomes of a server's WebSocket that a frame of that length is announced to. */
async function announced(
  library: Library,
  scope: Scope,
  options: Settings,
  announce: number,
): Promise<string> {
  const { peer, events } = await accepted(library, scope, options);
  peer.write(frame({ opcode: OPCODE.BINARY, announce, mask: KEY }));
  await turns();
  return events[0] ?? 'waits for it';
}

/** What becomes of one that so many empty fragments and a last one arrive at. */
async function fragments(
  library: Library,
  scope: Scope,
  options: Settings,
  count: number,
): Promise<string> {
  const { peer, events } = await accepted(library, scope, options);
  const first = masked({ fin: false, payload: 'a' });
  const more = masked({ fin: false, opcode: OPCODE.CONTINUATION });
  const last = masked({ opcode: OPCODE.CONTINUATION });
  peer.write(Buffer.concat([first, ...Array(count - 2).fill(more), last]));
  await until(() => events.length > 0, 'a message or an error');
  return String(events[0]);
}

const TOO_LONG = 'error Max payload size exceeded';
const TOO_MANY = 'error Too many message fragments';

const subprotocols = (value: string): Settings => ({ 'sec-websocket-protocol': value });

/** Rows for an option that server and client have in common. */
function both(row: Omit<Row, 'run'>, options: Settings, play: (role: Role) => Untyped): Row[] {
  return ROLES.map((role) => ({
    ...row,
    it: `${row.it} (${role})`,
    run: async (lib, scope) => {
      const open = role === 'server' ? accepted : connected;
      return play(role)(await open(lib, scope, options));
    },
  }));
}

const bad = Buffer.from([0xff, 0xfe]);
const frameTo = (role: Role, options: Parameters<typeof frame>[0]): Buffer =>
  frame(role === 'server' ? { mask: KEY, ...options } : options);

table([
  {
    id: 'S1 S4 S5 V7.5',
    it: 'exactly one of port, server and noServer must be given',
    run: (lib) => {
      const server = createServer();
      return [
        undefined,
        {},
        { port: null },
        { port: 0, server },
        { port: 0, noServer: true },
        { server, noServer: true },
        { port: 0, server, noServer: true },
      ].map((options) => thrown(() => new lib.WebSocketServer(options)));
    },
    expected: Array(7).fill(ONE),
  },
  {
    id: 'S5',
    it: 'undefined and null for the other two are as if left out',
    run: (lib) => [
      thrown(() => new lib.WebSocketServer({ noServer: true, port: undefined, server: null })),
      thrown(() => new lib.WebSocketServer({ noServer: true, port: null, server: undefined })),
    ],
    expected: ['nothing', 'nothing'],
  },
  {
    id: 'S1 S2 S3 S32',
    it: 'listens on port and host, with a backlog',
    run: async (lib, scope) => {
      const { wss, port } = await listening(lib, scope, { backlog: 5 });
      const { address, family } = wss.address();
      return [port > 0, address, family];
    },
    expected: [true, '127.0.0.1', 'IPv4'],
  },
  {
    id: 'S4',
    it: 'listens to listening, error and upgrade of the http server it is given',
    run: (lib) => {
      const names = ['listening', 'error', 'upgrade', 'request', 'close'];
      const server = createServer();
      const before = names.map((name) => server.listenerCount(name));
      new lib.WebSocketServer({ server });
      return names.map((name, i) => server.listenerCount(name) - (before[i] ?? 0));
    },
    expected: [1, 1, 1, 0, 0],
  },
  {
    id: 'S6',
    it: 'path is compared with what is in front of the question mark',
    run: async (lib, scope) => {
      const statuses: unknown[] = [];
      for (const target of ['/ours', '/ours?a=1', '/ours/', '/ourselves', '/our']) {
        const options = { path: '/ours' };
        statuses.push((await responseTo(lib, scope, options, upgradeRequest({ target }))).status);
      }
      return statuses;
    },
    expected: [101, 101, 400, 400, 400],
    differs: { expected: [101, 101, 404, 404, 404], why: '404 (RFC 6455 §4.2.2)' },
  },
  {
    id: 'S7 S31',
    it: 'clients are kept, unless clientTracking is false: then there is no such property',
    run: async (lib, scope) => {
      const { wss, ws } = await accepted(lib, scope);
      const other = new lib.WebSocketServer({ noServer: true, clientTracking: false });
      return [wss.clients.has(ws), wss.clients instanceof Set, 'clients' in other];
    },
    expected: [true, true, false],
  },
  {
    id: 'S8 W17',
    it: 'maxPayload is 100 MiB by default',
    run: async (lib, scope) => [
      await announced(lib, scope, {}, MIB_100),
      await announced(lib, scope, {}, MIB_100 + 1),
    ],
    expected: ['waits for it', TOO_LONG],
  },
  {
    id: 'S8',
    it: 'maxPayload counts bytes of a message',
    run: async (lib, scope) => {
      const { peer, events, inbox } = await accepted(lib, scope, { maxPayload: 5 });
      peer.write(masked({ payload: 'five!' }));
      peer.write(masked({ payload: 'fiv', fin: false }));
      peer.write(masked({ payload: 'six', opcode: OPCODE.CONTINUATION }));
      return [(await frameSeen(inbox)).slice(0, 10), events];
    },
    expected: ['close 1009', ['message five!', TOO_LONG]],
  },
  {
    id: 'S8',
    it: 'maxPayload that is 0, Infinity or a multiple of 2^32 lets 100 MiB pass',
    run: async (lib, scope) => {
      const seen: string[] = [];
      for (const maxPayload of [0, Infinity, 2 ** 32, 2 ** 31]) {
        seen.push(await announced(lib, scope, { maxPayload }, MIB_100 + 1));
      }
      return seen;
    },
    expected: Array(4).fill('waits for it'),
  },
  {
    id: 'S9',
    it: 'maxFragments counts the frames of a message, empty ones too',
    run: async (lib, scope) => [
      await fragments(lib, scope, { maxFragments: 3 }, 3),
      await fragments(lib, scope, { maxFragments: 3 }, 4),
      await fragments(lib, scope, { maxFragments: 0 }, 5_000),
      await fragments(lib, scope, { maxFragments: Infinity }, 5),
    ],
    expected: ['message a', TOO_MANY, 'message a', 'message a'],
  },
  {
    id: 'S9 W17',
    it: 'the default of maxFragments',
    run: async (lib, scope) => [
      await fragments(lib, scope, {}, 16_384),
      await fragments(lib, scope, {}, 16_385),
    ],
    expected: ['message a', TOO_MANY],
    differs: { expected: ['message a', 'message a'], why: '131 072' },
  },
  {
    id: 'S10',
    it: 'maxBufferedChunks limits the pieces in which a frame comes',
    run: async (lib, scope) => {
      const { peer, events } = await accepted(lib, scope, { maxBufferedChunks: 2 });
      const bytes = masked({ payload: '0123456789' });
      for (let i = 0; i < bytes.length; i += 4) {
        peer.write(bytes.subarray(i, i + 4));
        await turns(2);
      }
      await until(() => events.length > 0, 'a message or an error');
      return events[0];
    },
    expected: 'error Too many buffered chunks',
    differs: { expected: 'message 0123456789', why: 'small parts are joined as they come' },
  },
  {
    id: 'S11 W17',
    it: 'a burst of pings that outruns the pongs',
    run: async (lib, scope) => {
      const { peer, ws, events } = await accepted(lib, scope);
      peer.write(Buffer.concat(Array(100).fill(masked({ opcode: OPCODE.PING, payload: 'p' }))));
      peer.write(masked({ payload: 'done' }));
      await until(() => events.includes('message done') || ws.readyState === 3, 'the end');
      return events.at(-1);
    },
    expected: 'close 1006',
    differs: { expected: 'message done', why: 'pongs that are merely gathered do not count' },
  },
  {
    id: 'S13',
    it: 'without handleProtocols the first subprotocol is chosen',
    run: async (lib, scope) => {
      const { ws, answer } = await accepted(lib, scope, {}, subprotocols('b, a'));
      return [ws.protocol, answer.all('sec-websocket-protocol')];
    },
    expected: ['b', ['b']],
  },
  {
    id: 'S13',
    it: 'handleProtocols gets the Set and the request, and chooses',
    run: async (lib, scope) => {
      const calls: unknown[] = [];
      const handleProtocols = (responseTo: Set<string>, request: Untyped): string => {
        calls.push([responseTo instanceof Set, ...responseTo, request.url]);
        return 'a';
      };
      const { ws, answer } = await accepted(lib, scope, { handleProtocols }, subprotocols('b,a'));
      return [calls, ws.protocol, answer.all('sec-websocket-protocol')];
    },
    expected: [[[true, 'b', 'a', '/chat']], 'a', ['a']],
  },
  {
    id: 'S13',
    it: 'handleProtocols that answers false, undefined or "" chooses none',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const choice of [false, undefined, '']) {
        const options = { handleProtocols: () => choice };
        const { ws, answer } = await accepted(lib, scope, options, subprotocols('a'));
        seen.push([ws.protocol, answer.all('sec-websocket-protocol')]);
      }
      return seen;
    },
    expected: Array(3).fill(['', []]),
  },
  {
    id: 'S13',
    it: 'handleProtocols is not called when nothing is asked for',
    run: async (lib, scope) => {
      let calls = 0;
      const { ws } = await accepted(lib, scope, { handleProtocols: () => String(calls++) });
      return [calls, ws.protocol];
    },
    expected: [0, ''],
  },
  {
    id: 'S14',
    it: 'verifyClient gets origin, secure and req, in this order',
    run: async (lib, scope) => {
      let seen: unknown;
      const verifyClient = (info: Untyped): boolean => {
        seen = [Object.keys(info), info.origin, info.secure, info.req.url];
        return true;
      };
      await accepted(lib, scope, { verifyClient }, { origin: 'http://here' });
      return seen;
    },
    expected: [['origin', 'secure', 'req'], 'http://here', false, '/chat'],
  },
  {
    id: 'S14',
    it: 'verifyClient knows a TLS socket by encrypted or authorized',
    run: (lib, scope) => {
      const seen: unknown[] = [];
      for (const signs of [{ encrypted: true }, { authorized: true }, { encrypted: false }]) {
        const [, wire] = scope.wire();
        const request = requestOf(Object.assign(wire, signs));
        const verifyClient = ({ secure }: Untyped): boolean => {
          seen.push(secure);
          return false;
        };
        const wss = new lib.WebSocketServer({ noServer: true, verifyClient });
        wss.handleUpgrade(request, wire, Buffer.alloc(0), () => {});
      }
      return seen;
    },
    expected: [true, true, false],
  },
  {
    id: 'S14',
    it: 'verifyClient with two parameters may answer later; any truthy answer is yes',
    run: async (lib, scope) => {
      const verifyClient = (_: unknown, answer: Untyped): void => {
        setImmediate(answer, 'yes');
      };
      const { status } = await responseTo(lib, scope, { verifyClient }, upgradeRequest());
      return status;
    },
    expected: 101,
  },
  {
    id: 'S14',
    it: 'the number of parameters decides the form of verifyClient',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const verifyClient of [
        (..._args: unknown[]) => true,
        (_info: unknown, _answer: unknown = undefined) => true,
        function verify(this: Untyped) {
          return this === undefined || 'port' in this;
        },
      ]) {
        seen.push((await responseTo(lib, scope, { verifyClient }, upgradeRequest())).status);
      }
      return seen;
    },
    expected: [101, 101, 101],
  },
  ...both(
    { id: 'S15 W17 V8.1', it: 'skipUTF8Validation lets anything pass', expected: [true, '3'] },
    { skipUTF8Validation: true },
    (role) =>
      async ({ ws, peer }: Untyped) => {
        const message = next<[Buffer]>(ws, 'message');
        const close = next<[number, Buffer]>(ws, 'close');
        peer.write(frameTo(role, { payload: bad }));
        const [data] = await message;
        const payload = Buffer.concat([Buffer.from([3, 232]), bad, Buffer.from('!')]);
        peer.write(frameTo(role, { opcode: OPCODE.CLOSE, payload }));
        peer.end();
        const [, reason] = await close;
        return [data.equals(bad), String(reason.length)];
      },
  ),
  ...both(
    {
      id: 'S17 W17 V8.16',
      it: 'autoPong: false leaves pings to the program',
      expected: 'pong me',
    },
    { autoPong: false },
    (role) =>
      async ({ ws, peer, inbox }: Untyped) => {
        const ping = next(ws, 'ping');
        peer.write(frameTo(role, { opcode: OPCODE.PING, payload: 'not me' }));
        await ping;
        await turns();
        ws.pong('me');
        return frameSeen(inbox);
      },
  ),
  ...both(
    { id: 'S18 W17 V8.19', it: 'closeTimeout ends a closing handshake', expected: 'close 1006' },
    { closeTimeout: 20 },
    () =>
      async ({ ws, events }: Untyped) => {
        ws.close(1000);
        await closed(ws);
        return events.at(-1);
      },
  ),
  {
    id: 'S19 V8.5',
    it: 'option WebSocket is constructed with null, undefined and the options of the server',
    run: async (lib, scope) => {
      let seen: unknown[] = [];
      class Socket extends lib {
        constructor(...args: unknown[]) {
          super(...args);
          seen = args;
        }
      }
      const { ws, wss } = await accepted(lib, scope, { WebSocket: Socket });
      return [seen.length, seen[0], seen[1], seen[2] === wss.options, ws instanceof Socket];
    },
    expected: [3, null, undefined, true, true],
  },
  {
    id: 'S20',
    it: 'the callback listens to listening with port, and is not used with server',
    run: async (lib, scope) => {
      const seen: string[] = [];
      const wss = new lib.WebSocketServer({ port: 0 }, () => seen.push('port'));
      scope.later(() => new Promise<void>((done) => wss.close(() => done())));
      const server = createServer();
      new lib.WebSocketServer({ server }, () => seen.push('server'));
      new lib.WebSocketServer({ noServer: true }, () => seen.push('noServer'));
      server.emit('listening');
      await until(() => seen.length > 0, 'listening');
      await turns();
      return seen;
    },
    expected: ['port'],
  },
  {
    id: 'S21 S30',
    it: 'options holds what was given, other keys too, over the defaults',
    run: (lib) => {
      const { options } = new lib.WebSocketServer({ noServer: true, ours: 1, path: '/a' });
      const { allowSynchronousEvents, autoPong, maxPayload, skipUTF8Validation } = options;
      const { handleProtocols, verifyClient, clientTracking, closeTimeout, WebSocket } = options;
      const { noServer, server, host, port, backlog, path, ours, perMessageDeflate } = options;
      return {
        ...{ allowSynchronousEvents, autoPong, maxPayload, skipUTF8Validation },
        ...{ handleProtocols, verifyClient, clientTracking, closeTimeout },
        ...{ noServer, server, host, port, backlog, path, ours, perMessageDeflate },
        WebSocket: WebSocket === lib,
      };
    },
    expected: {
      allowSynchronousEvents: true,
      autoPong: true,
      maxPayload: MIB_100,
      skipUTF8Validation: false,
      handleProtocols: null,
      verifyClient: null,
      clientTracking: true,
      closeTimeout: 30_000,
      noServer: true,
      server: null,
      host: null,
      port: null,
      backlog: null,
      path: '/a',
      ours: 1,
      perMessageDeflate: false,
      WebSocket: true,
    },
  },
  {
    id: 'S12',
    it: 'perMessageDeflate: true reads as an object',
    run: (lib) =>
      new lib.WebSocketServer({ noServer: true, perMessageDeflate: true }).options
        .perMessageDeflate,
    expected: {},
  },
  {
    id: 'S12 W16',
    it: 'a server compresses only with the option; a client offers it by itself',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const perMessageDeflate of [undefined, false, true, {}]) {
        const { ws, client } = await connectedPair(lib, scope, { perMessageDeflate });
        seen.push([ws.extensions, client.extensions]);
      }
      return seen;
    },
    expected: [
      ['', ''],
      ['', ''],
      ['permessage-deflate', 'permessage-deflate'],
      ['permessage-deflate', 'permessage-deflate'],
    ],
  },
  {
    id: 'S8 W17',
    it: "a client's maxPayload holds for what it receives",
    run: async (lib, scope) => {
      const scene = await connected(lib, scope, { maxPayload: 3 });
      scene.peer.write(frame({ payload: 'four' }));
      await until(() => scene.events.length > 1, 'an error');
      scene.peer.end();
      return failing(scene);
    },
    expected: ['open', TOO_LONG, 'close 1006'],
  },
]);
