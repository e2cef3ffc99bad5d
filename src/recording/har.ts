/** HTTP Archive 1.2, with the WebSocket messages as browsers write them, and our frames beside them. */

import type { Buffer } from 'node:buffer';
import { Opcode } from '../protocol/frame.js';
import {
  connectionsOf,
  handshakeOf,
  piecesOf,
  type RecordedConnection,
  startOf,
  wallClock,
} from './connections.js';
import { fieldsOf, fieldValue, type HeaderField, startLineOf, statusOf } from './http-head.js';
import { type FrameRecord, type RecordingRecord, roundTime, type Sender } from './records.js';

/** A message, with exactly the properties that Chrome writes. */
export interface HarMessage {
  readonly type: 'send' | 'receive';
  /** In seconds since 1970. */
  readonly time: number;
  readonly opcode: number;
  /** Text as it is; binary data in base64. */
  readonly data: string;
}

/** A frame: a record of the recording format without `type` and `connection`. */
export interface HarFrame extends Omit<FrameRecord, 'type' | 'connection' | 'time'> {
  /** In seconds since 1970, as that of a message. */
  readonly time: number;
}

/** What a HAR calls a name-value pair. */
export interface HarPair {
  readonly name: string;
  readonly value: string;
}

/** One connection. The names are those of HAR 1.2; those with `_` are additions. */
export interface HarEntry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly request: HarRequest;
  readonly response: HarResponse;
  readonly cache: Readonly<Record<string, never>>;
  readonly timings: HarTimings;
  readonly serverIPAddress?: string | undefined;
  readonly connection: string;
  readonly _resourceType: 'websocket';
  readonly _webSocketMessages: readonly HarMessage[];
  readonly _frames: readonly HarFrame[];
}

/** In milliseconds; -1 for what is not known. */
interface HarTimings {
  readonly blocked: number;
  readonly dns: number;
  readonly connect: number;
  readonly ssl: number;
  readonly send: number;
  readonly wait: number;
  readonly receive: number;
}

/** What request and response have in common. */
interface HarMessageHead {
  readonly httpVersion: string;
  readonly headers: readonly HarPair[];
  readonly cookies: readonly HarPair[];
  readonly headersSize: number;
  readonly bodySize: number;
}

/** The request of the opening handshake. */
export interface HarRequest extends HarMessageHead {
  readonly method: string;
  readonly url: string;
  readonly queryString: readonly HarPair[];
}

/** The response to it; its status is 0 if there was none. */
export interface HarResponse extends HarMessageHead {
  readonly status: number;
  readonly statusText: string;
  readonly content: { readonly size: number; readonly mimeType: string };
  readonly redirectURL: string;
}

/** A HAR file. */
export interface Har {
  readonly log: {
    readonly version: '1.2';
    readonly creator: { readonly name: string; readonly version: string };
    readonly entries: readonly HarEntry[];
  };
}

/** The characters of all messages. V8 has no text above 512 Mi, and compressed ones are a thousand times as long. */
const MAX_DATA = 256 * 1024 * 1024;

/**
 * Makes a HAR of a recording: one entry for each connection.
 * @throws SyntaxError for records that are no recording; RangeError if its messages are too long for a HAR
 */
export function toHar(records: readonly RecordingRecord[]): Har {
  const start = startOf(records);
  const [first] = records;
  const software = first?.type === 'recording' ? first.software : '';
  const [name = '', version = ''] = software.split('/');
  const room = { left: MAX_DATA };
  const entries = connectionsOf(records).map((connection) => entryOf(connection, start, room));
  return { log: { version: '1.2', creator: { name, version }, entries } };
}

/** How many characters of messages may still come. */
interface Room {
  left: number;
}

