/** What is published of connections on the channels of `node:diagnostics_channel`. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { onPublished, type Published, record } from '../../support/channels.js';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { connectPair, frameFor, next, onWire } from '../../support/websockets.js';

const scope = useScope();

/** A message without the objects that it is about, which each test checks once. */
function plain({ websocket, server, ...rest }: Published): Published {
  return rest;
}

const messages = (seen: [string, Published][]): Published[] =>
  seen.map(([, message]) => plain(message));

/** A server's WebSocket on a wire in memory, whose peer is the test. */
function peer(options = {}) {
  const [near, far] = scope().wire();
  const ws = onWire(far, 'server', options);
  ws.on('error', () => {});
  return { ws, near };
}

describe('open and close', () => {
  test('both ends, each before its event', async () => {
    const seen = record(scope(), 'open', 'close');
    const { wss, ws, client, request } = await connectPair(scope());
    expect(seen).toEqual([
      ['open', { websocket: ws, server: wss, role: 'server', request }],
      ['open', { websocket: client, server: undefined, role: 'client', request: undefined }],
    ]);
    const published: number[] = [];
    ws.on('close', () => published.push(seen.length));
    client.close(4000, 'bye');
    await Promise.all([next(ws, 'close'), next(client, 'close')]);
    const closes = seen.slice(2).map(([name, message]) => [name, message]);
    expect(closes).toEqual([
      ['close', { websocket: ws, server: wss, code: 4000, reason: 'bye', closeInfo: ws.closeInfo }],
      [
        'close',
        {
          websocket: client,
          server: undefined,
          code: 4000,
          reason: 'bye',
          closeInfo: client.closeInfo,
        },
      ],
    ]);
    expect(published).toEqual([3]);
  });

  test('a client that was never open is not closed', async () => {
    const seen = record(scope(), 'open', 'close');
    const ws = new WebSocket('ws://server.example.com', {
      createConnection: () => scope().wire()[0] as never,
    });
    ws.on('error', () => {});
    ws.terminate();
    await next(ws, 'close');
    expect(seen).toEqual([]);
  });
});

describe('frames', () => {
  const PLAIN = { fin: true, reserved: 0, masked: false, compressed: false };

  test('of both directions, with their bits and sizes', async () => {
    const { ws, near } = peer({ autoPong: true });
    const seen = record(scope(), 'frame');
    near.write(frame({ payload: 'Hel', fin: false, mask: KEY }));
    near.write(frame({ opcode: OPCODE.PING, payload: 'p', mask: KEY }));
    near.write(frame({ opcode: OPCODE.CONTINUATION, payload: 'x'.repeat(200), mask: KEY }));
    await until(() => seen.length >= 4, 'the frames');
    ws.send('é');
    ws.send(Buffer.alloc(70_000));
    const masked = { ...PLAIN, masked: true, payload: undefined, direction: 'received' };
    const sent = { ...PLAIN, payload: undefined, direction: 'sent' };
    const p = Buffer.from('p');
    expect(messages(seen)).toEqual([
      { ...masked, opcode: 1, fin: false, bytes: 3, wireBytes: 9 },
      { ...masked, opcode: 9, bytes: 1, wireBytes: 7, payload: p },
      { ...sent, opcode: 10, bytes: 1, wireBytes: 3, payload: p },
      { ...masked, opcode: 0, bytes: 200, wireBytes: 208 },
      { ...sent, opcode: 1, bytes: 2, wireBytes: 4 },
      { ...sent, opcode: 2, bytes: 70_000, wireBytes: 70_010 },
    ]);
    expect(seen.map(([, { websocket }]) => websocket)).toEqual(Array(6).fill(ws));
  });

  test('of a Close, with its payload', async () => {
    const { near } = peer();
    const seen = record(scope(), 'frame');
    near.write(frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000, 'bye'), mask: KEY }));
    await until(() => seen.length === 2, 'both Closes');
    expect(
      messages(seen).map(({ direction, opcode, payload }) => [direction, opcode, payload]),
    ).toEqual([
      ['received', 8, closePayload(1000, 'bye')],
      ['sent', 8, closePayload(1000, 'bye')],
    ]);
  });

  test('the payload of a Ping is a copy: a program reuses its own', () => {
    const { ws } = peer();
    const seen = record(scope(), 'frame');
    const data = Buffer.from('one');
    ws.ping(data);
    data.fill('x');
    expect(messages(seen)[0]?.['payload']).toEqual(Buffer.from('one'));
  });

  test('of a broadcast, and of a program that makes its own', async () => {
    const { wss, ws } = await connectPair(scope());
    const seen = record(scope(), 'frame');
    wss.broadcast('all');
    const { _sender } = ws as unknown as { _sender: { sendFrame(parts: Buffer[]): void } };
    _sender.sendFrame([frame({ payload: 'own', fin: false })]);
    const sent = messages(seen).filter(({ direction }) => direction === 'sent');
    const common = { ...PLAIN, direction: 'sent', opcode: 1, payload: undefined };
    expect(sent).toEqual([
      { ...common, bytes: 3, wireBytes: 5 },
      { ...common, fin: false, bytes: 3, wireBytes: 5 },
    ]);
  });

  test('of a connection whose private receiver a program uses', async () => {
    const { ws, near } = peer();
    const { _receiver } = ws as unknown as { _receiver: object };
    expect(_receiver).toBeDefined();
    const seen = record(scope(), 'frame', 'message');
    near.write(frame({ payload: 'a', mask: KEY }));
    await until(() => seen.length === 2, 'both');
    expect(seen.map(([name]) => name)).toEqual(['frame', 'message']);
  });

  test('a subscriber that comes later sees the frames of open connections', async () => {
    const { ws, near } = peer();
    const received: string[] = [];
    ws.on('message', (data) => received.push(String(data)));
    const all = frame({ payload: 'Hello', mask: KEY });
    near.write(all.subarray(0, 8));
    await turns();
    const seen = record(scope(), 'frame', 'message');
    near.write(Buffer.concat([all.subarray(8), frame({ payload: 'next', mask: KEY })]));
    await until(() => received.length === 2, 'the messages');
    expect(
      seen.map(([name, { opcode, bytes, wireBytes }]) => [name, opcode, bytes, wireBytes]),
    ).toEqual([
      ['message', 1, 5, 0],
      ['frame', 1, 4, 10],
      ['message', 1, 4, 10],
    ]);
  });

  test('are not published any more after the last subscriber has left', () => {
    const { ws } = peer();
    const seen: unknown[] = [];
    const listener = (message: unknown): void => void seen.push(message);
    subscribe('ws6455:frame', listener);
    ws.send('one');
    unsubscribe('ws6455:frame', listener);
    ws.send('two');
    expect(seen).toHaveLength(1);
  });
});

