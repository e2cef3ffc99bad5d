/** `handle` of a server: an awaited handler for each connection. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  type Loose,
  memoryServer,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();

type Handler = Parameters<ServerInstance['handle']>[0];

/** A server with a handler, the errors it tells, and a way to connect. */
function handled(handler: Handler, options: Loose = {}) {
  const { http, connect } = memoryServer(scope());
  const server = serve(scope(), { server: http, ...options });
  const told: string[] = [];
  server.on('socketError', (error, _socket, request) =>
    told.push(`${error.message} at ${request?.url}`),
  );
  expect(server.handle(handler)).toBe(server);
  return { server, connect, told };
}

/** What a client received, until its end. */
function received(client: WebSocketInstance): string[] {
  const seen: string[] = [];
  client.on('message', (data) => seen.push(String(data)));
  return seen;
}

describe('a handler', () => {
  test('gets the socket and the request, and its messages one at a time', async () => {
    let active = 0;
    const { connect } = handled(async (socket, request) => {
      for await (const data of socket) {
        expect(++active).toBe(1);
        await turns(2);
        socket.send(`${request.url} ${String(data)}`);
        active--;
      }
    });
    const client = connect({}, undefined, '/chat');
    const seen = received(client);
    client.on('open', () => {
      for (const text of ['a', 'b', 'c']) client.send(text);
    });
    await until(() => seen.length === 3, 'the answers');
    expect(seen).toEqual(['/chat a', '/chat b', '/chat c']);
    client.close(1000);
    expect(await client.closed).toMatchObject({ received: { code: 1000 } });
  });

  test('may await before it iterates: nothing is lost', async () => {
    const all: string[] = [];
    const { connect } = handled(async (socket) => {
      await turns(20);
      for await (const data of socket) all.push(String(data));
    });
    const client = connect();
    client.on('open', () => {
      for (let i = 0; i < 50; i++) client.send(String(i));
      client.close(1000);
    });
    await client.closed;
    await until(() => all.length === 50, 'the messages');
    expect(all).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
  });

  test('that returns closes the connection with 1000, also with messages that nobody took', async () => {
    const { connect, told } = handled(async (socket) => {
      await turns(20);
      for await (const _ of socket) return;
    });
    const client = connect();
    client.on('open', () => {
      for (let i = 0; i < 50; i++) client.send(String(i));
    });
    expect(await client.closed).toMatchObject({ received: { code: 1000 }, wasClean: true });
    expect(told).toEqual([]);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('oops'))],
    [
      'throws at once',
      () => {
        throw new Error('oops');
      },
    ],
  ])('that %s closes the connection with 1011, and the server tells', async (_, handler) => {
    const { connect, told } = handled(handler as Handler);
    const client = connect({}, undefined, '/chat');
    expect(await client.closed).toMatchObject({ received: { code: 1011, reason: '' } });
    expect(told).toEqual(['oops at /chat']);
  });

  test('that throws what is no Error is told with an Error', async () => {
    const { connect, told } = handled(() => Promise.reject('oops'));
    await connect().closed;
    expect(told).toEqual(["A callback threw 'oops' at /"]);
  });

  test('whose loop throws because the connection was lost is no fault of the program', async () => {
    let isOver = false;
    const thrown: unknown[] = [];
    const { connect, told } = handled(async (socket) => {
      try {
        for await (const _ of socket);
      } catch (error) {
        thrown.push(error);
        throw error;
      } finally {
        isOver = true;
      }
    });
    const client = connect();
    client.on('open', () => client.terminate());
    await until(() => isOver, 'the loop to end');
    await turns();
    expect(thrown).toEqual([expect.any(WebSocket.CloseError)]);
    expect(told).toEqual([]);
  });

  test('that throws after the end of its connection is told', async () => {
    const { connect, told } = handled(async (socket) => {
      await socket.closed;
      throw new Error('late');
    });
    const client = connect();
    client.on('open', () => client.close());
    await client.closed;
    await until(() => told.length === 1, "'socketError'");
    expect(told).toEqual(['late at /']);
  });

  test('ends its loop at a shutdown', async () => {
    let ended = 0;
    const { server, connect } = handled(async (socket) => {
      for await (const _ of socket);
      ended++;
    });
    const client = connect();
    await new Promise((open) => client.on('open', open));
    await server.shutdown({ lameDuck: 0, spread: 0 });
    await until(() => ended === 1, 'the loop to end');
  });

  test('may return while a loop goes on that it does not await: the loop ends with its connection', async () => {
    const seen: string[] = [];
    const { connect } = handled(async (socket) => {
      void (async () => {
        for await (const data of socket) seen.push(String(data));
        seen.push('end');
      })();
      await turns(1);
    });
    const client = connect();
    client.on('open', () => client.send('a'));
    await client.closed;
    await until(() => seen.includes('end'), 'the loop to end');
  });

  test('leaves nothing behind on a socket', async () => {
    const { client, ws, wss } = await connectPair(scope());
    const names = ws.eventNames();
    wss.handle(async (socket) => {
      for await (const _ of socket);
    });
    wss.emit('connection', ws, {} as never);
    client.close(1000);
    await ws.closed;
    await turns();
    expect(ws.eventNames()).toEqual(names);
  });

  test('gets objects that a test emits, too', async () => {
    const seen: unknown[] = [];
    const server = new WebSocket.WebSocketServer({ noServer: true });
    server.handle(async (socket) => seen.push(socket));
    const standin = {};
    server.emit('connection', standin as never, {} as never);
    await turns();
    expect(seen).toEqual([standin]);
  });
});

