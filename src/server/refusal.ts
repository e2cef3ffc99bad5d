/** RFC 6455 §4.2.2: how a server refuses an opening handshake, on the wire. */

import { Buffer } from 'node:buffer';
import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { describeValue } from '../connection/check-options.js';
import { time } from '../connection/time.js';
import { HandshakeError } from '../handshake/errors.js';
import { isFieldText } from '../handshake/fields.js';
import {
  type FieldLine,
  formatMessage,
  type HandshakeRequest,
  refusalFields,
  validateRequest,
} from '../handshake/server.js';

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
  const verdict = validateRequest(request as HandshakeRequest);
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
 * @param message the body; default: the reason phrase
 * @param fields further header fields; they replace ours of the same name
 * @throws RangeError for a status that refuses nothing; TypeError for a field that ends its line
 */
export function refuse(
  socket: Duplex,
  status: number,
  message?: string | null,
  fields: readonly FieldLine[] = [],
): void {
  checkStatus(status);
  const reason = reasonFor(status, message);
  // RFC 9110 §15.3.5, §15.4.5: these have no content.
  const hasBody = status !== 204 && status !== 304;
  const body = hasBody ? String(message || reason) : '';
  const given = new Set(fields.map(([name]) => name.toLowerCase()));
  const own = ownFields(hasBody ? body : undefined);
  const all = [...own.filter(([name]) => !given.has(name.toLowerCase())), ...fields];
  const lines = [
    `HTTP/1.1 ${status} ${reason}`,
    ...all.map(([name, value]) => `${name}: ${value}`),
  ];
  checkLines(lines);
  hangUp(socket, formatMessage(lines, body));
}

function ownFields(body: string | undefined): FieldLine[] {
  const close: FieldLine = ['Connection', 'close'];
  if (body === undefined) return [close];
  const length = String(Buffer.byteLength(body));
  return [close, ['Content-Type', 'text/html'], ['Content-Length', length]];
}

// RFC 9110 §15.2: after an interim response (1xx) the client waits for another one; 101 accepts.
function checkStatus(status: number): void {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return;
  const given = describeValue(status);
  throw new RangeError(`A refusal needs a status from 200 to 599, mostly 401 or 403: ${given}`);
}

/** RFC 9112 §4: a reason phrase is printable. RFC 9110 §15: an unknown status is as x00. */
function reasonFor(status: number, message: string | null | undefined): string {
  const known = http.STATUS_CODES[status];
  if (known !== undefined) return known;
  const text = String(message ?? '');
  return /^[\t\x20-\x7e]+$/.test(text) ? text : (http.STATUS_CODES[status - (status % 100)] ?? '');
}

/** @throws TypeError if a line of a response has a line break */
export function checkLines(lines: readonly string[]): void {
  const broken = lines.find((line) => !isFieldText(line));
  if (broken === undefined) return;
  throw new TypeError(`A header field cannot have a line break or NUL: ${describeValue(broken)}`);
}

/**
 * Writes the bytes, ends, and reads for a while: a reset could discard the response before the client
 * reads it. RFC 6455 §7.2.2 MUST: a server that aborts the handshake closes the connection.
 */
export function hangUp(socket: Duplex, bytes = ''): void {
  socket.on('error', () => {});
  if (socket.destroyed) return;
  const timer = time.setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT);
  socket.once('close', () => time.clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  if (!socket.writableEnded) socket.end(bytes);
  socket.resume();
}