function entryOf(connection: RecordedConnection, start: number, room: Room): HarEntry {
  const { request, response } = handshakeOf(connection);
  const responseHead = response?.head ?? '';
  const requestTime = request?.time ?? connection.time;
  const wait = response === undefined ? 0 : roundTime(response.time - requestTime);
  const seconds = (time: number) => roundTime(wallClock(start, time)) / 1000;
  const { frames, messages } = contentOf(connection, seconds, room);
  const [, address] = /^\[?(.*?)\]?:\d+$/.exec(connection.server ?? '') ?? [];
  return {
    startedDateTime: new Date(wallClock(start, requestTime)).toISOString(),
    time: wait,
    request: requestOf(connection.url, request?.head ?? ''),
    response: responseOf(responseHead, bodyLengthOf(connection, responseHead)),
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait, receive: 0 },
    ...(address !== undefined && { serverIPAddress: address }),
    connection: String(connection.connection),
    _resourceType: 'websocket',
    _webSocketMessages: messages,
    _frames: frames,
  };
}

/** The length of what follows the head of a refusal. */
function bodyLengthOf({ events }: RecordedConnection, response: string): number {
  if (response === '' || statusOf(response) === 101) return 0;
  let length = 0;
  for (const event of events) {
    if (event.type === 'bytes' && event.from === 'server') length += event.bytes.length / 2;
  }
  return length;
}

function contentOf(connection: RecordedConnection, seconds: (time: number) => number, room: Room) {
  const messages: HarMessage[] = [];
  for (const piece of piecesOf(connection)) {
    const message = piece.type === 'frame' ? piece.frame.message : undefined;
    if (message === undefined) continue;
    const { from, time } = piece;
    room.left -= message.length;
    if (room.left < 0) {
      const limit = `${MAX_DATA >> 20} MiB`;
      throw new RangeError(`The messages have more than ${limit} in all: too much for a HAR`);
    }
    messages.push({ type: typeOf(from), time: seconds(time), ...dataOf(message) });
  }
  const frames = connection.events.flatMap((event): HarFrame[] => {
    if (event.type !== 'frame') return [];
    const { type, connection: number, time, ...frame } = event;
    return [{ time: seconds(time), ...frame }];
  });
  return { messages, frames };
}

function typeOf(from: Sender): HarMessage['type'] {
  return from === 'client' ? 'send' : 'receive';
}

function dataOf(message: Buffer | string): Pick<HarMessage, 'opcode' | 'data'> {
  if (typeof message === 'string') return { opcode: Opcode.TEXT, data: message };
  return { opcode: Opcode.BINARY, data: message.toString('base64') };
}

function requestOf(url: string, head: string): HarRequest {
  const [method = '', , httpVersion = ''] = startLineOf(head).split(' ');
  const query = URL.canParse(url) ? [...new URL(url).searchParams] : [];
  return {
    method: method || 'GET',
    url,
    httpVersion: httpVersion || 'HTTP/1.1',
    headers: pairsOf(fieldsOf(head)),
    queryString: pairsOf(query),
    cookies: cookiesOf((fieldValue(head, 'cookie') ?? '').split(';')),
    headersSize: head.length || -1,
    bodySize: 0,
  };
}

function responseOf(head: string, body: number): HarResponse {
  const [httpVersion = '', , ...reason] = startLineOf(head).split(' ');
  const fields = fieldsOf(head);
  const setCookies = fields.filter(([name]) => name.toLowerCase() === 'set-cookie');
  return {
    status: statusOf(head),
    statusText: reason.join(' '),
    httpVersion: httpVersion || 'HTTP/1.1',
    headers: pairsOf(fields),
    cookies: cookiesOf(setCookies.map(([, value]) => value.split(';', 1)[0] ?? '')),
    content: { size: body, mimeType: fieldValue(head, 'content-type') ?? 'x-unknown' },
    redirectURL: fieldValue(head, 'location') ?? '',
    headersSize: head.length || -1,
    bodySize: head === '' ? -1 : body,
  };
}

function pairsOf(fields: readonly HeaderField[]): HarPair[] {
  return fields.map(([name, value]) => ({ name, value }));
}

function cookiesOf(texts: readonly string[]): HarPair[] {
  return texts.flatMap((text) => {
    const [, name, value = ''] = /^\s*([^=\s]+)\s*=(.*)$/.exec(text) ?? [];
    return name === undefined ? [] : [{ name, value: value.trim() }];
  });
}
