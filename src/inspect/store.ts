/** The records of an inspector, numbered, within a limit of memory. */

import { Buffer } from 'node:buffer';
import { Opcode } from '../protocol/frame.js';
import type {
  EndRecord,
  HandshakeRecord,
  RecordingRecord,
  RecordingStart,
  Sender,
} from '../recording/records.js';
import { type DecodedFrame, decodeFrames } from '../sans-io/decode-frames.js';
import { describeRequest, describeResponse } from './handshake-lines.js';
import type { DescribedFrame, DescribedMessage, NumberedRecord } from './messages.js';

/** The default limit, in bytes. */
const DEFAULT_LIMIT = 256 * 1024 * 1024;

/** The approximate memory of a record without its texts, in bytes. */
const RECORD_COST = 900;

/** The maximum number of bytes of a message or payload that are shown. */
const MAX_SHOWN = 64 * 1024;

/** The maximum number of hexadecimal digits in a record for the page, which can ask for the rest. */
const MAX_DIGITS = 8192;

/** The approximate limit for one message to the page, in bytes. */
const MAX_SLICE = 1024 * 1024;

/** A record, and what it does not contain. */
interface Entry {
  readonly record: RecordingRecord;
  /** The beginning of the message that a fragmented or compressed frame completes. */
  readonly message: Buffer | string | undefined;
  readonly cost: number;
}

/** The beginning of a connection: its other records are not complete without it. */
interface Opening {
  connection?: RecordingRecord;
  request?: HandshakeRecord;
  response?: HandshakeRecord;
  /** Both directions have ended, or the connection failed: no other record comes. */
  isOver?: true;
  /** The first direction that has ended. */
  ended?: Sender;
  /** How many of its records are kept. */
  records: number;
}

/** Keeps records, the newest ones if there is no room for all. */
export class Store {
  private readonly limit: number;
  private entries: Entry[] = [];
  /** The number of elements at the front of `entries` that are dropped. */
  private start = 0;
  /** The number of the first element of `entries`. */
  private offset = 0;
  private bytes = 0;
  private droppedCount = 0;
  private readonly openings = new Map<number, Opening>();

  constructor(limit = DEFAULT_LIMIT) {
    this.limit = limit;
  }

  /** How many records were dropped because there was no room for them. */
  get dropped(): number {
    return this.droppedCount;
  }

  /** The number of the oldest record that is there. */
  get first(): number {
    return this.offset + this.start;
  }

  /** The number that the next record gets. */
  get next(): number {
    return this.offset + this.entries.length;
  }

  /** The approximate memory of the records, in bytes. */
  get size(): number {
    return this.bytes;
  }

  /** Adds a record. @param frame the decoded frame, for that of a frame */
  add(record: RecordingRecord, frame?: DecodedFrame): void {
    if (record.type !== 'recording') this.note(record);
    const message = frame === undefined ? undefined : messageBeside(frame);
    const cost = costOf(record) + (message?.length ?? 0);
    this.entries.push({ record, message, cost });
    this.bytes += cost;
    while (this.bytes > this.limit && this.entries.length - this.start > 1) this.dropOldest();
  }

  /** Drops all records. Their numbers are not used again. */
  clear(): void {
    for (const [number, opening] of this.openings) {
      opening.records = 0;
      if (opening.isOver) this.openings.delete(number);
    }
    this.offset = this.next;
    this.entries = [];
    this.start = 0;
    this.bytes = 0;
  }

  /** A recording of what is there: with the beginnings of connections, also of those that were dropped. */
  *recording(start: RecordingRecord): IterableIterator<RecordingRecord> {
    const { first } = this;
    yield start;
    const there = new Set(this.entries.slice(this.start).map(({ record }) => record));
    for (const { connection, request, response } of this.openings.values()) {
      for (const record of [connection, request, response]) {
        if (record !== undefined && !there.has(record)) yield record;
      }
    }
    for (let index = first; index < this.next; index = Math.max(index + 1, this.first)) {
      const record = this.at(index)?.record;
      if (record !== undefined && record.type !== 'recording') yield record;
    }
  }

  /** Records for the page, from a number on: up to `count`, and not too many bytes. */
  slice(from: number, count: number): NumberedRecord[] {
    const found: NumberedRecord[] = [];
    const start = Math.max(from, this.first);
    for (let room = MAX_SLICE, index = start; room > 0 && found.length < count; index++) {
      const entry = this.at(index);
      if (entry === undefined) break;
      found.push(shorten(index, entry.record));
      room -= Math.min(entry.cost, MAX_DIGITS);
    }
    return found;
  }

