/** The order and the ticks of events. */

import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { OPCODE } from '../support/frames.js';
import { Inbox, turns, until } from '../support/inbox.js';
import { upgradeRequest } from '../support/requests.js';
import {
  accepted,
  connected,
  frameSeen,
  masked,
  next,
  opened,
  ROLES,
  rawConnection,
  requestOf,
  to,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { type Row, table } from './table.js';

const three = (): Buffer =>
  Buffer.concat([
    masked({ payload: 'a' }),
    masked({ opcode: OPCODE.PING, payload: 'b' }),
    masked({ payload: 'c' }),
  ]);

table([
  {
    id: 'T1 S16 W17 V8.15',
    it: 'messages that came together are events of the same tick',
    run: async (lib, scope) => {
      const { peer, events } = await accepted(lib, scope);
      peer.write(three());
      return [...events];
    },
    expected: ['message a', 'ping b', 'message c'],
  },
  {
    id: 'T1 S16 B11',
    it: 'with allowSynchronousEvents: false, one in a turn of the loop',
    run: async (lib, scope) => {
      const { peer, ws, events } = await accepted(lib, scope, { allowSynchronousEvents: false });
      const perTurn: number[] = [];
      ws.on('message', () => {
        const before = events.length;
        process.nextTick(() => Promise.resolve().then(() => perTurn.push(events.length - before)));
      });
      peer.write(three());
      const atOnce = events.length;
      await until(() => perTurn.length === 2, 'both messages');
      return [atOnce <= 1, perTurn, events];
    },
    expected: [true, [0, 0], ['message a', 'ping b', 'message c']],
  },
  {
    id: 'T1 W17',
    it: 'with allowSynchronousEvents: false a client may wait for each message in turn',
    run: async (lib, scope) => {
      const { peer, ws } = await connected(lib, scope, { allowSynchronousEvents: false });
      const seen: string[] = [];
      const first = next<[Buffer]>(ws, 'message');
      peer.write(Buffer.concat(['1', '2', '3'].map((payload) => to('client', { payload }))));
      seen.push(String((await first)[0]));
      while (seen.length < 3) {
        const [data] = await new Promise<[Buffer]>((done) =>
          ws.once('message', (...args: [Buffer]) => done(args)),
        );
        seen.push(String(data));
      }
      return seen;
    },
    expected: ['1', '2', '3'],
  },
  {
    id: 'T2',
    it: 'what came with the upgrade is delivered after connection',
    run: async (lib, scope) => {
      const http = createServer();
      const wss = new lib.WebSocketServer({ server: http });
      const seen: string[] = [];
      wss.on('connection', (ws: Untyped) => {
        scope.track(ws);
        ws.on('message', (data: Buffer) => seen.push(String(data)));
        seen.push('connection');
      });
      const inbox = rawConnection(scope, http);
      const early = masked({ payload: 'early' });
      (inbox.stream as Untyped).write(Buffer.concat([Buffer.from(upgradeRequest()), early]));
      await until(() => seen.length === 2, 'a message');
      return seen;
    },
    expected: ['connection', 'early'],
  },
  {
    id: 'T3',
    it: 'a message without a listener is lost',
    run: async (lib, scope) => {
      const [peer, wire] = scope.wire();
      const wss = new lib.WebSocketServer({ noServer: true });
      let ws: Untyped;
      wss.handleUpgrade(requestOf(wire), wire, Buffer.alloc(0), (client: Untyped) => {
        ws = scope.track(client);
      });
      await new Inbox(peer).message();
      peer.write(masked({ payload: 'unheard' }));
      await turns();
      const seen: string[] = [];
      ws.on('message', (data: Buffer) => seen.push(String(data)));
      peer.write(masked({ payload: 'heard' }));
      await until(() => seen.length > 0, 'a message');
      return seen;
    },
    expected: ['heard'],
  },
  ...ROLES.map(
    (role): Row => ({
      id: 'T6',
      it: `a pong echoes the payload, 125 bytes too (${role})`,
      run: async (lib, scope) => {
        const { peer, inbox } = await opened(role, lib, scope);
        peer.write(to(role, { opcode: OPCODE.PING }));
        peer.write(to(role, { opcode: OPCODE.PING, payload: 'x'.repeat(125) }));
        const first = await frameSeen(inbox);
        return [first, (await frameSeen(inbox)).length];
      },
      expected: ['pong', 130],
    }),
  ),
  {
    id: 'T6',
    it: 'a ping is answered also while much waits to be written',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      peer.pause();
      for (let i = 0; i < 5; i++) ws.send(Buffer.alloc(50_000));
      await turns(2);
      peer.write(masked({ opcode: OPCODE.PING, payload: 'p' }));
      await turns(2);
      peer.resume();
      let seen = '';
      while (!seen.startsWith('pong')) seen = await frameSeen(inbox);
      return seen;
    },
    expected: 'pong p',
  },
  {
    id: 'T7 V8.14',
    it: 'the socket has no timeout and no delay; a Duplex without these is fine',
    run: async (lib, scope) => {
      const [peer, wire] = scope.wire();
      const calls: unknown[] = [];
      Object.assign(wire, {
        setTimeout: (...args: unknown[]) => calls.push('setTimeout', args[0]),
        setNoDelay: (...args: unknown[]) => calls.push('setNoDelay', args[0] !== false),
      });
      const wss = new lib.WebSocketServer({ noServer: true });
      wss.handleUpgrade(requestOf(wire), wire, Buffer.alloc(0), (ws: Untyped) => scope.track(ws));
      await new Inbox(peer).message();
      return calls;
    },
    expected: ['setTimeout', 0, 'setNoDelay', true],
  },
  {
    id: 'S35 V8.14',
    it: 'any Duplex does, one that buffers as well',
    run: async (lib, scope) => {
      const written: Buffer[] = [];
      const wire = new Duplex({
        read() {},
        write(chunk, _encoding, done) {
          written.push(chunk);
          done();
        },
      });
      const wss = new lib.WebSocketServer({ noServer: true });
      wss.handleUpgrade(requestOf(wire), wire, Buffer.alloc(0), (ws: Untyped) => {
        scope.track(ws).send('hello');
      });
      await turns();
      const text = Buffer.concat(written).toString('latin1');
      return [text.startsWith('HTTP/1.1 101 '), text.slice(text.indexOf('\r\n\r\n') + 4)];
    },
    expected: [true, '\x81\x05hello'],
  },
]);
