/** A broker of an engine in memory that loses, repeats and refuses, as networks do. */

import type { Broker, BrokerEvents, BrokerHistory } from '../../src/topics/index.js';
import type { SeededRandom } from './random.js';

/** How often each fault happens, from 0 to 1. A test may change them at any time. */
export interface Faults {
  /** A message does not arrive. */
  lose: number;
  /** A message arrives twice. */
  repeat: number;
  /** A call of the history fails before it has an effect. */
  refuse: number;
  /** It fails after it had its effect. */
  forgetAnswer: number;
  /** An answer is late. */
  delay: number;
}

export const NO_FAULTS: Faults = { lose: 0, repeat: 0, refuse: 0, forgetAnswer: 0, delay: 0 };

/** Wraps a broker with a history. Only what has a position is lost or repeated. */
export function faultyBroker(broker: Broker, random: SeededRandom, faults: Faults): Broker {
  const happens = (fault: keyof Faults): boolean => random.next() < faults[fault];
  const history = broker.history as BrokerHistory; // a broker in memory has one
  const call = async <T>(action: () => PromiseLike<T>): Promise<T> => {
    if (happens('refuse')) throw new Error('refused');
    const value = await action();
    while (happens('delay')) await new Promise((next) => setImmediate(next));
    if (happens('forgetAnswer')) throw new Error('the answer was lost');
    return value;
  };
  const start = (events: BrokerEvents) =>
    broker.start({
      ...events,
      message: (topic, data, position) => {
        if (position !== undefined && happens('lose')) return;
        events.message(topic, data, position);
        if (position !== undefined && happens('repeat')) events.message(topic, data, position);
      },
    });
  return {
    ...broker,
    start,
    history: {
      publish: (...given) => call(() => history.publish(...given)),
      position: (...given) => call(() => history.position(...given)),
      since: (...given) => call(() => history.since(...given)),
    },
  };
}
