/** `cluster()` and `primary()` with real processes. This process is the primary one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { kill, runIn, startWorker, startWorkers } from './support/cluster-workers.mjs';

const require = createRequire(import.meta.url);
const { primary } = require('../../dist/topics/index.js');

const SERIALIZATIONS = ['json', 'advanced'];
const PATIENCE = 20_000;

/** Waits until a function returns something true. */
async function until(check, what) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE} ms`);
    await sleep(10);
  }
}

/** The hub of a test; it ends with it, and must be left without subscriptions. */
function startPrimary(t, options) {
  const hub = primary(options);
  t.after(() => hub.close());
  return hub;
}

/** Starts a broker in a worker, as `context.one`. */
const open = (worker, topics = []) =>
  runIn(
    worker,
    async (context, given) => {
      context.one = await context.listen();
      await context.one.broker.start(context.one.events);
      if (given.length > 0) await context.one.broker.subscribe(given);
    },
    topics,
  );

const receivedBy = (worker) => runIn(worker, ({ one }) => one.received);

const publish = (worker, topic, texts) =>
  runIn(
    worker,
    ({ one }, given) => {
      for (const text of given.texts) one.broker.publish(given.topic, Buffer.from(text));
    },
    { topic, texts },
  );

for (const serialization of SERIALIZATIONS) {
  describe(`with serialization '${serialization}'`, () => {
    test('it is a broker', { timeout: 60_000 }, async (t) => {
      startPrimary(t);
      const [worker] = await startWorkers(t, 1, { serialization });
      await runIn(worker, ({ topics }) => topics.testBroker(() => topics.cluster()));
    });

    test('three workers get what they want, once and in order', async (t) => {
      const hub = startPrimary(t);
      const workers = await startWorkers(t, 3, { serialization });
      const topicsOf = (i) => Array.from({ length: 10 }, (_, n) => `topic ${i + 3 * n}`);
      await Promise.all(workers.map((worker, i) => open(worker, [...topicsOf(i), 'all'])));
      assert.deepEqual([hub.stats().brokers, hub.stats().topics], [3, 31]);
      const publishAll = (worker, i) =>
        runIn(
          worker,
          async ({ one }, from) => {
            for (let n = 0; n < 300; n++) {
              one.broker.publish('all', Buffer.from(`${from} ${n}`));
              one.broker.publish(`topic ${n % 30}`, Buffer.from(`${from} ${n}`));
              if (n % 50 === 0) await new Promise(setImmediate);
            }
          },
          i,
        );
      await Promise.all(workers.map(publishAll));
      for (const [i, worker] of workers.entries()) {
        // 'all' of two others, and a third of 300 from each of them.
        const received = await until(async () => {
          const list = await receivedBy(worker);
          return list.length >= 800 && list;
        }, 'the messages arrive');
        assert.equal(received.length, 800);
        const own = new Set([...topicsOf(i), 'all']);
        assert(received.every(({ topic }) => own.has(topic)));
        for (const from of [0, 1, 2]) {
          const numbers = received
            .filter(({ topic, text }) => topic === 'all' && text.startsWith(`${from} `))
            .map(({ text }) => Number(text.split(' ')[1]));
          const expected = from === i ? [] : Array.from({ length: 300 }, (_, n) => n);
          assert.deepEqual(numbers, expected);
        }
      }
    });

    test('a history outlives its workers, and has no message twice', async (t) => {
      startPrimary(t);
      const [first, second] = await startWorkers(t, 2, { serialization });
      await Promise.all([open(first, ['room']), open(second, ['room'])]);
      const append = (worker, sequence) =>
        runIn(
          worker,
          ({ one }, number) =>
            one.broker.history.publish('room', Buffer.from([number, 255]), {
              ...{ publisher: '00'.repeat(16), sequence: number, size: 10, ttl: 60_000 },
            }),
          sequence,
        );
      const { epoch, offset } = await append(first, 1);
      assert.equal(offset, 1);
      for (const sequence of [2, 3, 3, 2]) await append(first, sequence);
      const received = await receivedBy(second);
      assert.deepEqual(
        received.map(({ position }) => position),
        [1, 2, 3].map((offset) => ({ epoch, offset })),
      );
      await kill(first);
      const third = await startWorker(t, serialization);
      await open(third);
      const since = await runIn(
        third,
        async ({ one }, position) => {
          const history = await one.broker.history.since('room', position);
          const messages = history.messages.map(({ data, offset }) => [offset, ...data]);
          return { ...history, messages, now: await one.broker.history.position('room') };
        },
        { epoch, offset: 1 },
      );
      assert.deepEqual(since, {
        complete: true,
        messages: [
          [2, 2, 255],
          [3, 3, 255],
        ],
        position: { epoch, offset: 3 },
        now: { epoch, offset: 3 },
      });
      const unknown = await runIn(third, ({ one }) =>
        one.broker.history.since('room', { epoch: 'another', offset: 1 }),
      );
      assert.deepEqual([unknown.complete, unknown.messages], [false, []]);
    });

    test('a worker that is stopped costs a bounded memory, and begins again', {
      timeout: 60_000,
    }, async (t) => {
      const maxQueuedBytes = 1 << 20;
      const hub = startPrimary(t, { maxQueuedBytes });
      const [publisher, stopped] = await startWorkers(t, 2, { serialization });
      await Promise.all([open(publisher), open(stopped, ['feed'])]);
      stopped.process.kill('SIGSTOP');
      const heapBefore = memory();
      const flood = async ({ one }) => {
        const block = Buffer.alloc(10_000);
        for (let i = 0; i < 100; i++) one.broker.publish('feed', block);
        await one.broker.subscribe(['own']); // answered when the primary process has them
      };
      let max = 0;
      for (let i = 0; i < 100; i++) {
        await runIn(publisher, flood);
        max = Math.max(max, hub.stats().queuedBytes);
      }
      // 100 MB were published; a message that is being written does not count.
      assert(max <= maxQueuedBytes, `${max} bytes waited`);
      assert(memory() - heapBefore < 60e6, `${memory() - heapBefore} bytes of memory`);
      assert(hub.stats().lost > 0);
      assert.equal(hub.stats().brokers, 1);
      stopped.process.kill('SIGCONT');
      const statuses = await until(async () => {
        const list = await runIn(stopped, ({ one }) => one.statuses);
        return list.length === 2 && list;
      }, 'the worker begins again');
      assert.deepEqual(statuses, ['The worker was too slow: messages for it were dropped', 'up']);
      await runIn(stopped, ({ one }) => {
        one.received.length = 0;
        return one.broker.subscribe(['feed']);
      });
      await publish(publisher, 'feed', ['again']);
      await until(async () => (await receivedBy(stopped)).length === 1, 'it hears again');
      assert.equal(hub.stats().brokers, 2);
    });
  });
}

function memory() {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('messages of the program pass beside those of topics', async (t) => {
  startPrimary(t);
  const [worker] = await startWorkers(t, 1);
  const heard = [];
  worker.on('message', (message) => heard.push(message));
  await runIn(worker, (context) => {
    context.heard = [];
    process.on('message', (message) => context.heard.push(message));
  });
  await open(worker, ['a']);
  const foreign = [{ ws6455: 7 }, { list: [['publish', 'a', 'eA==']] }, 'text', null, 5];
  for (const message of foreign) worker.send(message);
  await runIn(
    worker,
    (_, messages) => {
      for (const message of messages) process.send(message);
    },
    foreign,
  );
  const isForeign = (message) =>
    foreign.some((one) => JSON.stringify(one) === JSON.stringify(message));
  assert.deepEqual(heard.filter(isForeign), foreign);
  const inWorker = await runIn(worker, (context) => context.heard);
  assert.deepEqual(inWorker.filter(isForeign), foreign);
  // What a listener of the program sees of ours has the member that the documents name.
  const ours = [...heard, ...inWorker].filter(
    (message) => message?.run === undefined && message?.ran === undefined && !isForeign(message),
  );
  assert(ours.length > 0 && ours.every(({ ws6455 }) => typeof ws6455 === 'string'));
});

test('many brokers in one worker hear each other, without a warning', async (t) => {
  const hub = startPrimary(t);
  const [worker] = await startWorkers(t, 1);
  const counts = await runIn(worker, async (context) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => context.listen()));
    for (const { broker, events } of all) await broker.start(events);
    for (const { broker } of all) await broker.subscribe(['a']);
    all[0].broker.publish('a', Buffer.from('x'));
    await all[1].broker.subscribe(['b']);
    await all[19].broker.subscribe(['b']);
    context.all = all;
    return all.map(({ received }) => received.length);
  });
  assert.deepEqual(counts, [0, ...Array(19).fill(1)]);
  assert.deepEqual([hub.stats().brokers, hub.stats().topics], [20, 2]);
  await runIn(worker, ({ all }) => {
    for (const { broker } of all) broker.close();
  });
  assert.deepEqual([hub.stats().brokers, hub.stats().topics], [0, 0]);
  assert.deepEqual(await runIn(worker, ({ warnings }) => warnings), []);
});

test('a worker without primary() is told, and works when it is called', async (t) => {
  const [worker] = await startWorkers(t, 1);
  const error = await runIn(worker, async (context) => {
    context.one = await context.listen({ timeout: 200 });
    return context.one.broker.start(context.one.events).catch(({ message }) => message);
  });
  assert.match(
    error,
    /did not answer within 200 ms\. Is primary\(\) of ws6455\/topics called there/,
  );
  const started = runIn(worker, async (context) => {
    context.one = await context.listen();
    await context.one.broker.start(context.one.events);
  });
  startPrimary(t);
  await started;
});

test('primary() twice is one, and ends with the last', async (t) => {
  const [first, second] = [primary(), primary()];
  assert.throws(() => primary({ maxQueuedBytes: 5 }), /primary\(\) was called before/);
  const [worker] = await startWorkers(t, 1);
  await open(worker, ['a']);
  first.close();
  first.close();
  assert.equal(second.stats().brokers, 1);
  second.close();
  await until(() => runIn(worker, ({ one }) => one.statuses.length === 1), 'it is told');
  const third = startPrimary(t);
  await until(() => third.stats().brokers === 1, 'it begins again');
  assert.deepEqual(await runIn(worker, ({ one }) => one.statuses), ['primary() was closed', 'up']);
});

test('nothing is left of a worker that is killed, or disconnected', async (t) => {
  const hub = startPrimary(t);
  const [killed, disconnected] = await startWorkers(t, 2);
  await Promise.all([open(killed, ['a', 'b']), open(disconnected, ['b', 'c'])]);
  assert.deepEqual(hub.stats().topics, 3);
  await kill(killed);
  await until(() => hub.stats().topics === 2, 'the subscriptions of the dead go');
  const exited = once(disconnected, 'exit');
  await runIn(disconnected, ({ one }) => {
    one.events.status = (isUp, error) => process.exit(!isUp && /disconnected/.test(error) ? 42 : 1);
    setImmediate(() => process.disconnect());
  });
  assert.deepEqual(await exited, [42, null]);
  assert.deepEqual(hub.stats(), { brokers: 0, topics: 0, queuedBytes: 0, lost: 0 });
});

for (const how of ['disconnect', 'unref']) {
  test(`the processes end by themselves after server.close(): ${how}`, async () => {
    const program = fileURLToPath(new URL('support/cluster-program.cjs', import.meta.url));
    const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const [output] = await once(child.stdout, 'data');
    assert.deepEqual(await exited, [0, null]);
    assert.equal(`${output}`, 'received\n');
  });
}

test('subscriptions that come and go leave nothing', async (t) => {
  const hub = startPrimary(t);
  const workers = await startWorkers(t, 2);
  await Promise.all(workers.map((worker) => open(worker)));
  const churn = async ({ one }) => {
    for (let i = 0; i < 100; i++) {
      const topics = Array.from({ length: 500 }, (_, n) => `t${n}`);
      await one.broker.subscribe(topics);
      one.broker.unsubscribe(topics);
    }
    await one.broker.history.position('end');
  };
  await Promise.all(workers.map((worker) => runIn(worker, churn)));
  assert.deepEqual(hub.stats(), { brokers: 2, topics: 0, queuedBytes: 0, lost: 0 });
});
