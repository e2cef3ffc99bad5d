/** Ways in which published packages use `ws`. */

import { readFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { uncaught } from '../support/process-events.js';
import { SAMPLE_KEY, upgradeRequest } from '../support/requests.js';
import {
  accepted,
  answered,
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
  requestOf,
  responseTo,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { table } from './table.js';

const pem = (name: string): string => readFileSync(join(__dirname, '../support/tls', name), 'utf8');

/** Two streams of a program's own, each the other's far side. */
function duplexes(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

table([
  {
    id: 'private-3',
    it: 'a test helper injects a connection: own streams, a plain request, setSocket',
    run: async (lib, scope) => {
      const [ours, theirs] = duplexes();
      const client = scope.track(new lib(null, undefined, { isServer: false }));
      const wss = new lib.WebSocketServer({ noServer: true });
      const seen: string[] = [];
      client._isServer = false;
      client.on('open', () => seen.push('open'));
      client.on('message', (data: Buffer) => seen.push(String(data)));
      ours.once('data', (chunk: Buffer) => {
        seen.push(String(chunk.subarray(0, 12)));
        ours.removeAllListeners('data');
        client.setSocket(ours, Buffer.alloc(0), { maxPayload: 0 });
        client.send('to you');
      });
      const headers = {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': 13,
        'sec-websocket-key': SAMPLE_KEY,
      };
      const request = { method: 'GET', httpVersion: '1.1', url: '/', headers, socket: theirs };
      wss.handleUpgrade(request, theirs, Buffer.alloc(0), (ws: Untyped) => {
        scope.track(ws);
        ws.on('message', (data: Buffer) => ws.send(`${data} too`));
      });
      await until(() => seen.length === 3, 'an answer');
      return seen;
    },
    expected: ['HTTP/1.1 101', 'open', 'to you too'],
  },
  {
    id: 'private-5',
    it: 'members may be replaced and added: address, path, shouldHandle, handleUpgrade',
    run: async (lib, scope) => {
      const calls: string[] = [];
      const answer = await responseTo(lib, scope, {}, upgradeRequest(), (wss) => {
        const { handleUpgrade } = wss;
        wss.address = () => 'ours';
        wss.path = '/ws';
        wss.handleUpgrade = (...args: unknown[]) => {
          calls.push(wss.address(), wss.path);
          handleUpgrade.apply(wss, args);
        };
        wss.shouldHandle = () => calls.push('shouldHandle') > 0;
      });
      return [answer.status, calls];
    },
    expected: [101, ['ours', '/ws', 'shouldHandle']],
  },
  {
    id: 'private-5',
    it: 'close and ping of a WebSocket replaced by Object.assign',
    run: async (lib, scope) => {
      const { ws, inbox } = await accepted(lib, scope);
      const { ping, close } = ws;
      const calls: string[] = [];
      Object.assign(ws, {
        ping: () => {
          calls.push('ping');
          ping.call(ws, 'ours');
        },
        close: () => {
          calls.push('close');
          close.call(ws, 1000);
        },
      });
      ws.ping();
      ws.close();
      return [calls, await framesSeen(inbox, 2)];
    },
    expected: [
      ['ping', 'close'],
      ['ping ours', 'close 1000'],
    ],
  },
  {
    id: 'private-6',
    it: 'a tracer wraps the methods of the prototypes',
    run: async (lib, scope) => {
      const calls: string[] = [];
      const wrap = (proto: Untyped, name: string): void => {
        const own = Object.getOwnPropertyDescriptor(proto, name);
        const original = proto[name];
        proto[name] = function (...args: unknown[]) {
          calls.push(name);
          return original.apply(this, args);
        };
        scope.later(() => {
          if (own) Object.defineProperty(proto, name, own);
          else delete proto[name];
        });
      };
      for (const name of ['send', 'close', 'setSocket']) wrap(lib.prototype, name);
      wrap(lib.WebSocketServer.prototype, 'handleUpgrade');
      const { ws } = await accepted(lib, scope);
      ws.send('a');
      ws.close();
      return calls;
    },
    expected: ['handleUpgrade', 'setSocket', 'send', 'close'],
  },
  {
    id: 'private-6 B6',
    it: 'and reads the status in the first line of headers',
    run: async (lib, scope) => {
      let status: unknown;
      await responseTo(lib, scope, {}, upgradeRequest(), (wss) => {
        wss.on('headers', (headers: string[]) => {
          status = headers[0]?.split(' ')[1];
        });
      });
      return status;
    },
    expected: '101',
  },
  {
    id: 'B1',
    it: 'JSON.parse takes a message as it is',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const message = next<[Untyped]>(ws, 'message');
      peer.write(masked({ payload: '{"a":[1]}' }));
      return JSON.parse((await message)[0]);
    },
    expected: { a: [1] },
  },
  {
    id: 'B2',
    it: 'what looks for addEventListener first finds it, and on() as well',
    run: (lib) => {
      const ws = new lib(null, undefined, {});
      const names = ['addEventListener', 'removeEventListener', 'on', 'off', 'once', 'addListener'];
      return names.map((name) => typeof ws[name]);
    },
    expected: Array(6).fill('function'),
  },
  {
    id: 'B7',
    it: 'a listener of connection may be handed to handleUpgrade as it is',
    run: async (lib, scope) => {
      const [, wire] = scope.wire();
      const wss = new lib.WebSocketServer({ noServer: true });
      const seen: unknown[] = [];
      wss.on('connection', (ws: Untyped, request: Untyped) => {
        seen.push(ws.readyState, request.url);
        scope.track(ws);
      });
      const emit = wss.emit.bind(wss, 'connection');
      wss.handleUpgrade(requestOf(wire), wire, Buffer.alloc(0), emit);
      return seen;
    },
    expected: [1, '/chat'],
  },
  {
    id: 'B8 U10',
    it: 'a server is disposed of: handleProtocols set, clients closed, then close(cb)',
    run: async (lib, scope) => {
      const { wss, port } = await listening(lib, scope);
      wss.options.handleProtocols = (responseTo: Set<string>) =>
        responseTo.has('graphql-transport-ws') ? 'graphql-transport-ws' : false;
      const seen: unknown[] = [];
      wss.on('connection', (socket: Untyped) => {
        const { protocol } = socket;
        seen.push(protocol, socket.readyState === socket.OPEN);
        socket.once('pong', () => {
          seen.push('pong');
          for (const client of wss.clients) client.close(1001, 'Going away');
          wss.removeAllListeners();
          wss.close((error?: Error) => seen.push(error ?? 'closed'));
        });
        socket.ping();
        socket.once('close', (code: number) => seen.push(code));
      });
      const url = `ws://127.0.0.1:${port}`;
      const client = scope.track(new lib(url, ['other', 'graphql-transport-ws']));
      const [code, reason] = await next<[number, Buffer]>(client, 'close');
      await until(() => seen.includes('closed'), 'the server to close');
      return [seen.filter((each) => each !== 'closed'), code, String(reason)];
    },
    expected: [['graphql-transport-ws', true, 'pong', 1001], 1001, 'Going away'],
  },
  {
    id: 'U11 B9',
    it: 'an engine on top: noServer, no tracking, headers, send with and without options',
    run: async (lib, scope) => {
      const http = createServer();
      const engine = new lib.Server({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: { threshold: 1024 },
        maxPayload: 1e6,
      });
      engine.on('headers', (headers: string[], request: Untyped) => {
        const additional = { 'Set-Cookie': 'io=1', 'X-Query': request._query };
        for (const [name, value] of Object.entries(additional)) headers.push(`${name}: ${value}`);
      });
      let drained = 0;
      http.on('upgrade', (request: Untyped, socket, head) => {
        request._query = 'EIO=4';
        engine.handleUpgrade(request, socket, head, (ws: Untyped) => {
          scope.track(ws);
          const done = (error?: Error | null): void => {
            if (!error) drained++;
          };
          ws.once('close', () => {});
          ws.send('0{}', { compress: false }, done);
          ws.send('2probe', { compress: true }, done);
          ws.send('3', done);
        });
      });
      const port = await scope.listen(http);
      const client = scope.track(
        new lib(`ws://127.0.0.1:${port}/engine.io/?EIO=4`, {
          agent: false,
          headers: { cookie: ['a=1', 'b=2'] },
          perMessageDeflate: { threshold: 1024 },
          rejectUnauthorized: true,
        }),
      );
      const seen: unknown[] = [];
      client.on('upgrade', ({ headers }: Untyped) =>
        seen.push(headers['set-cookie'], headers['x-query']),
      );
      client.onmessage = ({ data }: Untyped) => seen.push(data);
      await until(() => seen.length === 5 && drained === 3, 'three messages');
      return seen;
    },
    expected: [['io=1'], 'EIO=4', '0{}', '2probe', '3'],
  },
  {
    id: 'B10',
    it: 'ping gets a function only; a reason is handed on as the Buffer that came',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await accepted(lib, scope);
      const other = await connected(lib, scope);
      ws.on('close', (code: number, reason: Buffer) => other.ws.close(code, reason));
      const called = await answered((done) => ws.ping(done));
      const ping = await frameSeen(inbox);
      peer.write(closeTo('server', 4001, 'handed on'));
      peer.end();
      return [called, ping, await frameSeen(other.inbox)];
    },
    expected: ['no error', 'ping', 'close 4001 handed on'],
  },
  {
    id: 'B11',
    it: 'maxPayload is exceeded: 1009 at the other side',
    run: async (lib, scope) => {
      const { client } = await connectedPair(lib, scope, { maxPayload: 10 });
      client.send('x'.repeat(11));
      return (await next<[number]>(client, 'close'))[0];
    },
    expected: 1009,
  },
  {
    id: 'B12',
    it: 'setMaxListeners, and removeAllListeners before the end',
    run: async (lib, scope) => {
      const { wss, ws, request } = await connectedPair(lib, scope);
      ws.setMaxListeners(0);
      Object.assign(request, { params: { room: 'a' } });
      const max = ws.getMaxListeners();
      ws.removeAllListeners('message');
      ws.terminate();
      await closed(ws);
      return [max, request.params.room, wss.clients.size];
    },
    expected: [0, 'a', 0],
  },
  {
    id: 'B12',
    it: "removeAllListeners('close') takes the server's own listener as well",
    run: async (lib, scope) => {
      const { wss, ws } = await connectedPair(lib, scope);
      ws.removeAllListeners('close');
      ws.terminate();
      await closed(ws);
      return wss.clients.size;
    },
    expected: 1,
    differs: { expected: 0, why: 'a client that is gone stays in nobody’s Set' },
  },
  {
    id: 'B13',
    it: 'options that are not ours do no harm',
    run: async (lib, scope) => {
      const options = {
        agent: undefined,
        headers: { cookie: ['a=1', 'b=2'], 'x-list': ['1', '2'] },
        rewriteRequestHeaders: () => {},
        timeout: 1,
        objectMode: false,
        isServer: true,
        origin: undefined,
        family: undefined,
      };
      const { ws, request, inbox } = await connected(lib, scope, options);
      ws.send('a');
      const { masked: isMasked, payload } = await inbox.frame();
      return [request.all('cookie'), isMasked, String(payload)];
    },
    expected: [['a=1; b=2'], true, 'a'],
  },
  {
    id: 'B13',
    it: 'the same options go to createWebSocketStream',
    run: async (lib, scope) => {
      const options = { headers: {}, protocols: ['mqtt'], perMessageDeflate: false };
      const { ws, inbox } = await accepted(lib, scope);
      const stream = lib.createWebSocketStream(ws, options);
      scope.later(() => stream.destroy());
      stream.write('CONNECT');
      return frameSeen(inbox);
    },
    expected: 'binary CONNECT',
  },
  {
    id: 'B14 W20',
    it: 'an agent makes the connection',
    run: async (lib, scope) => {
      const { port } = await listening(lib, scope);
      class Tunnel extends Agent {
        responseTo: unknown[] = [];
        override createConnection({ host, port: to }: Untyped): Untyped {
          this.responseTo.push(host, Number(to));
          return connect(port, '127.0.0.1');
        }
      }
      const agent = new Tunnel();
      scope.later(() => agent.destroy());
      const ws = scope.track(new lib('ws://behind.example:81/', { agent }));
      await next(ws, 'open');
      return [agent.responseTo, ws.readyState];
    },
    expected: [['behind.example', 81], 1],
  },
  {
    id: 'B14 W13',
    it: 'TLS: refused unless ca or rejectUnauthorized says otherwise',
    run: async (lib, scope) => {
      const server = createHttpsServer({
        key: pem('localhost-key.pem'),
        cert: pem('localhost-cert.pem'),
      });
      const wss = new lib.WebSocketServer({ server });
      wss.on('connection', (ws: Untyped) => scope.track(ws));
      const port = await scope.listen(server);
      const seen: unknown[] = [];
      for (const options of [{}, { rejectUnauthorized: false }]) {
        const ws = scope.track(new lib(`wss://localhost:${port}`, options));
        ws.on('open', () => seen.push('open'));
        ws.on('error', ({ code }: NodeJS.ErrnoException) => seen.push(typeof code));
        const before = seen.length;
        await until(() => seen.length > before, 'open or error');
        ws.terminate();
        await closed(ws);
      }
      return seen;
    },
    expected: ['string', 'open'],
  },
  {
    id: 'W64',
    it: 'an error without a listener, on a server',
    run: async (lib, scope) => {
      const caught = uncaught(scope);
      const { ws, peer } = await accepted(lib, scope);
      ws.removeAllListeners('error');
      setImmediate(() => peer.write(masked({ rsv: 1 })));
      await until(() => ws.readyState > 1, 'the end of the connection');
      await turns();
      return caught.map((error) => /RSV2 and RSV3 must be clear/.test(String(error)));
    },
    expected: [true],
    differs: { expected: [], why: 'no peer may end the process' },
  },
  {
    id: 'B4',
    it: 'what a test environment listens for: once upgrade, then open',
    run: async (lib, scope) => {
      const { client, ws } = await connectedPair(
        lib,
        scope,
        {},
        { headers: { 'user-agent': 'jsdom' } },
      );
      const message = next<[Buffer, boolean]>(client, 'message');
      ws.send('a', { binary: true });
      const [data, isBinary] = await message;
      return [String(data), isBinary, client.extensions, client.protocol];
    },
    expected: ['a', true, '', ''],
  },
  {
    id: 'B3',
    it: 'ping, pong, upgrade, redirect and unexpected-response come by on()',
    run: async (lib, scope) => {
      const { ws, peer } = await accepted(lib, scope);
      const seen: string[] = [];
      for (const name of ['ping', 'pong']) {
        ws.addEventListener(name, () => seen.push(`${name} added`));
        ws.on(name, () => seen.push(name));
      }
      const ping = masked({ opcode: OPCODE.PING });
      peer.write(Buffer.concat([ping, masked({ opcode: OPCODE.PONG })]));
      await until(() => seen.length === 2, 'two events');
      const { ws: client } = await requested(lib, scope);
      return [seen, client.listenerCount('upgrade')];
    },
    expected: [['ping', 'pong'], 0],
  },
  {
    id: 'B12',
    it: 'a program may emit message itself',
    run: async (lib, scope) => {
      const { ws } = await accepted(lib, scope);
      const seen: unknown[] = [];
      ws.onmessage = ({ data }: Untyped) => seen.push(data);
      ws.emit('message', Buffer.from('by hand'), false);
      return seen;
    },
    expected: ['by hand'],
  },
]);
