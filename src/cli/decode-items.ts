/** Takes bytes and records apart into what `ws6455 decode` prints. */

import { Buffer } from 'node:buffer';
import { describeRequest, describeResponse } from '../inspect/handshake-lines.js';
import type { HandshakeLine } from '../inspect/messages.js';
import { agreesToDeflate, statusOf } from '../recording/http-head.js';
import type { RecordingRecord, Sender } from '../recording/records.js';
import {
  type DecodedFrame,
  type DecodeOptions,
  FrameDecoder,
  type IncompleteFrame,
} from '../sans-io/decode-frames.js';
import { type MessageProgress, MessageTracker } from './message-progress.js';

/** Where something was sent. */
export interface Origin {
  readonly from: Sender;
  /** The number of its connection, from 1 on. */
  readonly connection: number;
  /** Milliseconds since the recording began; undefined without a recording. */
  readonly time: number | undefined;
}

/** What is printed. */
export type Item =
  | {
      readonly kind: 'head';
      readonly origin: Origin;
      readonly head: string;
      readonly lines: readonly HandshakeLine[];
    }
  | {
      readonly kind: 'frame';
      readonly origin: Origin;
      readonly frame: DecodedFrame;
      readonly progress: MessageProgress | undefined;
    }
  | {
      readonly kind: 'incomplete';
      readonly origin: Origin;
      readonly frame: IncompleteFrame;
      readonly bytes: Buffer;
    }
  | { readonly kind: 'bytes'; readonly origin: Origin; readonly bytes: Buffer }
  | { readonly kind: 'note'; readonly record: RecordingRecord };

const HEAD_END = '\r\n\r\n';

/** The first bytes of an opening handshake. RFC 6455 §4. */
const HEAD_BEGINNING = /^(?:GET \S* HTTP\/\d\.\d|HTTP\/\d\.\d \d{3})/;

/** So many bytes are decoded before the frames are printed. */
const MAX_PIECE = 65_536;

/** One direction of a connection. */
class DirectionDecoder {
  private decoder: FrameDecoder | undefined;
  private readonly options: DecodeOptions;
  private readonly tracker = new MessageTracker();

  constructor(options: DecodeOptions) {
    this.options = options;
  }

  *push(origin: Origin, bytes: Buffer): Generator<Item> {
    this.decoder ??= new FrameDecoder(this.options);
    // In pieces: 100 MB may be 50 million frames, and not all of them are needed at once.
    for (let offset = 0; offset < bytes.length; offset += MAX_PIECE) {
      for (const frame of this.decoder.push(bytes.subarray(offset, offset + MAX_PIECE))) {
        yield { kind: 'frame', origin, frame, progress: this.tracker.add(frame) };
      }
    }
  }

  /** What is left at the end. */
  *end(origin: Origin): Generator<Item> {
    const { decoder } = this;
    if (decoder === undefined || decoder.rest.length === 0) return;
    const bytes = decoder.rest;
    const frame = decoder.incomplete;
    yield frame === undefined
      ? { kind: 'bytes', origin, bytes }
      : { kind: 'incomplete', origin, frame, bytes };
  }
}

/** Takes the bytes of one direction apart, which may begin with the head of a handshake. */
export function* itemsOfBytes(bytes: Buffer, options: DecodeOptions): Generator<Item> {
  const head = headOf(bytes);
  const sender = head === undefined ? options.from : head.startsWith('HTTP/') ? 'server' : 'client';
  const rest = head === undefined ? bytes : bytes.subarray(head.length);
  // RFC 6455 §5.1: a client masks its frames, and a server does not.
  const from = options.from ?? sender ?? (((rest[1] ?? 0) & 0x80) !== 0 ? 'client' : 'server');
  const origin = { from, connection: 1, time: undefined };
  if (head !== undefined) yield { kind: 'head', origin, head, lines: linesOf(head, '') };
  const decoder = new DirectionDecoder({ ...options, from });
  yield* decoder.push(origin, rest);
  yield* decoder.end(origin);
}

function headOf(bytes: Buffer): string | undefined {
  if (!HEAD_BEGINNING.test(bytes.toString('latin1', 0, 2048))) return undefined;
  const end = bytes.indexOf(HEAD_END);
  return end === -1 ? undefined : bytes.toString('latin1', 0, end + HEAD_END.length);
}

function linesOf(head: string, request: string): HandshakeLine[] {
  return head.startsWith('HTTP/') ? describeResponse(head, request) : describeRequest(head);
}

/** The state of one connection of a recording. */
interface ConnectionState {
  request: string;
  isDeflating: boolean;
  /** Whether the response was not 101: no frames follow it. */
  isRefused: boolean;
  readonly decoders: Partial<Record<Sender, DirectionDecoder>>;
}

/** Takes a recording apart. */
export function* itemsOfRecords(
  records: readonly RecordingRecord[],
  options: DecodeOptions,
): Generator<Item> {
  const connections = new Map<number, ConnectionState>();
  for (const record of records) {
    if (record.type === 'recording' || record.type === 'connection') {
      yield { kind: 'note', record };
      continue;
    }
    const state = connections.get(record.connection) ?? {
      request: '',
      isDeflating: true,
      isRefused: false,
      decoders: {},
    };
    connections.set(record.connection, state);
    yield* itemsOfRecord(record, state, options);
  }
}

type SentRecord = Exclude<RecordingRecord, { type: 'recording' } | { type: 'connection' }>;

function* itemsOfRecord(
  record: SentRecord,
  state: ConnectionState,
  options: DecodeOptions,
): Generator<Item> {
  const { from, connection, time } = record;
  const origin = { from, connection, time };
  if (record.type === 'handshake') {
    const { head } = record;
    yield {
      kind: 'head',
      origin,
      head,
      lines: linesOf(head, from === 'server' ? state.request : ''),
    };
    readHandshake(state, from, head);
    return;
  }
  const perMessageDeflate = options.perMessageDeflate !== false && state.isDeflating;
  state.decoders[from] ??= new DirectionDecoder({ ...options, from, perMessageDeflate });
  const decoder = state.decoders[from];
  if (record.type === 'frame') yield* decoder.push(origin, Buffer.from(record.bytes, 'hex'));
  else if (record.type === 'end') yield { kind: 'note', record };
  else if (state.isRefused)
    yield { kind: 'bytes', origin, bytes: Buffer.from(record.bytes, 'hex') };
  else {
    // The rest of a direction: the beginning of a frame.
    const rest = new DirectionDecoder({ ...options, from, perMessageDeflate });
    yield* rest.push(origin, Buffer.from(record.bytes, 'hex'));
    yield* rest.end(origin);
  }
}

/** What the heads say about the bytes behind them. RFC 6455 §4.1, RFC 7692 §5. */
function readHandshake(state: ConnectionState, from: Sender, head: string): void {
  if (from === 'client') state.request = head;
  else {
    state.isRefused = statusOf(head) !== 101;
    state.isDeflating = agreesToDeflate(head);
  }
}
