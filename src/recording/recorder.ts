/** Records connections: their bytes become the records of docs/recording.md. */

import { checkConnectionOptions, warnOfUnknownOptions } from '../connection/check-options.js';
import { DEFAULTS, toLimit } from '../connection/options.js';
import { time } from '../connection/time.js';
import { Opcode } from '../protocol/frame.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';
import { viewOf } from '../sans-io/to-bytes.js';
import { describeFrame } from './describe-frame.js';
import { PingList } from './ping-list.js';
import {
  type ConnectionRecord,
  type EndRecord,
  FORMAT_VERSION,
  type FrameRecord,
  otherEnd,
  type RecordingRecord,
  roundTime,
  type Sender,
} from './records.js';
import { ConnectionSplitter, type Piece } from './splitter.js';

/** The options of a {@link Recorder}. */
export interface RecorderOptions {
  /** The program that records. Default 'ws6455'. */
  readonly software?: string | undefined;
  /** The clock, in milliseconds from any moment on. Default: the time since the process started. */
  readonly now?: (() => number) | undefined;
  /** The wall clock at the start, in milliseconds since 1970. Default: the present. */
  readonly startedAt?: number | undefined;
  /**
   * The longest frame and message to decode, in bytes; 0 = no limit. From a longer frame on, the bytes
   * of that direction are recorded as they come. Default 100 MiB.
   */
  readonly maxPayload?: number | undefined;
}

const OPTION_NAMES = ['software', 'now', 'startedAt', 'maxPayload'];

/** What is known about a connection when it begins. */
export type ConnectionDetails = Pick<ConnectionRecord, 'url' | 'client' | 'server'>;

/** Gets each record; with that of a frame also the decoded frame, whose `fields` are empty. */
export type WriteRecord = (record: RecordingRecord, frame?: DecodedFrame) => void;

/** Writes the records of one recording. It does no I/O, and keeps no record. */
export class Recorder {
  private readonly write: WriteRecord;
  private readonly now: () => number;
  private readonly start: number;
  private readonly maxPayload: number;
  private connections = 0;

  /**
   * Writes the first record.
   * @param write called with each record, in their order
   * @throws TypeError or RangeError for an option with a wrong value
   */
  constructor(write: WriteRecord, options: RecorderOptions = {}) {
    checkConnectionOptions({ maxPayload: options.maxPayload });
    warnOfUnknownOptions(options, OPTION_NAMES, 'Recorder');
    const { software = 'ws6455', now = time.now, startedAt = time.wallClock() } = options;
    this.write = write;
    this.now = now;
    this.start = now();
    this.maxPayload = toLimit(options.maxPayload, DEFAULTS.maxPayload);
    const date = new Date(startedAt).toISOString();
    write({ type: 'recording', version: FORMAT_VERSION, software, startedAt: date });
  }

  /** A connection begins. */
  connect(details: ConnectionDetails): ConnectionRecorder {
    const connection = ++this.connections;
    const elapsed = () => roundTime(this.now() - this.start);
    this.write({ type: 'connection', connection, time: elapsed(), ...details });
    return new ConnectionRecorder(connection, this.write, elapsed, this.maxPayload);
  }
}

/** Frames that a program made or changed: what was sent before; null if nothing was. */
type Edited = NonNullable<FrameRecord['edited']>;

/** Records one connection. Wrong bytes are recorded too, and never throw. */
export class ConnectionRecorder {
  /** Counts the connections of the recording from 1 on. */
  readonly number: number;
  private readonly write: WriteRecord;
  private readonly elapsed: () => number;
  private readonly splitter: ConnectionSplitter;
  private readonly pings = { client: new PingList(), server: new PingList() };
  private readonly edits: Partial<Record<Sender, Edited | undefined>> = {};

  /** @param elapsed the milliseconds since the recording began */
  constructor(number: number, write: WriteRecord, elapsed: () => number, maxPayload: number) {
    this.number = number;
    this.write = write;
    this.elapsed = elapsed;
    this.splitter = new ConnectionSplitter(maxPayload);
  }

  /** Adds bytes that one end has sent, cut anywhere. They must not change afterwards. */
  receive(from: Sender, bytes: Uint8Array): void {
    this.writePieces(this.splitter.push(from, viewOf(bytes)));
  }

  /**
   * As {@link receive}, for one head or frame that the recording program changed, made or dropped.
   * @param bytes what the receiver got; empty if it was dropped
   * @param original what its sender had sent; null if that was nothing
   */
  receiveEdited(from: Sender, bytes: Uint8Array, original: Uint8Array | null): void {
    const encoding = this.splitter.isInHandshake(from) ? 'latin1' : 'hex';
    this.edits[from] = { original: original && viewOf(original).toString(encoding) };
    if (bytes.length > 0) this.receive(from, bytes);
    else this.writePieces([{ type: 'bytes', from, bytes: viewOf(bytes), violation: undefined }]);
  }

  /** One direction ended, or the connection failed. */
  end(from: Sender, error?: Error): void {
    this.writePieces(this.splitter.end(from));
    const record = { type: 'end', connection: this.number, time: this.elapsed(), from } as const;
    const how: Pick<EndRecord, 'how' | 'error'> =
      error === undefined ? { how: 'end' } : { how: 'error', error: error.message };
    this.write({ ...record, ...how });
  }

  private writePieces(pieces: readonly Piece[]): void {
    if (pieces.length === 0) return;
    const now = this.elapsed();
    for (const piece of pieces) {
      this.write(this.recordOf(piece, now), piece.type === 'frame' ? piece.frame : undefined);
    }
  }

  private recordOf(piece: Piece, now: number): RecordingRecord {
    const { from } = piece;
    const edited = this.edits[from];
    if (edited !== undefined) this.edits[from] = undefined;
    const place = { connection: this.number, time: now, from };
    if (piece.type === 'frame') {
      const roundTrip = this.roundTripOf(from, piece.frame, now);
      return Object.assign({ type: piece.type }, place, describeFrame(piece.frame), {
        roundTrip,
        edited,
      });
    }
    if (piece.type === 'handshake') {
      return { type: piece.type, ...place, head: piece.head.toString('latin1'), edited };
    }
    const { bytes, violation } = piece;
    return { type: piece.type, ...place, bytes: bytes.toString('hex'), violation, edited };
  }

  private roundTripOf(from: Sender, { opcode, payload }: DecodedFrame, now: number) {
    if (opcode === Opcode.PING) this.pings[from].add(payload, now);
    if (opcode !== Opcode.PONG) return undefined;
    return this.pings[otherEnd(from)].answered(payload, now);
  }
}
