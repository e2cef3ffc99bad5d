/** Subclasses and replaced methods; options that are read at each handshake. */

import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { SAMPLE_KEY, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { closing, useServers } from '../../support/servers.js';
import {
  connectPair,
  memoryServer,
  next,
  recordEvents,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { WebSocketServer } = WebSocket;
const { call, startServer } = useServers(scope);

describe('subclasses and replaced methods', () => {
  test('a subclass may override shouldHandle, handleUpgrade and address', async () => {
    const calls: string[] = [];
    class Mine extends WebSocketServer {
      override shouldHandle(request: IncomingMessage): boolean | Promise<boolean> {
        calls.push('shouldHandle');
        return super.shouldHandle(request);
      }
      override handleUpgrade(...args: Parameters<ServerInstance['handleUpgrade']>): void {
        calls.push('handleUpgrade');
        super.handleUpgrade(...args);
      }
      override address(): string {
        return 'mine';
      }
    }
    const http = createServer();
    const wss = new Mine({ server: http });
    const connection = next<[WebSocketInstance]>(wss, 'connection');
    const { inbox } = call(http, upgradeRequest());
    expect((await inbox.message()).status).toBe(101);
    const [ws] = await connection;
    expect(calls).toEqual(['handleUpgrade', 'shouldHandle']);
    expect(wss.address()).toBe('mine');
    ws.terminate();
    await closing(wss);
  });

  test('methods may be assigned', async () => {
    const { wss, answer, connections } = startServer();
    const own = wss.handleUpgrade.bind(wss);
    let calls = 0;
    wss.handleUpgrade = (...args) => {
      calls++;
      own?.(...args);
    };
    wss.address = () => 'mine';
    expect((await answer()).status).toBe(101);
    expect([calls, connections.length, wss.address()]).toEqual([1, 1, 'mine']);
  });

  test('completeUpgrade is called by handleUpgrade, with seven arguments', async () => {
    const { wss, answer } = startServer();
    const own = wss.completeUpgrade?.bind(wss);
    const seen: unknown[][] = [];
    wss.completeUpgrade = (...args) => {
      seen.push(args);
      own?.(...args);
    };
    expect((await answer({ add: [['Sec-WebSocket-Protocol', 'a']] })).status).toBe(101);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toHaveLength(7);
    expect(seen[0]?.slice(0, 3)).toEqual([expect.anything(), SAMPLE_KEY, new Set(['a'])]);
  });

  test('the option WebSocket says which class connections have', async () => {
    class Member extends WebSocket {
      room = 'lobby';
    }
    const { connections, answer } = startServer({ WebSocket: Member });
    await answer();
    expect(connections[0]?.[0]).toBeInstanceOf(Member);
    expect(connections[0]?.[0]).toMatchObject({ room: 'lobby', readyState: WebSocket.OPEN });
  });

  test('such a class is made with null, undefined and the options of the server', async () => {
    const seen: unknown[][] = [];
    class Member extends WebSocket {
      constructor(address: null, protocols: undefined, options: object) {
        super(address, protocols, options);
        seen.push([address, protocols, options]);
      }
    }
    const { wss, answer } = startServer({ WebSocket: Member });
    await answer();
    expect(seen).toEqual([[null, undefined, wss.options]]);
  });
});

describe('options', () => {
  test('are read at each handshake', async () => {
    const { wss, answer, connections } = startServer();
    const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a, b']];
    wss.options.handleProtocols = () => 'b';
    expect((await answer({ add })).all('sec-websocket-protocol')).toEqual(['b']);
    wss.options.verifyClient = () => false;
    expect((await answer()).status).toBe(401);
    Object.assign(wss.options, { verifyClient: null });
    wss.options.maxPayload = 5;
    wss.options.autoPong = false;
    await answer();
    expect(connections).toHaveLength(2);
  });

  test.each([
    [5, 5, 1009],
    [5, 6, 1009],
    [0, 100_000, undefined],
    [Infinity, 100_000, undefined],
    [2 ** 32, 100_000, undefined],
  ])('maxPayload %i and a message of %i bytes', async (maxPayload, size, code) => {
    const { ws, client } = await connectPair(scope(), { maxPayload });
    const events = recordEvents(ws);
    client.send('x'.repeat(size));
    await until(() => events.length > 0, 'an event');
    const fails = code !== undefined && size > maxPayload;
    const delivered = `message ${'x'.repeat(size)}`;
    expect(events[0]).toBe(fails ? 'error Max payload size exceeded' : delivered);
  });

  test('maxPayload may be changed between connections', async () => {
    const { http, connect } = memoryServer(scope());
    const wss = serve(scope(), { server: http });
    wss.on('connection', (ws: WebSocketInstance) => ws.on('error', () => {}));
    const first = connect();
    await next(first, 'open');
    wss.options.maxPayload = 3;
    const second = connect();
    await next(second, 'open');
    const events = [recordEvents(first), recordEvents(second)] as const;
    for (const ws of [first, second]) {
      ws.send('abcd');
      ws.ping('p');
    }
    await until(() => events.flat().length > 1, 'the events');
    expect(events).toEqual([['pong p'], [expect.stringMatching(/^close 1009/)]]);
  });

  test('autoPong: false leaves Pings to the program', async () => {
    const { ws, client } = await connectPair(scope(), { autoPong: false });
    const events = [recordEvents(ws), recordEvents(client)] as const;
    client.ping('a');
    await until(() => events[0].length > 0, "'ping'");
    ws.pong('mine');
    await until(() => events[1].length > 0, "'pong'");
    expect(events).toEqual([['ping a'], ['pong mine']]);
  });

  test('skipUTF8Validation lets other bytes through as text', async () => {
    const { ws, client } = await connectPair(scope(), { skipUTF8Validation: true });
    const events = recordEvents(ws);
    client.send(Buffer.from([0xff]), { binary: false });
    await until(() => events.length > 0, "'message'");
    expect(events).toEqual(['message \ufffd']);
  });

  test('closeTimeout is that of its connections', async () => {
    const { ask, connections } = startServer({ closeTimeout: 20 });
    ask();
    await until(() => connections.length > 0, "'connection'");
    const ws = connections[0]?.[0];
    if (ws === undefined) throw new Error('no connection');
    const events = recordEvents(ws);
    ws.close();
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
  });
});
