/** Writes a Response of the web to the socket of a request that is refused. */

import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { formatMessage } from '../handshake/server.js';
import { lingeringClose } from '../server/refusal.js';

/** RFC 9112 §6, §9.6: what frames the response is written here, whatever the program gave. */
const OWN_FIELDS = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

/**
 * Refuses a request, and closes its connection.
 * @throws the error of a body that cannot be read
 */
export async function refuseWith(socket: Duplex, response: Response): Promise<void> {
  // RFC 9110 §15.3.5, §15.4.5: 204 and 304 have no content. Response.error() has the status 0.
  const status = response.status >= 200 ? response.status : 500;
  const hasBody = status !== 204 && status !== 304;
  const body = hasBody ? Buffer.from(await response.arrayBuffer()) : undefined;
  const lines = [`HTTP/1.1 ${status} ${reasonOf(response, status)}`, 'Connection: close'];
  if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
  for (const [name, value] of response.headers) {
    if (!OWN_FIELDS.has(name)) lines.push(`${name}: ${value}`);
  }
  if (!socket.destroyed && !socket.writableEnded) {
    socket.write(formatMessage(lines), 'latin1');
    if (body !== undefined && body.length > 0) socket.write(body);
  }
  lingeringClose(socket);
}

/** RFC 9112 §4: what is not printable is replaced by the standard phrase. */
function reasonOf({ statusText }: Response, status: number): string {
  return /^[\t\x20-\x7e]+$/.test(statusText) ? statusText : (STATUS_CODES[status] ?? '');
}
