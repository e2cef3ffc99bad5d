/** `broadcast` of a server: one message for many connections. */

import type { QueueOptions, SendOutcome } from '../connection/send-limit-settings.js';
import type { PreparedMessage } from '../websocket/prepared.js';
import type { Session } from '../websocket/session.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';
import type { BroadcastOptions } from './api.js';

/**
 * Sends a prepared message.
 * @returns the number of connections that it was sent to, or waits for
 * @throws what an `overflow` of the program throws, when all others have the message
 */
export function broadcastTo<Client extends Plain, Plain>(
  clients: Iterable<Client>,
  prepared: PreparedMessage,
  options: BroadcastOptions<Client, Plain>,
): number {
  const { except, filter, onReport } = options;
  // The program may pass a proxy of the client.
  const excluded = except && sessionOf(except as Partial<WebSocket>);
  let failure: { readonly error: unknown } | undefined;
  const report = { sent: 0, queued: 0, dropped: 0, closed: 0 };
  for (const client of clients) {
    const session = sessionOf(client as Partial<WebSocket>);
    if (session === undefined || session === excluded || (filter && !filter(client))) continue;
    try {
      const outcome = sendPrepared(session, prepared, options);
      if (outcome !== 'rejected') report[outcome]++;
    } catch (error) {
      failure ??= { error };
    }
  }
  onReport?.(report);
  if (failure !== undefined) throw failure.error;
  return report.sent + report.queued;
}

/** Sends directly, without `send` of a subclass. */
export function sendPrepared(
  { connection, extension }: Pick<Session, 'connection' | 'extension'>,
  prepared: PreparedMessage,
  options: QueueOptions,
): SendOutcome {
  if (connection === undefined) return 'rejected';
  const { limit } = connection;
  if (limit !== undefined) return limit.send(prepared, options, undefined);
  return prepared.sendOn(connection.endpoint.sender, extension, undefined) ? 'sent' : 'rejected';
}
