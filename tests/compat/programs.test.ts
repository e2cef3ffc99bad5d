/** Programs written for `ws`, with nothing changed but the package's name. */

import { once } from 'node:events';
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';

import WebSocket = require('../../src/index.js');

const { WebSocketServer } = WebSocket;
type WebSocketServer = WebSocket.WebSocketServer;

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (let one = open.pop(); one !== undefined; one = open.pop()) await one.close();
});

/** Closed when the test is over, with its connections. */
function closing(wss: WebSocketServer): WebSocketServer {
  const sockets = new Set<WebSocket>();
  wss.on('connection', (ws: WebSocket) => sockets.add(ws));
  const close = async (): Promise<void> => {
    for (const ws of sockets) ws.terminate();
    await new Promise<void>((done) => wss.close(() => done()));
  };
  open.push({ close });
  return wss;
}

/** The port of a server that listens, or is about to. */
async function portOf(server: WebSocketServer | HttpServer): Promise<number> {
  if (server.address() === null) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function listening(http: HttpServer): Promise<number> {
  const close = async (): Promise<void> => {
    http.closeAllConnections();
    await new Promise<void>((done) => http.close(() => done()));
  };
  open.push({ close });
  http.listen(0);
  return portOf(http);
}

/** A client that is closed when the test is over. */
function client(
  url: string,
  protocols?: string | string[],
  options?: WebSocket.ClientOptions,
): WebSocket {
  const ws = new WebSocket(url, protocols, options);
  ws.on('error', () => {});
  const close = async (): Promise<void> => {
    if (ws.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((done) => ws.on('close', done));
    ws.terminate();
    await closed;
  };
  open.push({ close });
  return ws;
}

/** The next message as text. */
async function message(ws: WebSocket): Promise<string> {
  const [data] = (await once(ws, 'message')) as [Buffer];
  return data.toString();
}

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

describe('programs written for ws 1.1.1', () => {
  /** The server: what was `port: 3000` is a free port. */
  function echoServer(errors: unknown[] = []): WebSocketServer {
    const WebSocketServer = WebSocket.Server;
    const wss = new WebSocketServer({ port: 0 });

    wss.on('connection', (ws) =>
      ws.on('message', (message) =>
        ws.send(`ECHO: ${message}`, (err) => {
          if (err) console.log(`[SERVER] error: ${err}`);
          errors.push(err ?? undefined);
        }),
      ),
    );
    return closing(wss);
  }

  test('a client that sends in ws.onopen', async () => {
    const errors: unknown[] = [];
    const port = await portOf(echoServer(errors));
    const received = await new Promise((done) => {
      const ws = client(`ws://localhost:${port}/test`);
      ws.onopen = () => {
        ws.send('Hello!');
      };
      ws.onmessage = (msg) => done(msg.data);
    });
    expect(received).toBe('ECHO: Hello!');
    expect(errors).toEqual([undefined]);
  });

  test('a client that is typed line by line at a console', async () => {
    const port = await portOf(echoServer());
    const printed: unknown[] = [];
    const ws = client(`ws://localhost:${port}/test`);
    await turn();
    ws.onmessage = (msg) => printed.push(msg.data);
    while (ws.readyState !== WebSocket.OPEN) await turn();
    ws.send('Hello!');
    while (printed.length < 1) await turn();
    ws.send('Hello again!');
    while (printed.length < 2) await turn();
    expect(printed).toEqual(['ECHO: Hello!', 'ECHO: Hello again!']);
  });

  test('a client that listens only after it was open', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    await once(ws, 'open');
    ws.send('Hello!');
    const received = await new Promise((done) => {
      ws.onmessage = (msg) => done(msg.data);
    });
    expect(received).toBe('ECHO: Hello!');
  });

  test('a client that uses on()', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    const received = await new Promise((done) => {
      ws.on('open', () => ws.send('Hello!'));
      ws.on('message', (data) => done(`${data}`));
    });
    expect(received).toBe('ECHO: Hello!');
  });

  test('a client that uses addEventListener', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    const received = await new Promise((done) => {
      ws.addEventListener('open', () => ws.send('Hello!'));
      ws.addEventListener('message', (event) => done(event.data));
    });
    expect(received).toBe('ECHO: Hello!');
  });

  test('a client that sends before it is open: send throws, the client goes on', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    const error = new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    expect(() => ws.send('Hello!')).toThrow(error);
    expect(() => ws.send('Hello!', () => {})).toThrow(error);
    ws.onopen = () => ws.send('Hello!');
    expect(await message(ws)).toBe('ECHO: Hello!');
  });

  test('several clients, many messages, each gets its own', async () => {
    const port = await portOf(echoServer());
    const clients = ['a', 'b', 'c'].map((name) => ({
      name,
      ws: client(`ws://localhost:${port}/${name}`),
      printed: [] as unknown[],
    }));
    for (const { name, ws, printed } of clients) {
      ws.onmessage = (msg) => printed.push(msg.data);
      ws.onopen = () => {
        for (let i = 0; i < 20; i++) ws.send(`${name}${i}`);
      };
    }
    while (clients.some(({ printed }) => printed.length < 20)) await turn();
    for (const { name, printed } of clients) {
      expect(printed).toEqual(Array.from({ length: 20 }, (_, i) => `ECHO: ${name}${i}`));
    }
  });

  test("a server that learns from the callback that the message can't be sent", async () => {
    const wss = closing(new WebSocket.Server({ port: 0 }));
    const told = new Promise<string>((done) => {
      wss.on('connection', (ws) => {
        ws.on('close', () => ws.send('too late', (err) => done(String(err?.message))));
      });
    });
    const ws = client(`ws://localhost:${await portOf(wss)}/`);
    await once(ws, 'open');
    ws.close();
    expect(await told).toBe('WebSocket is not open: readyState 3 (CLOSED)');
  });
});

