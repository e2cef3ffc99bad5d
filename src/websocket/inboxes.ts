/** Finds the inbox of a WebSocket. Few WebSockets have one, and its code is loaded with the first. */

/** An inbox, as the methods of a WebSocket use it. */
export interface HeldMessages {
  deliverLater(): void;
  stopHolding(): void;
  onDrain(): void;
}

/** The inboxes, by session. A WebSocket without one has no field for it. */
export const inboxes = new WeakMap<object, HeldMessages>();

/** The program called `resume()`. */
export function onProgramResumed(session: object): void {
  inboxes.get(session)?.deliverLater();
}

/** This end closes the connection: messages that nobody takes must not hide the peer's Close. */
export function onClosing(session: object): void {
  inboxes.get(session)?.stopHolding();
}

/** More may be sent. Streams do not listen to 'drain': programs may remove all listeners. */
export function onDrained(session: object): void {
  inboxes.get(session)?.onDrain();
}