describe('messages', () => {
  test('are the sum of their frames', async () => {
    const { ws, near } = peer();
    const seen = record(scope(), 'message');
    near.write(frame({ opcode: OPCODE.BINARY, payload: 'ab', fin: false, mask: KEY }));
    near.write(frame({ opcode: OPCODE.CONTINUATION, payload: 'c', mask: KEY }));
    await until(() => seen.length === 1, 'the message');
    ws.send('a', { fin: false });
    ws.send('b');
    expect(messages(seen)).toEqual([
      { direction: 'received', opcode: 2, bytes: 3, wireBytes: 15, compressed: false },
      { direction: 'sent', opcode: 1, bytes: 2, wireBytes: 6, compressed: false },
    ]);
  });

  test('show both lengths when they are compressed', async () => {
    const seen = record(scope(), 'message');
    const perMessageDeflate = { threshold: 0 };
    const { ws, client } = await connectPair(scope(), { perMessageDeflate }, { perMessageDeflate });
    expect(client.extensions).toBe('permessage-deflate');
    ws.send('x'.repeat(1000));
    await until(() => seen.length === 2, 'both ends');
    const sent = messages(seen).find(({ direction }) => direction === 'sent');
    const received = messages(seen).find(({ direction }) => direction === 'received');
    expect(sent).toMatchObject({ opcode: 1, bytes: 1000, compressed: true });
    expect(received).toEqual({ ...sent, direction: 'received' });
    expect(sent?.['wireBytes']).toBeLessThan(100);
  });

  test('of which the first frame was not seen when sent are left out', () => {
    const { ws } = peer();
    ws.send('a', { fin: false });
    const seen = record(scope(), 'message');
    ws.send('b');
    ws.send('whole');
    expect(messages(seen)).toMatchObject([{ opcode: 1, bytes: 5, wireBytes: 7 }]);
  });
});

test('Pings and Pongs that were received', async () => {
  const { near } = peer();
  const seen = record(scope(), 'ping', 'pong');
  near.write(frameFor('server', { opcode: OPCODE.PING, payload: 'a' }));
  near.write(frameFor('server', { opcode: OPCODE.PONG, payload: 'b' }));
  await until(() => seen.length === 2, 'both');
  expect(seen.map(([name, message]) => [name, plain(message)])).toEqual([
    ['ping', { payload: Buffer.from('a') }],
    ['pong', { payload: Buffer.from('b'), rtt: undefined }],
  ]);
});

test('a Pong that answers a Ping of the library has the round-trip time, and the server counts it', async () => {
  const { wss, ws } = await connectPair(scope());
  const seen = record(scope(), 'pong');
  const rtt = await ws.measureRoundTrip();
  expect(seen).toEqual([['pong', { websocket: ws, server: wss, payload: expect.anything(), rtt }]]);
  const sum = `websocket_server_rtt_seconds_sum ${rtt / 1000}\n`;
  expect(wss.metrics()).toContain(`${sum}websocket_server_rtt_seconds_count 1\n`);
});

