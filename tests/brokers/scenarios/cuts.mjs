/**
 * The connection to the engine is cut after every byte of an exchange, in each direction: a server
 * subscribes, publishes and gives a topic up meanwhile. Each time it must come back.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Client } from '../clients/client.mjs';
import { serveRequests } from '../clients/requests.mjs';
import { createBroker } from '../matrix/brokers.mjs';
import { WebSocketServer } from '../support/subject.mjs';
import { until } from '../support/wait.mjs';

const LANES = 16;

/** Brokers wait longer after each failure. */
const PATIENCE = 30_000;

/** Of a longer exchange, such as one with the information of a server, a part of the cuts. */
const MAX_CUTS = Number(process.env.CUTS ?? 100);

export const name = 'the connection is cut after every byte of an exchange';

export const needs = ['cut'];

export async function run({ start, random }) {
  const backend = await start();
  const other = await Peer.start(backend);
  await other.client.subscribe('from here');
  const whole = await measure(backend, other);
  const cuts = chooseCuts(whole, random);
  const total = cuts.length;
  const lane = async () => {
    for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift()) {
      try {
        await exchange(backend, other, cut);
      } catch (error) {
        error.message = `Cut after ${cut.count} bytes ${cut.direction}: ${error.message}`;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await other.close();
  const none = async () => (await backend.subscriptions()) === 0 || backend.subscriptions();
  await until('No subscription at the engine', none);
  return `${total} cuts of ${whole.toServer} bytes to the engine and ${whole.toClient} from it`;
}

/** CUT repeats one that has failed: `CUT=toServer:787`. */
function chooseCuts(whole, random) {
  if (process.env.CUT !== undefined) {
    const [direction, count] = process.env.CUT.split(':');
    return Array.from({ length: LANES }, () => ({ direction, count: Number(count) }));
  }
  return ['toServer', 'toClient'].flatMap((direction) => {
    const all = Array.from({ length: whole[direction] }, (_, i) => i + 1);
    const some = all.length > MAX_CUTS ? random.some(all, MAX_CUTS) : all;
    return some.map((count) => ({ direction, count }));
  });
}

async function measure(backend, other) {
  const proxy = await exchange(backend, other, undefined);
  return proxy.bytes;
}

let exchanges = 0;

/** @returns the proxy */
async function exchange(backend, other, cut) {
  const topic = `exchange ${++exchanges}`;
  const peer = await Peer.start(backend, cut);
  await peer.client.subscribe([topic, `${topic} as well`]);
  await publishUntil(other, topic, peer.client);
  await publishUntil(peer, 'from here', other.client, topic);
  peer.client.unsubscribe(`${topic} as well`);
  await publishUntil(other, topic, peer.client);
  const { bytes } = peer.proxy;
  const proxy = { bytes: { ...bytes } };
  await peer.close();
  return proxy;
}

let texts = 0;

/** Publishes until one of the messages arrives: without a history those during an outage are lost. */
async function publishUntil({ server }, topic, client, reason = '') {
  const sent = new Set();
  await until(
    `A message to ${topic} ${reason}`,
    () => {
      const text = `text ${++texts}`;
      sent.add(text);
      server.publish(topic, text);
      return client.received.some((received) => sent.has(received));
    },
    PATIENCE,
  );
  const [first] = client.received.filter((received) => sent.has(received));
  assert.equal(client.received.filter((received) => received === first).length, 1);
}

/** A server in this process, with a connection to it. */
class Peer {
  static async start(backend, cut) {
    const peer = new Peer();
    const { config, proxy } = await backend.connect();
    peer.proxy = proxy.first;
    if (cut !== undefined) peer.proxy.cutAfter(cut.direction, cut.count);
    const { broker, end } = await createBroker(config);
    peer.end = end;
    peer.server = new WebSocketServer({ port: 0, host: '127.0.0.1', broker });
    peer.server.on('brokerError', () => {}); // the cut
    peer.server.on('connection', (socket) => serveRequests(peer.server, socket));
    await once(peer.server, 'listening');
    peer.client = await Client.connect(peer.server.address().port);
    return peer;
  }

  async close() {
    this.client.terminate();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
    await this.end();
    this.proxy.stop();
  }
}
