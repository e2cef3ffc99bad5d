/**
 * RFC 9110 §7.8: a server may ignore Upgrade. Node emits 'upgrade' for every protocol once a server
 * has a listener: a request for another one than ours goes back, for the application to answer.
 */

import { Buffer } from 'node:buffer';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { time } from '../connection/time.js';
import { isFieldText } from '../handshake/fields.js';
import { type HandshakeRequest, requestWithoutUpgrade } from '../handshake/server.js';
import { hangUp } from './refusal.js';
import { afterResponses } from './responses.js';
import type { Upgrade } from './upgrade-request.js';

/** Node 25 on parses the body of such a request; before, the body is the first data of the socket. */
const PARSES_BODIES = Number.parseInt(process.versions.node, 10) >= 25;

/**
 * How many requests of a connection are returned. The application's listeners of 'connection' are
 * called each time, and what they add to the socket adds up.
 */
const MAX_RETURNS = 8;

/** The event by which an http server takes a connection; one with TLS takes it after that handshake. */
export type ConnectionEvent = 'connection' | 'secureConnection';

/** How many requests were returned, for each socket. */
const returned = new WeakMap<Duplex, number>();

/** Header lines that Node keeps of a request, where `maxHeadersCount` of the server says nothing. */
const MAX_HEADERS = 1000;

/**
 * Whether a request can be written again as it came: Node drops header lines above a limit, and one
 * of these may say where the body ends.
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

/** Gives a request back to its http server, as if it had asked for no other protocol. */
export function returnRequest(
  http: HttpServer,
  event: ConnectionEvent,
  { request, socket, head }: Upgrade,
): void {
  const ignore = (): void => {};
  socket.on('error', ignore);
  const giveBack = (): void => {
    if (!socket.writable) {
      hangUp(socket); // the connection ended with a response to an earlier request
      return;
    }
    socket.removeListener('error', ignore);
    // Node has set the timeout of a connection without a request, if a response was under way.
    (socket as Partial<Socket>).setTimeout?.(0);
    http.emit(event, withRequest(request, socket, head));
  };
  afterResponses(request.socket, () => time.nextTick(giveBack));
}

/** A stream that has the request to be read again. */
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

/** The body is still to come: then the socket is Node's own stream of what follows the body. */
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

/** The body of a request that came completely. */
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

/** RFC 9112 §7.1: a chunk is its length in hexadecimal, and its data. */
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
