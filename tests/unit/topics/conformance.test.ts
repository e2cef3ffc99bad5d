/** `testBroker` finds what is wrong with a broker. */

import { expect, test } from '@jest/globals';
import {
  type Broker,
  type BrokerEvents,
  type BrokerHistory,
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

let calls = 0;

/** A broker whose history does one thing wrong. */
function faultyHistory(fault: (history: BrokerHistory) => Partial<BrokerHistory>) {
  return faulty((broker) => {
    const history = broker.history as BrokerHistory; // a broker in memory has one
    return { history: { ...history, ...fault(history) } };
  });
}

test.each<[string, () => Broker, RegExp]>([
  [
    'counts from 0',
    faultyHistory(({ publish }) => ({
      publish: async (...given) => {
        const { epoch, offset } = await publish(...given);
        return { epoch, offset: offset - 1 };
      },
    })),
    /^the positions of messages, as publish returns them: expected the offset 1 .* got the offset 0/,
  ],
  [
    'sends no positions',
    faulty((_, { message }) => ({ message: (topic, data) => message(topic, data) })),
    /^the positions of messages, as they arrive: .* got none/,
  ],
  [
    'keeps and does not send',
    faulty((_, { message }) => ({
      message: (topic, data, position) => position || message(topic, data),
    })),
    /^the positions of messages: .* received nothing/,
  ],
  [
    'returns one message too many',
    faultyHistory(({ since }) => ({
      since: (topic, { epoch, offset }) => since(topic, { epoch, offset: Math.max(0, offset - 1) }),
    })),
    /^since the offset 1 of 4: expected 3 messages, and got 4/,
  ],
  [
    'ignores the epoch',
    faultyHistory(({ since, position }) => ({
      since: async (topic, { offset }) =>
        since(topic, { epoch: (await position(topic)).epoch, offset }),
    })),
    /^since the offset 0 of x, which never was: it is complete/,
  ],
  [
    'keeps repetitions',
    faultyHistory(({ publish }) => ({
      publish: (topic, data, options) => publish(topic, data, { ...options, sequence: ++calls }),
    })),
    /^a message that is repeated has its position/,
  ],
  [
    'returns a part',
    faultyHistory(({ since, position }) => ({
      since: async (topic, given) => {
        const found = await since(topic, given);
        const { epoch, offset } = await position(topic);
        if (found.complete || given.epoch !== epoch || given.offset > offset) return found;
        return {
          ...found,
          ...(await since(topic, { epoch, offset: offset - 1 })),
          complete: false,
        };
      },
    })),
    /^since the offset 0 of 50, of which 10 are kept: there are 1 messages, a part/,
  ],
  [
    'keeps too few',
    faultyHistory(({ publish }) => ({
      publish: (topic, data, options) =>
        publish(topic, data, { ...options, size: Math.ceil(options.size / 2) }),
    })),
    /^since the offset 40 of 50, of which 10 are kept: it is not complete/,
  ],
])('a history that %s', async (_, create, message) => {
  await expect(testBroker(create, { timeout: 200 })).rejects.toThrow(message);
});

test('a broker without a history is tested without one', async () => {
  const engine = new MemoryEngine();
  await testBroker(() => ({ ...engine.broker(), history: undefined }));
});

test('brokers are closed, also if the second one does not start', async () => {
  const engine = new MemoryEngine();
  const closed: number[] = [];
  let count = 0;
  const create = (): Broker => {
    const broker = engine.broker();
    const number = ++count;
    return {
      ...broker,
      start: (events) => {
        if (number === 2) throw new Error('no engine');
        return broker.start(events);
      },
      close: () => void closed.push(number),
    };
  };
  await expect(testBroker(create)).rejects.toThrow('no engine');
  expect(closed).toEqual([1, 2]);
});
