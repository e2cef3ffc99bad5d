/** Programs written for `ws`, with nothing changed but the name of the package: servers. */

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { message, portOf, turn, useCleanup } from './program-scene.js';

import WebSocket = require('../../src/index.js');

const { WebSocketServer } = WebSocket;

const { closing, listening, client } = useCleanup();

describe('an http server that is shared', () => {
  test('with a REST handler', async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ path: request.url }));
    });
    const wss = closing(new WebSocketServer({ server, path: '/socket' }));
    wss.on('connection', (ws) => ws.send('welcome'));
    const port = await listening(server);
    const before = await fetch(`http://localhost:${port}/api`);
    expect(await before.json()).toEqual({ path: '/api' });
    const ws = client(`ws://localhost:${port}/socket`);
    expect(await message(ws)).toBe('welcome');
    const lost = client(`ws://localhost:${port}/elsewhere`);
    const [error] = (await once(lost, 'error')) as [Error];
    expect(error.message).toMatch(/^Unexpected server response: 40[04]$/);
    const after = await fetch(`http://localhost:${port}/socket`);
    expect(await after.json()).toEqual({ path: '/socket' });
  });

  test('by two servers, each with its path', async () => {
    const server = createServer();
    const wss1 = closing(new WebSocketServer({ noServer: true }));
    const wss2 = closing(new WebSocketServer({ noServer: true }));
    wss1.on('connection', (ws) => ws.send('foo'));
    wss2.on('connection', (ws) => ws.send('bar'));
    server.on('upgrade', function upgrade(request, socket, head) {
      const { pathname } = new URL(request.url ?? '', 'wss://base.url');
      if (pathname === '/foo') {
        wss1.handleUpgrade(request, socket, head, function done(ws) {
          wss1.emit('connection', ws, request);
        });
      } else if (pathname === '/bar') {
        wss2.handleUpgrade(request, socket, head, function done(ws) {
          wss2.emit('connection', ws, request);
        });
      } else {
        socket.destroy();
      }
    });
    const port = await listening(server);
    expect(await message(client(`ws://localhost:${port}/foo?a=b`))).toBe('foo');
    expect(await message(client(`ws://localhost:${port}/bar`))).toBe('bar');
    const [error] = (await once(client(`ws://localhost:${port}/baz`), 'error')) as [Error];
    expect(error.message).toBe('socket hang up');
    expect([wss1.clients.size, wss2.clients.size]).toEqual([1, 1]);
  });
});

