/** What a WebSocket counts, and the address of its peer. */

import type { Traffic } from '../connection/close-info.js';
import { unmapAddress } from '../connection/ip-address.js';
import type { SocketStats } from './api.js';
import type { Session } from './session.js';

/** What a session has sent and received until now. */
export function trafficOf({ connection, messagesReceived }: Session): {
  readonly messages: Traffic;
  readonly bytes?: Traffic;
  readonly opened?: number;
} {
  if (connection === undefined) return { messages: { sent: 0, received: 0 } };
  const { messages, bytes, opened } = connection.describeClose(messagesReceived);
  return { messages, ...(bytes && { bytes }), ...(opened !== undefined && { opened }) };
}

export function statsOf(session: Session): SocketStats {
  const { messages, bytes, opened } = trafficOf(session);
  return {
    messages,
    ...(bytes && { bytes }),
    buffered: session.bufferedAmount,
    dropped: session.connection?.limit?.drops.total ?? 0,
    ...(session.rtt !== undefined && { rtt: session.rtt }),
    ...(opened !== undefined && { since: opened }),
  };
}

/** The addresses that an option of a server found. Most servers have no such option. */
const addresses = new WeakMap<object, string | undefined>();

/** @param client as its server created it */
export function setRemoteAddress(client: Session, address: string | undefined): void {
  addresses.set(client, address);
}

export function remoteAddressOf(session: Session): string | undefined {
  if (addresses.has(session)) return addresses.get(session);
  const socket = session.connection?.socket as { readonly remoteAddress?: string } | undefined;
  const address = socket?.remoteAddress;
  return address === undefined ? undefined : unmapAddress(address);
}
