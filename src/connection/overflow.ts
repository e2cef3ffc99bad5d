/** What happens to messages for a peer that reads too slowly: the options, and their values. */

import type { Extension } from '../protocol/extension.js';
import { describeValue } from './check-options.js';
import type { Connection } from './connection.js';
import type { DropListener } from './drops.js';
import { type ConnectionOptions, toLimit } from './options.js';
import { SendLimit, type SharedBudget } from './send-limit.js';
import type { OverflowMessage, OverflowVerdict, SendLimitSettings } from './send-limit-settings.js';

/**
 * Limits what waits on a connection, if an option or a budget says so.
 * @param socket for the function `overflow` of the program
 */
export function limitSending(
  connection: Connection,
  options: ConnectionOptions,
  extension: Extension | undefined,
  socket: object,
  listener: DropListener,
  budget: SharedBudget | undefined,
): void {
  const settings = sendLimitSettings(options, socket, budget !== undefined);
  if (settings === undefined) return;
  connection.limit = new SendLimit(connection, settings, extension, listener, budget);
}

/** @returns undefined if there is no limit */
function sendLimitSettings(
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