describe('authentication of clients', () => {
  test("before handleUpgrade, in the http server's 'upgrade'", async () => {
    const server = createServer();
    const wss = closing(new WebSocketServer({ noServer: true }));
    wss.on('connection', (ws: WebSocket, _request: IncomingMessage, user: string) => {
      ws.on('message', (data) => ws.send(`${user} said ${data}`));
    });
    function onSocketError(error: Error): void {
      console.error(error);
    }
    function authenticate(
      request: IncomingMessage,
      done: (error: Error | null, user?: string) => void,
    ) {
      const user = /^user=(\w+)$/.exec(request.headers.cookie ?? '')?.[1];
      setImmediate(() => (user ? done(null, user) : done(new Error('unknown'))));
    }
    server.on('upgrade', function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer) {
      socket.on('error', onSocketError);
      authenticate(request, function next(err, user) {
        if (err || !user) {
          socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n');
          socket.destroy();
          return;
        }
        socket.removeListener('error', onSocketError);
        wss.handleUpgrade(request, socket, head, function done(ws) {
          wss.emit('connection', ws, request, user);
        });
      });
    });
    const port = await listening(server);
    const known = client(`ws://localhost:${port}`, undefined, { headers: { Cookie: 'user=ada' } });
    known.on('open', () => known.send('hello'));
    expect(await message(known)).toBe('ada said hello');
    const unknown = client(`ws://localhost:${port}`);
    const [error] = (await once(unknown, 'error')) as [Error];
    expect(error.message).toBe('Unexpected server response: 401');
  });

  test('by verifyClient', async () => {
    const wss = closing(
      new WebSocketServer({
        port: 0,
        verifyClient: (info: { origin: string; secure: boolean; req: IncomingMessage }) =>
          info.origin === 'https://example.com' && !info.secure,
      }),
    );
    const port = await portOf(wss);
    const friend = client(`ws://localhost:${port}`, undefined, { origin: 'https://example.com' });
    await once(friend, 'open');
    const stranger = client(`ws://localhost:${port}`, undefined, { origin: 'https://example.org' });
    const events: unknown[] = [];
    stranger.on('error', (error) => events.push(error.message));
    const closed = new Promise((done) => stranger.on('close', done));
    expect(await closed).toBe(1006);
    expect(events).toEqual(['Unexpected server response: 401']);
  });

  test('by verifyClient with a callback, and a token in the URL', async () => {
    const users = new Map([['secret', 'ada']]);
    interface Known extends IncomingMessage {
      user?: string;
    }
    const wss = closing(
      new WebSocketServer({
        port: 0,
        verifyClient: (info, next) => {
          const request: Known = info.req;
          const token = new URL(request.url ?? '', 'ws://base').searchParams.get('token');
          const user = users.get(token ?? '');
          if (user === undefined) return next(false, 403, 'Who are you?');
          request.user = user;
          setImmediate(() => next(true));
        },
      }),
    );
    wss.on('connection', (ws, request: Known) => ws.send(`hello ${request.user}`));
    const port = await portOf(wss);
    expect(await message(client(`ws://localhost:${port}/?token=secret`))).toBe('hello ada');
    const stranger = client(`ws://localhost:${port}/?token=guess`);
    const [, response] = (await once(stranger, 'unexpected-response')) as [
      unknown,
      IncomingMessage,
    ];
    expect(response.statusCode).toBe(403);
    const body = await new Promise((done) => response.once('data', (data) => done(String(data))));
    expect(body).toBe('Who are you?');
  });

  test('by a first message', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      ws.once('message', (data) => {
        if (String(data) !== 'secret') return ws.close(4001, 'unauthorized');
        ws.send('ready');
        ws.on('message', (more) => ws.send(`got ${more}`));
      });
    });
    const port = await portOf(wss);
    const friend = client(`ws://localhost:${port}`);
    friend.on('open', () => friend.send('secret'));
    expect(await message(friend)).toBe('ready');
    friend.send('work');
    expect(await message(friend)).toBe('got work');
    const stranger = client(`ws://localhost:${port}`);
    stranger.on('open', () => stranger.send('guess'));
    const [code, reason] = (await once(stranger, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4001, 'unauthorized']);
  });
});

describe('subprotocols', () => {
  test('the first that is asked for is chosen', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => ws.send(ws.protocol));
    const ws = client(`ws://localhost:${await portOf(wss)}`, ['graphql-ws', 'json']);
    expect(await message(ws)).toBe('graphql-ws');
    expect(ws.protocol).toBe('graphql-ws');
  });

  test('handleProtocols chooses, also when it is set after construction', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.options.handleProtocols = (protocols) => (protocols.has('json') ? 'json' : false);
    const port = await portOf(wss);
    const ws = client(`ws://localhost:${port}`, ['graphql-ws', 'json']);
    await once(ws, 'open');
    expect(ws.protocol).toBe('json');
    const other = client(`ws://localhost:${port}`, 'xml');
    const [error] = (await once(other, 'error')) as [Error];
    expect(error.message).toBe('Server sent no subprotocol');
  });
});

