/** What is published anywhere arrives everywhere it is wanted, once and in order. */
import assert from 'node:assert/strict';
import { startFleet } from '../support/fleet.mjs';
import { sleep, until } from '../support/wait.mjs';

const TOPICS = 30;
const ROUNDS = 20;
const CLIENTS = 4;

/** After the last expected message: what arrives in this time is too much, in milliseconds. */
const SETTLE = 200;

export const name = 'three processes: once, in order, and only where it is wanted';

export const needs = [];

export async function run({ start, random }) {
  const backend = await start();
  const workers = await startFleet(backend);
  const topics = Array.from({ length: TOPICS }, (_, i) => `topic ${i}`);
  const clients = await subscribeSome(workers, topics, random);
  await Promise.all(workers.map((worker, i) => publishAll(worker, i, topics)));
  const expected = workers.flatMap((_, i) => messagesOf(i, topics));
  for (const client of clients) await checkClient(client, expected);
  await checkUnions(workers, clients, topics);
  await checkBinary(workers, clients, topics);
  for (const worker of workers) {
    const { thrown, broker } = await worker.stats();
    assert.deepEqual([thrown, broker.lost], [[], 0]);
  }
  await Promise.all(workers.map((worker) => worker.close()));
  return `${clients.length} clients, ${expected.length} messages`;
}

async function subscribeSome(workers, topics, random) {
  const clients = [];
  for (const worker of workers) {
    for (let i = 0; i < CLIENTS; i++) {
      const client = await worker.client();
      await client.subscribe(random.some(topics, 1 + random.below(topics.length - 1)));
      clients.push(client);
    }
  }
  return clients;
}

function messagesOf(publisher, topics) {
  return Array.from({ length: ROUNDS }, (_, round) =>
    topics.map((topic) => [topic, `${topic}/${publisher}/${round}`]),
  ).flat();
}

async function publishAll(worker, publisher, topics) {
  const messages = messagesOf(publisher, topics);
  for (let at = 0; at < messages.length; at += topics.length) {
    await worker.publish(...messages.slice(at, at + topics.length));
  }
}

/** Sorted by publisher and topic, what arrived must be what was sent there, in that order. */
async function checkClient(client, expected) {
  const wanted = expected.filter(([topic]) => client.topics.has(topic));
  await until(
    'All messages',
    () => client.received.length >= wanted.length || client.received.length,
  );
  await sleep(SETTLE);
  assert.deepEqual(
    inOrderOfStreams(client.received),
    inOrderOfStreams(wanted.map(([, text]) => text)),
  );
  client.received.length = 0;
}

function inOrderOfStreams(texts) {
  const streamOf = (text) => text.slice(0, text.lastIndexOf('/'));
  return texts.toSorted((a, b) =>
    streamOf(a) < streamOf(b) ? -1 : streamOf(a) > streamOf(b) ? 1 : 0,
  );
}

async function checkUnions(workers, clients, topics) {
  const union = topics.slice(0, 10);
  for (const [i, worker] of workers.entries()) await worker.publish([union, `union ${i}`]);
  const interested = clients.filter((client) => union.some((topic) => client.topics.has(topic)));
  for (const client of interested) {
    await until('A union', () => client.received.length >= workers.length);
  }
  await sleep(SETTLE);
  for (const client of clients) {
    const texts = interested.includes(client) ? workers.map((_, i) => `union ${i}`) : [];
    assert.deepEqual([...client.received].sort(), texts);
    client.received.length = 0;
  }
}

/** Every octet, through JSON of this test and the bytes of the engine. */
async function checkBinary(workers, clients, [topic]) {
  const text = String.fromCharCode(...Array.from({ length: 0x800 }, (_, i) => i));
  const body = `bin${text}`;
  await workers[0].publish([topic, body, { binary: true }]);
  const interested = clients.filter((client) => client.topics.has(topic));
  for (const client of interested) {
    await until('A binary message', () => client.received.length === 1);
    assert.equal(client.received[0], `binary ${Buffer.from(body).toString('hex')}`);
    client.received.length = 0;
  }
}
