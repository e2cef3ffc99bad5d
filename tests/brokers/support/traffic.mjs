/** Messages that every worker publishes all the time, and what became of them. */
import assert from 'node:assert/strict';
import { sleep, until } from './wait.mjs';

export const TOPICS = ['traffic 0', 'traffic 1', 'traffic 2'];
const INTERVAL = 20;

/** Local delivery may be late because other processes run, in milliseconds. */
const MAX_GAP = 2_500;

/** Until messages flow again: attempts to connect, and the random part of a second of the server. */
const RECOVERY = 20_000;

export class Traffic {
  topics = TOPICS;
  /** `{ worker, publisher, client, gap, last }`, after `stop` with the `count` of rounds. */
  members = [];
  #names = 0;

  /** Each worker gets one client, which has all of the topics. */
  static async start(workers) {
    const traffic = new Traffic();
    await Promise.all(workers.map((worker) => traffic.add(worker)));
    for (const member of traffic.members) await traffic.publish(member);
    return traffic;
  }

  async add(worker) {
    const member = { worker, publisher: `p${this.#names++}`, gap: 0, last: undefined };
    this.members.push(member);
    member.client = await worker.client();
    member.client.onText = (text) => onText(member, text);
    await member.client.subscribe(this.topics);
    return member;
  }

  publish({ worker, publisher }) {
    return worker.call('flood', { publisher, topics: this.topics, interval: INTERVAL });
  }

  /** Forgets a worker that was killed. */
  remove(worker) {
    this.members = this.members.filter((member) => member.worker !== worker);
  }

  /** Local delivery went on, and nothing was thrown. @returns the longest time without, in milliseconds */
  async checkLocal() {
    for (const { worker, publisher, gap } of this.members) {
      assert(gap < MAX_GAP, `Nothing was delivered at ${publisher} for ${gap} ms`);
      assert.deepEqual((await worker.stats()).thrown, []);
    }
    return Math.max(...this.members.map(({ gap }) => gap));
  }

  /** Ends the publishing. */
  async stop() {
    for (const member of this.members) member.count = await member.worker.call('unflood');
  }

  /** Resolves when everybody receives something new from everybody. */
  async untilItFlows() {
    const begin = Date.now();
    const starts = this.members.map(({ client }) => client.received.length);
    const missing = () => {
      const pairs = this.members.flatMap(({ publisher, client }, i) => {
        const heard = new Set(client.received.slice(starts[i]).map(streamOf));
        return this.members.flatMap((other) =>
          this.topics
            .filter((topic) => !heard.has(`${topic} ${other.publisher}`))
            .map((topic) => `${topic} from ${other.publisher} to ${publisher}`),
        );
      });
      return pairs.length === 0 || pairs;
    };
    await until('Messages flow again', missing, RECOVERY);
    return Date.now() - begin;
  }

  /**
   * Nothing came twice, and each stream in its order.
   * @param repeated how many messages of a stream may come twice
   * @returns how many messages are missing
   */
  countLost(repeated = 0) {
    let lost = 0;
    for (const { client, publisher } of this.members) {
      const streams = groupBy(client.received, streamOf);
      for (const [stream, texts] of streams) {
        const numbers = texts.map((text) => Number(text.slice(text.lastIndexOf(' ') + 1)));
        removeRepeated(numbers, repeated);
        for (const [i, number] of numbers.entries()) {
          if (i === 0) continue;
          const what = `${stream} at ${publisher}: ${numbers[i - 1]}, then ${number}`;
          assert(number > numbers[i - 1], what);
          lost += number - numbers[i - 1] - 1;
        }
      }
    }
    return lost;
  }

  /** What is published now arrives once at everybody. */
  async checkOnce(round = 'after') {
    await this.stop();
    await sleep(300);
    for (const { client } of this.members) client.received.length = 0;
    for (const { worker, publisher } of this.members) {
      await worker.publish(
        ...this.topics.map((topic) => [topic, `${topic} ${publisher} ${round}`]),
      );
    }
    const wanted = this.members.flatMap(({ publisher }) =>
      this.topics.map((topic) => `${topic} ${publisher} ${round}`),
    );
    for (const { client } of this.members) {
      await until('All messages', () => client.received.length >= wanted.length || client.received);
    }
    await sleep(200);
    for (const { client } of this.members) {
      assert.deepEqual([...client.received].sort(), [...wanted].sort());
    }
  }
}

function onText(member, text) {
  if (!text.includes(` ${member.publisher} `)) return;
  const now = performance.now();
  if (member.last !== undefined) member.gap = Math.max(member.gap, Math.round(now - member.last));
  member.last = now;
}

export function streamOf(text) {
  return text.slice(0, text.lastIndexOf(' '));
}

export function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

/** Removes up to `most` numbers that are equal to the one before. */
function removeRepeated(numbers, most) {
  for (let i = 1, left = most; i < numbers.length && left > 0; i++) {
    if (numbers[i] !== numbers[i - 1]) continue;
    numbers.splice(i--, 1);
    left--;
  }
}