describe('the request of a connection', () => {
  test('gives address, headers and URL', async () => {
    const wss = closing(new WebSocketServer({ port: 0, host: '127.0.0.1' }));
    wss.on('connection', function connection(ws, req) {
      const ip = req.socket.remoteAddress;
      const forwarded = String(req.headers['x-forwarded-for']).split(',')[0]?.trim();
      ws.send(JSON.stringify({ ip, forwarded, url: req.url }));
    });
    const headers = { 'X-Forwarded-For': '10.0.0.1, 10.0.0.2' };
    const url = `ws://127.0.0.1:${await portOf(wss)}/room?id=7`;
    const ws = client(url, undefined, { headers });
    expect(JSON.parse(await message(ws))).toEqual({
      ip: '127.0.0.1',
      forwarded: '10.0.0.1',
      url: '/room?id=7',
    });
  });

  test("its answer's headers are set in 'headers'; the client sees them in 'upgrade'", async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('headers', (headers) => headers.push('Set-Cookie: sid=1'));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const [response] = (await once(ws, 'upgrade')) as [IncomingMessage];
    expect(response.headers['set-cookie']).toEqual(['sid=1']);
  });
});

describe('a chat with rooms', () => {
  interface Member extends WebSocket {
    room?: string;
  }

  test('keeps what it needs on the sockets', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws: Member) => {
      ws.on('message', (data) => {
        const { join, say } = JSON.parse(data.toString());
        if (join) {
          ws.room = join;
          ws.send(JSON.stringify({ joined: join }));
          return;
        }
        for (const one of wss.clients as Set<Member>) {
          if (one.room === ws.room) one.send(JSON.stringify({ said: say }));
        }
      });
    });
    const port = await portOf(wss);
    const members = await Promise.all(
      ['red', 'red', 'blue'].map(async (room) => {
        const ws = client(`ws://localhost:${port}`);
        const printed: unknown[] = [];
        ws.onmessage = ({ data }) => printed.push(JSON.parse(String(data)));
        ws.onopen = () => ws.send(JSON.stringify({ join: room }));
        while (printed.length === 0) await turn();
        return { ws, printed };
      }),
    );
    members[0]?.ws.send(JSON.stringify({ say: 'hi red' }));
    members[2]?.ws.send(JSON.stringify({ say: 'hi blue' }));
    while (members.some(({ printed }) => printed.length < 2)) await turn();
    expect(members.map(({ printed }) => printed[1])).toEqual([
      { said: 'hi red' },
      { said: 'hi red' },
      { said: 'hi blue' },
    ]);
  });
});

describe('shutting down', () => {
  test('close the clients, then the server', async () => {
    const wss = new WebSocketServer({ port: 0 });
    const port = await portOf(wss);
    const clients = [client(`ws://localhost:${port}`), client(`ws://localhost:${port}`)];
    await Promise.all(clients.map((ws) => once(ws, 'open')));
    while (wss.clients.size < 2) await turn();
    const codes = clients.map(async (ws) => (await once(ws, 'close'))[0]);
    for (const ws of wss.clients) ws.close(1001, 'shutting down');
    await new Promise<void>((done, fail) => wss.close((error) => (error ? fail(error) : done())));
    expect(await Promise.all(codes)).toEqual([1001, 1001]);
  });

  test('a client that connects again when the connection is lost', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    let count = 0;
    wss.on('connection', (ws) => {
      if (++count < 3) ws.terminate();
      else ws.send(`connection ${count}`);
    });
    const port = await portOf(wss);
    const received = await new Promise((done) => {
      function connect(): void {
        const ws = client(`ws://localhost:${port}`);
        ws.on('message', (data) => done(String(data)));
        ws.on('close', (code) => {
          if (code === 1006 && count < 3) connect();
        });
      }
      connect();
    });
    expect(received).toBe('connection 3');
  });

  test('a client without a server: error and close', async () => {
    const wss = new WebSocketServer({ port: 0 });
    const port = await portOf(wss);
    await new Promise<void>((done) => wss.close(() => done()));
    const events: unknown[] = [];
    const ws = client(`ws://localhost:${port}`);
    ws.onerror = ({ message, error }) => events.push([message === error.message, error.name]);
    await new Promise<void>((done) => {
      ws.onclose = ({ code, reason, wasClean }) => {
        events.push([code, reason, wasClean]);
        done();
      };
    });
    expect(events).toEqual([
      [true, 'Error'],
      [1006, '', false],
    ]);
  });
});