describe('text and binary', () => {
  test('arrive as they were sent, and isBinary says which', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      ws.on('error', console.error);
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    await once(ws, 'open');
    const array = new Float32Array(5);
    for (let i = 0; i < array.length; ++i) array[i] = i / 2;
    ws.send(array);
    const [binary, isBinary] = (await once(ws, 'message')) as [Buffer, boolean];
    expect(isBinary).toBe(true);
    expect(binary).toEqual(Buffer.from(array.buffer));
    ws.send(JSON.stringify({ type: 'greeting', text: 'héllo' }));
    const [text, textIsBinary] = (await once(ws, 'message')) as [Buffer, boolean];
    expect(textIsBinary).toBe(false);
    expect(JSON.parse(text.toString())).toEqual({ type: 'greeting', text: 'héllo' });
  });

  test('in the way of browsers, with binaryType arraybuffer', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    ws.binaryType = 'arraybuffer';
    const received = await new Promise<unknown>((done) => {
      ws.onopen = () => ws.send(new Uint8Array([1, 2, 3]).buffer);
      ws.onmessage = ({ data }) => done(data);
    });
    expect([...new Uint8Array(received as ArrayBuffer)]).toEqual([1, 2, 3]);
  });

  test('a large file goes in fragments', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const file = Buffer.alloc(300_000, 'chunk of a file ');
    wss.on('connection', (ws) => {
      for (let offset = 0; offset < file.length; offset += 16_384) {
        const end = offset + 16_384;
        ws.send(file.subarray(offset, end), { fin: end >= file.length });
      }
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const [data] = (await once(ws, 'message')) as [Buffer];
    expect(data.equals(file)).toBe(true);
  });
});

describe('a broadcast', () => {
  async function chat(toSender: boolean): Promise<string[][]> {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', function connection(ws) {
      ws.on('error', console.error);
      ws.on('message', function incoming(data, isBinary) {
        wss.clients.forEach((client) => {
          if ((toSender || client !== ws) && client.readyState === WebSocket.OPEN) {
            client.send(data, { binary: isBinary });
          }
        });
      });
    });
    const port = await portOf(wss);
    const printed: string[][] = [[], [], []];
    const members = printed.map((lines) => {
      const ws = client(`ws://localhost:${port}`);
      ws.on('message', (data) => lines.push(String(data)));
      return ws;
    });
    await Promise.all(members.map((ws) => once(ws, 'open')));
    const [first, second] = members;
    first?.send('from the first');
    while (printed.flat().length < (toSender ? 3 : 2)) await turn();
    second?.send('from the second');
    while (printed.flat().length < (toSender ? 6 : 4)) await turn();
    return printed;
  }

  test('to all clients, the sender as well', async () => {
    const all = ['from the first', 'from the second'];
    expect(await chat(true)).toEqual([all, all, all]);
  });

  test('to all clients but the sender', async () => {
    expect(await chat(false)).toEqual([
      ['from the second'],
      ['from the first'],
      ['from the first', 'from the second'],
    ]);
  });
});

