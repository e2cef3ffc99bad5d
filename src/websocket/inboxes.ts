/** Finds the inbox of a WebSocket. Few WebSockets have one, and its code is loaded with the first. */

import type { Session } from './session.js';

/** An inbox, as the methods of a WebSocket use it. */
export interface HeldMessages {
  deliverLater(): void;
  stopHolding(): void;
}

/** The inboxes. A WebSocket without one has no field for it. */
export const inboxes = new WeakMap<Session, HeldMessages>();

/** The program called `resume()`. */
export function onProgramResumed(session: Session): void {
  inboxes.get(session)?.deliverLater();
}

/** This end closes the connection: messages that nobody takes must not hide the peer's Close. */
export function onClosing(session: Session): void {
  inboxes.get(session)?.stopHolding();
}
