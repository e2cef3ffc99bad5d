/** nats() with a real server: messages, faults, permissions, and what is left. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startNats, whyMissing } from './engines.mjs';
import { startProxy } from './support/proxy.mjs';
import { topics } from './support/subject.mjs';
import { sleep, until } from './support/wait.mjs';

const skip = whyMissing('nats');
const { nats, testBroker } = topics;
const RETRY = 50;
const STOPPED = 10_000;
/** Every so many bytes the connection is cut once, at each remainder in turn. */
const STEP = Number(process.env.STEP ?? 31);

const { connect, headers } = await import('@nats-io/transport-node');

function dial(port, options) {
  const always = { maxReconnectAttempts: -1, reconnectTimeWait: RETRY, timeout: 2_000 };
  return connect({ servers: `127.0.0.1:${port}`, ...always, ...options });
}

/** A broker with a connection of its own, and what it is told. */
async function open(port, options = {}, connectionOptions = {}) {
  const connection = await dial(port, connectionOptions);
  const broker = nats({ connection, ...options });
  const received = [];
  const told = [];
  const errors = [];
  const message = (topic, data, position) => {
    received.push({ topic, text: Buffer.from(data).toString(), position });
  };
  const status = (isUp, error) => {
    if (told.at(-1) !== isUp) told.push(isUp);
    if (error !== undefined) errors.push(error.message);
  };
  const end = async () => {
    await broker.close();
    await connection.close();
  };
  try {
    await broker.start({ message, status });
  } catch (error) {
    await end();
    throw error;
  }
  const texts = () => received.map(({ text }) => text);
  return { broker, connection, received, texts, told, errors, end };
}

/** The subjects that connections are subscribed to, without those of the clients themselves. */
async function subscribed(engine) {
  const { connections } = await engine.monitor('/connz?subs=1');
  const all = connections.flatMap(({ subscriptions_list: list = [] }) => list);
  return all.filter((subject) => !subject.startsWith('_INBOX.'));
}

