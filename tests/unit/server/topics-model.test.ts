/** Random calls on topics, beside a Map of Sets. */

import { expect, test } from '@jest/globals';
import { turns } from '../../support/inbox.js';
import { SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { type Member, topicServer } from '../../support/topic-server.js';

const scope = useScope();

const TOPICS = ['a', 'b', 'c', 'd', 'e'];
const STEPS = 300;

/** What the server has to do, as simply as it can be written. */
class Model {
  readonly subscribers = new Map<string, Set<Member>>();
  readonly expected = new Map<Member, string[]>();
  readonly events: string[] = [];

  subscribe(member: Member, topics: readonly string[]): void {
    for (const topic of topics) {
      const all = this.subscribers.get(topic) ?? new Set();
      if (all.size === 0) this.events.push(`occupied ${topic}`);
      this.subscribers.set(topic, all.add(member));
    }
  }

  unsubscribe(member: Member, topics: Iterable<string>): void {
    for (const topic of topics) {
      const all = this.subscribers.get(topic);
      if (all?.delete(member) && all.size === 0) this.events.push(`vacated ${topic}`);
    }
  }

  /** The topics of a member, as a connection lists them: in the order in which it asked for them. */
  topicsOf(member: Member): string[] {
    return TOPICS.filter((topic) => this.subscribers.get(topic)?.has(member));
  }

  publish(topics: readonly string[], text: string, except: Member | undefined): number {
    const reached = new Set(topics.flatMap((topic) => [...(this.subscribers.get(topic) ?? [])]));
    if (except !== undefined) reached.delete(except);
    for (const member of reached) this.expected.get(member)?.push(text);
    return reached.size;
  }
}

test.each([1, 2, 3, 4, 5, 6])('random calls do what the model does: seed %i', async (seed) => {
  const random = new SeededRandom(seed);
  const { server, events, join } = topicServer(scope());
  const model = new Model();
  const members: Member[] = [];
  const some = (): string[] => TOPICS.filter(() => random.next() < 0.4);
  const oneOrSome = (): string | string[] => (random.next() < 0.5 ? random.pick(TOPICS) : some());
  const list = (topics: string | string[]): string[] => [topics].flat();

  for (let step = 0; step < STEPS; step++) {
    const member = members.length > 0 ? random.pick(members) : undefined;
    const topics = oneOrSome();
    const action = random.next();
    if (member === undefined || (action < 0.05 && members.length < 12)) {
      const joined = await join();
      model.expected.set(joined, []);
      members.push(joined);
    } else if (action < 0.35) {
      void member.socket.subscribe(topics);
      model.subscribe(member, list(topics));
    } else if (action < 0.55) {
      member.socket.unsubscribe(topics);
      model.unsubscribe(member, list(topics));
    } else if (action < 0.6) {
      const left = [...member.socket.topics];
      expect([...left].sort()).toEqual(model.topicsOf(member));
      member.client.terminate();
      await member.socket.closed;
      model.unsubscribe(member, left);
      members.splice(members.indexOf(member), 1);
      model.expected.delete(member);
    } else if (action < 0.8) {
      const except = random.next() < 0.5 ? member : undefined;
      const reached = server.publish(topics, `${step}`, { except: except?.socket });
      expect(reached).toBe(model.publish(list(topics), `${step}`, except));
    } else {
      const reached = member.socket.publish(topics, `${step}`);
      expect(reached).toBe(model.publish(list(topics), `${step}`, member));
    }
    for (const topic of TOPICS) {
      expect(server.subscribers(topic)).toBe(model.subscribers.get(topic)?.size ?? 0);
    }
  }

  await turns();
  for (const member of members) expect(member.received).toEqual(model.expected.get(member));
  expect(events).toEqual(model.events);
});
