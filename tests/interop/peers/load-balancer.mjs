/**
 * Two servers behind nginx and behind HAProxy, with the configurations of docs/examples/load-balancer as they
 * stand there, but for the ports and the times.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRedis, whyMissing } from '../../brokers/engines.mjs';
import { startBackend, startBalancer } from '../support/balanced.mjs';
import { within } from '../support/deadline.mjs';
import { versionOf } from '../support/proxy.mjs';
import { fail, result, skip } from '../support/results.mjs';
import { load, subjectName } from '../support/subject.mjs';

const { WebSocket } = load(subjectName);
const { reconnect } = load('ws6455/reconnect');
const BALANCERS = { nginx: '/usr/sbin/nginx', haproxy: '/usr/sbin/haproxy' };
const CLIENTS = 12;

/** Where ioredis is installed. */
const NODE_PATH = fileURLToPath(new URL('../../brokers/node_modules', import.meta.url));

/** From an address of its own, so that no limit by address applies. */
let clients = 0;
const optionsOf = (options) => ({ localAddress: `127.0.1.${(clients++ % 250) + 1}`, ...options });

async function connect(url, options) {
  const socket = await WebSocket.connect(url, { timeout: 15_000, ...optionsOf(options) });
  socket.on('error', () => {});
  return socket;
}

/** Opens a connection, and reads which server it came to, and from which address. */
async function arrive(url, options) {
  const socket = await connect(url, options);
  const [welcome] = await within(15_000, 'the welcome', once(socket, 'message'));
  const [, port, address] = /^welcome from (\d+) to (.+)$/.exec(welcome);
  return { socket, port: Number(port), address };
}

async function arriveOften(url, count = CLIENTS) {
  const arrived = [];
  for (let i = 0; i < count; i++) arrived.push(await arrive(url));
  return arrived;
}

const close = (arrived) => {
  for (const { socket } of arrived) socket.terminate();
};

async function echoes(socket, data) {
  const received = once(socket, 'message');
  socket.send(data);
  const [message, isBinary] = await within(20_000, 'the message', received);
  assert.equal(isBinary, typeof data !== 'string');
  assert.ok(isBinary ? message.equals(data) : `${message}` === data);
}

async function isSpread({ url }, servers) {
  const arrived = await arriveOften(url);
  for (const { port } of servers) {
    assert.equal(arrived.filter((one) => one.port === port).length, CLIENTS / servers.length);
  }
  close(arrived);
}

async function carriesMessages({ url }) {
  const { socket } = await arrive(url);
  await echoes(socket, 'text');
  await echoes(socket, randomBytes(1024 * 1024)); // the longest that `hardened` accepts
  socket.close(1000);
  const [code] = await within(15_000, 'the close', once(socket, 'close'));
  assert.equal(code, 1000);
}

async function tellsTheAddress({ url }) {
  const headers = { 'X-Forwarded-For': '192.0.2.1' };
  const { socket, address } = await arrive(url, { localAddress: '127.0.2.3', headers });
  assert.equal(address, '127.0.2.3');
  socket.terminate();
}

async function passesRefusals({ url }) {
  const headers = { Origin: 'https://other.example' };
  await assert.rejects(connect(url, { headers }), /403/);
}

/** Twice as long as the balancer waits, which is three seconds. */
async function keepsSilentConnections({ url }) {
  const { socket } = await arrive(url);
  await wait(6_000);
  await echoes(socket, 'still here');
  socket.terminate();
}

/** That the time is short: without the Pings the balancer would end the connection. */
async function cutsWithoutHeartbeat(kind) {
  const backends = [
    await startBackend({ heartbeat: false }),
    await startBackend({ heartbeat: false }),
  ];
  const balancer = await startBalancer(kind, backends);
  try {
    const { socket } = await arrive(balancer.url);
    await within(15_000, 'the end of the connection', once(socket, 'close'));
  } finally {
    await balancer.stop();
    for (const backend of backends) await backend.stop();
  }
}

async function reloads(balancer) {
  const { socket } = await arrive(balancer.url);
  await balancer.reload();
  await echoes(socket, 'before and after');
  const { socket: later } = await arrive(balancer.url);
  await echoes(later, 'after');
  socket.terminate();
  later.terminate();
}

/** A client that connects again by itself. @returns `arrivals`: the port of each server that it came to */
function stay(url) {
  const arrivals = [];
  const ending = new AbortController();
  const backoff = { first: 200, base: 200, max: 500 };
  const options = optionsOf({ signal: ending.signal, backoff });
  const done = (async () => {
    for await (const socket of reconnect(url, options)) {
      for await (const { data } of socket.messages()) {
        const port = /^welcome from (\d+) /.exec(data)?.[1];
        if (port) arrivals.push(Number(port));
      }
    }
  })().catch(() => {});
  const arrivedAt = async (count, ports) => {
    while (arrivals.length < count || !ports.includes(arrivals.at(-1))) await wait(20);
  };
  const end = () => {
    ending.abort();
    return done;
  };
  return { arrivedAt, end };
}

