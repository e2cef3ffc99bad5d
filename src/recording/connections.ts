/** The records of a recording, sorted by connection. */

import { Buffer } from 'node:buffer';
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

/**
 * Sorts records by connection.
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

/** The bytes of a record; none for an end. */
export function bytesOf(event: ConnectionEvent): Buffer {
  if (event.type === 'handshake') return Buffer.from(event.head, 'latin1');
  return event.type === 'end' ? Buffer.alloc(0) : Buffer.from(event.bytes, 'hex');
}

/** A part of a recorded connection, and when it was complete; or an end. */
export type TimedPiece = (Piece & { readonly time: number }) | EndRecord;

/** Decodes the bytes of a connection again: a record has the beginning of a message only. */
export function* piecesOf(connection: RecordedConnection): Iterable<TimedPiece> {
  const splitter = new ConnectionSplitter(0);
  for (const event of connection.events) {
    const { from, time } = event;
    const pieces = event.type === 'end' ? splitter.end(from) : splitter.push(from, bytesOf(event));
    for (const piece of pieces) yield Object.assign(piece, { time });
    if (event.type === 'end') yield event;
  }
}
