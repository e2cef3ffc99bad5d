/** The names of topics. */

import { describeValue } from '../connection/check-options.js';
import type { TopicNames } from '../websocket/server-topics.js';

/** @throws TypeError for the first one that cannot be a topic */
export function toNames(topics: TopicNames): readonly string[] {
  const names = Array.isArray(topics) ? topics : [topics];
  for (const name of names) checkName(name);
  return names;
}

/**
 * Two names with different lone surrogates would be the same in UTF-8, in which brokers send them.
 * @throws TypeError for a name that is no topic
 */
export function checkName(name: unknown): asserts name is string {
  if (typeof name === 'string' && name !== '' && name.isWellFormed()) return;
  const given = describeValue(name);
  throw new TypeError(`A topic must be a non-empty, well-formed string: ${given} was given`);
}
