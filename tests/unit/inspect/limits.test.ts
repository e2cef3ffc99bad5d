/** Peers that flood, end in odd ways, and pages that do not read: the inspector keeps its limits. */

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { type Controlled, ControlSession } from '../../../src/inspect/control.js';
import { Direction } from '../../../src/inspect/direction.js';
import { Store } from '../../../src/inspect/store.js';
import { connectionsOf } from '../../../src/recording/connections.js';
import { Recorder } from '../../../src/recording/recorder.js';
import type { WebSocket } from '../../../src/websocket/websocket.js';
import { frame } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { connectClient, converse, inspected, Page, RawTarget } from '../../support/inspected.js';
import { requestHead, responseHead } from '../../support/recordings.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

async function start() {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${target.port}` });
  return { target, through };
}

describe('held frames', () => {
  function holding(isFull = () => false) {
    const source = new PassThrough() as unknown as Socket;
    const sink = new PassThrough() as unknown as Socket;
    const held: Buffer[] = [];
    const direction = new Direction('client', source, sink, {
      sent: () => {},
      held: (bytes) => held.push(bytes),
      released: () => {},
      isFull,
      ended: () => {},
    });
    direction.isFramed = true;
    direction.hold(true);
    return { source, direction, held };
  }

  test('stop the sender also if they have no payload', () => {
    const { source, direction, held } = holding();
    const chunk = Buffer.concat(new Array(1000).fill(frame()));
    while (!source.isPaused() && held.length < 100_000) direction.receive(chunk);
    expect(held.length).toBeLessThan(5_000);
    direction.releaseAll();
    expect(source.isPaused()).toBe(false);
  });

  test('of all connections have a limit, too', () => {
    let isFull = true;
    const { source, direction } = holding(() => isFull);
    expect(source.isPaused()).toBe(true);
    isFull = false;
    direction.control();
    expect(source.isPaused()).toBe(false);
  });

  test('of many connections are read on when there is room', async () => {
    const { target, through } = await start();
    const page = await Page.open(scope(), through);
    await page.hold('client');
    const big = frame({ opcode: 2, payload: Buffer.alloc(1_000_000) });
    const ends = [];
    for (let i = 0; i < 12; i++) {
      const { client, server } = await converse(scope(), through, target);
      for (let j = 0; j < 5; j++) client.socket.write(big);
      ends.push(server);
    }
    await until(() => page.of('held').length >= 32, '32 held frames');
    await turns();
    expect(page.of('held').length).toBeLessThan(45);
    page.send({ type: 'hold', hold: 'none' });
    for (const { inbox } of ends)
      expect(await inbox.take(5 * big.length)).toHaveLength(5 * big.length);
  });
});

describe('the end of a connection is recorded', () => {
  test('if the page disconnects before the target has answered', async () => {
    const target = await RawTarget.listen(scope());
    // A server without TLS that says nothing: the connection is never made.
    const through = await inspected(scope(), { target: `wss://127.0.0.1:${target.port}` });
    const { socket, inbox } = await connectClient(scope(), through);
    socket.write(upgradeRequest());
    await target.next();
    const page = await Page.open(scope(), through);
    page.send({ type: 'disconnect', connection: 1 });
    await until(() => inbox.closed || inbox.ended, 'the end');
    await until(() => through.of('end').length > 0, 'its record');
    expect(through.of('end')).toMatchObject([{ how: 'error', connection: 1 }]);
  });

  test('if the target cannot be reached', async () => {
    const { target, through } = await start();
    await new Promise((closed) => target.server.close(closed));
    const { socket, inbox } = await connectClient(scope(), through);
    socket.write(upgradeRequest());
    expect((await inbox.message()).status).toBe(502);
    expect(through.of('end')).toMatchObject([{ from: 'server', how: 'error' }]);
  });
});

describe('a store without room', () => {
  test('knows a connection while one direction goes on', () => {
    const store = new Store(20_000);
    const recorder = new Recorder((record, one) => store.add(record, one));
    const tap = recorder.connect({ url: 'ws://localhost/' });
    tap.receive('client', Buffer.from(requestHead()));
    tap.receive('server', Buffer.from(responseHead()));
    tap.end('client');
    for (let i = 0; i < 100; i++) tap.receive('server', frame({ payload: 'x' }));
    expect(store.dropped).toBeGreaterThan(5);
    const start = { type: 'recording', version: 1, software: '', startedAt: '' } as const;
    const [connection] = connectionsOf([...store.recording(start)]);
    expect(connection?.events.slice(0, 2).map(({ type }) => type)).toEqual([
      'handshake',
      'handshake',
    ]);
    store.clear();
    tap.receive('server', frame({ payload: 'y' }));
    expect(connectionsOf([...store.recording(start)])).toHaveLength(1);
  });
});

test('a page that reads nothing is disconnected at last', () => {
  const socket = Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    isTerminated: false,
    send(text: string) {
      this.bufferedAmount += text.length;
    },
    terminate() {
      this.isTerminated = true;
    },
  });
  const controlled = { store: new Store() } as Controlled;
  const session = new ControlSession(socket as unknown as WebSocket, controlled);
  const bytes = '00'.repeat(1_000_000);
  const message = { type: 'held', id: 1, connection: 1, from: 'client', bytes } as const;
  for (let i = 0; i < 200 && !socket.isTerminated; i++) session.send(message);
  expect(socket.isTerminated).toBe(true);
});

describe('the page server', () => {
  const get = async (port: number, ...fields: [string, string][]) => {
    const { socket, inbox } = await connectClient(scope(), { port });
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`GET /.ws6455/recording.jsonl HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`);
    return inbox.message();
  };

  test('answers one request a connection: the next may be for the target', async () => {
    const { through } = await start();
    const response = await get(through.port);
    expect(response.status).toBe(200);
    expect(response.all('Connection')).toEqual(['close']);
  });

  test.each(['cross-site', 'same-site'])('gives no recording to a %s page', async (site) => {
    const { through } = await start();
    expect((await get(through.port, ['Sec-Fetch-Site', site])).status).toBe(403);
    expect((await get(through.port, ['Sec-Fetch-Site', 'same-origin'])).status).toBe(200);
  });
});
