/** `closed` of a WebSocket: a promise, made when it is read first. */

import type { CloseInfo } from '../connection/close-info.js';
import { CLOSED, type Session } from './session.js';
import { whenClosed } from './when-closed.js';

/** What `closed` needs of a WebSocket. */
interface Closing {
  readonly closeInfo?: CloseInfo | undefined;
}

const promises = new WeakMap<Session, Promise<CloseInfo>>();

/** Returns the promise of a WebSocket: always the same one. */
export function closedPromise(ws: Closing, session: Session): Promise<CloseInfo> {
  const existing = promises.get(session);
  if (existing !== undefined) return existing;
  const promise = new Promise<CloseInfo>((resolve) => {
    const settle = (): void => resolve(ws.closeInfo as CloseInfo); // it is set before
    if (session.readyState === CLOSED) settle();
    else whenClosed(session, settle);
  });
  promises.set(session, promise);
  return promise;
}
