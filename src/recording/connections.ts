/** The records of a recording, grouped by connection. */

import { Buffer } from 'node:buffer';
import { isInformational, statusOf } from './http-head.js';
import type {
  BytesRecord,
  ConnectionRecord,
  EndRecord,
  FrameRecord,
  HandshakeRecord,
  RecordingRecord,
} from './records.js';
import { ConnectionSplitter, type Piece } from './splitter.js';

/** A record of what happened on a connection after it began. */
export type ConnectionEvent = HandshakeRecord | FrameRecord | BytesRecord | EndRecord;

/** One connection of a recording. */
export interface RecordedConnection extends Omit<ConnectionRecord, 'type'> {
  /** In their order. */
  readonly events: readonly ConnectionEvent[];
}

/** When the recording began, in milliseconds since 1970. @throws SyntaxError without a first record */
export function startOf(records: readonly RecordingRecord[]): number {
  const [first] = records;
  if (first?.type === 'recording') return Date.parse(first.startedAt);
  throw new SyntaxError('The first record of a recording has the type "recording"');
}

/** RFC 3339 §1: years have four digits. */
const MAX_TIME = Date.UTC(9999, 11, 31);

/**
 * The time of a record in milliseconds since 1970. A recording may have any number: one outside of what
 * the formats of other programs can say becomes the nearest one that they can.
 */
export function wallClock(start: number, time: number): number {
  return Math.min(Math.max(start + time, 0), MAX_TIME);
}

/**
 * Groups records by connection.
 * @throws SyntaxError for a record of a connection that did not begin
 */
export function connectionsOf(records: readonly RecordingRecord[]): RecordedConnection[] {
  const connections = new Map<number, RecordedConnection & { events: ConnectionEvent[] }>();
  for (const record of records) {
    if (record.type === 'recording') continue;
    if (record.type === 'connection') {
      connections.set(record.connection, { ...record, events: [] });
      continue;
    }
    const connection = connections.get(record.connection);
    if (connection !== undefined) connection.events.push(record);
    else {
      throw new SyntaxError(
        `Connection ${record.connection} has a record "${record.type}", but none before it that ` +
          'has the type "connection"',
      );
    }
  }
  return [...connections.values()];
}

/** The request, and the final response to it. */
export interface RecordedHandshake {
  readonly request: HandshakeRecord | undefined;
  readonly response: HandshakeRecord | undefined;
}

/** Finds the opening handshake of a connection. */
export function handshakeOf({ events }: RecordedConnection): RecordedHandshake {
  const heads = events.filter((event) => event.type === 'handshake');
  return {
    request: heads.find(({ from }) => from === 'client'),
    response: heads.find(({ from, head }) => from === 'server' && !isInformational(statusOf(head))),
  };
}

/** The bytes of a record; none for an end. */
export function bytesOf(event: ConnectionEvent): Buffer {
  if (event.type === 'handshake') return Buffer.from(event.head, 'latin1');
  return event.type === 'end' ? Buffer.alloc(0) : Buffer.from(event.bytes, 'hex');
}

/** A part of a recorded connection with the time at which it was complete, or an end. */
export type TimedPiece = (Piece & { readonly time: number }) | EndRecord;

/** Decodes the bytes of a connection again: the text of a record is cut off. */
export function* piecesOf(connection: RecordedConnection): Iterable<TimedPiece> {
  const splitter = new ConnectionSplitter();
  for (const event of connection.events) {
    const { from, time } = event;
    const pieces = event.type === 'end' ? splitter.end(from) : splitter.push(from, bytesOf(event));
    for (const piece of pieces) yield Object.assign(piece, { time });
    if (event.type === 'end') yield event;
  }
}
