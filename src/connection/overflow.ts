/** What happens to messages for a peer that reads too slowly: the options, and their values. */

import { describeValue } from './check-options.js';
import { type ConnectionOptions, toLimit } from './options.js';
import type { OverflowMessage, OverflowVerdict, SendLimitSettings } from './send-limit-settings.js';

/** The settings for a connection; undefined if it has no limit. @param socket for the program's function */
export function sendLimitSettings(
  { maxBufferedAmount, maxQueuedAge, overflow }: ConnectionOptions,
  socket: object,
  hasBudget: boolean,
): SendLimitSettings | undefined {
  const maxAmount = toLimit(maxBufferedAmount, 0) || Infinity;
  const maxAge = toLimit(maxQueuedAge, 0) || Infinity;
  const isLimited = maxAmount < Infinity || maxAge < Infinity || hasBudget;
  if (!isLimited && overflow !== 'conflate') return undefined;
  if (typeof overflow !== 'function') return { maxAmount, maxAge, overflow: overflow ?? 'close' };
  // The type of its first parameter is the program's own.
  const decide = overflow as (socket: object, message: OverflowMessage) => unknown;
  return { maxAmount, maxAge, overflow: (message) => verdictOf(decide(socket, message)) };
}

function verdictOf(answer: unknown): OverflowVerdict {
  if (answer === 'send' || answer === 'drop' || answer === 'close') return answer;
  const given = describeValue(answer);
  throw new TypeError(`overflow must return 'send', 'drop' or 'close': it returned ${given}`);
}
