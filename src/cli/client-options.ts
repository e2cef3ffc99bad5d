/** The options of `ws6455 connect` as those of a WebSocket. */

import type { Socket } from 'node:net';
import { connectorFor } from '../client/create-connection.js';
import { formatEndpoint } from '../connection/ip-address.js';
import { isFieldText, isToken } from '../handshake/fields.js';
import type { ClientOptions } from '../index.js';
import type { Recorder } from '../recording/recorder.js';
import type { Arguments } from './arguments.js';
import { UsageError } from './exit.js';
import { tapSocket } from './socket-tap.js';

/** The limit for a closing handshake, in milliseconds. It is short: somebody waits at the terminal. */
const CLOSE_TIMEOUT = 3_000;

const DEFAULT_TIMEOUT = 30;

/** @throws UsageError for a wrong value */
export function clientOptionsOf(given: Arguments): ClientOptions {
  const origin = given.text('origin');
  const seconds = given.number('timeout', 0, 86_400) ?? DEFAULT_TIMEOUT;
  return {
    headers: headersOf(given.all('header')),
    perMessageDeflate: !given.has('no-compress'),
    rejectUnauthorized: !given.has('insecure'),
    handshakeTimeout: seconds * 1000,
    closeTimeout: CLOSE_TIMEOUT,
    ...(origin !== undefined && { origin }),
  };
}

/** A name that comes twice gets a list of values. */
function headersOf(lines: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]*):\s*(.*?)\s*$/s.exec(line) ?? [];
    if (!isToken(name) || !isFieldText(value)) {
      throw new UsageError(`--header is 'Name: value', not ${JSON.stringify(line)}`);
    }
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** @throws UsageError for one that is no token. RFC 6455 §4.1 item 10 */
export function subprotocolsOf(given: Arguments): string[] {
  const subprotocols = given.all('subprotocol').flatMap((value) => value.split(/\s*,\s*/));
  const wrong = subprotocols.find((name, i) => !isToken(name) || subprotocols.indexOf(name) !== i);
  if (wrong === undefined) return subprotocols;
  throw new UsageError(`--subprotocol ${JSON.stringify(wrong)} is no token, or was given twice`);
}

/** The `createConnection` that records what goes through the socket. */
export function recordingConnector(url: string, recorder: Recorder) {
  const isSecure = url.startsWith('wss:');
  return (options: object, callback: (error: Error | null, socket?: Socket) => void): undefined => {
    const socket = connectorFor(undefined, isSecure)(options) as Socket; // of Node's own connector
    socket.once('error', callback);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      const { localAddress, localPort, remoteAddress, remotePort } = socket;
      const client = formatEndpoint(localAddress, localPort);
      const server = formatEndpoint(remoteAddress, remotePort);
      tapSocket(socket, 'client', recorder.connect({ url, client, server }));
      socket.off('error', callback);
      callback(null, socket);
    });
  };
}
