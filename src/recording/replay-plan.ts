/** What one end of a recorded connection sends, and what it expects of the other end. */

import type { Buffer } from 'node:buffer';
import { Opcode } from '../protocol/frame.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';
import { handshakeOf, piecesOf, type RecordedConnection, type TimedPiece } from './connections.js';
import type { EndRecord, Sender } from './records.js';

/** What is compared. Pings are not: they depend on the time, not on what was sent. */
export type Kind = 'message' | 'pong' | 'close';

/** Something that an end sends. */
export interface Item {
  readonly kind: Kind;
  /** A message: a string for text, a Buffer for binary data. A Pong: its payload. A Close: code and reason. */
  readonly data: Buffer | string;
}

/** How many items of each kind there are. */
export type Counts = Record<Kind, number>;

/** One action of the end that is replayed. */
export interface Step {
  /** Undefined for an end of its direction. */
  readonly bytes: Buffer | undefined;
  readonly how: EndRecord['how'];
  /** When it was, in milliseconds since the handshake was complete. */
  readonly time: number;
  /** How many items the other end had sent before. */
  readonly after: Counts;
  /** Whether the other end had ended its direction before. */
  readonly afterEnd: boolean;
  /** Of a Pong: which Ping of the other end it answers, from 0 on. RFC 6455 §5.5.3. */
  readonly answers: number | undefined;
}

/** A connection as one of its ends sees it. */
export interface Plan {
  readonly request: string;
  /** Undefined if there was none. */
  readonly response: string | undefined;
  readonly steps: readonly Step[];
  readonly expected: Readonly<Record<Kind, readonly Item[]>>;
  /** Whether the other end ended its direction. */
  readonly expectsEnd: boolean;
}

/** @throws SyntaxError if the recording has no request, or for a server no response */
export function planFor(connection: RecordedConnection, own: Sender): Plan {
  const { request, response } = handshakeOf(connection);
  if (request === undefined || (own === 'server' && response === undefined)) {
    const missing = request === undefined ? 'request' : 'response';
    throw new SyntaxError(`Connection ${connection.connection} of the recording has no ${missing}`);
  }
  const openedAt = response?.time ?? request.time;
  const steps: Step[] = [];
  const expected: Record<Kind, Item[]> = { message: [], pong: [], close: [] };
  const pings: string[] = [];
  let expectsEnd = false;
  for (const piece of piecesOf(connection)) {
    if (piece.type === 'handshake') continue;
    if (piece.from === own) {
      const how = piece.type === 'end' ? piece.how : 'end';
      const time = Math.max(0, piece.time - openedAt);
      const place = { how, time, after: countsOf(expected), afterEnd: expectsEnd };
      steps.push({ bytes: bytesOfPiece(piece), ...place, answers: pingOf(piece, pings) });
      continue;
    }
    if (piece.type === 'end') expectsEnd = true;
    if (piece.type !== 'frame') continue;
    if (isPing(piece.frame)) pings.push(piece.frame.payload.toString('latin1'));
    const item = itemOf(piece.frame);
    if (item !== undefined) expected[item.kind].push(item);
  }
  return { request: request.head, response: response?.head, steps, expected, expectsEnd };
}

function bytesOfPiece(piece: Exclude<TimedPiece, { type: 'handshake' }>): Buffer | undefined {
  if (piece.type === 'end') return undefined;
  return piece.type === 'frame' ? piece.frame.bytes : piece.bytes;
}

/** Whether a frame is a Ping. RFC 6455 §5.5.2. */
export function isPing({ opcode }: DecodedFrame): boolean {
  return opcode === Opcode.PING;
}

/** Finds the Ping that a Pong answers. */
function pingOf(piece: TimedPiece, pings: readonly string[]): number | undefined {
  if (piece.type !== 'frame' || piece.frame.opcode !== Opcode.PONG) return undefined;
  const index = pings.lastIndexOf(piece.frame.payload.toString('latin1'));
  return index === -1 ? undefined : index;
}

/** @returns undefined for a frame that is not compared */
export function itemOf({ opcode, payload, message, close }: DecodedFrame): Item | undefined {
  if (message !== undefined) return { kind: 'message', data: message };
  if (opcode === Opcode.PONG) return { kind: 'pong', data: payload };
  if (opcode !== Opcode.CLOSE) return undefined;
  return { kind: 'close', data: close === undefined ? payload : `${close.code} ${close.reason}` };
}

export function countsOf(items: Readonly<Record<Kind, readonly Item[]>>): Counts {
  const { message, pong, close } = items;
  return { message: message.length, pong: pong.length, close: close.length };
}
