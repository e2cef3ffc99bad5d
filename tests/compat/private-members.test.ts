/** Members that `ws` does not document and programs use. */

import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import {
  accepted,
  closed,
  closeTo,
  connected,
  connectedPair,
  frameSeen,
  framesSeen,
  listening,
  masked,
  next,
  requested,
  to,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { table } from './table.js';

table([
  {
    id: 'U1 private-2',
    it: '_socket is the socket',
    run: async (lib, scope) => {
      const { wss, port } = await listening(lib, scope);
      const connection = next<[Untyped]>(wss, 'connection');
      const client = scope.track(new lib(`ws://127.0.0.1:${port}`));
      await next(client, 'open');
      const [ws] = await connection;
      const socket = ws._socket as Socket;
      const names = ['setKeepAlive', 'setNoDelay', 'unref', 'ref', 'write', 'destroy', 'on'];
      const methods = names.map((name) => typeof (socket as Untyped)[name]);
      client._socket.unref();
      client._socket.ref();
      return [
        socket.remoteAddress,
        socket.remotePort === client._socket.localPort,
        typeof socket.bytesWritten,
        socket.destroyed,
        methods,
      ];
    },
    expected: ['127.0.0.1', true, 'number', false, Array(7).fill('function')],
  },
  {
    id: 'U1',
    it: '_socket: null before, kept when it is over',
    run: async (lib, scope) => {
      const { ws } = await requested(lib, scope);
      const before = ws._socket;
      const other = await accepted(lib, scope);
      const same = other.ws._socket === other.wire;
      other.ws.terminate();
      await closed(other.ws);
      return [before, same, other.ws._socket === other.wire];
    },
    expected: [null, true, true],
  },
  {
    id: 'U1',
    it: '_socket.writableNeedDrain and drain show backpressure',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      peer.pause();
      for (let i = 0; i < 3; i++) ws.send(Buffer.alloc(100_000));
      await turns(2);
      const waits = ws._socket.writableNeedDrain;
      let drained = false;
      ws._socket.on('drain', () => {
        drained = true;
      });
      peer.resume();
      await until(() => drained, "'drain'");
      return waits;
    },
    expected: true,
  },
  {
    id: 'U2 private-1 U11',
    it: '_sender.sendFrame sends what Sender.frame made, in turn with send()',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      const options = { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true };
      const list = lib.Sender.frame(Buffer.from('broadcast'), options);
      ws.send('before');
      const called = new Promise((done) => ws._sender.sendFrame(list, done));
      ws.send('after');
      const frames = await framesSeen(inbox, 3);
      await called;
      return [typeof ws._sender.sendFrame, frames];
    },
    expected: ['function', ['text before', 'text broadcast', 'text after']],
  },
  {
    id: 'U2',
    it: '_sender.sendFrame calls back also when there was nothing to send',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      return new Promise((done) => ws._sender.sendFrame([Buffer.alloc(0)], () => done('called')));
    },
    expected: 'called',
  },
  {
    id: 'U3',
    it: '_sender._socket and _bufferedBytes; what is added to _sender stays',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      ws._sender.mine = 5;
      return [ws._sender._socket === ws._socket, ws._sender._bufferedBytes, ws._sender.mine];
    },
    expected: [true, 0, 5],
  },
  {
    id: 'U4',
    it: '_receiver._maxPayload can be read, and tightened',
    run: async (lib, scope) => {
      const { ws, peer, events } = await accepted(lib, scope, { maxPayload: 1_000 });
      const before = ws._receiver._maxPayload;
      ws._receiver._maxPayload = 3;
      peer.write(masked({ payload: 'four' }));
      await until(() => events.length > 0, 'an error');
      return [before, events];
    },
    expected: [1_000, ['error Max payload size exceeded']],
  },
  {
    id: 'U4',
    it: '_receiver._skipUTF8Validation can be set',
    run: async (lib, scope) => {
      const { ws, peer, events } = await accepted(lib, scope);
      ws._receiver._skipUTF8Validation = true;
      peer.write(masked({ payload: Buffer.from([0xff]) }));
      await until(() => events.length > 0, 'a message or an error');
      return events[0]?.split(' ')[0];
    },
    expected: 'message',
  },
  {
    id: 'U4',
    it: "_receiver.on('ping') gets pings; without its listeners they are not answered",
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      const seen: string[] = [];
      ws._receiver.on('ping', (data: Buffer) => seen.push(String(data)));
      peer.write(masked({ opcode: OPCODE.PING, payload: 'a' }));
      const answer = await frameSeen(inbox);
      ws._receiver.removeAllListeners('ping');
      peer.write(masked({ opcode: OPCODE.PING, payload: 'b' }));
      await turns();
      ws.send('c');
      return [seen, answer, await frameSeen(inbox)];
    },
    expected: [['a'], 'pong a', 'text c'],
  },
  {
    id: 'U4',
    it: "_receiver.removeAllListeners('conclude'): a Close is not answered",
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      ws._receiver.removeAllListeners('conclude');
      ws._receiver.removeAllListeners('drain');
      peer.write(closeTo('server', 1000));
      await turns();
      return [ws.readyState, inbox.peek().length];
    },
    expected: [1, 0],
  },
  {
    id: 'U5',
    it: 'who closed: our side',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      const flags = (): unknown => [ws._closeFrameSent, ws._closeFrameReceived];
      const seen = [flags()];
      ws.close(1000, 'bye');
      await frameSeen(inbox);
      seen.push(flags());
      peer.write(closeTo('server', 1000));
      await turns(2);
      seen.push(flags());
      return seen;
    },
    expected: [
      [false, false],
      [true, false],
      [true, true],
    ],
  },
  {
    id: 'U5',
    it: 'who closed: the peer, with code and reason',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const before = [ws._closeCode, String(ws._closeMessage), ws._closeTimer];
      peer.write(closeTo('server', 4000, 'bye'));
      await turns(2);
      return [before, ws._closeCode, String(ws._closeMessage), ws._closeFrameReceived];
    },
    expected: [[1006, '', null], 4000, 'bye', true],
  },
  {
    id: 'U5',
    it: '_closeTimer is a timer while it closes',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      ws.close();
      return [typeof ws._closeTimer?.ref, typeof ws._closeTimer?.hasRef];
    },
    expected: ['function', 'function'],
  },
  {
    id: 'U6',
    it: 'plain fields of a WebSocket',
    run: async (lib, scope) => {
      const server = await accepted(lib, scope);
      const client = await connected(lib, scope, {}, 'chat', 'Sec-WebSocket-Protocol: chat');
      return [server.ws, client.ws].map((ws) => [
        ws._isServer,
        ws._readyState,
        ws._protocol,
        ws._url,
        ws._paused,
        ws._errorEmitted,
        ws._autoPong,
      ]);
    },
    expected: [
      [true, 1, '', undefined, false, false, true],
      [false, 1, 'chat', 'ws://server.example.com/chat', false, false, true],
    ],
  },
  {
    id: 'U6',
    it: '_redirects counts; _req is the request while it connects',
    run: async (lib, scope) => {
      const { ws, request } = await requested(lib, scope);
      const open = ws._req;
      return [ws._redirects, typeof open.setHeader, open.path, request.startLine];
    },
    expected: [0, 'function', '/chat', 'GET /chat HTTP/1.1'],
  },
  {
    id: 'U6',
    it: "_extensions['permessage-deflate'] is there when it was agreed on",
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope, { perMessageDeflate: true });
      const plain = await accepted(lib, scope);
      const pmd = ws._extensions['permessage-deflate'];
      return [
        { ...pmd.params },
        'permessage-deflate' in client._extensions,
        Object.keys(plain.ws._extensions),
      ];
    },
    expected: [{}, true, []],
  },
  {
    id: 'U6',
    it: '_paused and _autoPong follow',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      ws.pause();
      const paused = ws._paused;
      ws.resume();
      ws._autoPong = false;
      peer.write(masked({ opcode: OPCODE.PING, payload: 'p' }));
      await turns();
      ws.send('only this');
      return [paused, ws._paused, await frameSeen(inbox)];
    },
    expected: [true, false, 'text only this'],
  },
  {
    id: 'U6 private-3',
    it: '_isServer may be assigned before setSocket',
    run: async (lib, scope) => {
      const [peer, wire] = scope.wire();
      const ws = scope.track(new lib(null, undefined, { isServer: false }));
      ws._isServer = false;
      const seen: string[] = [];
      ws.on('message', (data: Buffer) => seen.push(String(data)));
      ws.setSocket(wire, Buffer.alloc(0), { maxPayload: 0 });
      peer.write(to('client', { payload: 'unmasked' }));
      await until(() => seen.length > 0, 'a message');
      const bytes = new Promise<Buffer>((done) => peer.once('data', done));
      ws.send('masked');
      return [seen, ((await bytes)[1] ?? 0) >> 7];
    },
    expected: [['unmasked'], 1],
  },
  {
    id: 'U7',
    it: '_server, _state and _removeListeners of a server',
    run: async (lib) => {
      const server = createServer();
      const wss = new lib.WebSocketServer({ server });
      const seen = [wss._server === server, wss._state, typeof wss._removeListeners];
      wss.close();
      seen.push(wss._server, wss._state);
      await next(wss, 'close');
      return [...seen, wss._state];
    },
    expected: [true, 0, 'function', null, 1, 2],
  },
]);
