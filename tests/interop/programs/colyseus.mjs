/** Colyseus: rooms whose state a server keeps in step with its clients, in binary patches. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const require = createRequire(import.meta.url);
const { Room, Server } = require('@colyseus/core');
const { defineTypes, MapSchema, Schema } = require('@colyseus/schema');
const { WebSocketTransport } = require('@colyseus/ws-transport');
const { Client } = require('colyseus.js');

class State extends Schema {
  constructor() {
    super();
    this.players = new MapSchema();
    this.turn = 0;
  }
}
defineTypes(State, { players: { map: 'string' }, turn: 'number' });

class Arena extends Room {
  onCreate() {
    this.setState(new State());
    this.setPatchRate(20);
    this.onMessage('turn', () => this.state.turn++);
    this.onMessage('say', (client, text) => this.broadcast('said', { by: client.sessionId, text }));
    this.onMessage('bytes', (client, bytes) => client.sendBytes('bytes', bytes));
    this.onMessage('kick', (client) => client.leave(4100));
  }
  onAuth(_client, { name }) {
    if (name === 'nobody') throw new Error('not you');
    return true;
  }
  onJoin(client, { name }) {
    this.state.players.set(client.sessionId, name);
  }
  onLeave(client) {
    this.state.players.delete(client.sessionId);
  }
}

const TIMEOUT = 5_000;

async function start() {
  const http = createServer();
  const server = new Server({
    ...{ transport: new WebSocketTransport({ server: http }), greet: false },
    gracefullyShutdown: false,
  });
  server.define('arena', Arena);
  await server.listen(0, '127.0.0.1');
  if (!http.listening) await once(http, 'listening');
  return { server, client: new Client(`ws://127.0.0.1:${http.address().port}`) };
}

function untilState(room, condition) {
  const held = new Promise((resolve) => {
    const look = (state) => condition(state) && resolve(state);
    room.onStateChange(look);
  });
  return within(TIMEOUT, 'the state', held);
}

const heard = (room, type) =>
  within(TIMEOUT, type, new Promise((resolve) => room.onMessage(type, resolve)));

async function keepsInStep(first, second) {
  const states = [first, second].map((room) => untilState(room, ({ turn }) => turn === 50));
  for (let count = 0; count < 50; count++) first.send('turn');
  for (const state of await Promise.all(states)) {
    assert.deepEqual([...state.players.values()].sort(), ['one', 'two']);
  }
}

async function talks(first, second) {
  const said = [first, second].map((room) => heard(room, 'said'));
  second.send('say', 'x'.repeat(3_000));
  for (const { by, text } of await Promise.all(said)) {
    assert.equal(by, second.sessionId);
    assert.equal(text.length, 3_000);
  }
}

async function leaves(first, second) {
  const gone = untilState(first, ({ players }) => players.size === 1);
  const code = new Promise((resolve) => second.onLeave(resolve));
  second.send('kick');
  assert.equal(await within(TIMEOUT, 'the end', code), 4100);
  await gone;
}

await runsOn('colyseus', '@colyseus/ws-transport', 'colyseus.js');
const { server, client } = await start();
const first = await client.joinOrCreate('arena', { name: 'one' });
const second = await client.joinOrCreate('arena', { name: 'two' });
for (const room of [first, second]) room.onMessage('*', () => {});
await result('colyseus: two clients see the same state', () => keepsInStep(first, second));
await result('colyseus: messages to all', () => talks(first, second));
await result('colyseus: a client that may not join', () =>
  assert.rejects(client.joinOrCreate('arena', { name: 'nobody' }), /not you/),
);
await result('colyseus: a client is sent away', () => leaves(first, second));
await first.leave();
await server.gracefullyShutdown(false);
