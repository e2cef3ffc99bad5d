/**
 * RFC 9110 §7.8: a server may ignore Upgrade. Node emits 'upgrade' for every protocol if there is a
 * listener. So a request for another protocol is returned to its http server.
 */

import { Buffer } from 'node:buffer';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { time } from '../connection/time.js';
import { isFieldText } from '../handshake/fields.js';
import { type HandshakeRequest, requestWithoutUpgrade } from '../handshake/server.js';
import { lingeringClose } from './refusal.js';
import { afterResponses } from './responses.js';
import type { Upgrade } from './upgrade-request.js';

/** Node parses the body of such a request from version 25 on. Before, the socket has the body. */
const PARSES_BODIES = Number.parseInt(process.versions.node, 10) >= 25;

/**
 * The number of requests of one connection that are returned. Each time, the listeners of 'connection'
 * are called, and may add listeners to the socket.
 */
const MAX_RETURNS = 8;

/** The event for a new connection of an http server; with TLS after the TLS handshake. */
export type ConnectionEvent = 'connection' | 'secureConnection';

/** The number of returned requests, by socket. */
const returned = new WeakMap<Duplex, number>();

/** The number of header lines that Node keeps, unless `maxHeadersCount` of the server is set. */
const MAX_HEADERS = 1000;

/**
 * Whether a request can be written again unchanged: Node drops header lines above a limit, and a
 * dropped line may have the length of the body.
 */
export function isReturnable(http: HttpServer, { headers, rawHeaders }: IncomingMessage): boolean {
  const max = http.maxHeadersCount === 0 ? Infinity : (http.maxHeadersCount ?? MAX_HEADERS);
  return (
    http.listenerCount('request') > 0 &&
    headers.upgrade !== undefined &&
    rawHeaders.length < 2 * max && // names and values
    rawHeaders.every(isFieldText)
  );
}

/** Returns a request to its http server, without Upgrade. */
export function returnRequest(
  http: HttpServer,
  event: ConnectionEvent,
  { request, socket, head }: Upgrade,
): void {
  const ignore = (): void => {};
  socket.on('error', ignore);
  const emitAgain = (): void => {
    if (!socket.writable) {
      lingeringClose(socket); // a response to an earlier request ended the connection
      return;
    }
    socket.removeListener('error', ignore);
    // After a response Node has set the timeout of an idle connection.
    (socket as Partial<Socket>).setTimeout?.(0);
    http.emit(event, withRequest(request, socket, head));
  };
  afterResponses(request.socket, () => time.nextTick(emitAgain));
}

/** Returns a stream from which the request can be read again. */
function withRequest(request: IncomingMessage, socket: Duplex, head: Buffer): Duplex {
  const count = (returned.get(request.socket) ?? 0) + 1;
  const text = requestWithoutUpgrade(request as HandshakeRequest, count < MAX_RETURNS);
  const fields = Buffer.from(text, 'latin1');
  const stream = request.complete
    ? withCompleteRequest(fields, request, socket, head)
    : withPartialRequest(fields, request, socket, head);
  returned.set(stream, count);
  return stream;
}

function withCompleteRequest(
  fields: Buffer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Duplex {
  const body = PARSES_BODIES ? bodyOf(request) : [];
  socket.unshift(Buffer.concat([fields, ...body, head]));
  return socket;
}

/** The body is incomplete: then `socket` is a stream of Node with the bytes after the body. */
function withPartialRequest(
  fields: Buffer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Duplex {
  const bytes = bytesOf(fields, request, socket, head);
  const readable = Readable.from(bytes, { objectMode: false });
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = request.socket;
  const isSecure = 'encrypted' in request.socket ? { encrypted: true } : {};
  const addresses = { remoteAddress, remotePort, remoteFamily, localAddress, localPort };
  return Object.assign(Duplex.from({ readable, writable: socket }), addresses, isSecure);
}

async function* bytesOf(
  fields: Buffer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): AsyncGenerator<Buffer> {
  yield fields;
  const chunked = isChunked(request);
  for await (const data of request) yield chunked ? formatChunk(data) : data;
  if (chunked) yield formatLastChunk(request);
  if (head.length > 0) yield head;
  for await (const data of socket) yield data;
}

/** Returns the body of a request that was received completely. */
function bodyOf(request: IncomingMessage): Buffer[] {
  const data: Buffer[] = [];
  for (let more: Buffer | null = request.read(); more !== null; more = request.read()) {
    data.push(more);
  }
  return isChunked(request) ? [...data.map(formatChunk), formatLastChunk(request)] : data;
}

function isChunked({ headers }: IncomingMessage): boolean {
  return /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '');
}

/** RFC 9112 §7.1: a chunk has its length in hexadecimal, then its data. */
function formatChunk(data: Buffer): Buffer {
  const size = data.length.toString(16);
  return Buffer.concat([Buffer.from(`${size}\r\n`), data, Buffer.from('\r\n')]);
}

/** RFC 9112 §7.1.2: the last chunk has no data; trailer fields may follow. */
function formatLastChunk({ rawTrailers }: IncomingMessage): Buffer {
  let text = '0\r\n';
  for (let i = 0; i < rawTrailers.length; i += 2) {
    text += `${rawTrailers[i]}: ${rawTrailers[i + 1]}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}
