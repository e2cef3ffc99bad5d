/** A page that reads slowly gets all records, and they do not wait in memory for it. */

import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { type Controlled, ControlSession } from '../../../src/inspect/control.js';
import type { RecordsMessage } from '../../../src/inspect/messages.js';
import { Store } from '../../../src/inspect/store.js';
import type { WebSocket } from '../../../src/websocket/websocket.js';

/** A socket whose peer reads when the test says so. */
class SlowSocket extends EventEmitter {
  readonly sent: string[] = [];
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;

  send(text: string): void {
    this.sent.push(text);
    this.bufferedAmount += text.length;
  }

  /** The peer reads all that was sent. */
  read(): void {
    this.bufferedAmount = 0;
    this.emit('drain');
  }

  get records() {
    const messages = this.sent.map((text) => JSON.parse(text) as RecordsMessage);
    return messages.flatMap(({ records }) => records);
  }
}

function open(store: Store) {
  const socket = new SlowSocket();
  const controlled = { store } as Controlled;
  return { socket, session: new ControlSession(socket as unknown as WebSocket, controlled) };
}

function fill(store: Store, count: number): void {
  for (let i = 0; i < count; i++) {
    const bytes = '00'.repeat(2000);
    store.add({ type: 'bytes', connection: 1, time: store.next, from: 'client', bytes });
  }
}

test('records wait in the store, and come in their order when the page reads', () => {
  const store = new Store();
  fill(store, 5000);
  const { socket, session } = open(store);
  session.sendRecords();
  expect(socket.bufferedAmount).toBeLessThan(3 * 1024 * 1024);
  fill(store, 1000);
  while (socket.bufferedAmount > 0) socket.read();
  expect(socket.records.map(({ index }) => index)).toEqual(Array.from(Array(6000).keys()));
});

test('a page that reads too slowly misses the records that were dropped', () => {
  const store = new Store(4_000_000);
  fill(store, 1000);
  const { socket, session } = open(store);
  session.sendRecords();
  const last = socket.records.at(-1)?.index ?? 0;
  fill(store, 2000);
  socket.read();
  const following = socket.records.find(({ index }) => index > last);
  expect(following?.index).toBeGreaterThan(last + 1);
  expect(store.dropped).toBeGreaterThan(0);
});

test('records that are cleared are not sent any more', () => {
  const store = new Store();
  fill(store, 10);
  const { socket, session } = open(store);
  store.clear();
  fill(store, 1);
  session.sendRecords();
  expect(socket.records.map(({ index }) => index)).toEqual([10]);
});

test('a message has at most 1000 records', () => {
  const store = new Store();
  for (let i = 0; i < 2500; i++) {
    store.add({ type: 'bytes', connection: 1, time: 0, from: 'client', bytes: '' });
  }
  const { socket, session } = open(store);
  session.sendRecords();
  const counts = socket.sent.map((text) => (JSON.parse(text) as RecordsMessage).records.length);
  expect(counts).toEqual([1000, 1000, 500]);
});

test('no records are written for a page that has gone', () => {
  const store = new Store();
  fill(store, 20_000);
  const { socket, session } = open(store);
  socket.readyState = 3;
  session.sendRecords();
  expect(socket.sent).toEqual([]);
});
