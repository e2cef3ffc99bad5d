/**
 * (m) Topics, without sockets: what `publish` costs beside `broadcast` and `send`, and what subscriptions
 * leave behind. CPU time.
 *
 * With --expose-gc also what 1,000,000 topics cost, and what as many calls for one topic leave behind.
 *
 *   node --expose-gc topics.mjs [package or folder]     by default our build
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { digits, median } from '../statistics.mjs';
import { table } from '../table.mjs';
import { heading } from './harness.mjs';

const require = createRequire(import.meta.url);
const OWN = fileURLToPath(new URL('../../../', import.meta.url));
const { WebSocketServer } = require(process.argv[2] ? resolve(process.argv[2]) : OWN);
const ROUNDS = Number(process.env.ROUNDS ?? 40);
const CONNECTIONS = 10_000;
const MEMBERS = 500;
const CHURN = 1_000_000;

const HEADERS = {
  host: 'localhost:8080',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

class NoSocket extends Duplex {
  _read() {}
  _write(_chunk, _encoding, done) {
    done();
  }
  _writev(_chunks, done) {
    done();
  }
  setTimeout() {}
  setNoDelay() {}
}

function connect(server) {
  const socket = new NoSocket();
  const request = { method: 'GET', url: '/', httpVersion: '1.1', headers: HEADERS, socket };
  request.rawHeaders = Object.entries(HEADERS).flat();
  let accepted;
  server.handleUpgrade(request, socket, Buffer.alloc(0), (client) => {
    accepted = client;
  });
  return accepted;
}

const turn = () => new Promise((next) => setImmediate(next));

const newServer = () => ({
  server: new WebSocketServer({ noServer: true, origins: '*' }),
  clients: [],
});

/** Connects in turn, so that the connections of both lie equally far apart in memory. */
function startBoth() {
  const [small, large] = [newServer(), newServer()];
  for (let i = 0; i < CONNECTIONS; i++) {
    large.clients.push(connect(large.server));
    if (i % (CONNECTIONS / MEMBERS) === 0) small.clients.push(connect(small.server));
  }
  return { small, large };
}

/** Calls each way in turn, and lets the writes end; returns the median ns of one delivery. */
async function compare(ways, deliveries) {
  const samples = new Map(Object.keys(ways).map((name) => [name, []]));
  for (let round = -10; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      await turn();
      const begin = process.cpuUsage();
      way(round);
      await turn();
      const { user, system } = process.cpuUsage(begin);
      if (round >= 0) samples.get(name).push(((user + system) * 1000) / deliveries);
    }
  }
  return Object.keys(ways).map((name) => [name, median(samples.get(name))]);
}

function show(title, results) {
  heading(title);
  const [[, first]] = results;
  const rows = results.map(([name, ns]) => [name, digits(ns), digits(ns / first)]);
  console.log(table(['', 'ns per delivery', 'ratio'], rows));
}

const text = 'x'.repeat(128);
const { small, large } = startBoth();
const members = large.clients.filter((_, i) => i % (CONNECTIONS / MEMBERS) === 0);
for (const client of members) client.subscribe('room');
for (const client of small.clients) client.subscribe('room');
const members2 = large.clients.filter((_, i) => i % (CONNECTIONS / MEMBERS) === 1);
for (const client of members2) client.subscribe(['room 2', 'room 3']);
for (const client of large.clients.slice(0, MEMBERS)) client.subscribe('neighbours');
const names = large.clients.map((_, i) => `user:${i}`);
for (const [i, name] of names.entries()) large.clients[i].subscribe(name);
const own = new Map([['room', new Set(members)]]);
const repeat = (count, call) => () => {
  for (let i = 0; i < count; i++) call();
};

show(
  `${MEMBERS} of ${CONNECTIONS} connections, 128 B, one message in a tick`,
  await compare(
    {
      'broadcast to 500': () => small.server.broadcast(text),
      'publish to the same 500': () => small.server.publish('room', text),
      'publish to 500 of 10,000, all made one after the other': () =>
        large.server.publish('neighbours', text),
      'publish to every 20th of 10,000': () => large.server.publish('room', text),
      'publish to two topics with the same 500': () =>
        large.server.publish(['room 2', 'room 3'], text),
      'a Set of connections, and send': () => {
        for (const client of own.get('room')) client.send(text);
      },
    },
    MEMBERS,
  ),
);
show(
  'the same, 16 messages in a tick',
  await compare(
    {
      'broadcast to 500': repeat(16, () => small.server.broadcast(text)),
      'publish to the same 500': repeat(16, () => small.server.publish('room', text)),
      'publish to every 20th of 10,000': repeat(16, () => large.server.publish('room', text)),
    },
    MEMBERS * 16,
  ),
);
show(
  `one message to each of ${CONNECTIONS} topics`,
  await compare(
    {
      'send to each': () => {
        for (const client of large.clients) client.send(text);
      },
      'publish to each': () => {
        for (const name of names) large.server.publish(name, text);
      },
    },
    CONNECTIONS,
  ),
);

const memory = () => {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

if (globalThis.gc) {
  const { clients } = small;
  clients[0].subscribe('first');
  const before = memory();
  const begin = process.cpuUsage();
  for (let i = 0; i < CHURN; i++) clients[i % MEMBERS].subscribe(`churn ${i}`);
  const { user, system } = process.cpuUsage(begin);
  const held = memory();
  const ending = process.cpuUsage();
  for (let i = 0; i < CHURN; i++) clients[i % MEMBERS].unsubscribe(`churn ${i}`);
  const end = process.cpuUsage(ending);
  await turn();
  const after = memory();
  heading('1,000,000 topics, each with one subscriber');
  const rows = [
    ['subscribe, ns', digits(((user + system) * 1000) / CHURN)],
    ['unsubscribe, ns', digits(((end.user + end.system) * 1000) / CHURN)],
    ['bytes of each, with its name', digits((held - before) / CHURN)],
    ['bytes left of each', digits((after - before) / CHURN)],
  ];
  console.log(table(['', ''], rows));
  await turnOver('room', 'one topic with 500 other subscribers');
  await turnOver('coming and going', 'one topic that comes and goes');
}

/** A connection that subscribes and unsubscribes again and again: the heap must be what it was. */
async function turnOver(topic, title) {
  const [client] = large.clients.slice(2);
  client.subscribe(topic);
  client.unsubscribe(topic);
  const before = memory();
  const begin = process.cpuUsage();
  for (let i = 0; i < CHURN; i++) {
    client.subscribe(topic);
    client.unsubscribe(topic);
  }
  const { user, system } = process.cpuUsage(begin);
  await turn();
  const rows = [
    ['subscribe and unsubscribe, ns', digits(((user + system) * 1000) / CHURN)],
    ['bytes left of each', digits((memory() - before) / CHURN)],
  ];
  heading(`1,000,000 times: ${title}`);
  console.log(table(['', ''], rows));
}
process.exit();
