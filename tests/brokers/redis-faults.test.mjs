/** The broker over a Redis that stops, dies, closes its connections, or cannot be reached. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { redis } from '../../dist/topics/index.mjs';
import { startRedis, startRedisCluster, whyMissing } from './engines.mjs';
import { CuttingProxy } from './support/cutting-proxy.mjs';
import {
  CLIENTS,
  CLUSTER_CLIENTS,
  LIMITS,
  Outbox,
  open,
  PUBLISHER,
  until,
  untilGone,
} from './support/redis-clients.mjs';

const skip = whyMissing('redis');

/** How many exchanges that are cut run at the same time. */
const AT_ONCE = 25;

/** All bytes take minutes: EVERY_BYTE=1 says so. */
const STEP = process.env.EVERY_BYTE ? 1 : 17;

/** Publishes one message without a history, and waits for it. */
async function roundTrip({ broker, messages }, topic) {
  const text = `${Math.random()}`;
  await broker.subscribe([topic]);
  await broker.publish(topic, Buffer.from(text));
  await until(() => messages.some(({ data }) => data === text), 'the message');
  assert.equal(messages.filter(({ data }) => data === text).length, 1);
}

for (const [name, create] of Object.entries(CLIENTS)) {
  describe(`redis() with ${name}`, { skip, concurrency: true }, () => {
    test('notices that Redis is stopped for ten seconds, and that it goes on', async () => {
      const engine = await startRedis();
      const opened = await open(create(engine.port));
      const { broker, statuses, errors } = opened;
      await roundTrip(opened, 'a');
      engine.pause();
      const start = performance.now();
      const history = new Outbox(broker, 'kept').publish(['1', '2', '3']);
      await until(() => statuses.length > 0, 'the status', 10_000);
      assert(performance.now() - start < 9_000);
      assert.deepEqual(statuses, [false]);
      assert.match(errors[0], /has not answered/);
      await sleep(10_000 - (performance.now() - start));
      engine.resume();
      await until(() => statuses.at(-1) === true, 'the broker is back');
      await roundTrip(opened, 'a');
      await history;
      const { epoch } = await broker.history.position('kept', LIMITS);
      const { messages } = await broker.history.since('kept', { epoch, offset: 0 }, LIMITS);
      assert.deepEqual(
        messages.map(({ data }) => String(data)),
        ['1', '2', '3'],
      );
      await broker.close();
      await untilGone(engine);
      await engine.stop();
    });

    test('rejects messages when too many wait for Redis', async () => {
      const engine = await startRedis();
      const { broker } = await open(create(engine.port));
      engine.pause();
      const body = Buffer.alloc(1 << 20);
      const calls = Array.from({ length: 200 }, () => broker.publish('a', body));
      const first = await Promise.race(calls).catch((error) => error);
      assert.match(first.message, /too slow/);
      const close = broker.close();
      const results = await Promise.allSettled(calls);
      await close;
      assert(results.every(({ status }) => status === 'rejected'));
      assert(results.filter(({ reason }) => /too slow/.test(reason.message)).length > 180);
      engine.resume();
      await untilGone(engine);
      await engine.stop();
    });

    test('comes back after a crash, with another epoch', async () => {
      const engine = await startRedis();
      const opened = await open(create(engine.port));
      const { broker, statuses } = opened;
      await roundTrip(opened, 'a');
      const before = await broker.history.position('a', LIMITS);
      await engine.kill();
      await until(() => statuses.at(-1) === false, 'the status');
      await assert.rejects(broker.publish('a', Buffer.from('x')), /not reachable/);
      await assert.rejects(broker.subscribe(['a']), /not reachable/);
      await engine.start();
      await until(() => statuses.at(-1) === true, 'the broker is back');
      await roundTrip(opened, 'a');
      assert.notEqual((await broker.history.position('a', LIMITS)).epoch, before.epoch);
      assert.equal((await broker.history.since('a', before, LIMITS)).complete, false);
      await broker.close();
      await untilGone(engine);
      await engine.stop();
    });

    test('loses nothing and repeats nothing if Redis is killed and remembers', async () => {
      const engine = await startRedis({ persist: true });
      const { broker, statuses } = await open(create(engine.port));
      const { epoch } = await broker.history.position('a', LIMITS);
      const texts = Array.from({ length: 500 }, (_, i) => `${i}`);
      const outbox = new Outbox(broker, 'a');
      for (let i = 0; i < 500; i += 50) {
        const sent = outbox.publish(texts.slice(i, i + 50));
        if (i % 200 === 50) await engine.restart();
        await sent;
      }
      await until(() => statuses.at(-1) === true, 'the broker is back');
      const { complete, messages } = await broker.history.since('a', { epoch, offset: 0 }, LIMITS);
      assert.equal(complete, true);
      assert.deepEqual(
        messages.map(({ data }) => String(data)),
        texts,
      );
      await broker.close();
      await engine.stop();
    });

    for (const type of ['pubsub', 'normal']) {
      test(`comes back when its connection of type ${type} is killed`, async () => {
        const engine = await startRedis();
        const opened = await open(create(engine.port));
        const { broker, statuses } = opened;
        await roundTrip(opened, 'a');
        await engine.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
        await until(() => statuses.at(-1) === true, 'the broker is back');
        assert.deepEqual(statuses, [false, true]);
        await roundTrip(opened, 'a');
        await broker.close();
        await untilGone(engine);
        await engine.stop();
      });
    }

    test('start fails without Redis, and can be repeated', async () => {
      const engine = await startRedis();
      await engine.kill();
      const broker = redis({ client: create(engine.port) });
      const statuses = [];
      const events = { message() {}, status: (isUp) => statuses.push(isUp) };
      await assert.rejects(async () => broker.start(events), /ECONNREFUSED/);
      await engine.start();
      await broker.start(events);
      assert.deepEqual(statuses, []);
      await broker.close();
      await untilGone(engine);
      await engine.stop();
    });

    test('close ends an attempt to start', async () => {
      const engine = await startRedis();
      engine.pause();
      const broker = redis({ client: create(engine.port) });
      const started = assert.rejects(async () => broker.start({ message() {}, status() {} }));
      await sleep(50);
      await broker.close();
      await started;
      engine.resume();
      await untilGone(engine);
      await engine.stop();
    });
  });

  test(`${name}: connections that are cut at any byte lose and repeat nothing`, {
    skip,
  }, async () => {
    const engine = await startRedis();
    const bytes = await exchange(engine, create, 'whole', undefined);
    const cuts = [];
    for (const direction of ['up', 'down']) {
      for (let after = 1; after <= bytes[direction]; after += STEP) cuts.push({ direction, after });
    }
    assert(cuts.length > 1_000 / STEP, String(cuts.length));
    const next = async () => {
      for (let cut = cuts.pop(); cut; cut = cuts.pop()) {
        const where = `${cut.direction} ${cut.after}`;
        await exchange(engine, create, where, cut).catch((error) => {
          throw new Error(`Cut ${where}: ${error.message}`, { cause: error });
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    await untilGone(engine);
    await engine.stop();
  });
}

/** Does what a server does, over connections that are cut once. @returns the bytes of all of it */
async function exchange(engine, create, topic, cut) {
  const proxy = new CuttingProxy(engine.port, cut);
  const broker = redis({ client: create(await proxy.listen()) });
  const heard = [];
  const subscribe = () => retry(() => broker.subscribe([topic]));
  const events = {
    message: (_, data, position) => heard.push(position?.offset ?? String(data)),
    status: (isUp) => isUp && subscribe(),
  };
  await retry(() => broker.start(events));
  await subscribe();
  const outbox = new Outbox(broker, topic);
  await outbox.publish(['1']);
  await Promise.resolve(broker.publish(topic, Buffer.from('plain'))).catch(() => {});
  await outbox.publish(['2', '3']);
  const { epoch } = await retry(() => broker.history.position(topic, LIMITS));
  const since = await retry(() => broker.history.since(topic, { epoch, offset: 0 }, LIMITS));
  assert.equal(since.complete, true);
  assert.deepEqual(
    since.messages.map(({ data }) => String(data)),
    ['1', '2', '3'],
  );
  await retry(() => broker.unsubscribe([topic]));
  await broker.close();
  assert.deepEqual(heard, [...new Set(heard)], `heard ${heard}`);
  if (cut === undefined) assert.deepEqual(heard, [1, 'plain', 2, 3]);
  proxy.close();
  return proxy.bytes;
}

/** Calls until it succeeds: a server does the same. */
async function retry(action) {
  const end = Date.now() + 60_000;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(20);
    }
  }
}

for (const [name, create] of Object.entries(CLUSTER_CLIENTS)) {
  test(`a cluster with ${name}: comes back when a node was away`, { skip }, async () => {
    const cluster = await startRedisCluster();
    const opened = await open(create(cluster.port), 'c:');
    const { broker, statuses } = opened;
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await broker.subscribe(names);
    const [, node] = cluster.nodes;
    node.pause();
    await until(() => statuses.length > 0, 'the status');
    node.resume();
    await until(() => statuses.at(-1) === true, 'the broker is back', 30_000);
    for (const topic of names) await roundTrip(opened, topic);
    const options = { ...LIMITS, publisher: PUBLISHER, sequence: 1 };
    await Promise.all(
      names.map((topic) => broker.history.publish(topic, Buffer.from('x'), options)),
    );
    await broker.close();
    await Promise.all(cluster.nodes.map(untilGone));
    await cluster.stop();
  });
}