describe('nats()', { skip }, () => {
  let engine;
  before(async () => {
    engine = await startNats();
  });
  after(() => engine?.stop());

  for (const noEcho of [false, true]) {
    test(`does what a broker must, noEcho: ${noEcho}`, async () => {
      const connections = await Promise.all([0, 1].map(() => dial(engine.port, { noEcho })));
      const free = [...connections];
      await testBroker(() => nats({ connection: free.pop() }));
      for (const connection of connections) await connection.flush();
      assert.deepEqual(await subscribed(engine), []);
      for (const connection of connections) await connection.close();
    });
  }

  test('has a history as it must be', async () => {
    const withHistory = await startNats({ jetstream: true });
    const connections = await Promise.all([0, 1].map(() => dial(withHistory.port)));
    const free = [...connections];
    await testBroker(() => nats({ connection: free.pop(), history: { headers } }));
    for (const connection of connections) await connection.close();
    await withHistory.stop();
  });

  test('two brokers share one connection', async () => {
    const connection = await dial(engine.port);
    await testBroker(() => nats({ connection }));
    assert.equal(connection.isClosed(), false);
    await connection.close();
  });

  test('brokers with another prefix hear nothing', async () => {
    const [one, other] = [await open(engine.port), await open(engine.port, { prefix: 'other' })];
    for (const { broker } of [one, other]) await broker.subscribe(['x', 'other.x']);
    await one.broker.publish('other.x', Buffer.from('dotted'));
    await one.broker.publish('x', Buffer.from('plain'));
    for (const { connection } of [one, other]) await connection.flush();
    assert.deepEqual([one.texts(), other.texts()], [['dotted', 'plain'], []]);
    for (const { end } of [one, other]) await end();
  });

  test('a message above max_payload is refused, and the connection stays', async () => {
    const { broker, connection, told, end } = await open(engine.port);
    const { max_payload: max } = connection.info;
    assert.throws(() => broker.publish('a', new Uint8Array(max + 1)), /is too long for NATS/);
    await broker.publish('a', new Uint8Array(max));
    await connection.flush();
    assert.deepEqual(told, []);
    await end();
  });

  test('a stopped server is noticed, and costs a bounded memory', async () => {
    const stopped = await startNats();
    const member = await open(stopped.port);
    await member.broker.subscribe(['a']);
    stopped.pause();
    const megabyte = new Uint8Array(1 << 20);
    let refused;
    for (let i = 0; i < 200 && refused === undefined; i++) {
      try {
        await member.broker.publish('other', megabyte);
      } catch (error) {
        refused = error;
      }
    }
    assert.match(refused.message, /has not read \d+ bytes/);
    await sleep(STOPPED);
    assert.deepEqual(member.told, [false]);
    stopped.resume();
    await until('The broker is up', () => member.told.at(-1) === true);
    await member.broker.subscribe(['a']);
    await member.broker.publish('a', Buffer.from('again'));
    await until('A message', () => member.texts().includes('again'));
    assert.deepEqual(member.texts(), ['again']);
    await member.end();
    await stopped.stop();
  });

  test('after a restart each topic is subscribed once', async () => {
    const dying = await startNats();
    const member = await open(dying.port);
    const names = Array.from({ length: 512 }, (_, i) => `t${i}`);
    await member.broker.subscribe(names);
    await dying.restart();
    await until('The broker is up', () => member.told.at(-1) === true);
    await member.broker.subscribe(names);
    assert.equal((await subscribed(dying)).length, 512);
    await member.broker.publish('t7', Buffer.from('x'));
    await member.connection.flush();
    assert.deepEqual(member.texts(), ['x']);
    await member.broker.close();
    await member.connection.flush();
    assert.deepEqual(await subscribed(dying), []);
    await member.connection.close();
    await dying.stop();
  });

  test('a client that gives up is told of', async () => {
    const dying = await startNats();
    const member = await open(dying.port, {}, { maxReconnectAttempts: 2, reconnectTimeWait: 10 });
    await dying.kill();
    await until('The connection is closed', () => member.connection.isClosed());
    assert.deepEqual(member.told, [false]);
    assert.throws(() => member.broker.publish('a', Buffer.from('x')), /closed for good/);
    await member.end();
    await dying.stop();
  });
});

