/** RFC 6455 §4.2.2: writes the response that refuses an opening handshake. */

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

/** The time in which a refused client should close the connection, in milliseconds. */
const REFUSAL_TIMEOUT = 2_000;

/** Sockets whose plain request was refused. Requests that are pipelined after it are not answered. */
const refused = new WeakSet<Duplex>();

/** Whether a plain request on this socket was refused. */
export function wasRefused(socket: Duplex): boolean {
  return refused.has(socket);
}

/** Answers a request without upgrade on the http server of `port`. */
export function answerPlainRequest(
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const result = validateRequest(request as HandshakeRequest);
  const isInvalid = request.headers.upgrade !== undefined && result instanceof HandshakeError;
  const status = isInvalid ? result.status : 426;
  const body = isInvalid ? result.message : (http.STATUS_CODES[426] ?? '');
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
 * Refuses an opening handshake with an HTTP response, and closes the connection: bytes after the
 * request are not read as another request.
 * @param message the body; default: the reason phrase
 * @param fields more header fields; they replace the default ones of the same name
 * @throws RangeError for a status that is not a refusal; TypeError for a field with a line break
 */
export function refuse(
  socket: Duplex,
  status: number,
  message?: string | null,
  fields: readonly FieldLine[] = [],
): void {
  checkStatus(status);
  const reason = reasonFor(status, message);
  // RFC 9110 §15.3.5, §15.4.5: 204 and 304 have no content.
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
  lingeringClose(socket, formatMessage(lines, body));
}

function ownFields(body: string | undefined): FieldLine[] {
  const close: FieldLine = ['Connection', 'close'];
  if (body === undefined) return [close];
  const length = String(Buffer.byteLength(body));
  return [close, ['Content-Type', 'text/html'], ['Content-Length', length]];
}

// RFC 9110 §15.2: after a 1xx response the client waits for another one, and 101 would accept.
function checkStatus(status: number): void {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return;
  const given = describeValue(status);
  throw new RangeError(`A refusal needs a status from 200 to 599, mostly 401 or 403: ${given}`);
}

/** RFC 9112 §4: a reason phrase is printable. RFC 9110 §15: an unknown status is handled as x00. */
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
export function lingeringClose(socket: Duplex, bytes = ''): void {
  socket.on('error', () => {});
  if (socket.destroyed) return;
  const timer = time.setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT);
  socket.once('close', () => time.clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  if (!socket.writableEnded) socket.end(bytes);
  socket.resume();
}
