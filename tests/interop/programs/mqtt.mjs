/** MQTT over WebSocket: the client mqtt, and the broker aedes on a createWebSocketStream. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

/**
 * The broker calls `read()` once per 'readable'. From Node 26 on that gives one chunk of several:
 * here it gives all of them, as before.
 */
function readsAll(stream) {
  const { read } = stream;
  stream.read = (size) => read.call(stream, size ?? (stream.readableLength || undefined));
  return stream;
}

async function start() {
  const broker = await Aedes.createBroker({ concurrency: 1000 });
  const wss = new WebSocketServer({ port: 0, perMessageDeflate: true });
  wss.on('connection', (ws, request) => {
    const stream = readsAll(createWebSocketStream(ws));
    stream.on('error', () => {});
    broker.handle(stream, request);
  });
  await once(wss, 'listening');
  return { broker, wss, url: `ws://localhost:${wss.address().port}/mqtt` };
}

/** The same `wsOptions` go to the constructor and to createWebSocketStream. */
const connect = (url, options = {}) =>
  within(
    10_000,
    'connack',
    mqtt.connectAsync(url, {
      reconnectPeriod: 0,
      wsOptions: { maxPayload: 1 << 24, headers: { 'x-name': 'Ada' } },
      ...options,
    }),
  );

/** What the next `count` messages bring. */
function heard(client, count) {
  const messages = [];
  const all = new Promise((resolve) => {
    client.on('message', function take(topic, payload, { qos }) {
      messages.push({ topic, payload, qos });
      if (messages.length < count) return;
      client.off('message', take);
      resolve(messages);
    });
  });
  return within(15_000, `${count} messages`, all);
}

async function published({ url, wss }) {
  const [reader, writer] = await Promise.all([connect(url), connect(url)]);
  const protocols = [...wss.clients].map(({ protocol }) => protocol);
  assert.deepEqual(protocols, ['mqtt', 'mqtt']);
  for (const qos of [0, 1, 2]) {
    await reader.subscribeAsync(`news/${qos}/#`, { qos });
    const messages = heard(reader, 100);
    for (let number = 0; number < 100; number++) {
      writer.publish(`news/${qos}/${number}`, `number ${number}`, { qos });
    }
    for (const [index, { topic, payload, qos: level }] of (await messages).entries()) {
      assert.equal(topic, `news/${qos}/${index}`);
      assert.equal(String(payload), `number ${index}`);
      assert.equal(level, qos);
    }
  }
  await Promise.all([reader.endAsync(), writer.endAsync()]);
}

async function large({ url }) {
  const [reader, writer] = await Promise.all([connect(url), connect(url)]);
  await reader.subscribeAsync('large', { qos: 1 });
  for (const size of [0, 1, 65_535, 65_536, 1_000_000, 5_000_000]) {
    const bytes = randomBytes(size);
    const messages = heard(reader, 1);
    await writer.publishAsync('large', bytes, { qos: 1 });
    const [{ payload }] = await messages;
    assert.ok(bytes.equals(payload), `${size} bytes`);
  }
  await Promise.all([reader.endAsync(), writer.endAsync()]);
}

/** The broker's last word about a client whose connection is cut off. */
async function willed({ url, wss }) {
  const reader = await connect(url);
  await reader.subscribeAsync('wills');
  const messages = heard(reader, 1);
  const before = new Set(wss.clients);
  const will = { topic: 'wills', payload: 'farewell', qos: 0, retain: false };
  const writer = await connect(url, { will });
  const closed = once(writer, 'close');
  for (const ws of wss.clients) if (!before.has(ws)) ws.terminate();
  await within(5000, "'close'", closed);
  assert.equal(String((await messages)[0].payload), 'farewell');
  await Promise.all([reader.endAsync(), writer.endAsync()]);
}

await runsOn('mqtt', 'mqtt');
const place = await start();
await result('mqtt: publish and subscribe, QoS 0, 1, 2', () => published(place));
await result('mqtt: payloads of 0 to 5,000,000 bytes', () => large(place));
await result('mqtt: the will of a client that was cut off', () => willed(place));
await new Promise((resolve) => place.broker.close(resolve));
place.wss.close();
