/** `testBroker` finds what is wrong with a broker. */

import { expect, test } from '@jest/globals';
import {
  type Broker,
  type BrokerEvents,
  MemoryEngine,
  testBroker,
} from '../../../src/topics/index.js';

/** A broker that does one thing wrong. */
function faulty(fault: (broker: Broker, events: BrokerEvents) => Partial<BrokerEvents & Broker>) {
  const engine = new MemoryEngine();
  return (): Broker => {
    const broker = engine.broker();
    const changed: Broker = {
      ...broker,
      start: (events) => {
        const { message = events.message, ...methods } = fault(broker, events);
        Object.assign(changed, methods);
        return broker.start({ ...events, message });
      },
    };
    return changed;
  };
}

test.each<[string, Parameters<typeof faulty>[0], RegExp]>([
  [
    'reads the bytes as text',
    (_, { message }) => ({ message: (topic, data) => message(topic, Buffer.from(`${data}`)) }),
    /^a topic and bytes: expected 256 bytes/,
  ],
  [
    'drops empty messages',
    (_, { message }) => ({ message: (topic, data) => data.length > 0 && message(topic, data) }),
    /^0 bytes: .* received nothing/,
  ],
  [
    'delivers twice after a second subscribe',
    (broker, { message }) => {
      const topics: string[] = [];
      return {
        subscribe: (names) => {
          topics.push(...names);
          return broker.subscribe(names);
        },
        message: (topic, data) => {
          for (const name of topics) if (name === topic) message(topic, data);
        },
      };
    },
    /^the order, and each once/,
  ],
  [
    'subscribes to the first topic of a batch only',
    ({ subscribe }) => ({ subscribe: (names) => subscribe(names.slice(0, 100)) }),
    /^512 topics at once/,
  ],
  ['ignores unsubscribe', () => ({ unsubscribe: () => {} }), /^only what is subscribed/],
])('a broker that %s', async (_, fault, message) => {
  await expect(testBroker(faulty(fault), { timeout: 200 })).rejects.toThrow(message);
});
