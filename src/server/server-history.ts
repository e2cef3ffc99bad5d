/** What a server needs of the history of its topics, with a broker and without one. */

import { describeValue } from '../connection/check-options.js';
import type { HistoryLimits, TopicHistory, TopicPosition } from './broker.js';
import { checkName } from './topic-names.js';
import type { TopicTable } from './topic-options.js';
import type { TopicMessage } from './topics-api.js';

/** Answers `position` and `since` of a server. */
export interface ServerHistory {
  position(topic: string): Promise<TopicPosition>;
  since(topic: string, position: unknown): Promise<TopicHistory<TopicMessage>>;
}

/** A position that no history has. */
const NOWHERE: TopicPosition = { epoch: '', offset: 0 };

/** Longer names of epochs are of no broker, in characters. */
const MAX_EPOCH = 256;

/** Reads what may come from a client. @returns for anything else a position that no history has */
export function toPosition(given: unknown): TopicPosition {
  if (typeof given !== 'object' || given === null) return NOWHERE;
  const { epoch, offset } = given as { [name: string]: unknown };
  if (typeof epoch !== 'string' || epoch.length > MAX_EPOCH || !isOffset(offset)) return NOWHERE;
  return { epoch, offset };
}

function isOffset(offset: unknown): offset is number {
  return Number.isSafeInteger(offset) && (offset as number) >= 0;
}

/** @throws TypeError for what is no topic with a history */
export function limitsOf(table: TopicTable | undefined, topic: unknown): HistoryLimits {
  checkName(topic);
  const limits = table?.limitsOf(topic);
  if (limits !== undefined) return limits;
  throw new TypeError(
    `The topic ${describeValue(topic)} has no history: name it in the option topics of the server`,
  );
}
