/** Waits until a peer that reads slowly has read. */

import { type Timer, time } from '../connection/time.js';
import { OPEN } from '../websocket/session.js';
import type { WebSocket } from '../websocket/websocket.js';
import type { WaitForDrainOptions } from './interface.js';

const POLL_INTERVAL = 100;

/** All that wait for one socket. They share its listeners: Node warns of a leak above ten. */
interface Waiting {
  readonly checks: Set<() => void>;
  readonly checkAll: () => void;
}

const waitingFor = new WeakMap<WebSocket, Waiting>();

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
      stopListening();
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const stopListening = listen(socket, check);
    signal?.addEventListener('abort', onAbort);
    timer = time.setTimeout(check, pollInterval).unref();
  });
}

/** @returns ends the calls of `check` */
function listen(socket: WebSocket, check: () => void): () => void {
  const { checks, checkAll } = waitingFor.get(socket) ?? startToListen(socket);
  checks.add(check);
  return () => {
    if (!checks.delete(check) || checks.size > 0) return;
    waitingFor.delete(socket);
    socket.off('drain', checkAll);
    socket.off('close', checkAll);
  };
}

function startToListen(socket: WebSocket): Waiting {
  const checks = new Set<() => void>();
  const checkAll = (): void => {
    for (const check of [...checks]) check();
  };
  const waiting = { checks, checkAll };
  waitingFor.set(socket, waiting);
  socket.on('drain', checkAll);
  socket.on('close', checkAll);
  return waiting;
}