describe('a heartbeat', () => {
  interface Beating extends WebSocket {
    isAlive?: boolean;
  }

  /** What a program calls every 30 seconds. */
  function beat(wss: WebSocketServer): void {
    for (const ws of wss.clients as Set<Beating>) {
      if (ws.isAlive === false) {
        ws.terminate();
        continue;
      }
      ws.isAlive = false;
      ws.ping();
    }
  }

  test('keeps clients that answer and drops those that do not', async () => {
    function heartbeat(this: Beating): void {
      this.isAlive = true;
    }
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws: Beating) => {
      ws.isAlive = true;
      ws.on('error', console.error);
      ws.on('pong', heartbeat);
    });
    const port = await portOf(wss);
    const alive = client(`ws://localhost:${port}`);
    const dead = client(`ws://localhost:${port}`, undefined, { autoPong: false });
    await Promise.all([once(alive, 'open'), once(dead, 'open')]);
    while (wss.clients.size < 2) await turn();
    for (let i = 0; i < 3; i++) {
      const pinged = once(alive, 'ping');
      beat(wss);
      await pinged;
      while (![...wss.clients].some((ws: Beating) => ws.isAlive)) await turn();
    }
    while (dead.readyState !== WebSocket.CLOSED || wss.clients.size > 1) await turn();
    expect(alive.readyState).toBe(WebSocket.OPEN);
    expect(wss.clients.size).toBe(1);
  });

  test('of a client that ends the connection when no Ping comes', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    let timer: NodeJS.Timeout | undefined;
    function heartbeat(this: WebSocket): void {
      clearTimeout(timer);
      timer = setTimeout(() => this.terminate(), 20);
    }
    ws.on('open', heartbeat);
    ws.on('ping', heartbeat);
    ws.on('close', function clear() {
      clearTimeout(timer);
    });
    const [code] = await once(ws, 'close');
    expect(code).toBe(1006);
  });

  test('measures the round trip', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    await once(ws, 'open');
    ws.ping(Date.now().toString());
    const [data] = (await once(ws, 'pong')) as [Buffer];
    expect(Date.now() - Number(data.toString())).toBeLessThan(5000);
  });
});

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
  test('tells address, headers and URL', async () => {
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

  test('a client of nobody is told by error and close', async () => {
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

describe('flow control', () => {
  test('a program that waits for bufferedAmount to fall', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const total = 200;
    wss.on('connection', async (ws) => {
      for (let i = 0; i < total; i++) {
        ws.send(Buffer.alloc(10_000));
        while (ws.bufferedAmount > 50_000) await turn();
      }
      ws.close();
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    let count = 0;
    ws.on('message', () => count++);
    await once(ws, 'close');
    expect(count).toBe(total);
  });

  test('a program that pauses while it works', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      for (let i = 0; i < 20; i++) ws.send(`${i}`);
      ws.close();
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const done: string[] = [];
    ws.on('message', (data) => {
      ws.pause();
      setImmediate(() => {
        done.push(String(data));
        ws.resume();
      });
    });
    await once(ws, 'close');
    while (done.length < 20) await turn();
    expect(done).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  });

  test('a program that sends one after the other by callbacks', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      let i = 0;
      const next = (error?: Error): void => {
        if (error === undefined || error === null) {
          if (i < 50) ws.send(`${i++}`, next);
          else ws.close();
        }
      };
      next();
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const received: string[] = [];
    ws.on('message', (data) => received.push(String(data)));
    await once(ws, 'close');
    expect(received).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });
});
