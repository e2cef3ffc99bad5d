/** The callbacks of send, ping and pong. */

import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { notEncodedError } from '../../../src/connection/send-callbacks.js';
import WebSocket from '../../../src/index.js';
import { type FrameSink, SendQueue } from '../../../src/protocol/send-queue.js';
import { close, recordCalls, said, useConnections } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { next, recordEvents, serve, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe('callbacks', () => {
  test('are called when the write is done, in the order of the sends, once each', async () => {
    const { ws, wire } = await openConnection('server', {}, { hold: true });
    const { calls, note } = recordCalls();
    ws.send('a', note('a'));
    ws.ping('b', undefined, note('b'));
    ws.send(Buffer.alloc(20_000), note('c'));
    ws.pong(note('d'));
    await turns(1);
    expect(calls).toEqual([]);
    ws.send('e', {}, note('e'));
    await turns(1);
    while (wire.held > 0) {
      wire.release();
      await turns(1);
    }
    expect(calls).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('get no argument or nothing when the message left', async () => {
    const { ws } = await openConnection();
    const seen: unknown[] = [];
    ws.send('a', (error) => seen.push(error ?? undefined));
    await until(() => seen.length > 0, 'the callback');
    expect(seen).toEqual([undefined]);
  });

  test('may send more', async () => {
    const { ws, wire } = await openConnection();
    const { calls, note } = recordCalls();
    ws.send('a', () => ws.send('b', () => ws.send('c', note('c'))));
    await until(() => calls.length > 0, 'the last callback');
    expect(said(wire)).toEqual(['text a', 'text b', 'text c']);
  });

  test('get the error of the wire, all of them, once', async () => {
    const { ws, wire, events } = await openConnection('server', {}, { hold: true });
    const { calls, note } = recordCalls();
    ws.send('a', note('a'));
    ws.send('b', note('b'));
    await turns(1);
    ws.send('c', note('c'));
    await turns(1);
    ws.send('d', note('d'));
    const broken = new Error('wire broke');
    wire.release(broken);
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    await turns();
    expect(calls.map((call) => call.split(':')[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(calls.slice(0, 2)).toEqual(['a: wire broke', 'b: wire broke']);
    expect(calls.every((call) => call.includes(': '))).toBe(true);
    expect(events).toEqual(['close 1006']);
    expect(ws.closeInfo).toMatchObject({ wasClean: false, error: broken });
  });

  test('get an error when the connection closed before the message left', async () => {
    const { ws, wire, events } = await openConnection('server', {}, { hold: true });
    const { calls, note } = recordCalls();
    ws.send('a', note('a'));
    await turns(1);
    ws.send('b', note('b'));
    await turns(1);
    ws.send('c', note('c'));
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    wire.release();
    await turns();
    expect(calls).toHaveLength(3);
    expect(calls.map((call) => call.split(':')[0])).toEqual(['a', 'b', 'c']);
    expect(calls.every((call) => call.includes(': '))).toBe(true);
    expect(events).toEqual(['close 1006']);
  });

  test('one that throws does not stop those of the same write', async () => {
    const caught = uncaught(scope());
    const { ws, events } = await openConnection();
    const { calls, note } = recordCalls();
    const mine = new Error('callback');
    ws.send('a', note('a'));
    ws.send('b', () => {
      throw mine;
    });
    ws.send('c', note('c'));
    await turns();
    expect(caught).toEqual([mine]);
    expect(calls).toEqual(['a', 'c']);
    ws.send('d', note('d'));
    await turns();
    expect(calls).toEqual(['a', 'c', 'd']);
    expect(events).toEqual([]);
  });

  test('one that throws does not stop those of later writes', async () => {
    const caught = uncaught(scope());
    const { ws, wire, events } = await openConnection(
      'server',
      { closeTimeout: 1000 },
      { hold: true },
    );
    const { calls, note } = recordCalls();
    const mine = new Error('callback');
    ws.send('a', note('a'));
    await turns(1);
    ws.send('b', () => {
      throw mine;
    });
    await turns(1);
    ws.send('c', note('c'));
    await turns(1);
    wire.hold = false;
    setImmediate(() => wire.release());
    await turns();
    expect(caught).toEqual([mine]);
    expect(calls).toEqual(['a', 'c']);
    ws.send('d', note('d'));
    await turns();
    expect(calls).toEqual(['a', 'c', 'd']);
    // The stream is still whole: it ends.
    wire.arrive(close('server', 1000));
    await until(() => wire.writableFinished, 'the end of the stream');
    expect(said(wire)).toEqual(['text a', 'text b', 'text c', 'text d', 'close 1000']);
    expect(events).toEqual([]);
  });

  test("one that throws when the connection closes does not keep 'close' away", async () => {
    const caught = uncaught(scope());
    const { ws, wire, events } = await openConnection('server', {}, { hold: true });
    const { calls, note } = recordCalls();
    const mine = new Error('callback');
    ws.send('a', () => {
      throw mine;
    });
    ws.send('b', note('b'));
    await turns(1);
    ws.send('c', note('c'));
    wire.destroy();
    await turns();
    expect(caught).toEqual([mine]);
    expect(calls.map((call) => call.split(':')[0])).toEqual(['b', 'c']);
    expect(events).toEqual(['close 1006']);
  });

  test('after a reset all of a slow reader are called, once, with an error', async () => {
    const http = createServer();
    const wss = serve(scope(), { server: http });
    const port = await scope().listen(http);
    const socket = await scope().connect(port);
    const connection = next<[WebSocketInstance]>(wss, 'connection');
    socket.write(upgradeRequest());
    const [ws] = await connection;
    const counts = Array<number>(200).fill(0);
    let failed = 0;
    const payload = Buffer.alloc(64 * 1024);
    for (let i = 0; i < counts.length; i++) {
      ws.send(payload, (error) => {
        counts[i] = (counts[i] ?? 0) + 1;
        if (error) failed++;
      });
    }
    await turns(1);
    expect(ws.bufferedAmount).toBeGreaterThan(1024 * 1024);
    const events = recordEvents(ws);
    socket.resetAndDestroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    await turns();
    expect(new Set(counts)).toEqual(new Set([1]));
    expect(failed).toBeGreaterThan(0);
    expect(events).toEqual(['close 1006']);
  });
});

const ignore = () => {};
const sink: FrameSink = {
  hasKey: () => true,
  writeFrame: ignore,
  onFailure: ignore,
  onEmpty: ignore,
  onYield: ignore,
};

test('a Blob that is read after the wire is gone counts as being read', () => {
  const queue = new SendQueue(undefined, sink);
  const blob = queue.enqueuePending(0x82, 3, false, undefined);
  queue.stop();
  queue.resolve(blob, Buffer.from('abc'));
  expect(notEncodedError(queue.takeAll()).message).toBe(
    'The socket was closed while the blob was being read',
  );
});
