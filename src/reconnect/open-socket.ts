/** Opens one connection, as an attempt of a client that stays connected. */

import type { ClientOptions } from '../client/options.js';
import { endQuietly } from '../websocket/messages.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';
import type { Settings } from './options.js';
import type { Plan } from './prepare.js';

export type SocketClass = typeof WebSocket;

/** Opens one connection. Its iterations leave the error to what makes the next connection. */
export async function openSocket(
  Class: SocketClass,
  { url, protocols, headers }: Plan,
  { client, connectTimeout }: Settings,
  signal: AbortSignal,
): Promise<WebSocket> {
  const options: ClientOptions = headers === undefined ? client : { ...client, headers };
  const socket = await Class.connect(url, protocols, {
    ...options,
    signal,
    timeout: connectTimeout,
  });
  endQuietly(sessionOf(socket));
  return socket;
}
