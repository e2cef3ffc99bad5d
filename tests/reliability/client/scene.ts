/** What a server answers the clients of this folder's tests. */

import { frame } from '../../support/frames.js';
import { MemoryClient } from '../../support/memory-client.js';
import { upgradeResponse } from '../../support/requests.js';
import type { Scope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';

export const URL_OF_SERVER = 'ws://server.example.com/chat';
export const hello = frame({ payload: 'Hello' });

/** A client that gets this response fails with one 'error', never opens, and closes the connection. */
export function useFailingClients(
  scope: () => Scope,
): (
  make: (key: string) => Buffer | string,
  options?: Loose,
  protocols?: string[],
) => Promise<string> {
  return async (make, options = {}, protocols) => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, options, protocols);
    await client.answer(make);
    return client.failed();
  };
}

/** The lines of a good response, with some of them changed. */
export function altered(key: string, change: (lines: string[]) => string[]): string {
  return `${change(upgradeResponse(key).split('\r\n').slice(0, -2)).join('\r\n')}\r\n\r\n`;
}

export function redirectTo(location: string, status = 302): string {
  return `HTTP/1.1 ${status} X\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
}