  /** Describes a record completely, if it says more than it shows. @returns undefined if it is not there */
  describe(index: number): DescribedMessage | undefined {
    const { record, message } = this.at(index) ?? {};
    if (record === undefined) return undefined;
    if (record.type !== 'handshake' && record.type !== 'frame') return { type: 'described', index };
    if (record.type === 'frame') {
      const frame = describeFrame(record, message);
      return frame && { type: 'described', index, frame };
    }
    const { request } = this.openings.get(record.connection) ?? {};
    const lines =
      record.from === 'client'
        ? describeRequest(record.head)
        : describeResponse(record.head, request?.head ?? '');
    return { type: 'described', index, lines };
  }

  private at(index: number): Entry | undefined {
    return index < this.first ? undefined : this.entries[index - this.offset];
  }

  private note(record: Exclude<RecordingRecord, RecordingStart>): void {
    const opening = this.openings.get(record.connection) ?? { records: 0 };
    this.openings.set(record.connection, opening);
    opening.records++;
    if (record.type === 'connection') opening.connection = record;
    else if (record.type === 'end') noteEnd(opening, record);
    else if (record.type !== 'handshake') return;
    else if (record.from === 'server') opening.response = record;
    else opening.request ??= record;
  }

  /** A record is no longer kept: of a connection that is over, the last one takes all with it. */
  private forget(connection: number): void {
    const opening = this.openings.get(connection);
    if (opening === undefined) return;
    opening.records--;
    if (opening.isOver && opening.records <= 0) this.openings.delete(connection);
  }

  private dropOldest(): void {
    const { record, cost = 0 } = this.entries[this.start] ?? {};
    this.bytes -= cost;
    this.start++;
    this.droppedCount++;
    if (record !== undefined && record.type !== 'recording') this.forget(record.connection);
    if (this.start < 1024 || this.start < this.entries.length / 2) return;
    this.entries = this.entries.slice(this.start);
    this.offset += this.start;
    this.start = 0;
  }
}

function noteEnd(opening: Opening, { from, how }: EndRecord): void {
  if (how === 'error' || (opening.ended ?? from) !== from) opening.isOver = true;
  opening.ended ??= from;
}

/** The beginning of a message that cannot be read off its last frame. */
function messageBeside({ fin, rsv1, opcode, message }: DecodedFrame): Entry['message'] {
  if (message === undefined || (fin && !rsv1 && opcode !== Opcode.CONTINUATION)) return undefined;
  if (typeof message !== 'string') return Buffer.from(message.subarray(0, MAX_SHOWN));
  const bytes = Buffer.from(message.slice(0, MAX_SHOWN), 'utf16le');
  return bytes.toString('utf16le'); // in V8 a slice keeps the whole text in memory
}

function costOf(record: RecordingRecord): number {
  if (record.type === 'handshake') return RECORD_COST + 2 * record.head.length;
  if (record.type === 'connection') return RECORD_COST + record.url.length;
  if (record.type !== 'frame' && record.type !== 'bytes') return RECORD_COST;
  const text = record.type === 'frame' ? (record.text?.length ?? 0) : 0;
  return RECORD_COST + record.bytes.length + text + (record.edited?.original?.length ?? 0);
}

function shorten(index: number, record: RecordingRecord): NumberedRecord {
  if ((record.type !== 'frame' && record.type !== 'bytes') || record.bytes.length <= MAX_DIGITS) {
    return { index, record };
  }
  const wireLength = record.bytes.length / 2;
  return { index, record: { ...record, bytes: record.bytes.slice(0, MAX_DIGITS) }, wireLength };
}

/**
 * The fields are decoded anew; what depends on the frames before is in the record. The message of a
 * compressed frame is beside it: nothing is inflated, for it may become a thousand times as long.
 */
function describeFrame(
  record: RecordingRecord & { readonly type: 'frame' },
  message: Buffer | string | undefined,
): DescribedFrame | undefined {
  const options = { from: record.from, perMessageDeflate: false, maxPayload: 0 };
  const [frame] = decodeFrames(record.bytes, options).frames;
  if (frame === undefined) return undefined;
  const { bytes, maskingKey, payload, message: own, ...rest } = frame;
  const isOwn = frame.fin && !frame.rsv1;
  return {
    ...rest,
    violation: record.violation,
    bytes: show(bytes),
    maskingKey: maskingKey?.toString('hex'),
    maskedPayload: show(bytes.subarray(bytes.length - payload.length)),
    payload: show(payload),
    ...showMessage(message ?? (isOwn ? own : undefined)),
  };
}

function show(bytes: Buffer): string {
  return bytes.toString('hex', 0, MAX_SHOWN);
}

function showMessage(message: Buffer | string | undefined) {
  if (message === undefined) return {};
  const messageIsText = typeof message === 'string';
  return { message: messageIsText ? message.slice(0, MAX_SHOWN) : show(message), messageIsText };
}
