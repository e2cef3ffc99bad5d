/** The topics of each connection. Few have any, and what manages them is loaded with the first. */

import type { ServerTopics, Subscriber } from './server-topics.js';
import type { Session } from './session.js';

/** The topics by connection. A connection without any has no field for them. */
export const subscriptions = new WeakMap<Subscriber, Set<string>>();

const NONE: ReadonlySet<string> = new Set();

/** The topics of a connection. */
export function topicsOf(subscriber: Subscriber): ReadonlySet<string> {
  return subscriptions.get(subscriber) ?? NONE;
}

/** @throws Error while connecting, and for a connection that no server accepted */
export function serverTopicsOf(session: Session): ServerTopics {
  session.checkConnected();
  const { server } = session;
  if (server !== undefined) return server.topics;
  throw new Error(
    'Only connections that a WebSocketServer accepted have topics: ' +
      'a client asks its server, with a message, to subscribe it',
  );
}
