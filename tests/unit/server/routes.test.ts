/** Routes: several endpoints of one server, each with its own options and listener. */

import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { Routes } from '../../../src/server/routes.js';
import { frame, KEY } from '../../support/frames.js';
import { Gate, withFields } from '../../support/gate.js';
import { Inbox, turns } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { type RequestParts, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { SharedServer } from '../../support/shared-server.js';
import type { WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

/** A server with these routes; each notes `path target` in the list. */
async function gateWith(paths: readonly string[], options = {}): Promise<[Gate, string[]]> {
  const gate = await Gate.open(scope(), options);
  const taken: string[] = [];
  for (const path of paths) {
    gate.wss.route(path, {}, (socket: WebSocketInstance, { url }: IncomingMessage) => {
      taken.push(`${path} ${url}`);
      scope().track(socket);
    });
  }
  return [gate, taken];
}

const target = (path: string): RequestParts => ({ target: path });

test('a route without options has those of the server', async () => {
  const gate = await Gate.open(scope(), { maxPayload: 4 });
  const lengths: unknown[] = [];
  gate.wss.route('/chat', (socket: WebSocketInstance) => {
    scope().track(socket);
    socket.on('error', ({ message }) => lengths.push(message));
  });
  const { socket, inbox } = await gate.visit(target('/chat'));
  socket.write(frame({ payload: 'Hello', mask: KEY }));
  expect((await inbox.frame()).payload.readUInt16BE(0)).toBe(1009);
  expect(lengths).toEqual(['Max payload size exceeded']);
});

describe('the path of a request', () => {
  test.each<[target: string, route: string | undefined]>([
    ['/chat', '/chat'],
    ['/chat?room=1', '/chat'],
    ['http://server.example.com/chat', '/chat'],
    ['/chat/', undefined],
    ['/Chat', undefined],
    ['/chatter', undefined],
    ['/rooms', undefined],
    ['/rooms/', '/rooms/*'],
    ['/rooms/1', '/rooms/*'],
    ['/rooms/1/2?a', '/rooms/*'],
    ['/roomsand', undefined],
    ['/rooms/vip/1', '/rooms/vip/*'],
    ['/rooms/vip', '/rooms/*'],
    ['/rooms/first', '/rooms/first'],
    ['/', undefined],
    ['*', undefined],
  ])('%s has the route %s', (url, expected) => {
    const routes = new Routes();
    for (const path of ['/rooms/*', '/chat', '/rooms/vip/*', '/rooms/first']) routes.add(path, {});
    expect(routes.find({ url } as IncomingMessage)?.path).toBe(expected);
  });

  test('may be every path of no other route', () => {
    const routes = new Routes();
    for (const path of ['/*', '/a/*']) routes.add(path, {});
    const find = (url: string) => routes.find({ url } as IncomingMessage)?.path;
    expect(['/', '/b', '/a/b', undefined as never].map(find)).toEqual(['/*', '/*', '/a/*', '/*']);
  });
});

describe('a server with routes', () => {
  test('gives connections to the listener of their route only', async () => {
    const [gate, taken] = await gateWith(['/chat', '/rooms/*']);
    expect(await gate.status(target('/chat'))).toBe(101);
    expect(await gate.status(target('/rooms/7'))).toBe(101);
    expect(await gate.status(target('/other'))).toBe(404);
    expect(taken).toEqual(['/chat /chat', '/rooms/* /rooms/7']);
    expect(gate.accepted).toEqual([]);
    expect(gate.refused).toEqual({ path: 1 });
    expect(gate.wss.clients.size).toBe(2);
  });

  test('serves every path until it has one', async () => {
    const gate = await Gate.open(scope());
    expect(await gate.status(target('/other'))).toBe(101);
    gate.wss.route('/chat', {}, () => {});
    expect(await gate.status(target('/other'))).toBe(404);
  });

  test("emits 'connection' for the option path as before", async () => {
    const [gate, taken] = await gateWith(['/chat'], { path: '/main' });
    expect(await gate.status(target('/main'))).toBe(101);
    expect(await gate.status(target('/chat'))).toBe(101);
    expect(await gate.status(target('/other'))).toBe(404);
    expect(gate.accepted).toHaveLength(1);
    expect(taken).toEqual(['/chat /chat']);
  });

  test('asks shouldHandle of the program first', async () => {
    const [gate, taken] = await gateWith(['/chat']);
    gate.wss.shouldHandle = ({ headers }) => headers['x-no'] === undefined;
    expect(await gate.status({ ...target('/chat'), ...withFields(['X-No', '1']) })).toBe(400);
    expect(await gate.status(target('/chat'))).toBe(101);
    expect(await gate.status(target('/other'))).toBe(404);
    expect(taken).toEqual(['/chat /chat']);
  });

  test('calls the listener with the server as `this`', async () => {
    const gate = await Gate.open(scope());
    const seen: unknown[] = [];
    gate.wss.route('/', {}, function (this: unknown) {
      seen.push(this);
    } as () => void);
    await gate.status(target('/'));
    expect(seen).toEqual([gate.wss]);
  });

  test('works through handleUpgrade with noServer', async () => {
    const http = createServer();
    const wss = new WebSocket.WebSocketServer({ noServer: true });
    const taken: string[] = [];
    wss.route('/chat', {}, (socket) => {
      taken.push('route');
      scope().track(socket);
    });
    http.on('upgrade', (request, socket, head) => {
      wss.handleUpgrade(request, socket, head, () => taken.push('callback'));
    });
    const [near, far] = scope().wire();
    http.emit('connection', far);
    near.write(upgradeRequest(target('/chat')));
    expect((await new Inbox(near).message()).status).toBe(101);
    expect(taken).toEqual(['route']);
  });
});

describe('the options of a route', () => {
  test('replace those of the server', async () => {
    const gate = await Gate.open(scope(), {
      origins: 'same',
      authenticate: () => 'of the server',
      handleProtocols: () => 'a',
      maxPayload: 10,
    });
    const contexts: unknown[] = [];
    const note = (socket: object) => contexts.push(Reflect.get(socket, 'context'));
    gate.wss
      .route('/open', { origins: '*', authenticate: () => 'of the route' }, note)
      .route('/chat', { handleProtocols: () => 'b' }, note)
      .route('/closed', { authenticate: async () => false, hosts: ['localhost'] }, note);
    const ask = async (path: string, ...fields: [string, string][]) => {
      const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a, b'], ...fields];
      return (await gate.visit({ ...target(path), add })).response;
    };
    const foreign: [string, string] = ['Origin', 'http://attacker.example'];
    expect((await ask('/open', foreign)).all('sec-websocket-protocol')).toEqual(['a']);
    expect((await ask('/chat', foreign)).status).toBe(403);
    expect((await ask('/chat')).all('sec-websocket-protocol')).toEqual(['b']);
    expect((await ask('/closed')).status).toBe(403);
    expect(await gate.status({ ...target('/closed'), set: { Host: 'localhost' } })).toBe(401);
    expect(contexts).toEqual(['of the route', 'of the server']);
    expect(gate.refused).toEqual({ origins: 1, hosts: 1, authenticate: 1 });
  });

  test('are those of its connections', async () => {
    const gate = await Gate.open(scope(), { maxPayload: 5 });
    class Member extends WebSocket {}
    const seen: boolean[] = [];
    gate.wss
      .route('/small', {}, (socket) => scope().track(socket as WebSocketInstance))
      .route('/large', { maxPayload: 50, WebSocket: Member, perMessageDeflate: true }, (socket) => {
        scope().track(socket);
        seen.push(socket instanceof Member, socket.extensions === 'permessage-deflate');
        socket.on('message', (data) =>
          socket.send(`${(data as Buffer).length}`, { compress: false }),
        );
      });
    const offer = withFields(['Sec-WebSocket-Extensions', 'permessage-deflate']);
    const message = frame({ payload: 'a'.repeat(20), mask: KEY });
    const small = await gate.visit({ ...target('/small'), ...offer });
    expect(small.response.all('sec-websocket-extensions')).toEqual([]);
    small.socket.write(message);
    expect((await small.inbox.frame()).payload.readUInt16BE(0)).toBe(1009);
    const large = await gate.visit({ ...target('/large'), ...offer });
    expect(large.response.all('sec-websocket-extensions')).toEqual(['permessage-deflate']);
    large.socket.write(message);
    expect((await large.inbox.frame()).payload.toString()).toBe('20');
    expect(seen).toEqual([true, true]);
  });

  test('follow the options of the server, and are one object for all connections', async () => {
    const given: object[] = [];
    class Member extends WebSocket {
      constructor(address: null, protocols: undefined, options: object) {
        super(address, protocols as never, options);
        given.push(options);
      }
    }
    const gate = await Gate.open(scope(), { WebSocket: Member });
    gate.wss.route('/chat', { maxPayload: 1 }, (socket) =>
      scope().track(socket as WebSocketInstance),
    );
    await gate.statuses(2, target('/chat'));
    gate.wss.options.maxFragments = 7;
    await gate.statuses(2, target('/chat'));
    expect(given.map((options) => Reflect.get(options, 'maxPayload'))).toEqual([1, 1, 1, 1]);
    expect(Reflect.get(given[3] as object, 'maxFragments')).toBe(7);
    expect(given[0]).toBe(given[1]);
    expect(given[2]).toBe(given[3]);
  });

  test('have a handshakeTimeout of their own', async () => {
    const gate = await Gate.open(scope());
    const never = () => new Promise<never>(() => {});
    gate.wss.route('/chat', { authenticate: never, handshakeTimeout: 5 }, () => {});
    expect(await gate.status(target('/chat'))).toBe(503);
    expect(gate.refused).toEqual({ handshakeTimeout: 1 });
  });

  test('decide about the warning of foreign origins', async () => {
    const gate = await Gate.open(scope());
    gate.wss.route('/any', { origins: '*' }, (socket) =>
      scope().track(socket as WebSocketInstance),
    );
    gate.wss.route('/chat', {}, (socket) => scope().track(socket as WebSocketInstance));
    const foreign = withFields(['Origin', 'http://attacker.example']);
    await gate.status({ ...target('/any'), ...foreign });
    await turns();
    expect(warnings('WS6455_CSWSH')).toHaveLength(0);
    await gate.status({ ...target('/chat'), ...foreign });
    await turns();
    expect(warnings('WS6455_CSWSH')).toHaveLength(1);
  });

  test('do not apply to a limit of the whole server', async () => {
    const [gate] = await gateWith(['/a', '/b'], { maxConnections: 2 });
    expect(await gate.statuses(1, target('/a'))).toEqual([101]);
    expect(await gate.statuses(2, target('/b'))).toEqual([101, 503]);
  });
});

describe('several servers on one http server', () => {
  function shared(): [SharedServer, string[]] {
    const server = new SharedServer(scope());
    const taken: string[] = [];
    const routed = server.add('routed');
    for (const path of ['/chat', '/rooms/*']) {
      routed.route(path, {}, (socket: WebSocketInstance, { url }: IncomingMessage) => {
        taken.push(`${path} ${url}`);
        scope().track(socket);
      });
    }
    return [server, taken];
  }

  test('each get the paths of their routes and of their option path', async () => {
    const [server, taken] = shared();
    server.add('plain', { path: '/plain' });
    expect(await server.ask('/plain')).toBe('plain /plain');
    await server.ask('/rooms/1');
    await server.ask('/chat');
    expect(taken).toEqual(['/rooms/* /rooms/1', '/chat /chat']);
    expect(await server.ask('/other')).toBe('404');
  });

  test('a server without a path gets the rest', async () => {
    const [server, taken] = shared();
    server.add('rest');
    await server.ask('/chat');
    expect(taken).toEqual(['/chat /chat']);
    expect(await server.ask('/other')).toBe('rest /other');
    await turns();
    expect(warnings('WS6455_PATH_TAKEN')).toEqual([]);
  });

  test('a malformed request is refused by one of them', async () => {
    const [server] = shared();
    server.add('plain', { path: '/plain' });
    const malformed = { set: { 'Sec-WebSocket-Version': '8' } };
    expect(await server.ask('/chat', malformed)).toBe('426');
    expect(await server.ask('/plain', malformed)).toBe('426');
  });

  test('leave requests alone that a listener of the program may take', async () => {
    const [server] = shared();
    server.http.on('upgrade', () => {});
    expect(await server.ask('/other')).toBe('left alone');
  });
});