describe('a violation', () => {
  test('has the section of the rule', async () => {
    const { ws, near } = peer();
    const seen = record(scope(), 'violation');
    near.write(frame({ payload: 'unmasked' }));
    const [error] = await next<[Error]>(ws, 'error');
    expect(seen).toEqual([
      [
        'violation',
        {
          websocket: ws,
          server: undefined,
          error,
          code: 'WS_ERR_EXPECTED_MASK',
          closeCode: 1002,
          rfc: 'RFC 6455 §5.1',
        },
      ],
    ]);
  });

  test('is none of this end', async () => {
    const seen = record(scope(), 'violation');
    const { ws } = await connectPair(scope(), { captureRejections: true });
    ws.on('message', async () => Promise.reject(new Error('own')));
    ws.emit('message');
    await next(ws, 'error');
    expect(seen).toEqual([]);
  });
});

describe('backpressure', () => {
  function slow(options = {}) {
    const wire = new ManualWire({ hold: true, highWaterMark: 1000 });
    const ws = onWire(wire, 'server', options);
    scope().later(async () => {
      wire.hold = false;
      ws.terminate();
      await until(() => ws.readyState === 3, 'the end');
    });
    return { wire, ws };
  }

  test.each([
    ['without a limit', {}],
    ['with a limit', { maxBufferedAmount: 20_000 }],
  ])('is full once, then drained: %s', async (_what, options) => {
    const { wire, ws } = slow(options);
    const seen = record(scope(), 'backpressure');
    for (let i = 0; i < 3; i++) ws.send(Buffer.alloc(5000));
    expect(messages(seen)).toMatchObject([{ state: 'full' }]);
    expect(seen[0]?.[1]['bufferedAmount']).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) {
      wire.release();
      await turns(1);
    }
    expect(messages(seen).map(({ state }) => state)).toEqual(['full', 'drained']);
  });

  test('is not drained for a subscriber that did not see it full', async () => {
    const { wire, ws } = slow();
    ws.send(Buffer.alloc(5000));
    const seen = record(scope(), 'backpressure');
    for (let i = 0; i < 5; i++) {
      wire.release();
      await turns(1);
    }
    expect(seen).toEqual([]);
  });
});

describe('a dropped message', () => {
  test('of a slow peer has the reason', async () => {
    const wire = new ManualWire({ hold: true, highWaterMark: 1000 });
    const ws = onWire(wire, 'server', { maxBufferedAmount: 3000, overflow: 'drop-newest' });
    const seen = record(scope(), 'drop');
    ws.send(Buffer.alloc(2500));
    ws.send('dropped'.repeat(100));
    expect(messages(seen)).toEqual([{ direction: 'sent', reason: 'full', bytes: 700 }]);
    wire.hold = false;
    ws.terminate();
    await next(ws, 'close');
  });

  test('beyond the rate of its sender is received', async () => {
    const messageRate = { perSecond: 1, policy: () => 'drop' };
    const { ws, near } = peer({ messageRate });
    const seen = record(scope(), 'drop');
    const received: string[] = [];
    ws.on('message', (data) => received.push(String(data)));
    for (const payload of ['one', 'two', 'three']) near.write(frame({ payload, mask: KEY }));
    await until(() => seen.length === 2, 'the drops');
    expect(received).toEqual(['one']);
    expect(messages(seen)).toEqual([
      { direction: 'received', reason: 'messageRate', bytes: 3 },
      { direction: 'received', reason: 'messageRate', bytes: 5 },
    ]);
  });
});

describe('a subscriber', () => {
  test('may terminate the connection at a frame: nothing of it is delivered', async () => {
    const { ws, near } = peer();
    onPublished(scope(), 'frame', () => ws.terminate());
    const events: string[] = [];
    ws.on('message', () => events.push('message'));
    near.write(
      Buffer.concat([frame({ payload: 'a', mask: KEY }), frame({ payload: 'b', mask: KEY })]),
    );
    await next(ws, 'close');
    expect(events).toEqual([]);
  });

  test('may send at a received frame', async () => {
    const { ws, near } = peer();
    const seen = record(scope(), 'message');
    onPublished(scope(), 'message', ({ direction }) => {
      if (direction === 'received') ws.send('answer');
    });
    near.write(frame({ payload: 'a', mask: KEY }));
    await until(() => seen.length === 2, 'the answer');
    expect(messages(seen).map(({ direction, bytes }) => [direction, bytes])).toEqual([
      ['received', 1],
      ['sent', 6],
    ]);
  });
});
