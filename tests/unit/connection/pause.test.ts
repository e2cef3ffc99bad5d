/** `pause()` and `resume()`. */

import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { close, ping, said, text, useConnections } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { frameFor, next, ROLES, serve, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe.each(ROLES)('a %s that is paused', (role) => {
  test('delivers nothing, and loses nothing', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.pause();
    expect(ws.isPaused).toBe(true);
    wire.arrive(text(role, 'a'), text(role, 'b'));
    wire.arrive(text(role, 'c'));
    await turns();
    expect(events).toEqual([]);
    ws.resume();
    expect(ws.isPaused).toBe(false);
    await turns();
    expect(events).toEqual(['message a', 'message b', 'message c']);
    wire.arrive(text(role, 'd'));
    expect(events).toHaveLength(4);
  });

  test('by a listener, keeps the rest of the chunk for later', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', () => ws.pause());
    wire.arrive(text(role, 'a'), text(role, 'b'), ping(role, 'c'));
    await turns();
    expect(events).toEqual(['message a']);
    ws.resume();
    await turns();
    expect(events).toEqual(['message a', 'message b', 'ping c']);
    expect(said(wire)).toEqual(['pong c']);
  });

  test('and resumed and paused again at once, stays paused', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.pause();
    wire.arrive(text(role, 'a'));
    ws.resume();
    ws.pause();
    await turns();
    expect(events).toEqual([]);
    ws.resume();
    ws.resume();
    await turns();
    expect(events).toEqual(['message a']);
  });

  test('delivers one message per resume() to a listener that pauses each time', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.on('message', () => {
      ws.pause();
      setImmediate(() => ws.resume());
    });
    wire.arrive(...['a', 'b', 'c', 'd'].map((one) => text(role, one)));
    expect(events).toEqual(['message a']);
    await until(() => events.length === 4, 'the messages');
    expect(events).toEqual(['message a', 'message b', 'message c', 'message d']);
  });

  test('sends', async () => {
    const { ws, wire } = await openConnection(role);
    ws.pause();
    ws.send('a');
    await turns(1);
    expect(said(wire)).toEqual(['text a']);
  });

  test("gets the peer's messages and its Close when it resumes", async () => {
    const { ws, wire, events } = await openConnection(role, { closeTimeout: 50 });
    ws.pause();
    wire.arrive(text(role, 'a'), close(role, 1001, 'bye'));
    wire.finish();
    await turns();
    expect(events).toEqual([]);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    ws.resume();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(wire.writableFinished).toBe(true);
    expect(events).toEqual(['message a', 'close 1001 bye']);
  });

  test('gets messages that came before a wire without a Close ended', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', () => ws.pause());
    wire.arrive(text(role, 'a'), text(role, 'b'));
    wire.finish();
    await turns();
    expect(events).toEqual(['message a']);
    ws.resume();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toEqual(['message a', 'message b', 'close 1006']);
  });

  test("gets what was received and 'close' when the wire is gone", async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', () => ws.pause());
    wire.arrive(text(role, 'a'), text(role, 'b'));
    wire.arrive(text(role, 'c'));
    await turns();
    wire.destroy();
    await until(() => events.includes('close 1006'), "'close'");
    expect(events).toEqual(['message a', 'message b', 'message c', 'close 1006']);
  });

  test("gets the peer's Close although the wire is gone by then", async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.pause();
    wire.arrive(text(role, 'a'), close(role, 1001));
    await turns();
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toEqual(['message a', 'close 1001']);
  });

  test('closes after closeTimeout when its Close stays unanswered', async () => {
    const { ws, events } = await openConnection(role, { closeTimeout: 20 });
    ws.pause();
    ws.close(1000);
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
  });

  test('closes at once by terminate(), and delivers nothing of what it held', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', () => ws.pause());
    wire.arrive(text(role, 'a'), text(role, 'b'));
    wire.arrive(text(role, 'c'));
    ws.terminate();
    await until(() => events.includes('close 1006'), "'close'");
    expect(events).toEqual(['message a', 'close 1006']);
  });

  test("reads on to the end of the wire when it was failed or the peer's Close came", async () => {
    for (const last of [close(role, 1000), frameFor(role, { rsv: 2 })]) {
      const { ws, wire } = await openConnection(role, { closeTimeout: 10_000 });
      ws.on('error', () => {});
      wire.arrive(last);
      ws.pause();
      await turns();
      wire.arrive(Buffer.alloc(1000));
      wire.finish();
      await until(
        () => wire.readableEnded,
        () => `the product to read the end behind ${last.toString('hex')}`,
      );
    }
  });
});

test('resume() without pause() changes nothing', async () => {
  const { ws, wire, events } = await openConnection();
  ws.resume();
  wire.arrive(text('server', 'a'));
  await turns();
  expect(ws.isPaused).toBe(false);
  expect(events).toEqual(['message a']);
});

test('TCP holds the peer of a paused connection back, and nothing is lost', async () => {
  const http = createServer();
  const wss = serve(scope(), { server: http });
  const port = await scope().listen(http);
  const connection = next<[WebSocketInstance]>(wss, 'connection');
  const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
  const [ws] = await connection;
  await until(() => client.readyState === WebSocket.OPEN, "'open'");
  const seen: number[] = [];
  ws.on('message', (data) => seen.push((data as Buffer).readUInt32BE(0)));
  ws.pause();
  const COUNT = 256;
  for (let i = 0; i < COUNT; i++) {
    const message = Buffer.alloc(64 * 1024);
    message.writeUInt32BE(i, 0);
    client.send(message);
  }
  await turns(20);
  expect(client.bufferedAmount).toBeGreaterThan(1024 * 1024);
  expect(seen).toEqual([]);
  ws.resume();
  await until(
    () => seen.length === COUNT,
    () => `${COUNT} messages; there came ${seen.length}`,
  );
  expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  await until(() => client.bufferedAmount === 0, 'everything to leave');
});
