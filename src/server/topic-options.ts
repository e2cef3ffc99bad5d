/** The option `topics`: which topics have a history. */

import { describeValue, warnOfUnknownOptions } from '../connection/check-options.js';
import type { Broker, BrokerHistory, HistoryLimits } from './broker.js';
import type { TopicOptions, TopicsOption } from './topics-api.js';

/** The most topics whose options are remembered. */
const MAX_REMEMBERED = 10_000;

const HISTORY_METHODS = ['publish', 'position', 'since'] as const satisfies (keyof BrokerHistory)[];

/**
 * Checks the option `topics`.
 * @throws TypeError or RangeError for the first mistake, and for a broker that keeps no history
 */
export function checkTopicsOption(topics: unknown, broker: Broker | null | undefined): void {
  if (typeof topics !== 'function' && (typeof topics !== 'object' || Array.isArray(topics))) {
    throw new TypeError(
      'The option topics must be an object, such as { news: { history: { size, ttl } } }, or a ' +
        `function: ${describeValue(topics)} was given`,
    );
  }
  if (typeof topics === 'object') {
    for (const [name, options] of Object.entries(topics ?? {})) checkTopic(name, options);
  }
  if (broker) checkHistory(broker);
}

/** @throws TypeError for a broker without a history */
function checkHistory({ history }: Broker): void {
  const missing = HISTORY_METHODS.find(
    (name) => typeof Reflect.get(Object(history), name) !== 'function',
  );
  if (missing === undefined) return;
  throw new TypeError(
    'The option topics needs a broker that keeps a history, an object with the methods ' +
      `${HISTORY_METHODS.join(', ')}: ${describeValue(history)} has no ${missing}`,
  );
}

/** @returns the limits of its history. @throws TypeError or RangeError for options that are wrong */
function checkTopic(topic: string, options: unknown): HistoryLimits | undefined {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== 'object') {
    throw new TypeError(
      `The options of the topic ${topic} must be an object, such as { history: { size, ttl } }: ` +
        `${describeValue(options)} was given`,
    );
  }
  warnOfUnknownOptions(options, ['history'], 'A topic');
  const { history } = options as TopicOptions;
  if (history === undefined || history === null) return undefined;
  const { size, ttl } = Object(history) as Partial<HistoryLimits>;
  checkLimit(topic, 'size', size, 'a whole number of messages, of at least 1', Number.isInteger);
  checkLimit(topic, 'ttl', ttl, 'a number of milliseconds, of at least 1', Number.isFinite);
  warnOfUnknownOptions(history, ['size', 'ttl'], 'history');
  return history;
}

function checkLimit(
  topic: string,
  name: string,
  value: unknown,
  expected: string,
  isFit: (value: number) => boolean,
): void {
  if (typeof value === 'number' && value >= 1 && isFit(value)) return;
  const ErrorClass = typeof value === 'number' ? RangeError : TypeError;
  throw new ErrorClass(
    `history.${name} of the topic ${topic} must be ${expected}: ${describeValue(value)} was given`,
  );
}

/** Which topics have a history. A function of the program is asked once for most names. */
export class TopicTable {
  private readonly known = new Map<string, HistoryLimits | undefined>();
  private readonly ask: ((topic: string) => TopicOptions | undefined) | undefined;

  constructor(topics: TopicsOption) {
    if (typeof topics === 'function') this.ask = topics;
    else for (const name of Object.keys(topics)) this.known.set(name, topics[name]?.history);
  }

  /**
   * @returns how much of a topic is kept; undefined without a history
   * @throws what the function of the program throws; TypeError or RangeError for what it returns
   */
  limitsOf(topic: string): HistoryLimits | undefined {
    const { known, ask } = this;
    const limits = known.get(topic);
    if (limits !== undefined || ask === undefined || known.has(topic)) return limits;
    const asked = checkTopic(topic, ask(topic));
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(topic, asked);
    return asked;
  }
}
