/** Clients of a WebSocketServer in each state of a connection, when the server shuts down. */

import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { closePayload, OPCODE, readFrames } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import {
  connectPair,
  frameFor,
  memoryServer,
  next,
  recordEvents,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const { upgrade, detached } = useServers(scope);

type Report = Awaited<ReturnType<InstanceType<typeof WebSocket.WebSocketServer>['shutdown']>>;

async function settle(done: Promise<Report>): Promise<Report> {
  let report: Report | undefined;
  void done.then((result) => {
    report = result;
  });
  await until(() => report !== undefined, 'the report');
  return report as Report; // just seen
}

/** A connection on a wire whose writes are held. */
async function onHeldWire() {
  const wss = detached();
  const [request, , head] = await upgrade();
  const wire = new ManualWire({ hold: true, highWaterMark: 1 });
  scope().later(() => wire.destroy());
  let accepted: WebSocketInstance | undefined;
  wss.handleUpgrade(request, wire, head, (ws) => {
    accepted = ws;
  });
  if (accepted === undefined) throw new Error('not accepted');
  wire.release(); // the response
  return { wss, ws: accepted, wire };
}

/** The frames that were written after the response. */
function framesOf(wire: ManualWire): string[] {
  const sent = wire.sent;
  const { frames } = readFrames(sent.subarray(sent.indexOf('\r\n\r\n') + 4));
  return frames.map(({ opcode, payload }) =>
    opcode === OPCODE.CLOSE ? `close ${payload.readUInt16BE(0)}` : payload.toString(),
  );
}

describe('a slow reader', () => {
  test('gets its last message, then the Close', async () => {
    clock.stop();
    const { wss, ws, wire } = await onHeldWire();
    for (let i = 0; i < 5; i++) ws.send(`message ${i}`);
    const done = wss.shutdown({ timeout: 10_000 });
    for (let i = 0; i < 9; i++) {
      clock.advance(1000);
      wire.release();
      await turns(2);
    }
    expect(framesOf(wire)).toEqual([0, 1, 2, 3, 4].map((i) => `message ${i}`).concat('close 1001'));
    wire.arrive(frameFor('server', { opcode: OPCODE.CLOSE, payload: closePayload(1001) }));
    wire.finish();
    expect(await settle(done)).toEqual({
      closed: 1,
      clean: 1,
      terminated: 0,
      refused: 0,
      ms: 9000,
    });
  });

  test('that does not read at all is dropped at the deadline, and counted', async () => {
    clock.stop();
    const { wss, ws } = await onHeldWire();
    ws.send('waits');
    ws.send('waits too');
    const done = wss.shutdown({ timeout: 10_000 });
    clock.advance(10_000);
    const report = await settle(done);
    expect(report).toEqual({ closed: 1, clean: 0, terminated: 1, refused: 0, ms: 10_000 });
    expect(ws.closeInfo).toMatchObject({ by: 'us', cause: 'shutdown', wasClean: false });
  });
});

test('a connection whose turn has not come at the deadline is dropped after a Close', async () => {
  const { wss, client, ws } = await connectPair(scope());
  const events = recordEvents(client);
  const done = wss.shutdown({ lameDuck: 10_000, timeout: 0, retryAfter: 3 });
  expect(await settle(done)).toMatchObject({ closed: 1, terminated: 1 });
  await until(() => events.length > 0, "'close'");
  expect(events).toEqual(['close 1001 retry-after=3.0']);
  expect(ws.closeInfo).toMatchObject({ by: 'us', cause: 'shutdown' });
});

test('a connection in a closing handshake keeps its own Close, and ends cleanly', async () => {
  const { wss, client, ws } = await connectPair(scope());
  const events = recordEvents(client);
  ws.close(4000, 'bye');
  expect(await settle(wss.shutdown({ code: 1012 }))).toMatchObject({ closed: 1, clean: 1 });
  await until(() => events.length > 0, "'close'");
  expect(events).toEqual(['close 4000 bye']);
  expect(ws.closeInfo).toMatchObject({ cause: 'close' });
});

test('closeInfo of both ends tells of the shutdown', async () => {
  const { wss, client, ws } = await connectPair(scope());
  await settle(wss.shutdown({ code: 1012, reason: 'deploy' }));
  const close = { code: 1012, reason: 'deploy' };
  expect(ws.closeInfo).toMatchObject({ by: 'us', cause: 'shutdown', wasClean: true, sent: close });
  await until(() => client.readyState === 3, 'the client to close');
  expect(client.closeInfo).toMatchObject({ by: 'peer', cause: 'close', received: close });
});

test('connections of a route are closed too', async () => {
  const { http, connect } = memoryServer(scope());
  const wss = serve(scope(), { server: http });
  wss.route('/chat', {}, () => {});
  const client = connect({}, undefined, '/chat');
  await next(client, 'open');
  const closed = next<[number]>(client, 'close');
  expect(await settle(wss.shutdown({ code: 1012 }))).toMatchObject({ closed: 1, clean: 1 });
  expect((await closed)[0]).toBe(1012);
});

describe('a client that waits for authenticate', () => {
  test('during lameDuck is accepted, and closed with the others', async () => {
    clock.stop();
    const { http, connect } = memoryServer(scope());
    let admit: (user: object) => void = () => {};
    const user = new Promise<object>((resolve) => {
      admit = resolve;
    });
    const wss = serve(scope(), { server: http, authenticate: () => user });
    const client = connect();
    await until(() => wss.stats().pendingHandshakes === 1, 'the question');
    const done = wss.shutdown({ lameDuck: 1000 });
    admit({ name: 'Ada' });
    await next(client, 'open');
    clock.advance(1000);
    expect(await settle(done)).toMatchObject({ closed: 1, clean: 1, refused: 0 });
  });

  test('is refused when lameDuck ends, and its answer has no effect', async () => {
    clock.stop();
    const { http, connect } = memoryServer(scope());
    let admit: (user: object) => void = () => {};
    const user = new Promise<object>((resolve) => {
      admit = resolve;
    });
    const wss = serve(scope(), { server: http, authenticate: () => user });
    const events = recordEvents(connect());
    await until(() => wss.stats().pendingHandshakes === 1, 'the question');
    const done = wss.shutdown({ lameDuck: 1000 });
    clock.advance(1000);
    admit({ name: 'Ada' });
    expect(await settle(done)).toMatchObject({ closed: 0, refused: 1 });
    await until(() => events.length === 2, 'the refusal');
    expect(events[0]).toContain('503');
    expect(wss.clients.size).toBe(0);
  });
});

test('a client whose shouldHandle is not decided is refused with 503 and counted', async () => {
  const { http, connect } = memoryServer(scope());
  const servers = ['/a', '/b'].map(() => serve(scope(), { server: http }));
  for (const wss of servers) wss.shouldHandle = () => new Promise<boolean>(() => {});
  const client = connect();
  const response = next<[unknown, IncomingMessage]>(client, 'unexpected-response');
  await turns();
  const report = await settle(servers[0]?.shutdown({ retryAfter: 7 }) as Promise<Report>);
  const [, { statusCode, headers }] = await response;
  expect([statusCode, headers['retry-after'], headers.connection]).toEqual([503, '7', 'close']);
  expect(report.refused).toBe(1);
  client.on('error', () => {}).terminate();
});

test('shutdown() in a listener of headers refuses that client', async () => {
  const { http, connect } = memoryServer(scope());
  const wss = serve(scope(), { server: http });
  let done: Promise<Report> | undefined;
  wss.on('headers', () => {
    done = wss.shutdown();
  });
  const events = recordEvents(connect());
  await until(() => events.length === 2, 'the refusal');
  expect(events[0]).toContain('503');
  expect(await settle(done as Promise<Report>)).toMatchObject({ closed: 0, refused: 1 });
});

test('after the shutdown of a server with noServer, handleUpgrade refuses', async () => {
  const wss = detached();
  await settle(wss.shutdown({ retryAfter: 2 }));
  const [request, socket, head] = await upgrade();
  const inbox = new Inbox(socket);
  scope().later(() => socket.destroy());
  const written: string[] = [];
  const write = socket.end.bind(socket);
  socket.end = ((bytes: string | Buffer) => {
    written.push(String(bytes));
    return write(bytes);
  }) as typeof socket.end;
  wss.handleUpgrade(request, socket, head, () => written.push('accepted'));
  expect(written.join()).toContain('Retry-After: 2');
  expect(inbox.error).toBeUndefined();
});

describe('with the option port', () => {
  async function listening(options = {}) {
    const wss = serve(scope(), { port: 0, host: '127.0.0.1', ...options });
    await next(wss, 'listening');
    const { port } = wss.address() as { port: number };
    return { wss, port };
  }

  test('clients are answered until the last connection has ended, then the port is closed', async () => {
    const { wss, port } = await listening();
    const silent = await scope().connect(port);
    silent.write(upgradeRequest());
    await until(() => wss.clients.size === 1, 'the client');
    const done = wss.shutdown({ retryAfter: 7 });
    const late = await scope().connect(port);
    late.write(upgradeRequest());
    const { status, all } = await new Inbox(late).message();
    expect([status, all('Retry-After'), all('Connection')]).toEqual([503, ['7'], ['close']]);
    late.destroy();
    silent.destroy();
    expect(await settle(done)).toMatchObject({ closed: 1, clean: 0, terminated: 0, refused: 1 });
    expect(wss.address()).toBeNull();
    expect(wss.state).toBe('closed');
  });

  test('a TCP connection without a request is dropped two seconds later', async () => {
    const { wss, port } = await listening();
    const idle = new Inbox(await scope().connect(port));
    await turns();
    clock.stop();
    const done = wss.shutdown();
    await turns();
    clock.advance(1999);
    await turns();
    expect(idle.closed).toBe(false);
    clock.advance(1);
    expect((await settle(done)).ms).toBe(2000);
  });
});

describe('the server', () => {
  test('that is closed already resolves at once, and emits nothing', async () => {
    const wss = detached();
    const events: string[] = [];
    wss.close();
    await next(wss, 'close');
    for (const event of ['draining', 'close']) wss.on(event as 'close', () => events.push(event));
    expect(await settle(wss.shutdown())).toMatchObject({ closed: 0, refused: 0 });
    expect(events).toEqual([]);
  });

  test('that is closing already closes its connections', async () => {
    const { wss } = await connectPair(scope());
    wss.close();
    expect(wss.state).toBe('draining');
    expect(await settle(wss.shutdown())).toMatchObject({ closed: 1, clean: 1 });
  });

  test('shuts down although a listener of draining throws', async () => {
    const { wss } = await connectPair(scope());
    wss.once('draining', () => {
      throw new Error('of the listener');
    });
    expect(() => wss.shutdown()).toThrow('of the listener');
    expect(await settle(wss.shutdown())).toMatchObject({ closed: 1, clean: 1 });
  });

  test('may be of a subclass that has its own property state', () => {
    class Stateful extends WebSocket.WebSocketServer {
      constructor() {
        super({ noServer: true });
        Reflect.set(this, 'state', 'mine');
      }
    }
    const wss = new Stateful();
    expect([Reflect.get(wss, 'state'), Object.keys(wss).includes('state')]).toEqual(['mine', true]);
  });
});
