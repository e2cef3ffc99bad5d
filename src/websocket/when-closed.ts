/** What is called at the end of a WebSocket. It is no listener: programs may remove all of those. */

const allCallbacks = new WeakMap<object, (() => void)[]>();

/** Calls back when the session is closed, before 'close' is emitted. `closeInfo` is set by then. */
export function whenClosed(session: object, callback: () => void): void {
  const callbacks = allCallbacks.get(session);
  if (callbacks === undefined) allCallbacks.set(session, [callback]);
  else callbacks.push(callback);
}

/** The session is closed. */
export function callWhenClosed(session: object): void {
  const callbacks = allCallbacks.get(session);
  const callback = callbacks?.shift();
  if (callback === undefined) return;
  try {
    callback();
  } finally {
    // A listener that one of them calls may throw: the others are still to be called.
    callWhenClosed(session);
  }
}
