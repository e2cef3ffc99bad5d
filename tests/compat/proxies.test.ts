/** Proxies of a WebSocket or server, objects that inherit from it, copies: they do what it does. */

import { OPCODE } from '../support/frames.js';
import { Inbox, turns, until } from '../support/inbox.js';
import {
  accepted,
  closed,
  frameSeen,
  framesSeen,
  masked,
  next,
  requested,
  requestOf,
  thrown,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { type Row, table } from './table.js';
import { WRAPPERS } from './wrappers.js';

type Wrap = (original: object) => Untyped;

/** The same rows for each wrapper. */
function forEachWrapper(rows: (wrap: Wrap) => Omit<Row, 'id'>[]): Row[] {
  return Object.entries(WRAPPERS).flatMap(([name, wrap]) =>
    rows(wrap).map(({ it, ...row }) => ({ id: 'proxies', it: `${name}: ${it}`, ...row })),
  );
}

const sockets = forEachWrapper((wrap) => [
  {
    it: 'sends messages, Pings, Pongs and the Close',
    run: async (lib, scope) => {
      // A timer that `ws` starts through an object that inherits from it is not cleared.
      const { ws, inbox } = await accepted(lib, scope, { closeTimeout: 20 });
      const wrapped = wrap(ws);
      await new Promise((done) => wrapped.send('text', done));
      wrapped.send(Buffer.from('bytes'));
      wrapped.ping('a');
      wrapped.pong('b');
      wrapped.close(4000, 'bye');
      return framesSeen(inbox, 5);
    },
    expected: ['text text', 'binary bytes', 'ping a', 'pong b', 'close 4000 bye'],
  },
  {
    it: 'has the properties',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope, {}, { 'sec-websocket-protocol': 'chat' });
      const w = wrap(ws);
      const constants = [w.CONNECTING, w.OPEN, w.CLOSING, w.CLOSED];
      const state = [w.readyState, w.protocol, w.extensions, w.bufferedAmount, w.isPaused];
      const hidden = [w._readyState, w._protocol, w._isServer, w._socket?.writable];
      return [constants, state, w.url, w.binaryType, w.onmessage, hidden, w instanceof lib];
    },
    expected: [
      [0, 1, 2, 3],
      [1, 'chat', '', 0, false],
      undefined,
      'nodebuffer',
      null,
      [1, 'chat', true, true],
      true,
    ],
  },
  {
    it: 'takes listeners of all three kinds',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const wrapped = wrap(ws);
      const seen: string[] = [];
      wrapped.on('message', (data: Buffer) => seen.push(`on ${data}`));
      wrapped.addEventListener('message', ({ data }: Untyped) => seen.push(`event ${data}`));
      wrapped.onmessage = ({ data }: Untyped) => seen.push(`onmessage ${data}`);
      peer.write(masked({ payload: 'a' }));
      await until(() => seen.length === 3, 'three calls');
      return [
        seen,
        ws.listenerCount('message') - wrapped.listenerCount('message'),
        typeof wrapped.onmessage,
      ];
    },
    expected: [['on a', 'event a', 'onmessage a'], 0, 'function'],
  },
  {
    it: 'pauses and resumes',
    run: async (lib, scope) => {
      const { ws, peer, events } = await accepted(lib, scope);
      const wrapped = wrap(ws);
      wrapped.pause();
      peer.write(masked({ payload: 'later' }));
      await turns();
      const meanwhile = [...events];
      const { isPaused } = wrapped;
      wrapped.resume();
      await until(() => events.length > 0, 'the message');
      return [meanwhile, isPaused, events, wrapped.isPaused];
    },
    expected: [[], true, ['message later'], false],
  },
  {
    it: 'is terminated',
    run: async (lib, scope) => {
      const { ws, wss, events } = await accepted(lib, scope);
      wrap(ws).terminate();
      await closed(ws);
      await turns();
      return [events, wss.clients.size];
    },
    expected: [['close 1006'], 0],
  },
  {
    it: 'becomes a stream',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      const stream = lib.createWebSocketStream(wrap(ws), { encoding: 'utf8' });
      stream.on('error', () => {});
      stream.write('written');
      const data = next(stream, 'data');
      peer.write(masked({ payload: 'read' }));
      return [await frameSeen(inbox), await data];
    },
    expected: ['binary written', ['read']],
  },
  {
    it: '_sender and _receiver are those of the WebSocket',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      const seen: string[] = [];
      const wrapped = wrap(ws);
      for (const one of [ws, wrapped]) {
        one._receiver.on('ping', (data: Buffer) => seen.push(`ping ${data}`));
      }
      peer.write(masked({ opcode: OPCODE.PING, payload: 'a' }));
      const pong = await frameSeen(inbox);
      wrapped._sender.sendFrame(lib.Sender.frame(Buffer.from('b'), { opcode: 1, fin: true }));
      return [seen, pong, await frameSeen(inbox)];
    },
    expected: [['ping a', 'ping a'], 'pong a', 'text b'],
  },
  {
    it: 'a client that is connecting: send throws, the handshake is aborted',
    run: async (lib, scope) => {
      const { ws, events } = await requested(lib, scope);
      const wrapped = wrap(ws);
      wrapped.on('error', () => {});
      const { url, readyState } = wrapped;
      const error = thrown(() => wrapped.send('early'));
      ws.close();
      await closed(ws);
      await turns();
      return [url, readyState, error, events];
    },
    expected: [
      'ws://server.example.com/chat',
      0,
      'Error: WebSocket is not open: readyState 0 (CONNECTING)',
      ['error WebSocket was closed before the connection was established', 'close 1006'],
    ],
  },
]);

const servers = forEachWrapper((wrap) => [
  {
    it: 'of a server: accepts upgrades, and closes',
    run: async (lib, scope) => {
      const wss = new lib.WebSocketServer({ noServer: true });
      const wrapped = wrap(wss);
      wrapped.on('connection', (ws: Untyped) => scope.track(ws).send('welcome'));
      const [peer, wire] = scope.wire();
      const inbox = new Inbox(peer);
      const request = requestOf(wire);
      wrapped.handleUpgrade(request, wire, Buffer.alloc(0), (ws: Untyped) => {
        wrapped.emit('connection', ws, request);
      });
      const { startLine } = await inbox.message();
      const frame = await frameSeen(inbox);
      const { size } = wrapped.clients;
      for (const ws of wrapped.clients) ws.terminate();
      await new Promise((done) => wrapped.close(done));
      return [startLine, frame, size, wss.clients.size];
    },
    expected: ['HTTP/1.1 101 Switching Protocols', 'text welcome', 1, 0],
  },
]);

table([...sockets, ...servers]);
