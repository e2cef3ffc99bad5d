/** The broker over real Redis, with both packages of clients. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { redis, testBroker } from '../../dist/topics/index.mjs';
import { startRedis, startRedisCluster, whyMissing } from './engines.mjs';
import {
  CLIENTS,
  CLUSTER_CLIENTS,
  LIMITS,
  open,
  PUBLISHER,
  until,
  untilGone,
} from './support/redis-clients.mjs';

const skip = whyMissing('redis');

function publish(broker, topic, text, sequence, options = {}) {
  const all = { ...LIMITS, publisher: PUBLISHER, sequence, ...options };
  return broker.history.publish(topic, Buffer.from(text), all);
}

function texts({ messages }) {
  return messages.map(({ data }) => String(data));
}

for (const [name, create] of Object.entries(CLIENTS)) {
  describe(`redis() with ${name}`, { skip }, () => {
    let engine;
    before(async () => {
      engine = await startRedis();
    });
    after(() => engine.stop());

    test('is a broker with a history', async () => {
      await testBroker(() => redis({ client: create(engine.port) }));
      await untilGone(engine);
    });

    test('is a broker with the older protocol', async () => {
      const options = name === 'ioredis' ? { protocol: 2 } : { RESP: 2 };
      await testBroker(() => redis({ client: create(engine.port, options) }));
      await untilGone(engine);
    });

    test('leaves the client as it is', async () => {
      const client = create(engine.port);
      client.on('error', () => {});
      const { broker } = await open(client);
      await broker.subscribe(['a']);
      assert.equal(client.status ?? client.isOpen, name === 'ioredis' ? 'wait' : false);
      await client.connect();
      await broker.close();
      assert.equal(await client.ping(), 'PONG');
      await (client.destroy ?? client.disconnect).call(client);
      await untilGone(engine);
    });

    test('takes a client that is subscribed itself', async () => {
      const client = create(engine.port);
      await client.connect();
      const heard = [];
      await (name === 'ioredis'
        ? client.subscribe('ws6455:a')
        : client.subscribe('ws6455:a', (text) => heard.push(text)));
      const { broker, messages } = await open(client);
      await broker.subscribe(['a']);
      await broker.publish('a', Buffer.from('x'));
      await until(() => messages.length > 0, 'the message');
      await broker.close();
      await (client.destroy ?? client.disconnect).call(client);
    });

    test('subscribing and unsubscribing in turn ends as the last call says', async () => {
      const { broker, messages } = await open(create(engine.port));
      const calls = [];
      for (let i = 0; i < 50; i++) calls.push(broker.subscribe(['a']), broker.unsubscribe(['a']));
      await Promise.all([...calls, broker.subscribe(['a'])]);
      await broker.publish('a', Buffer.from('1'));
      await until(() => messages.length > 0, 'the message');
      await broker.subscribe(['b']);
      assert.equal(messages.length, 1);
      assert.deepEqual(await engine.command('PUBSUB', 'NUMSUB', 'ws6455:a'), ['ws6455:a', 1]);
      await broker.unsubscribe(['a']);
      assert.deepEqual(await engine.command('PUBSUB', 'NUMSUB', 'ws6455:a'), ['ws6455:a', 0]);
      await broker.close();
      await untilGone(engine);
    });

    test('prefixes keep programs apart', async () => {
      const [a, b] = [await open(create(engine.port), 'a:'), await open(create(engine.port), 'b:')];
      await a.broker.subscribe(['x']);
      await b.broker.subscribe(['x']);
      await publish(a.broker, 'x', 'of a', 1);
      await publish(b.broker, 'x', 'of b', 1);
      await until(() => a.messages.length > 0 && b.messages.length > 0, 'the messages');
      assert.deepEqual(
        a.messages.map(({ data }) => data),
        ['of a'],
      );
      assert.deepEqual(
        b.messages.map(({ data }) => data),
        ['of b'],
      );
      await a.broker.close();
      await b.broker.close();
    });

    test('numbers messages, and reads what came since', async () => {
      const { broker, messages } = await open(create(engine.port), 'h:');
      const topic = 'a}b{%7D';
      const start = await broker.history.position(topic, LIMITS);
      assert.equal(start.offset, 0);
      await broker.subscribe([topic]);
      const body = Buffer.from([0, 255, 10, 13]);
      const options = { ...LIMITS, publisher: PUBLISHER, sequence: 1 };
      const first = await broker.history.publish(topic, body, options);
      assert.deepEqual(first, { epoch: start.epoch, offset: 1 });
      await Promise.all(['2', '3'].map((text, i) => publish(broker, topic, text, 7 + i)));
      await until(() => messages.length === 3, 'the messages');
      assert.deepEqual(
        messages.map(({ position }) => position),
        [1, 2, 3].map((offset) => ({ epoch: start.epoch, offset })),
      );
      const since = await broker.history.since(topic, start, LIMITS);
      assert.equal(since.complete, true);
      assert.deepEqual(since.messages[0], { data: body, offset: 1 });
      assert.deepEqual(texts(since).slice(1), ['2', '3']);
      assert.deepEqual(since.position, { epoch: start.epoch, offset: 3 });
      const newest = await broker.history.since(topic, since.position, LIMITS);
      assert.deepEqual([newest.complete, newest.messages], [true, []]);
      await broker.close();
    });

    test('a repetition changes nothing', async () => {
      const { broker, messages } = await open(create(engine.port), 'r:');
      await broker.subscribe(['a']);
      await publish(broker, 'a', '1', 5);
      const position = await publish(broker, 'a', '2', 8);
      for (const sequence of [5, 8, 1]) {
        assert.deepEqual(await publish(broker, 'a', 'again', sequence), position);
      }
      await publish(broker, 'a', 'other', 1, { publisher: 'f'.repeat(32) });
      await until(() => messages.length >= 3, 'the messages');
      assert.deepEqual(
        messages.map(({ data }) => data),
        ['1', '2', 'other'],
      );
      await broker.close();
    });

    test('never returns a part', async () => {
      const { broker } = await open(create(engine.port), 'p:');
      const start = await broker.history.position('a', LIMITS);
      for (let i = 1; i <= 5; i++) await publish(broker, 'a', `${i}`, i, { size: 3 });
      const { since } = broker.history;
      const ask = async (position) => {
        const { complete, messages } = await since.call(broker.history, 'a', position, LIMITS);
        if (complete) return texts({ messages });
        assert.equal(messages.length, 0);
        return 'incomplete';
      };
      const { epoch } = start;
      assert.equal(await ask({ epoch, offset: 1 }), 'incomplete');
      assert.deepEqual(await ask({ epoch, offset: 2 }), ['3', '4', '5']);
      assert.equal(await ask({ epoch, offset: 6 }), 'incomplete');
      assert.equal(await ask({ epoch: 'other', offset: 5 }), 'incomplete');
      for (const offset of [-1, 0.5, Number.NaN, '3', undefined, 2 ** 60]) {
        assert.equal(await ask({ epoch, offset }), 'incomplete', String(offset));
      }
      await engine.command('DEL', 'p:{a}:log');
      assert.equal(await ask({ epoch, offset: 4 }), 'incomplete');
      assert.deepEqual(await ask({ epoch, offset: 5 }), []);
      await publish(broker, 'a', '6', 6);
      assert.deepEqual(await ask({ epoch, offset: 5 }), ['6']);
      assert.equal(await ask({ epoch, offset: 4 }), 'incomplete');
      await broker.close();
    });

    test('begins another epoch when the history is lost', async () => {
      const { broker } = await open(create(engine.port), 'e:');
      const { epoch } = await publish(broker, 'a', '1', 1);
      for (const command of [['FLUSHALL'], ['DEL', 'e:{a}:meta']]) {
        await engine.command(...command);
        const position = await publish(broker, 'a', '2', 2);
        assert.notEqual(position.epoch, epoch);
        assert.equal(position.offset, 1);
        const { complete } = await broker.history.since('a', { epoch, offset: 0 }, LIMITS);
        assert.equal(complete, false);
        assert.deepEqual(texts(await broker.history.since('a', { ...position, offset: 0 })), ['2']);
      }
      await broker.close();
    });

    test('keys expire', async () => {
      const { broker } = await open(create(engine.port), 't:');
      await publish(broker, 'a', '1', 1, { ttl: 5_000 });
      const log = await engine.command('PTTL', 't:{a}:log');
      const meta = await engine.command('PTTL', 't:{a}:meta');
      assert(log > 4_000 && log <= 5_000, String(log));
      assert(meta > 3_600_000 && meta <= 3_605_000, String(meta));
      await broker.history.position('a', { size: 1, ttl: 1 });
      assert((await engine.command('PTTL', 't:{a}:meta')) > 3_600_000);
      await broker.close();
    });

    test('publishers that are gone are forgotten', async () => {
      const { broker } = await open(create(engine.port), 'g:');
      const old = Array.from({ length: 100 }, (_, i) => [`old${i}`, '1:1:1000']).flat();
      await publish(broker, 'a', '1', 1);
      await engine.command('HSET', 'g:{a}:meta', ...old);
      await publish(broker, 'a', '2', 1, { publisher: 'f'.repeat(32) });
      assert.equal(await engine.command('HLEN', 'g:{a}:meta'), 4);
      await broker.close();
    });

    test('keeps the order when the scripts are lost meanwhile', async () => {
      const { broker, messages } = await open(create(engine.port), 's:');
      await broker.subscribe(['a']);
      const expected = [];
      const calls = [];
      for (let i = 1; i <= 300; i++) {
        expected.push(`${i}`);
        calls.push(publish(broker, 'a', `${i}`, i));
        if (i % 30 === 0) {
          calls.push(engine.command('SCRIPT', 'FLUSH'));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await Promise.all(calls);
      await until(() => messages.length >= 300, 'the messages');
      assert.deepEqual(
        messages.map(({ data }) => data),
        expected,
      );
      assert.equal((await broker.history.position('a')).offset, 300);
      await broker.close();
    });

    test('an error of Redis is the error of the call', async () => {
      await engine.command('SET', 'w:{a}:meta', 'x');
      const { broker, statuses } = await open(create(engine.port), 'w:');
      const calls = [1, 2, 3].map((i) => publish(broker, 'a', `${i}`, i));
      for (const { reason } of await Promise.allSettled(calls)) assert(reason instanceof Error);
      await assert.rejects(calls[0], /WRONGTYPE/);
      await engine.command('DEL', 'w:{a}:meta');
      assert.equal((await publish(broker, 'a', '1', 1)).offset, 1);
      assert.deepEqual(statuses, []);
      await broker.close();
    });

    test('a user without rights gets a clear error', async () => {
      const rules = ['on', '>secret', '+@connection', '+info', '+subscribe', '&ok:*'];
      await engine.command('ACL', 'SETUSER', 'limited', ...rules);
      const credentials = { username: 'limited', password: 'secret' };
      const { broker } = await open(create(engine.port, credentials), 'ok:');
      await broker.subscribe(['a']);
      await assert.rejects(broker.publish('a', Buffer.from('x')), /NOPERM/);
      await assert.rejects(publish(broker, 'a', 'x', 1), /NOPERM/);
      await broker.close();
      const other = await open(create(engine.port, credentials), 'other:');
      await assert.rejects(other.broker.subscribe(['a']), /NOPERM/);
      await other.broker.close();
      const wrong = redis({ client: create(engine.port, { ...credentials, password: 'wrong' }) });
      await assert.rejects(wrong.start({ message() {}, status() {} }), /WRONGPASS/);
      await wrong.close();
      await engine.command('ACL', 'DELUSER', 'limited');
      await untilGone(engine);
    });

    test('the rights of the document are enough', async () => {
      await engine.command(
        ...['ACL', 'SETUSER', 'enough', 'on', '>secret', 'resetchannels', '&ws6455:*', '~ws6455:*'],
        ...'+@connection +info +ping +subscribe +unsubscribe +publish +eval +evalsha'.split(' '),
        ...'+time +hmget +hset +hgetall +hdel +hlen +del +xadd +xrange +pexpire +pttl'.split(' '),
      );
      const credentials = { username: 'enough', password: 'secret' };
      await testBroker(() => redis({ client: create(engine.port, credentials) }));
      const { broker } = await open(create(engine.port, credentials));
      const position = await publish(broker, 'rights', 'x', 1);
      const before = { ...position, offset: 0 };
      assert.deepEqual(texts(await broker.history.since('rights', before)), ['x']);
      await broker.close();
      await engine.command('ACL', 'DELUSER', 'enough');
    });
  });
}

for (const [name, create] of Object.entries(CLUSTER_CLIENTS)) {
  describe(`redis() with a cluster and ${name}`, { skip }, () => {
    let cluster;
    before(async () => {
      cluster = await startRedisCluster();
    });
    after(() => cluster.stop());

    const gone = () => Promise.all(cluster.nodes.map(untilGone));

    test('is a broker with a history', async () => {
      await testBroker(() => redis({ client: create(cluster.port) }));
      await gone();
    });

    test('shards carry only their own topics', async () => {
      const { broker, messages } = await open(create(cluster.port), 'c:');
      const names = Array.from({ length: 60 }, (_, i) => `topic ${i}}`);
      await broker.subscribe(names);
      const channels = await Promise.all(
        cluster.nodes.map((node) => node.command('PUBSUB', 'SHARDCHANNELS')),
      );
      assert.equal(channels.flat().length, 60);
      for (const some of channels) assert(some.length > 5, String(some.length));
      await Promise.all(names.map((topic, i) => publish(broker, topic, `${i}`, i + 1)));
      await Promise.all(names.map((topic, i) => broker.publish(topic, Buffer.from(`${i}`))));
      await until(() => messages.length >= 120, 'the messages');
      assert(messages.every(({ topic, data }) => topic === names[Number(data)]));
      const history = await broker.history.since(names[0], { ...messages[0].position, offset: 0 });
      assert.equal(history.messages.length, history.complete ? 1 : 0);
      await broker.close();
      await gone();
    });

    test('a slot that moves is followed', async () => {
      const { broker, messages, statuses } = await open(create(cluster.port), 'm:');
      await broker.subscribe(['a']);
      await publish(broker, 'a', '1', 1);
      const [from, to] = await moveSlot(cluster, 'm:{a}');
      await until(() => statuses.at(-1) === true, 'the broker is back');
      await broker.subscribe(['a']);
      const position = await publish(broker, 'a', '2', 2);
      assert.equal(position.offset, 2);
      await until(() => messages.length >= 2, 'the messages');
      assert.deepEqual(
        messages.map(({ data }) => data),
        ['1', '2'],
      );
      assert.deepEqual(await from.command('PUBSUB', 'SHARDCHANNELS'), []);
      assert.deepEqual(await to.command('PUBSUB', 'SHARDCHANNELS'), ['m:{a}']);
      await broker.close();
      await gone();
    });
  });
}

/** Moves the slot of a name, with its keys, to another node. */
async function moveSlot({ nodes }, name) {
  const slot = await nodes[0].command('CLUSTER', 'KEYSLOT', name);
  const ids = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'MYID')));
  const owner = Math.floor(slot / Math.ceil(16_384 / nodes.length));
  const target = (owner + 1) % nodes.length;
  const [from, to] = [nodes[owner], nodes[target]];
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[owner]);
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[target]);
  const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100);
  await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys);
  for (const node of [to, from, ...nodes]) {
    await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', ids[target]);
  }
  return [from, to];
}
