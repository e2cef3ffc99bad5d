/** Random faults between three servers: at the end every subscriber has every message, once and in order. */

import { expect, test } from '@jest/globals';
import { MemoryEngine } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { type Faults, faultyBroker, NO_FAULTS } from '../../support/faulty-broker.js';
import { turns } from '../../support/inbox.js';
import { SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { type Member, topicServer } from '../../support/topic-server.js';

const scope = useScope();
const clock = useClock();

const TOPICS = ['a', 'b', 'c'];
const STEPS = 250;
const MAX_RETRY_DELAY = 1_000;
const topics = Object.fromEntries(
  TOPICS.map((name) => [name, { history: { size: 5_000, ttl: 1e9 } }]),
);

interface Subscribed {
  readonly member: Member;
  readonly names: readonly string[];
}

/** Three servers of one engine, each with subscribers. */
async function cluster(random: SeededRandom, faults: Faults) {
  const engine = new MemoryEngine();
  const servers = Array.from({ length: 3 }, () => {
    const broker = faultyBroker(engine.broker(), random, faults);
    const one = topicServer(scope(), { broker, topics });
    one.server.on('brokerError', () => {});
    return one;
  });
  const all: Subscribed[] = [];
  const gaps: string[] = [];
  for (const { server, join } of servers) {
    server.on('topicGap', (topic) => gaps.push(topic));
    for (const names of [['a'], ['b', 'a'], TOPICS.filter(() => random.next() < 0.5)]) {
      const member = await join();
      await member.socket.subscribe(names);
      all.push({ member, names });
    }
  }
  return { engine, servers: servers.map(({ server }) => server), all, gaps };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 6; i++) {
    clock.advance(MAX_RETRY_DELAY);
    await turns();
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'nothing is lost, nothing comes twice: seed %i',
  async (seed) => {
    clock.stop();
    const random = new SeededRandom(seed);
    const faults = { ...NO_FAULTS };
    const { engine, servers, all, gaps } = await cluster(random, faults);
    Object.assign(faults, { lose: 0.1, repeat: 0.1, refuse: 0.1, forgetAnswer: 0.1, delay: 0.5 });
    const published: { text: string; names: string[] }[] = [];
    const publish = (names: string[]): void => {
      const publisher = random.integer(0, servers.length - 1);
      const text = `${published.length} of ${publisher}`;
      published.push({ text, names });
      servers[publisher]?.publish(names, text);
    };
    let isUp = true;
    for (let step = 0; step < STEPS; step++) {
      const action = random.next();
      if (action < 0.7) publish(random.next() < 0.2 ? ['c', 'a', 'b'] : [random.pick(TOPICS)]);
      else if (action < 0.75 && isUp) {
        engine.stop();
        isUp = false;
      } else if (action < 0.8 && !isUp) {
        engine.restart();
        isUp = true;
      } else if (action < 0.9) clock.advance(random.integer(1, MAX_RETRY_DELAY));
      else await turns(random.integer(1, 3));
    }
    Object.assign(faults, NO_FAULTS);
    if (!isUp) engine.restart();
    await settle();
    for (const name of TOPICS) publish([name]); // a lost message is noticed at the next one
    await settle();

    for (const { member, names } of all) {
      const expected = published.filter((one) => one.names.some((name) => names.includes(name)));
      expect([...member.received].sort()).toEqual(expected.map(({ text }) => text).sort());
      for (const name of names) {
        for (let publisher = 0; publisher < servers.length; publisher++) {
          const own = published
            .filter((one) => one.names.length === 1 && one.names[0] === name)
            .map(({ text }) => text)
            .filter((text) => text.endsWith(`of ${publisher}`));
          expect(member.received.filter((text) => own.includes(text))).toEqual(own);
        }
      }
    }
    expect(gaps).toEqual([]);
    for (const server of servers) {
      expect(server.stats().broker).toMatchObject({ waiting: 0, lost: 0, gaps: 0 });
      for (const name of TOPICS) {
        const newest = published.filter((one) => one.names.includes(name)).length;
        expect((await server.position(name)).offset).toBe(newest);
      }
    }
  },
);
