/**
 * Faults with a history: nothing is lost and nothing comes twice, for clients that stay connected and for
 * those that come back, as long as the engine keeps what it has. If it does not, they are told.
 */
import assert from 'node:assert/strict';
import { startFleet, Worker } from '../support/fleet.mjs';
import { groupBy, streamOf, TOPICS, Traffic } from '../support/traffic.mjs';
import { sleep, until } from '../support/wait.mjs';
import { checkEnd } from './faults.mjs';

const STOPPED = 10_000;
const AWAY = 3_000;

/** More than is published in a scenario. */
const LIMITS = { history: { size: 100_000, ttl: 600_000 } };
const SERVER_OPTIONS = { topics: Object.fromEntries(TOPICS.map((topic) => [topic, LIMITS])) };

/** Until what was published during a fault has arrived everywhere. */
const PATIENCE = 20_000;

/**
 * @param apply causes the fault and ends it
 * @param check looks at what the clients have; by default they have everything
 */
function fault(name, { needs, options = {}, apply, check = checkComplete }) {
  async function run({ start }) {
    const backend = await start({ history: true, ...options });
    const workers = await startFleet(backend, 3, SERVER_OPTIONS);
    const traffic = await Traffic.start(workers);
    await traffic.untilItFlows();
    const returning = await leave(workers[2]);
    await apply({ backend, workers, traffic });
    const recovery = await traffic.untilItFlows();
    const gap = await traffic.checkLocal();
    await traffic.stop();
    const figures = await check({ traffic, returning });
    await checkEnd(backend, traffic);
    return `local gap ${gap} ms, flows after ${recovery} ms, ${figures}`;
  }
  return { name: `with a history, ${name}`, needs: ['history', ...needs], run };
}

/** A client that has everything until now, and is away during the fault. @returns what it has */
async function leave(worker) {
  const client = await worker.client();
  const positions = await client.ask({ position: TOPICS });
  await client.subscribe(TOPICS);
  await until('Some messages', () => client.received.length > 20);
  client.terminate();
  return { positions, received: client.received };
}

/** It comes back at another server, and asks for what it missed. */
async function comeBack({ positions }, { worker }) {
  const client = await worker.client();
  await client.subscribe(TOPICS);
  return client.ask({ since: positions });
}

async function checkComplete({ traffic, returning }) {
  const { members } = traffic;
  const streams = members.flatMap(({ publisher, count }) =>
    TOPICS.map((topic) => ({ stream: `${topic} ${publisher}`, count })),
  );
  for (const { client, first = new Map() } of members) {
    const expected = (stream, count) => count - (first.get(stream) ?? 0);
    const missing = () => {
      const have = groupBy(client.received, streamOf);
      const wrong = streams
        .map(({ stream, count }) => [
          stream,
          have.get(stream)?.length ?? 0,
          expected(stream, count),
        ])
        .filter(([, is, should]) => is < should);
      return wrong.length === 0 || wrong;
    };
    await until('Everything has arrived', missing, PATIENCE);
  }
  await sleep(300);
  assert.equal(traffic.countLost(), 0);
  for (const { client } of members) {
    for (const { stream, count } of streams) {
      const texts = client.received.filter((text) => streamOf(text) === stream);
      assert.equal(texts.at(-1), `${stream} ${count - 1}`);
    }
  }
  const answers = await comeBack(returning, members[0]);
  return checkReturned(answers, returning, streams);
}

/** What was missed follows what it had, without a gap up to the end. */
function checkReturned(answers, { received }, streams) {
  let total = 0;
  for (const topic of TOPICS) {
    const { complete, texts } = answers[topic];
    assert.equal(complete, true, `The history of ${topic} is not complete`);
    total += texts.length;
    assert.equal(new Set(texts).size, texts.length, 'A message is twice in a history');
    const groups = groupBy(texts, streamOf);
    for (const { stream, count } of streams.filter(({ stream }) =>
      stream.startsWith(`${topic} `),
    )) {
      const numbers = (groups.get(stream) ?? []).map((text) => Number(text.split(' ').at(-1)));
      const had = received.filter((text) => streamOf(text) === stream);
      const last = had.at(-1)?.split(' ').at(-1);
      const begin = numbers[0] ?? count;
      // The position was asked for first: a stream of which the client had nothing began before it.
      assert(last === undefined || begin <= Number(last) + 1, `${stream}: ${begin} after ${last}`);
      assert.deepEqual(
        numbers,
        Array.from({ length: count - begin }, (_, i) => begin + i),
      );
    }
  }
  return `nothing lost, nothing twice, ${total} messages for the client that came back`;
}

/**
 * The engine has forgotten everything, also that it had the one message of a topic that a server had no
 * answer for: this one comes again.
 */
async function checkForgotten({ traffic, returning }) {
  const lost = traffic.countLost(1);
  const answers = await comeBack(returning, traffic.members[0]);
  for (const topic of TOPICS) {
    const { complete, texts } = answers[topic];
    assert.deepEqual([complete, texts], [false, []]);
  }
  const gaps = [];
  for (const { worker } of traffic.members) gaps.push((await worker.stats()).gaps.length);
  return `complete: false, ${lost} lost, 'topicGap' ${gaps.join('/')}`;
}

export const HISTORY = [
  fault('the engine is stopped for ten seconds', {
    needs: ['pause'],
    async apply({ backend: { engines } }) {
      engines[0].pause();
      await sleep(STOPPED);
      engines[0].resume();
    },
  }),
  fault('the engine is killed, and has kept its data', {
    needs: ['kill', 'persist'],
    options: { persist: true },
    async apply({ backend: { engines } }) {
      await engines[0].kill();
      await sleep(AWAY);
      await engines[0].restart();
    },
  }),
  fault('the engine is killed, and has lost its data', {
    needs: ['kill'],
    check: checkForgotten,
    async apply({ backend: { engines } }) {
      for (const engine of engines) await engine.kill();
      await sleep(AWAY);
      for (const engine of engines) await engine.restart();
    },
  }),
  fault('one worker cannot reach the engine', {
    needs: ['cut'],
    async apply({ workers: [{ proxy }] }) {
      proxy.partition();
      await sleep(AWAY);
      proxy.heal();
    },
  }),
  fault('the connections are cut again and again', {
    needs: ['cut'],
    async apply({ workers }) {
      for (let i = 0; i < 10; i++) {
        workers[i % 3].proxy.cut();
        await sleep(300);
      }
    },
  }),
  fault('a worker is killed and another one started', {
    needs: [],
    async apply({ backend, workers, traffic }) {
      await workers[2].kill();
      traffic.remove(workers[2]);
      await sleep(200);
      const worker = await Worker.start(backend, SERVER_OPTIONS);
      await worker.isUp();
      const member = await traffic.add(worker);
      await traffic.publish(member);
      // It hears the others from some number on.
      await traffic.untilItFlows();
      member.first = firstNumbers(member.client.received);
    },
  }),
];

function firstNumbers(texts) {
  const groups = groupBy(texts, streamOf);
  return new Map([...groups].map(([stream, [text]]) => [stream, Number(text.split(' ').at(-1))]));
}
