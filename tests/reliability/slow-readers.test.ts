/** Peers that read slowly or not at all, on real sockets: memory, the others, and who is closed. */

import type { AddressInfo, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, jest, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { turns, until } from '../support/inbox.js';
import { useScope } from '../support/scope.js';
import type { ServerInstance, ServerOptions, WebSocketInstance } from '../support/websockets.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const scope = useScope();
jest.setTimeout(60_000); // a busy machine fills sockets slowly
const MIB = 1024 * 1024;

interface Place {
  readonly server: ServerInstance;
  connect(options?: object): Promise<{ client: WebSocketInstance; ws: WebSocketInstance }>;
}

async function open(options: ServerOptions): Promise<Place> {
  const server = new WebSocket.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  scope().later(() => new Promise<void>((done) => server.close(() => done())));
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  const connect = async (clientOptions = {}) => {
    const connection = new Promise<WebSocketInstance>((done) => server.once('connection', done));
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`, clientOptions));
    await new Promise((done) => client.once('open', done));
    return { client, ws: scope().track(await connection) };
  };
  return { server, connect };
}

/** Sends until the kernel takes no more: what follows waits. */
async function fill(ws: WebSocketInstance): Promise<void> {
  const socket = Reflect.get(ws, '_socket') as Socket;
  const block = Buffer.alloc(64 * 1024);
  for (let full = 0; full < 3; ) {
    full = socket.writableNeedDrain ? full + 1 : 0;
    if (full === 0) ws.send(block, { compress: false });
    await turns(2);
  }
}

async function memoryInUse(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i++) {
    await turns(2);
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}

describe('a peer that reads nothing', () => {
  test.each(['drop-oldest', 'drop-newest'] as const)(
    "costs no more than the limit under 100 000 broadcasts with '%s'",
    async (overflow) => {
      const maxBufferedAmount = 2 * MIB;
      const { server, connect } = await open({ maxBufferedAmount, overflow });
      const { client, ws } = await connect();
      client.pause();
      await fill(ws);
      let dropped = 0;
      ws.on('drop', (messages) => {
        dropped += messages;
      });
      const before = await memoryInUse();
      for (let i = 0; i < 100_000; i++) {
        server.broadcast(`message ${i}`);
        if (i % 10_000 === 0) await turns(1);
      }
      await turns(1);
      expect(ws.bufferedAmount).toBeLessThanOrEqual(maxBufferedAmount);
      // Each broadcast here has a message of its own, which connections would share.
      expect((await memoryInUse()) - before).toBeLessThan(5 * maxBufferedAmount);
      expect(dropped).toBeGreaterThan(80_000);
      expect(ws.readyState).toBe(ws.OPEN);
    },
  );

  test('shares the bytes of a broadcast with the others', async () => {
    const { server, connect } = await open({ maxBufferedAmount: 64 * MIB });
    const all = [];
    for (let i = 0; i < 20; i++) all.push(await connect());
    for (const { client, ws } of all) {
      client.pause();
      await fill(ws);
    }
    const before = await memoryInUse();
    for (let i = 0; i < 20; i++) server.broadcast(Buffer.alloc(MIB / 2));
    const used = (await memoryInUse()) - before;
    expect(all.every(({ ws }) => ws.bufferedAmount >= 10 * MIB)).toBe(true);
    expect(used).toBeLessThan(12 * MIB); // 10 MiB once, and not 200
  });

  test('gets the newest messages when it reads again', async () => {
    const { server, connect } = await open({ maxBufferedAmount: MIB, overflow: 'drop-oldest' });
    const { client, ws } = await connect();
    client.pause();
    await fill(ws);
    for (let i = 0; i < 50_000; i++) server.broadcast(`message ${i}`);
    const texts: string[] = [];
    client.on('message', (data, isBinary) => isBinary || texts.push(`${data}`));
    client.resume();
    await until(() => texts.at(-1) === 'message 49999', 'the last message');
    const first = 50_000 - texts.length;
    expect(texts).toEqual(Array.from({ length: texts.length }, (_, i) => `message ${first + i}`));
    expect(texts.length).toBeLessThan(50_000);
  });

  test("is closed with 'close', and the others get everything", async () => {
    const { server, connect } = await open({ maxBufferedAmount: 256 * 1024, closeTimeout: 100 });
    const stuck = await connect();
    const other = await connect();
    stuck.client.pause();
    let received = 0;
    other.client.on('message', () => received++);
    const reports = { sent: 0, queued: 0, dropped: 0, closed: 0 };
    let sent = 0;
    for (; stuck.ws.readyState === stuck.ws.OPEN; sent++) {
      server.broadcast(Buffer.alloc(16_384), {
        onReport(report) {
          for (const name of ['sent', 'queued', 'dropped', 'closed'] as const) {
            reports[name] += report[name];
          }
        },
      });
      await turns(1);
    }
    await until(() => received === sent, 'all messages');
    await until(() => stuck.ws.readyState === stuck.ws.CLOSED, 'the end of the stuck one');
    expect(stuck.ws.closeInfo).toMatchObject({ by: 'limit', cause: 'slow', sent: { code: 1013 } });
    expect(other.ws.readyState).toBe(other.ws.OPEN);
    expect(reports.closed).toBe(1);
    expect(reports.queued).toBeGreaterThan(0);
    expect(reports.sent + reports.queued + reports.closed).toBe(2 * sent);
  });
});

test('memoryBudget closes exactly those that do not read', async () => {
  const { server, connect } = await open({ memoryBudget: 2 * MIB, closeTimeout: 100 });
  const all = [];
  for (let i = 0; i < 12; i++) all.push(await connect());
  const stuck = all.filter((_, i) => i % 3 === 0);
  const reading = all.filter((one) => !stuck.includes(one));
  const counts = new Map<WebSocketInstance, number>();
  for (const { client } of reading) {
    client.on('message', () => counts.set(client, (counts.get(client) ?? 0) + 1));
  }
  for (const { client } of stuck) client.pause();
  let sent = 0;
  for (; stuck.some(({ ws }) => ws.readyState === ws.OPEN); sent++) {
    server.broadcast(Buffer.alloc(32_768));
    await turns(4);
  }
  await until(() => reading.every(({ client }) => counts.get(client) === sent), 'all messages');
  expect(reading.every(({ ws }) => ws.readyState === ws.OPEN)).toBe(true);
  await until(() => stuck.every(({ ws }) => ws.readyState === ws.CLOSED), 'the end');
});

describe('a conflated broadcast', () => {
  test.each([false, true])('arrives whole, compressed: %p', async (perMessageDeflate) => {
    const { server, connect } = await open({
      overflow: 'conflate',
      perMessageDeflate: perMessageDeflate && { threshold: 0 },
    });
    const { client, ws } = await connect({ perMessageDeflate });
    const last = new Map<string, number>();
    const texts: string[] = [];
    client.on('message', (data, isBinary) => isBinary || texts.push(`${data}`));
    client.pause();
    await fill(ws);
    for (let i = 0; i < 20_000; i++) {
      const key = `key ${i % 100}`;
      last.set(key, i);
      server.broadcast(`${key} has the value ${i}`, { key });
    }
    client.resume();
    await until(() => texts.at(-1) === 'key 99 has the value 19999', 'the last message');
    expect(texts).toEqual([...last].map(([key, value]) => `${key} has the value ${value}`));
    expect(ws.readyState).toBe(ws.OPEN);
  });
});

test('messages that are compressed in the thread pool keep their order', async () => {
  const perMessageDeflate = { threshold: 0 };
  const { connect } = await open({ perMessageDeflate, maxBufferedAmount: 64 * MIB });
  const { client, ws } = await connect({ perMessageDeflate });
  const texts: string[] = [];
  client.on('message', (data) => texts.push(String(data)));
  const sent = Array.from({ length: 50 }, (_, i) => `${i} `.repeat(i % 3 === 0 ? 40_000 : 10));
  for (const text of sent) ws.send(text);
  await until(() => texts.length === sent.length, 'the messages', 10_000);
  expect(texts).toEqual(sent);
  expect(ws.bufferedAmount).toBe(0);
});

test('frames that a program made itself keep their place', async () => {
  const { connect } = await open({ maxBufferedAmount: 4 * MIB });
  const { client, ws } = await connect();
  const texts: string[] = [];
  client.on('message', (data, isBinary) => isBinary || texts.push(`${data}`));
  client.pause();
  await fill(ws);
  const sender = Reflect.get(ws, '_sender') as { sendFrame(parts: Buffer[]): void };
  ws.send('first');
  sender.sendFrame([Buffer.from('8106', 'hex'), Buffer.from('second')]);
  ws.send('third');
  client.resume();
  await until(() => texts.length === 3, 'the messages');
  expect(texts).toEqual(['first', 'second', 'third']);
});
