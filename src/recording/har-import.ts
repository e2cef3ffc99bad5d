/** Reads the WebSocket connections of a HAR, also of one that a browser wrote. */

import { Buffer } from 'node:buffer';
import { portOf } from '../client/url.js';
import { describeValue } from '../connection/check-options.js';
import { formatEndpoint } from '../connection/ip-address.js';
import { Opcode } from '../protocol/frame.js';
import { FrameDecoder } from '../sans-io/decode-frames.js';
import { encodeFrame } from '../sans-io/encode-frame.js';
import { describeFrame } from './describe-frame.js';
import type { HarFrame, HarMessage, HarPair } from './har.js';
import { parseRecording } from './read.js';
import { FORMAT_VERSION, type FrameRecord, type RecordingRecord, roundTime } from './records.js';

/** The masking key of rebuilt frames, from RFC 6455 §5.7. It is fixed, so the bytes are reproducible. */
const KEY = Buffer.from('37fa213d', 'hex');

/** An object of JSON whose properties may have any value. */
interface Loose {
  readonly [name: string]: unknown;
}

/**
 * Makes records of a HAR. A browser writes messages, but no frames: then each message becomes one frame,
 * not compressed, masked with a fixed key if the client has sent it, and there are no control frames.
 * The HAR of {@link toHar} has the frames as they were.
 * @param har the parsed JSON, or its text
 * @throws SyntaxError for a value that is no HAR, or that has no WebSocket connection
 */
export function fromHar(har: unknown): RecordingRecord[] {
  const { creator, entries } = logOf(typeof har === 'string' ? parse(har) : har);
  const found = entries.filter(isWebSocket);
  if (found.length === 0) throw new SyntaxError('The HAR has no WebSocket connection');
  const start = found.reduce(
    (first, entry) => Math.min(first, startOf(entry)),
    Number.POSITIVE_INFINITY,
  );
  const startedAt = new Date(start).toISOString();
  const { name = '', version = '' } = asObject(creator);
  const software = [name, version].filter(Boolean).join('/');
  const records: object[] = [
    { type: 'recording', version: FORMAT_VERSION, software, startedAt },
    ...found.flatMap((entry, i) => recordsOf(entry, i + 1, start)),
  ];
  return parseRecording(records.map((record) => JSON.stringify(record))); // checks them
}

/** Whether a text begins as a HAR does. */
export function isHar(text: string): boolean {
  return /^\ufeff?\s*\{\s*"log"\s*:/.test(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new SyntaxError(`The HAR is not JSON, or cut off: ${(error as Error).message}`);
  }
}

function logOf(har: unknown): { creator: unknown; entries: Loose[] } {
  const { creator, entries } = asObject(asObject(har)['log']);
  if (Array.isArray(entries)) return { creator, entries: entries.map(asObject) };
  throw new SyntaxError('A HAR has a list "entries" in its object "log": there is none');
}

function isWebSocket(entry: Loose): boolean {
  return Array.isArray(entry['_webSocketMessages']) || entry['_resourceType'] === 'websocket';
}

function startOf(entry: Loose): number {
  const start = Date.parse(String(entry['startedDateTime']));
  if (!Number.isNaN(start)) return start;
  const given = describeValue(entry['startedDateTime']);
  throw new SyntaxError(`startedDateTime of an entry must be a time of ISO 8601: it is ${given}`);
}

function recordsOf(entry: Loose, connection: number, start: number): object[] {
  const request = asObject(entry['request']);
  const url = String(request['url']).replace(/^http/, 'ws');
  const time = startOf(entry) - start;
  const wait = Number(asObject(entry['timings'])['wait']) || 0;
  const frames = framesOf(entry);
  const server = addressOf(entry['serverIPAddress'], url);
  const records: object[] = [
    { type: 'connection', connection, time, url, server },
    { type: 'handshake', connection, time, from: 'client', head: requestHead(request, url) },
  ];
  const head = responseHead(asObject(entry['response']), frames.length > 0);
  const responseTime = roundTime(time + wait);
  if (head !== undefined) {
    records.push({ type: 'handshake', connection, time: responseTime, from: 'server', head });
  }
  for (const { time: seconds, ...frame } of frames) {
    records.push({ type: 'frame', connection, time: roundTime(seconds * 1000 - start), ...frame });
  }
  return records;
}

function addressOf(address: unknown, url: string): string | undefined {
  if (typeof address !== 'string' || address === '' || !URL.canParse(url)) return undefined;
  return formatEndpoint(address.replace(/[[\]]/g, ''), portOf(new URL(url)));
}

function requestHead(request: Loose, url: string): string {
  const { method, headers } = request;
  const target = URL.canParse(url) ? new URL(url).pathname + new URL(url).search : '/';
  return headOf(`${String(method || 'GET')} ${target} HTTP/1.1`, headers);
}

/** @returns undefined if there was no response */
function responseHead(response: Loose, isOpen: boolean): string | undefined {
  const { status, statusText, headers } = response;
  // Over HTTP/2 a WebSocket is opened with another status. RFC 8441 §5.
  if (isOpen && status !== 101) return headOf('HTTP/1.1 101 Switching Protocols', headers);
  if (!Number(status)) return undefined;
  return headOf(`HTTP/1.1 ${Number(status)} ${String(statusText ?? '')}`, headers);
}

/** Leaves out what would not be one line, and the pseudo-fields of HTTP/2. */
function headOf(startLine: string, headers: unknown): string {
  const fields = Array.isArray(headers) ? (headers as HarPair[]) : [];
  const lines = fields
    .filter(({ name }) => !String(name).startsWith(':'))
    .flatMap(({ name, value }) =>
      String(value)
        .split('\n')
        .map((one) => `${name}: ${one}`),
    );
  return [startLine, ...lines, '', ''].join('\r\n').replace(/[^\0-\xff]/g, '?');
}

/** A frame of ours as it was, or one for each message of a browser. */
function framesOf(entry: Loose): HarFrame[] {
  const { _frames: frames, _webSocketMessages: messages } = entry;
  if (Array.isArray(frames)) return frames as HarFrame[];
  const decoders = {
    client: new FrameDecoder({ from: 'client', perMessageDeflate: false }),
    server: new FrameDecoder({ from: 'server', perMessageDeflate: false }),
  };
  return (Array.isArray(messages) ? (messages as HarMessage[]) : []).flatMap((message) => {
    const { type, time, opcode, data } = message;
    if (type !== 'send' && type !== 'receive') return []; // an error message of Chrome
    const from: FrameRecord['from'] = type === 'send' ? 'client' : 'server';
    const payload = opcode === Opcode.TEXT ? String(data) : Buffer.from(String(data), 'base64');
    const maskingKey = from === 'client' ? KEY : undefined;
    const bytes = encodeFrame({ opcode, payload, maskingKey });
    return decoders[from].push(bytes).map((frame) => ({ from, time, ...describeFrame(frame) }));
  });
}

function asObject(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {};
}
