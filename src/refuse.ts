/** RFC 6455 §4.2.2: how a server refuses an opening handshake, on the wire. */

import { Buffer } from 'node:buffer';
import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { isFieldText } from './handshake/fields.js';
import {
  type FieldLine,
  formatResponse,
  type HandshakeRequest,
  judgeRequest,
  refusalFields,
} from './handshake/server.js';
import { HandshakeError } from './protocol/errors.js';
import { time } from './time/time.js';

/** How long a refused client may take to hang up, in milliseconds. */
const REFUSAL_TIMEOUT = 2_000;

/** Sockets whose plain request was refused; what is pipelined behind it is not answered. */
const refused = new WeakSet<Duplex>();

/** Whether a plain request on this socket was refused. */
export function wasRefused(socket: Duplex): boolean {
  return refused.has(socket);
}

/** A request that is no opening handshake, on a port of our own. */
export function answerPlainRequest(
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const verdict = judgeRequest(request as HandshakeRequest);
  const asked = request.headers.upgrade !== undefined && verdict instanceof HandshakeError;
  const status = asked ? verdict.status : 426;
  const body = asked ? verdict.message : (http.STATUS_CODES[426] ?? '');
  refused.add(request.socket);
  response.writeHead(status, {
    Connection: 'close',
    'Content-Type': 'text/plain',
    'Content-Length': Buffer.byteLength(body),
    ...Object.fromEntries(refusalFields(status)),
  });
  response.end(body);
}

/**
 * Refuses an opening handshake with a whole HTTP response, then hangs up: what the client sent
 * behind its request is never read as another one.
 * @param message the body; default: the status's own reason
 * @param fields further header fields; they replace ours of the same name
 */
export function refuse(
  socket: Duplex,
  status: number,
  message?: string | null,
  fields: readonly FieldLine[] = [],
): void {
  const reason = Object.hasOwn(http.STATUS_CODES, status) ? http.STATUS_CODES[status] : undefined;
  const body = String(message || reason);
  const own: FieldLine[] = [
    ['Connection', 'close'],
    ['Content-Type', 'text/html'],
    ['Content-Length', String(Buffer.byteLength(body))],
  ];
  const given = new Set(fields.map(([name]) => name.toLowerCase()));
  const kept = own.filter(([name]) => !given.has(name.toLowerCase()));
  const lines = [
    `HTTP/1.1 ${status} ${reason}`,
    ...[...kept, ...fields].map(([name, value]) => `${name}: ${value}`),
  ];
  if (reason === undefined || !lines.every(isFieldText)) {
    refuse(socket, 500);
    return;
  }
  hangUp(socket, formatResponse(lines, body));
}

/** Ends with these bytes and reads on for a while: a reset would take them from the client. */
export function hangUp(socket: Duplex, bytes = ''): void {
  if (socket.destroyed) return;
  const timer = time.setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT);
  socket.on('error', () => {});
  socket.once('close', () => time.clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  socket.end(bytes);
  socket.resume();
}
