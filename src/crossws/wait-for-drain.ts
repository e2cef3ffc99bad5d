/** Waits until a peer that reads slowly has read. */

import { type Timer, time } from '../connection/time.js';
import { OPEN } from '../websocket/session.js';
import type { WebSocket } from '../websocket/websocket.js';
import type { WaitForDrainOptions } from './interface.js';

const POLL_INTERVAL = 100;

/**
 * 'drain' tells that much has left, and a poll that a little has.
 * @returns a promise that is resolved at `threshold`, and when the connection is not open any more
 */
export function waitForDrain(
  socket: WebSocket,
  { threshold = 0, pollInterval = POLL_INTERVAL, signal }: WaitForDrainOptions = {},
): Promise<void> {
  const isOver = (): boolean => socket.bufferedAmount <= threshold || socket.readyState !== OPEN;
  if (isOver()) return Promise.resolve();
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    const check = (): void => {
      time.clearTimeout(timer);
      if (isOver()) end(resolve);
      else timer = time.setTimeout(check, pollInterval).unref();
    };
    const onAbort = (): void => {
      time.clearTimeout(timer);
      end(() => reject(signal?.reason));
    };
    const end = (settle: () => void): void => {
      socket.off('drain', check);
      socket.off('close', check);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    socket.on('drain', check);
    socket.on('close', check);
    signal?.addEventListener('abort', onAbort);
    timer = time.setTimeout(check, pollInterval).unref();
  });
}
