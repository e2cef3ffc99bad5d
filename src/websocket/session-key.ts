/** The session of a WebSocket, under a symbol. Decision 0013 says why. */

import { Session } from './session.js';
import type { SessionOwner } from './session-owner.js';

/** The key of the session. Unlike a #private field, the property works through proxies. */
export const SESSION = Symbol('ws6455.session');

/** @returns undefined for the prototype, and for objects created without the constructor */
export function sessionOf(ws: { readonly [SESSION]: Session }): Session;
export function sessionOf(ws: { readonly [SESSION]?: Session }): Session | undefined;
export function sessionOf(ws: { readonly [SESSION]?: Session }): Session | undefined {
  return ws[SESSION];
}

/**
 * The property is enumerable, as the state of `ws` is: a copy of the properties works, and two
 * WebSockets are not deeply equal. It is configurable, so that a proxy may return another value.
 */
export function setSession(ws: object, session: Session): void {
  Object.defineProperty(ws, SESSION, { configurable: true, enumerable: true, value: session });
}

/** Returns the session. An object created without the constructor, such as a mock, gets a new one. */
export function ensureSession(ws: SessionOwner & { readonly [SESSION]?: Session }): Session {
  const existing = ws[SESSION];
  if (existing !== undefined) return existing;
  const session = Session.withoutState(ws);
  // A prototype has none: all objects that inherit from it would share it.
  if (!Object.hasOwn(ws, 'constructor')) setSession(ws, session);
  return session;
}