/** All clients of a server that ends are at another one afterwards, and new ones get there at once. */
async function survives(url, leaving, others, { endServer, noticedAfter }) {
  const staying = Array.from({ length: CLIENTS }, () => stay(url));
  const ports = others.map(({ port }) => port);
  try {
    const all = [leaving.port, ...ports];
    await within(20_000, 'all clients', Promise.all(staying.map((one) => one.arrivedAt(1, all))));
    const ended = endServer();
    ended.catch(() => {});
    await wait(noticedAfter);
    const arrived = await arriveOften(url);
    assert.deepEqual([...new Set(arrived.map(({ port }) => port))], ports);
    close(arrived);
    await within(
      15_000,
      'all clients again',
      Promise.all(staying.map((one) => one.arrivedAt(1, ports))),
    );
    await ended;
  } finally {
    await Promise.all(staying.map(({ end }) => end()));
  }
}

/** What a balancer does when it is asked for the health of its servers. */
function readiness({ port }) {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: '/readyz' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end();
  });
}

async function drains({ url, noticedAfter }, leaving, others) {
  const endServer = async () => {
    leaving.terminate();
    while ((await readiness(leaving)) !== 503) await wait(20);
    const { clean, terminated } = await within(15_000, 'the report', leaving.report);
    assert.equal(clean > 0, true);
    assert.equal(terminated, 0);
  };
  await survives(url, leaving, others, { endServer, noticedAfter });
}

async function face(kind, program) {
  const name = `two servers behind ${kind} ${versionOf(program)}`;
  const backends = [await startBackend(), await startBackend()];
  const balancer = await startBalancer(kind, backends);
  const check = (what, run) => result(`${name}: ${what}`, run);
  try {
    await check('each gets half of the connections', () => isSpread(balancer, backends));
    await check('messages both ways, of 1 MiB too', () => carriesMessages(balancer));
    await check('the address of the client, not the one that it claims', () =>
      tellsTheAddress(balancer),
    );
    await check('the status of a refusal', () => passesRefusals(balancer));
    await check('silence longer than its timeout', () => keepsSilentConnections(balancer));
    await check('without heartbeat silence ends a connection', () => cutsWithoutHeartbeat(kind));
    await check('a reload cuts no connection', () => reloads(balancer));
    const missing = whyMissing('redis');
    if (missing) skip(`${name}: topics`, missing);
    else await check('topics reach the clients of both', () => sharesTopics(kind));
    const [first, second] = backends;
    await check('a server that drains gets no new clients, and its own move', () =>
      drains(balancer, first, [second]),
    );
    await first.restart();
    await check('a server that comes back gets clients', async () => {
      await within(20_000, 'the server', untilArrivedAt(balancer, first));
    });
    await check('the clients of a server that is killed move', () =>
      survives(balancer.url, second, [first], { endServer: () => second.kill(), noticedAfter: 0 }),
    );
  } finally {
    await balancer.stop();
    for (const backend of backends) await backend.stop();
  }
}

/** What a client of one server says reaches those of the other, by Redis. */
async function sharesTopics(kind) {
  const engine = await startRedis();
  const env = { REDIS_URL: engine.url, NODE_PATH };
  const backends = [await startBackend({ env }), await startBackend({ env })];
  const balancer = await startBalancer(kind, backends);
  try {
    const arrived = await arriveOften(balancer.url, 4);
    assert.equal(new Set(arrived.map(({ port }) => port)).size, 2);
    const received = arrived.map(({ socket }) => once(socket, 'message'));
    arrived[0].socket.send('to everybody');
    for (const [data] of await within(15_000, 'the message', Promise.all(received))) {
      assert.equal(`${data}`, 'to everybody');
    }
    close(arrived);
  } finally {
    await balancer.stop();
    for (const backend of backends) await backend.stop();
    await engine.stop();
  }
}

async function untilArrivedAt({ url }, { port }) {
  for (;;) {
    const arrived = await arriveOften(url, 2);
    close(arrived);
    if (arrived.some((one) => one.port === port)) return;
    await wait(100);
  }
}

for (const [kind, program] of Object.entries(BALANCERS)) {
  if (!versionOf(program)) skip(kind, `no ${program}`);
  else await face(kind, program).catch((error) => fail(kind, error));
}
