/** Peers that send too much, over TCP: reading stops, TCP holds them back, and nothing is lost. */

import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Compiled } from '../support/child.js';
import { useClock } from '../support/clock.js';
import { frame, KEY, OPCODE } from '../support/frames.js';
import { Inbox, turns, until } from '../support/inbox.js';
import { SeededRandom } from '../support/random.js';
import { upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import {
  type Loose,
  next,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../support/websockets.js';

const scope = useScope();
const clock = useClock();

/** Where a server listens. */
const PLACES: [string, () => object][] = [
  ['IPv4', () => ({ host: '127.0.0.1', port: 0 })],
  ['IPv6', () => ({ host: '::1', port: 0 })],
  ['a Unix socket', () => ({ path: join(tmpdir(), `ws6455-${process.pid}.sock`) })],
];

async function listen(place: object): Promise<{ http: Server; open: () => Socket }> {
  const http = createServer();
  http.listen(place);
  await next(http, 'listening');
  scope().later(() => new Promise<void>((done) => http.close(() => done())));
  const address = http.address();
  const target =
    typeof address === 'string'
      ? { path: address }
      : { port: address?.port ?? 0, host: address?.address ?? '' };
  return {
    http,
    open: () => {
      const socket = connect(target).on('error', () => {});
      scope().later(() => socket.destroy());
      return socket;
    },
  };
}

async function enter(
  wss: ServerInstance,
  socket: Socket,
): Promise<{ ws: WebSocketInstance; inbox: Inbox }> {
  const inbox = new Inbox(socket);
  const connection = next<[WebSocketInstance]>(wss, 'connection');
  socket.write(upgradeRequest());
  await inbox.message();
  const [ws] = await connection;
  return { ws, inbox };
}

/** Lets time pass until something is so. */
async function passUntil(done: () => boolean, step: number, what: string): Promise<void> {
  await until(() => {
    clock.advance(step);
    return done();
  }, what);
}

describe.each(PLACES)('over %s', (_, place) => {
  test('a peer beyond its rate is held back by TCP, and every message arrives in order', async () => {
    clock.stop();
    const { http, open } = await listen(place());
    const wss = serve(scope(), {
      server: http,
      messageRate: { perSecond: 100, burst: 5 },
    } satisfies Loose);
    const socket = open();
    const { ws } = await enter(wss, socket);
    const seen: number[] = [];
    ws.on('message', (data) => seen.push((data as Buffer).readUInt32BE(0)));
    const payload = Buffer.alloc(200_000);
    const all = Array.from({ length: 100 }, (_, i) => {
      payload.writeUInt32BE(i);
      return frame({ opcode: OPCODE.BINARY, payload, mask: KEY });
    });
    let isWritten = false;
    socket.write(Buffer.concat(all), () => {
      isWritten = true;
    });
    await until(() => seen.length >= 5, 'the burst');
    await turns(50);
    expect([seen.length, isWritten]).toEqual([5, false]);
    await passUntil(() => seen.length === all.length, 10, 'all messages');
    expect(seen).toEqual(all.map((_, i) => i));
    expect([isWritten, ws.readyState]).toEqual([true, 1]);
  });

  test('each of many peers has limits of its own', async () => {
    clock.stop();
    const { http, open } = await listen(place());
    const messageRate = { perSecond: 10, burst: 4, policy: 'close' };
    const wss = serve(scope(), { server: http, messageRate, idleTimeout: 60_000 });
    const random = new SeededRandom(4);
    const peers = [];
    for (let i = 0; i < 30; i++) peers.push(await enter(wss, open()));
    const counts = peers.map(() => random.integer(1, 7));
    const heard = peers.map(() => 0);
    for (const [i, { ws, inbox }] of peers.entries()) {
      ws.on('message', () => {
        heard[i] = (heard[i] ?? 0) + 1;
      });
      const one = frame({ payload: 'x', mask: KEY });
      (inbox.stream as Socket).write(Buffer.concat(Array<Buffer>(counts[i] ?? 0).fill(one)));
    }
    const due = counts.map((count) => Math.min(count, 4));
    await until(() => heard.every((count, i) => count === due[i]), 'the messages');
    await turns();
    expect(peers.map(({ ws }) => ws.readyState === 1)).toEqual(counts.map((count) => count <= 4));
    expect(clock.timerCount).toBeGreaterThan(0);
    for (const { ws } of peers) ws.terminate();
    await until(() => wss.clients.size === 0, 'the end of all');
    expect(clock.timerCount).toBe(0);
  });
});

describe('a process', () => {
  let compiled: Compiled;
  beforeAll(() => {
    compiled = new Compiled();
  });

  test('of a client that is beyond its rate stays alive until all messages have arrived', async () => {
    const { http } = await listen({ host: '127.0.0.1', port: 0 });
    const wss = serve(scope(), { server: http });
    wss.on('connection', (ws: WebSocketInstance) => {
      for (let i = 0; i < 30; i++) ws.send(Buffer.alloc(100_000));
      ws.close();
    });
    const { port } = http.address() as { port: number };
    const program = `
      const messageRate = { perSecond: 100, burst: 1 };
      const ws = new WebSocket('ws://127.0.0.1:' + args[0], { messageRate });
      ws.on('close', (code) => console.log(ws.closeInfo.messages.received, code));
    `;
    const { status, lines } = await compiled.run(scope(), program, port);
    expect([status, lines]).toEqual([0, ['30 1005']]);
  });

  test('with deadlines, and nothing else to do, ends', async () => {
    const program = `
      const { Duplex } = require('node:stream');
      const ws = new WebSocket(null, undefined, { idleTimeout: 60000, firstMessageTimeout: 60000 });
      ws.setSocket(new Duplex({ read() {}, write(chunk, encoding, done) { done(); } }), Buffer.alloc(0));
      console.log('started');
    `;
    const { status, lines } = await compiled.run(scope(), program);
    expect([status, lines]).toEqual([0, ['started']]);
  });
});
