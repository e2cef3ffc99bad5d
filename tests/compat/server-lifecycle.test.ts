/** Properties, methods and events of a server. */

import { createServer } from 'node:http';
import { Inbox, turns, until } from '../support/inbox.js';
import { SAMPLE_KEY, upgradeRequest } from '../support/requests.js';
import {
  accepted,
  connectedPair,
  listening,
  next,
  rawConnection,
  requestOf,
  responseTo,
  said,
  thrown,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { table } from './table.js';

const nothing = Buffer.alloc(0);

const callback = (): { seen: string[]; done: (error?: Error) => void } => {
  const seen: string[] = [];
  return { seen, done: (error) => seen.push(said(error)) };
};

table([
  {
    id: 'S30 private-4 U10',
    it: 'options are read at each upgrade',
    run: async (lib, scope) => {
      const wss = new lib.WebSocketServer({ noServer: true });
      const answers: unknown[] = [];
      const ask = async (): Promise<void> => {
        const [peer, wire] = scope.wire();
        const request = requestOf(wire, { 'sec-websocket-protocol': 'a, b' });
        wss.handleUpgrade(request, wire, nothing, (ws: Untyped) => scope.track(ws));
        const answer = await new Inbox(peer).message();
        answers.push([answer.status, ...answer.all('sec-websocket-protocol')]);
      };
      await ask();
      wss.options.handleProtocols = () => 'b';
      await ask();
      wss.options.verifyClient = () => false;
      await ask();
      return answers;
    },
    expected: [[101, 'a'], [101, 'b'], [401]],
  },
  {
    id: 'S31',
    it: 'a client is in clients when connection is emitted and gone at its close',
    run: async (lib, scope) => {
      const { wss, ws, client } = await connectedPair(lib, scope);
      const before = wss.clients.has(ws);
      let atClose: unknown;
      ws.on('close', () => {
        atClose = wss.clients.has(ws);
      });
      client.close();
      await Promise.all([next(ws, 'close'), next(client, 'close')]);
      return [before, atClose, wss.clients.size];
    },
    expected: [true, false, 0],
  },
  {
    id: 'S32',
    it: 'address() of a server that is given, and of noServer',
    run: async (lib, scope) => {
      const server = createServer();
      const wss = new lib.WebSocketServer({ server });
      const before = wss.address();
      const port = await scope.listen(server);
      const detached = new lib.WebSocketServer({ noServer: true });
      return [before, wss.address().port === port, thrown(() => detached.address())];
    },
    expected: [null, true, 'Error: The server is operating in "noServer" mode'],
  },
  {
    id: 'S32',
    it: 'address() is null once the server is closed',
    run: async (lib) => {
      const wss = new lib.WebSocketServer({ port: 0 });
      await next(wss, 'listening');
      const open = wss.address() !== null;
      wss.close();
      const closing = wss.address();
      await next(wss, 'close');
      return [open, closing, wss.address()];
    },
    expected: [true, null, null],
  },
  {
    id: 'S33 S44 V8.0 B8',
    it: 'close() leaves clients open, and calls back when the last one is gone',
    run: async (lib, scope) => {
      const { wss, ws, client } = await connectedPair(lib, scope);
      const { seen, done } = callback();
      wss.on('close', () => seen.push('close'));
      wss.close(done);
      await turns();
      const before = [ws.readyState, [...seen]];
      client.terminate();
      await until(() => seen.length > 1, "the server's 'close'");
      return [before, seen];
    },
    expected: [
      [1, []],
      ['close', 'no error'],
    ],
  },
  {
    id: 'S33',
    it: 'close() of a server on its own port waits for its clients as well',
    run: async (lib, scope) => {
      const wss = new lib.WebSocketServer({ port: 0, host: '127.0.0.1' });
      await next(wss, 'listening');
      const client = scope.track(new lib(`ws://127.0.0.1:${wss.address().port}`));
      await next(client, 'open');
      const { seen, done } = callback();
      wss.close(done);
      await turns(20);
      const before = [...seen];
      client.terminate();
      await until(() => seen.length > 0, "the server's 'close'");
      return [before, seen];
    },
    expected: [[], ['no error']],
  },
  {
    id: 'S33',
    it: 'close() without clientTracking waits for nobody',
    run: async (lib, scope) => {
      const { wss, ws } = await accepted(lib, scope, { clientTracking: false });
      const { seen, done } = callback();
      wss.close(done);
      const inThisTick = [...seen];
      await turns(2);
      return [inThisTick, seen, ws.readyState];
    },
    expected: [[], ['no error'], 1],
  },
  {
    id: 'S33',
    it: 'close() takes its listeners off a server that was given, at once, and leaves it alone',
    run: (lib) => {
      const server = createServer();
      const names = ['listening', 'error', 'upgrade', 'request', 'close'];
      const before = names.map((name) => server.listenerCount(name));
      let closed = 0;
      server.close = () => {
        closed++;
        return server;
      };
      const wss = new lib.WebSocketServer({ server });
      wss.close();
      return [names.map((name, i) => server.listenerCount(name) - (before[i] ?? 0)), closed];
    },
    expected: [[0, 0, 0, 0, 0], 0],
  },
  {
    id: 'S33 S44 V8.0',
    it: 'close() again, when it is closed, calls back with an error and emits close again',
    run: async (lib) => {
      const wss = new lib.WebSocketServer({ noServer: true });
      const { seen, done } = callback();
      wss.on('close', () => seen.push('close'));
      wss.close(done);
      await until(() => seen.length === 2, 'the first');
      wss.close(done);
      await until(() => seen.length === 4, 'the second');
      return seen;
    },
    expected: ['close', 'no error', 'close', 'Error: The server is not running'],
  },
  {
    id: 'S33',
    it: 'close() twice while it closes: one close, both callbacks',
    run: async (lib) => {
      const wss = new lib.WebSocketServer({ noServer: true });
      const { seen, done } = callback();
      wss.on('close', () => seen.push('close'));
      wss.close(done);
      wss.close(done);
      await turns();
      return seen;
    },
    expected: ['close', 'no error', 'no error'],
  },
  {
    id: 'S34 private-5',
    it: 'shouldHandle may be assigned; it gets the request',
    run: async (lib, scope) => {
      const urls: unknown[] = [];
      const { status } = await responseTo(
        lib,
        scope,
        { path: '/other' },
        upgradeRequest(),
        (wss) => {
          wss.shouldHandle = (request: Untyped) => urls.push(request.url) > 0;
        },
      );
      return [status, urls];
    },
    expected: [101, ['/chat']],
  },
  {
    id: 'S35 B7',
    it: 'handleUpgrade calls back with ws and request, within the call, and emits no connection',
    run: (lib, scope) => {
      const [, wire] = scope.wire();
      const wss = new lib.WebSocketServer({ noServer: true });
      const seen: unknown[] = [];
      wss.on('connection', () => seen.push('connection'));
      const request = requestOf(wire);
      wss.handleUpgrade(request, wire, nothing, (ws: Untyped, ...rest: unknown[]) => {
        scope.track(ws);
        seen.push(ws instanceof lib, ws.readyState, rest.length, rest[0] === request);
      });
      return seen;
    },
    expected: [true, 1, 1, true],
  },
  {
    id: 'S35',
    it: 'handleUpgrade with a socket that is a WebSocket already throws',
    run: async (lib, scope) => {
      const { wss, ws, wire } = await accepted(lib, scope);
      const again = thrown(() => wss.handleUpgrade(requestOf(wire), wire, nothing, () => {}));
      return [again, ws.readyState];
    },
    expected: [
      'Error: server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      1,
    ],
  },
  {
    id: 'S35',
    it: 'two servers on one http server conflict in the same way',
    run: async (lib, scope) => {
      const http = createServer();
      const wss = new lib.WebSocketServer({ server: http });
      wss.on('connection', (ws: Untyped) => scope.track(ws));
      new lib.WebSocketServer({ server: http });
      const upgrade = http.listeners('upgrade')[1] as (...args: unknown[]) => void;
      http.removeListener('upgrade', upgrade as never);
      const seen: string[] = [];
      http.on('upgrade', (...args) => seen.push(thrown(() => upgrade(...args)).slice(0, 51)));
      const inbox = rawConnection(scope, http);
      (inbox.stream as Untyped).write(upgradeRequest());
      const { status } = await inbox.message();
      return [status, seen];
    },
    expected: [101, ['Error: server.handleUpgrade() was called more than ']],
    differs: {
      expected: [101, ['nothing']],
      why: 'servers that share an http server share its requests: no client ends the process',
    },
  },
  {
    id: 'S36 U7',
    it: 'completeUpgrade takes seven arguments and accepts',
    run: async (lib, scope) => {
      const [peer, wire] = scope.wire();
      const wss = new lib.WebSocketServer({ noServer: true });
      const seen: unknown[] = [wss.completeUpgrade.length];
      const protocols = new Set(['a']);
      const done = (ws: Untyped): void => {
        seen.push(scope.track(ws).protocol);
      };
      wss.completeUpgrade({}, SAMPLE_KEY, protocols, requestOf(wire), wire, nothing, done);
      seen.push((await new Inbox(peer).message()).status);
      return seen;
    },
    expected: [7, 'a', 101],
  },
  {
    id: 'S36',
    it: 'completeUpgrade of a socket that is gone calls nobody',
    run: (lib, scope) => {
      const [, wire] = scope.wire();
      const wss = new lib.WebSocketServer({ noServer: true });
      let calls = 0;
      wire.destroy();
      wss.handleUpgrade(requestOf(wire), wire, nothing, () => calls++);
      return [calls, wss.clients.size];
    },
    expected: [0, 0],
  },
  {
    id: 'S37',
    it: 'a program may emit connection itself, with more arguments',
    run: async (lib, scope) => {
      const { wss, ws } = await accepted(lib, scope);
      const seen: unknown[] = [];
      wss.on('connection', (...args: unknown[]) => seen.push(args[0] === ws, args[1], args[2]));
      wss.emit('connection', ws, 'request', 'more');
      wss.removeAllListeners();
      wss.emit('connection', ws);
      return seen;
    },
    expected: [true, 'request', 'more'],
  },
  {
    id: 'S40',
    it: 'connection is emitted with ws and request in server mode',
    run: async (lib, scope) => {
      const { ws, request } = await connectedPair(lib, scope);
      return [ws instanceof lib, request.url, request.headers.upgrade];
    },
    expected: [true, '/', 'websocket'],
  },
  {
    id: 'S41',
    it: 'listening and error of a server that was given are forwarded',
    run: (lib) => {
      const server = createServer();
      const wss = new lib.WebSocketServer({ server });
      const seen: unknown[] = [];
      wss.on('listening', (...args: unknown[]) => seen.push('listening', args.length));
      wss.on('error', (error: Error) => seen.push(error.message));
      server.emit('listening');
      server.emit('error', new Error('of the http server'));
      return seen;
    },
    expected: ['listening', 0, 'of the http server'],
  },
  {
    id: 'S41',
    it: 'a port in use: error',
    run: async (lib, scope) => {
      const { port } = await listening(lib, scope);
      const wss = new lib.WebSocketServer({ port, host: '127.0.0.1' });
      const [error] = await next<[NodeJS.ErrnoException]>(wss, 'error');
      return error.code;
    },
    expected: 'EADDRINUSE',
  },
  {
    id: 'S42 U11 B6',
    it: 'headers has the lines of the answer and the request; what is pushed is sent',
    run: async (lib, scope) => {
      let lines: string[] = [];
      let url: unknown;
      const answer = await responseTo(lib, scope, {}, upgradeRequest(), (wss) => {
        wss.on('headers', (headers: string[], request: Untyped) => {
          lines = [...headers];
          url = request.url;
          headers.push('Set-Cookie: a=1', 'X-Powered-By: us');
        });
      });
      return [lines.slice(0, 3), lines.length, url, answer.fields.slice(3)];
    },
    expected: [
      ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'],
      4,
      '/chat',
      [
        ['Set-Cookie', 'a=1'],
        ['X-Powered-By', 'us'],
      ],
    ],
  },
  {
    id: 'S43 V8.7',
    it: 'a listener of wsClientError answers in place of the server',
    run: async (lib, scope) => {
      let seen: unknown;
      const request = upgradeRequest({ set: { 'Sec-WebSocket-Key': 'short' } });
      const answer = await responseTo(lib, scope, {}, request, (wss) => {
        wss.on('wsClientError', (error: Error, socket: Untyped, { url }: Untyped) => {
          seen = [said(error), url];
          socket.end('HTTP/1.1 400 Not So\r\nContent-Length: 0\r\n\r\n');
        });
      });
      return [seen, answer.startLine];
    },
    expected: [
      ['Error: Missing or invalid Sec-WebSocket-Key header', '/chat'],
      'HTTP/1.1 400 Not So',
    ],
  },
  {
    id: 'S43',
    it: 'wsClientError is not emitted when verifyClient says no',
    run: async (lib, scope) => {
      let told = 0;
      const options = { verifyClient: () => false };
      const { status } = await responseTo(lib, scope, options, upgradeRequest(), (wss) => {
        wss.on('wsClientError', () => told++);
      });
      return [status, told];
    },
    expected: [401, 0],
  },
]);