describe('nats() without permission', { skip }, () => {
  let engine;
  before(async () => {
    const users = `authorization { users = [{ user: u, password: p, permissions: {
      publish: "ws6455.may.>", subscribe: ["ws6455.may.>", "_INBOX.>"] } }] }`;
    const { mkdtempSync, writeFileSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const file = join(mkdtempSync(join(tmpdir(), 'ws6455-nats-')), 'users.conf');
    writeFileSync(file, users);
    // The port of `pause` and others is that of the command line.
    engine = await startNats({ args: ['--config', file] });
  });
  after(() => engine?.stop());

  test('to subscribe: the call is rejected, the other topics work', async () => {
    const member = await open(engine.port, {}, { user: 'u', pass: 'p' });
    await assert.rejects(
      member.broker.subscribe(['may.a', 'not.b']),
      /refuses a subscription to the topic not\.b: .*Permissions Violation/,
    );
    await member.broker.publish('may.a', Buffer.from('x'));
    await member.connection.flush();
    assert.deepEqual(member.texts(), ['x']);
    await member.end();
  });

  test('to publish: the error is told, and the connection stays', async () => {
    const member = await open(engine.port, {}, { user: 'u', pass: 'p' });
    await member.broker.publish('not.b', Buffer.from('x'));
    await until('An error', () => member.errors.length > 0);
    assert.match(member.errors[0], /Permissions Violation for Publish to "ws6455\.not\.b"/);
    assert.equal(member.connection.isClosed(), false);
    await member.end();
  });
});

describe('the history of nats()', { skip }, () => {
  let engine;
  const history = { headers };
  const members = [];
  const openHere = async (options) => {
    const member = await open(engine.port, { history, ...options });
    members.push(member);
    return member;
  };
  const publish = ({ broker }, topic, number, options) =>
    broker.history.publish(topic, Buffer.from(`${number}`), {
      publisher: 'one',
      sequence: number,
      size: 1000,
      ttl: 60_000,
      ...options,
    });
  before(async () => {
    engine = await startNats({ jetstream: true, persist: true });
  });
  after(async () => {
    for (const { end } of members) await end();
    await engine?.stop();
  });

  test('numbers the messages of a topic, whoever publishes and creates it', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => openHere()));
    for (const { broker } of all) await broker.subscribe(['a b', 'other']);
    const positions = [];
    // One call at a time for each topic, as a server does.
    const publishAll = async (member, topic, publisher) => {
      for (let n = 1; n <= 10; n++) positions.push(await publish(member, topic, n, { publisher }));
    };
    await Promise.all(
      all.flatMap((member, i) =>
        ['a b', 'other'].map((topic) => publishAll(member, topic, `p${i}`)),
      ),
    );
    assert.equal(new Set(positions.map(({ epoch }) => epoch)).size, 2);
    const { broker } = all[0];
    const position = await broker.history.position('a b');
    assert.equal(position.offset, 80);
    const expected = Array.from({ length: 80 }, (_, i) => i + 1);
    for (const { received } of all) {
      const own = () => received.filter(({ topic }) => topic === 'a b');
      await until('All messages', () => own().length >= 80);
      assert.deepEqual(
        own().map(({ position }) => position.offset),
        expected,
      );
    }
    const { complete, messages } = await broker.history.since('a b', { ...position, offset: 0 });
    assert.equal(complete, true);
    assert.deepEqual(
      messages.map(({ offset, data }) => [offset, Buffer.from(data).toString()]),
      all[0].received
        .filter(({ topic }) => topic === 'a b')
        .map(({ position, text }) => [position.offset, text]),
    );
  });

  test('is never partial', async () => {
    const member = await openHere();
    const { history } = member.broker;
    const start = await history.position('limits');
    assert.equal(start.offset, 0);
    assert.deepEqual(await history.since('limits', start), {
      complete: true,
      messages: [],
      position: start,
    });
    for (let i = 1; i <= 9; i++) await publish(member, 'limits', i, { size: 5 });
    const since = async (position) => {
      const { complete, messages } = await history.since('limits', { ...start, ...position });
      return complete ? messages.map(({ offset }) => offset) : 'incomplete';
    };
    assert.deepEqual(await since({ offset: 4 }), [5, 6, 7, 8, 9]);
    assert.deepEqual(await since({ offset: 9 }), []);
    assert.equal(await since({ offset: 3 }), 'incomplete');
    assert.equal(await since({ offset: 10 }), 'incomplete');
    assert.equal(await since({ offset: -1 }), 'incomplete');
    assert.equal(await since({ epoch: 'other', offset: 9 }), 'incomplete');
  });

  test('ends with the ttl of its messages, and the offsets go on', async () => {
    const member = await openHere();
    const limits = { ttl: 300 };
    const first = await publish(member, 'short', 1, limits);
    const { history } = member.broker;
    const since = () => history.since('short', { ...first, offset: 0 });
    await until('No message', async () => (await since()).complete === false);
    assert.equal((await history.since('short', first)).complete, true);
    assert.deepEqual(await publish(member, 'short', 2, limits), { ...first, offset: 2 });
  });

  for (const ttl of [1, 1e300]) {
    test(`takes a ttl of ${ttl}`, async () => {
      const member = await openHere();
      assert.equal((await publish(member, `ttl ${ttl}`, 1, { ttl })).offset, 1);
    });
  }

  test('takes a repetition for what it is', async () => {
    const [one, two] = [await openHere(), await openHere()];
    await one.broker.subscribe(['again']);
    const first = await publish(one, 'again', 1);
    assert.deepEqual(await publish(one, 'again', 1), first);
    assert.deepEqual(await publish(two, 'again', 1), first);
    assert.deepEqual(one.texts(), ['1']);
  });

  test('a removed stream is made anew, with another epoch', async () => {
    const [one, two] = [await openHere(), await openHere()];
    const first = await publish(one, 'gone', 1);
    await two.broker.history.position('gone');
    const names = JSON.parse(
      (
        await one.connection.request('$JS.API.STREAM.LIST', '{"subject":"ws6455.%history.*.gone"}')
      ).string(),
    ).streams.map(({ config }) => config.name);
    await one.connection.request(`$JS.API.STREAM.DELETE.${names[0]}`);
    const next = await publish(one, 'gone', 2);
    assert.equal(next.offset, 1);
    assert.notEqual(next.epoch, first.epoch);
    const { complete, position } = await two.broker.history.since('gone', first);
    assert.deepEqual([complete, position], [false, next]);
    assert.deepEqual(await publish(two, 'gone', 1, { publisher: 'two' }), { ...next, offset: 2 });
  });

  test('a server without JetStream says so', async () => {
    const plain = await startNats();
    const { broker, end } = await open(plain.port, { history });
    await assert.rejects(broker.history.position('a'), /JetStream/);
    await end();
    await plain.stop();
  });

  test('survives a restart of the server in a file, and says that memory does not', async () => {
    const options = { history: { headers, storage: 'memory' }, prefix: 'memory' };
    const [file, memory] = [await openHere(), await openHere(options)];
    const before = [];
    for (const member of [file, memory]) {
      for (let i = 1; i <= 5; i++) before.push(await publish(member, 'kept', i));
    }
    await engine.restart();
    for (const { told } of [file, memory]) await until('Up', () => told.at(-1) === true);
    const [inFile, inMemory] = await Promise.all(
      [file, memory].map(({ broker }, i) => broker.history.since('kept', before[i * 5])),
    );
    assert.deepEqual([inFile.complete, inFile.messages.length], [true, 4]);
    assert.equal(inMemory.complete, false);
    assert.deepEqual(await publish(file, 'kept', 5), before[4]);
    assert.equal((await publish(file, 'kept', 6)).offset, 6);
    assert.equal((await publish(memory, 'kept', 6)).offset, 1);
  });

  test('loses nothing and keeps nothing twice, wherever the connection is cut', async () => {
    const watcher = await openHere();
    const whole = await exchange(undefined, 0);
    const cuts = ['toServer', 'toClient'].flatMap((direction) =>
      Array.from({ length: Math.ceil(whole[direction] / STEP) }, (_, i) => ({
        direction,
        count: i * STEP + 1 + (i % STEP),
      })),
    );
    let number = 0;
    const lane = async () => {
      for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift()) {
        await exchange(cut, ++number);
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));

    async function exchange(cut, id) {
      const topic = `cut ${id}`;
      await watcher.broker.subscribe([topic]);
      const proxy = await startProxy(engine.port);
      if (cut !== undefined) proxy.cutAfter(cut.direction, cut.count);
      const member = await dialed(() =>
        open(proxy.port, { history }, { waitOnFirstConnect: true }),
      );
      const { epoch } = await retried(member, () => member.broker.history.position(topic));
      const texts = ['1', '2', '3', '4', '5'];
      // As the server does: what failed is sent again, in order.
      for (const text of texts) {
        await retried(member, () => publish(member, topic, Number(text)));
      }
      const { complete, messages } = await watcher.broker.history.since(topic, {
        epoch,
        offset: 0,
      });
      const where = `${cut?.direction} ${cut?.count}`;
      assert.equal(complete, true, where);
      assert.deepEqual(
        messages.map(({ data }) => `${Buffer.from(data)}`),
        texts,
        where,
      );
      const own = () => watcher.received.filter((one) => one.topic === topic);
      await until('All messages', () => own().length >= 5);
      assert.deepEqual(
        own().map(({ text }) => text),
        texts,
        where,
      );
      watcher.broker.unsubscribe([topic]);
      const { bytes } = proxy;
      await member.end();
      proxy.stop();
      return bytes;
    }
  });
});

/** The first connection may be the one that is cut. */
async function dialed(action) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

async function retried({ told }, action) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt === 20) throw error;
      await until('Up', () => told.at(-1) !== false);
      await sleep(10);
    }
  }
}
