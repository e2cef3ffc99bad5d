/** Applies the options that watch a connection: what it may queue, send and leave unanswered. */

import type { Connection } from '../connection/connection.js';
import type { DropListener } from '../connection/drops.js';
import { startHeartbeat } from '../connection/heartbeat.js';
import { heartbeatSettings } from '../connection/heartbeat-options.js';
import { InboundLimits } from '../connection/inbound-limits.js';
import type { ConnectionOptions } from '../connection/options.js';
import { limitSending } from '../connection/overflow.js';
import type { SharedBudget } from '../connection/send-limit.js';
import type { Extension } from '../protocol/extension.js';

/** What the limits need beside the options. */
export interface LimitContext extends DropListener {
  readonly extension: Extension | undefined;
}

/**
 * Applies them to a connection that is not started yet.
 * @param owner the WebSocket that the program sees
 * @param budget the memory that the connections of a server share
 */
export function applyOptions(
  connection: Connection,
  options: ConnectionOptions,
  owner: object,
  context: LimitContext,
  budget: SharedBudget | undefined,
): InboundLimits | undefined {
  limitSending(connection, options, context.extension, owner, context, budget);
  const heartbeat = heartbeatSettings(options.heartbeat);
  if (heartbeat !== undefined) startHeartbeat(connection, heartbeat);
  return InboundLimits.watch(connection, options, owner);
}