describe('a handler of a route', () => {
  test('gets the connections of its path, with the options of the route', async () => {
    const { server, connect } = handled(async (socket) => socket.send('other'), { path: '/other' });
    const echo = async (socket: WebSocketInstance) => {
      await turns(20);
      for await (const data of socket) socket.send(`${socket.protocol} ${data}`);
    };
    expect(server.handle('/plain', echo)).toBe(server);
    expect(server.handle('/chat', { handleProtocols: () => 'v1' }, echo)).toBe(server);
    for (const [path, answer] of [
      ['/plain', ' a'],
      ['/chat', 'v1 a'],
      ['/other', 'other'],
    ] as const) {
      const client = connect({}, path === '/chat' ? 'v1' : undefined, path);
      const seen = received(client);
      client.on('open', () => client.send('a'));
      await until(() => seen.length === 1, 'the answer');
      expect(seen).toEqual([answer]);
      client.close(1000);
      expect(await client.closed).toMatchObject({ received: { code: 1000 } });
    }
  });

  test('that throws closes the connection with 1011, and the server tells', async () => {
    const { server, connect, told } = handled(async () => {});
    server.handle('/chat', { captureRejections: true }, () => Promise.reject(new Error('oops')));
    expect(await connect({}, undefined, '/chat').closed).toMatchObject({
      received: { code: 1011 },
    });
    expect(told).toEqual(['oops at /chat']);
  });

  test('is checked as a route is', () => {
    const { server } = handled(async () => {});
    const handler = async () => {};
    server.handle('/chat', handler);
    expect(() => server.handle('/chat', handler)).toThrow(/a route with the path/);
    expect(() => server.handle('chat', handler)).toThrow(TypeError);
    expect(() => server.handle(5 as never, handler)).toThrow(/path of a route.*5 was given/);
    expect(() => server.handle('/a', { port: 1 } as never, handler)).toThrow(/option port/);
    expect(() => server.handle('/a', null as never, handler)).toThrow(/options of a route/);
    expect(() => server.handle('/a', {}, undefined as never)).toThrow(/must be a function/);
  });
});

describe('handle', () => {
  test('refuses what is no function, and a second handler', () => {
    const { server } = handled(async () => {});
    expect(() => server.handle('x' as never)).toThrow(TypeError);
    expect(() => server.handle('x' as never)).toThrow(/must be a function.*'x' was given/);
    expect(() => server.handle(async () => {})).toThrow(/has a handler already/);
  });
});
