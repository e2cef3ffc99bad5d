/** closeInfo: who ended a connection, why, when, and how much went each way. */

import { createServer } from 'node:http';
import { beforeEach, describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { EPOCH, useClock } from '../../support/clock.js';
import { closePayload, type FrameOptions, frame, KEY, OPCODE } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import {
  frameFor,
  type Loose,
  next,
  onWire,
  ROLES,
  type Role,
  recordEvents,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

interface Stage {
  ws: WebSocketInstance;
  wire: ManualWire;
  /** A frame of the peer. */
  arrive(frame: FrameOptions): void;
}

async function stage(role: Role, options: Loose = {}): Promise<Stage> {
  const wire = new ManualWire();
  const ws = onWire(wire, role, options);
  recordEvents(ws);
  await turns(2);
  return { ws, wire, arrive: (one) => wire.arrive(frameFor(role, one)) };
}

const CLOSE = { opcode: OPCODE.CLOSE, payload: closePayload(1001) };
const RESERVED = { rsv: 2, payload: 'x' };
const LONG = { payload: 'too long' };

/** What ends a connection first, and what follows it. */
const ENDS: [what: string, by: string, cause: string, end: (on: Stage) => void, options: Loose][] =
  [
    ['close()', 'us', 'close', ({ ws }) => ws.close(1000), {}],
    ['terminate()', 'us', 'terminate', ({ ws }) => ws.terminate(), {}],
    ['a Close of the peer', 'peer', 'close', ({ arrive }) => arrive(CLOSE), {}],
    ['an invalid frame', 'peer', 'violation', ({ arrive }) => arrive(RESERVED), {}],
    [
      'an invalid Close',
      'peer',
      'violation',
      ({ arrive }) => arrive({ ...CLOSE, payload: 'x' }),
      {},
    ],
    ['the end of TCP', 'wire', 'end', ({ wire }) => wire.finish(), {}],
    ['an error of the socket', 'wire', 'error', ({ wire }) => wire.destroy(new Error('reset')), {}],
    ['destroy() of the socket', 'wire', 'end', ({ wire }) => wire.destroy(), {}],
    ['a long message', 'limit', 'maxPayload', ({ arrive }) => arrive(LONG), { maxPayload: 7 }],
    [
      'many fragments',
      'limit',
      'maxFragments',
      ({ arrive }) => {
        arrive({ fin: false });
        arrive({ fin: false, opcode: OPCODE.CONTINUATION });
      },
      { maxFragments: 1 },
    ],
  ];

describe.each(ROLES)('closeInfo of a %s', (role) => {
  test.each(ENDS)('after %s: by %s, cause %s', async (_, by, cause, end, options) => {
    const all = await stage(role, options);
    end(all);
    await turns(2);
    // Whatever happens then, the first event counts.
    all.wire.finish();
    await turns(2);
    all.ws.terminate();
    await until(() => all.ws.readyState === 3, "'close'");
    expect(all.ws.closeInfo).toMatchObject({ by, cause });
  });

  test('has both Close frames', async () => {
    const { ws, arrive, wire } = await stage(role);
    ws.close(3000, 'ours');
    arrive({ opcode: OPCODE.CLOSE, payload: closePayload(3001, 'theirs') });
    wire.finish();
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo).toMatchObject({
      wasClean: true,
      by: 'us',
      sent: { code: 3000, reason: 'ours' },
      received: { code: 3001, reason: 'theirs' },
    });
  });

  test('counts whole messages each way, and no control frames', async () => {
    const { ws, arrive } = await stage(role);
    arrive({ payload: 'a' });
    arrive({ payload: 'b', fin: false });
    arrive({ opcode: OPCODE.PING });
    arrive({ payload: 'c', opcode: OPCODE.CONTINUATION });
    arrive({ payload: 'incomplete', fin: false });
    ws.send('1');
    ws.send('2', { fin: false });
    ws.send('3', { fin: true });
    ws.send(new Blob(['4']));
    ws.send(WebSocket.prepareMessage('5'));
    ws.ping();
    ws.terminate();
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo?.messages).toEqual({ received: 2, sent: 4 });
    expect(ws.closeInfo?.bytes).toBeUndefined(); // this Duplex does not count
  });

  test('has the times at which the connection was opened and closed', async () => {
    clock.stop();
    clock.advance(1000);
    const { ws } = await stage(role);
    clock.advance(2500);
    ws.terminate();
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo).toMatchObject({ opened: EPOCH + 1000, closed: EPOCH + 3500 });
  });
});

test('bytes are those behind the opening handshake, also if they came with the request', async () => {
  const http = createServer();
  const wss = serve(scope(), { server: http });
  wss.on('connection', (ws) => {
    ws.on('message', (data) => ws.send(data as Buffer, { binary: false }));
  });
  const port = await scope().listen(http);
  const first = frame({ payload: 'first', mask: KEY });
  const second = frame({ payload: 'second', mask: KEY });
  const socket = await scope().connect(port);
  const inbox = new Inbox(socket);
  const connection = next<[WebSocketInstance]>(wss, 'connection');
  socket.write(Buffer.concat([Buffer.from(upgradeRequest()), first]));
  const [ws] = await connection;
  await inbox.message();
  await inbox.frame();
  socket.write(second);
  await inbox.frame();
  socket.write(frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000), mask: KEY }));
  await until(() => ws.readyState === 3, "'close'");
  expect(ws.closeInfo?.bytes).toEqual({
    received: first.length + second.length + 8,
    sent: 7 + 8 + 4,
  });
  expect(ws.closeInfo?.messages).toEqual({ received: 2, sent: 2 });
});

describe('after an opening handshake that failed', () => {
  const connect = clientsIn(scope);
  const HERE = 'ws://server.example.com/';

  beforeEach(() => clock.stop());

  test.each<
    [
      string,
      string,
      Loose,
      (ws: WebSocketInstance, answer: (text: string) => Promise<unknown>) => unknown,
    ]
  >([
    ['us', 'close', {}, (ws) => ws.close()],
    [
      'peer',
      'handshake',
      {},
      (_, answer) => answer('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['timeout', 'handshakeTimeout', { handshakeTimeout: 10 }, () => clock.advance(10)],
  ])('by %s, cause %s', async (by, cause, options, end) => {
    const { ws, events, answer, request } = connect(HERE, options);
    if (by !== 'peer') await request();
    await end(ws, (text) => answer(() => text));
    await settled(events, 2);
    expect(ws.closeInfo).toEqual({
      wasClean: false,
      by,
      cause,
      error: expect.any(Error),
      messages: { sent: 0, received: 0 },
      closed: EPOCH + (by === 'timeout' ? 10 : 0),
    });
  });

  test('by the wire, if there is no connection', async () => {
    const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
    const createConnection = () => {
      const [near] = scope().wire();
      setImmediate(() => near.destroy(refused));
      return near;
    };
    const ws = scope().track(new WebSocket(HERE, { createConnection }));
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo).toMatchObject({ by: 'wire', cause: 'error', error: refused });
  });
});
