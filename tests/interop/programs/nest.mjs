/** NestJS's platform-ws: gateways with decorators applied by hand, so there is nothing to compile. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { from } from 'rxjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { refusal, talk } from '../support/talk.mjs';

class Chat {
  visits = [];

  handleConnection(client, request) {
    this.visits.push(`came by ${request.url}`);
    client.send(JSON.stringify({ event: 'welcome' }));
  }

  handleDisconnect() {
    this.visits.push('went');
  }

  add(data, client) {
    assert.equal(client.readyState, client.OPEN);
    return { event: 'sum', data: data.reduce((sum, number) => sum + number, 0) };
  }

  count(upTo) {
    return from(Array.from({ length: upTo }, (_, number) => ({ event: 'count', data: number })));
  }

  shout(text) {
    for (const client of this.server.clients) client.send(text.toUpperCase());
  }
}

/** What a compiler makes of `@SubscribeMessage(event)` and of the decorators of the parameters. */
function handles(event, method, ...parameters) {
  const descriptor = Object.getOwnPropertyDescriptor(Chat.prototype, method);
  SubscribeMessage(event)(Chat.prototype, method, descriptor);
  for (const [index, decorate] of parameters.entries()) decorate(Chat.prototype, method, index);
}

handles('add', 'add', MessageBody(), ConnectedSocket());
handles('count', 'count', MessageBody());
handles('shout', 'shout', MessageBody());
WebSocketServer()(Chat.prototype, 'server');
WebSocketGateway({ path: '/chat', perMessageDeflate: true })(Chat);

class Application {}
Module({ providers: [Chat] })(Application);

async function start() {
  const app = await NestFactory.create(Application, { logger: ['error'] });
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0);
  return { app, chat: app.get(Chat), url: `ws://localhost:${app.getHttpServer().address().port}` };
}

const say = ({ ws }, event, data) => ws.send(JSON.stringify({ event, data }));
const hear = async (client) => JSON.parse(await client.hear());

async function enter({ url }) {
  const client = await talk(`${url}/chat?as=Ada`);
  assert.deepEqual(await hear(client), { event: 'welcome' });
  return client;
}

async function answered(place) {
  const client = await enter(place);
  assert.equal(client.ws.extensions.split(';')[0], 'permessage-deflate');
  const numbers = Array.from({ length: 50_000 }, (_, number) => number);
  say(client, 'add', numbers);
  assert.deepEqual(await hear(client), { event: 'sum', data: 1_249_975_000 });
  client.ws.send('no JSON');
  say(client, 'unknown');
  say(client, 'count', 100);
  for (let number = 0; number < 100; number++) {
    assert.deepEqual(await hear(client), { event: 'count', data: number });
  }
  client.ws.close();
  await client.closed();
}

async function shouted(place) {
  const clients = await Promise.all([1, 2, 3].map(() => enter(place)));
  say(clients[0], 'shout', 'grüße');
  for (const client of clients) assert.equal(await client.hear(), 'GRÜSSE');
  for (const { ws, closed } of clients) {
    ws.close(4000);
    assert.equal((await closed())[0], 4000);
  }
}

/** Another path is cut off without an answer. */
async function elsewhere({ url }) {
  await assert.rejects(refusal(`${url}/elsewhere`), /socket hang up/);
}

async function closed(place) {
  const client = await enter(place);
  await place.app.close();
  assert.equal((await client.closed())[0], 1006);
  const { visits } = place.chat;
  assert.deepEqual(visits.slice(0, 2), ['came by /chat?as=Ada', 'went']);
  assert.equal(visits.filter((visit) => visit === 'went').length, visits.length / 2);
}

await runsOn('nest', '@nestjs/platform-ws');
const place = await start();
await result('nest: @SubscribeMessage answers, with a value and with an Observable', () =>
  answered(place),
);
await result('nest: @WebSocketServer, server.clients', () => shouted(place));
await result('nest: another path', () => elsewhere(place));
await result('nest: app.close()', () => closed(place));
