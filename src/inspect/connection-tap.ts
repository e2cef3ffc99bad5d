/** Records the bytes of one connection as heads, frames, and what is neither. */

import { Buffer, isUtf8 } from 'node:buffer';
import { parseExtensions } from '../handshake/fields.js';
import { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import { Opcode } from '../protocol/frame.js';
import type { EndRecord, FrameRecord, RecordingRecord, Sender } from '../recording/records.js';
import { type DecodedFrame, FrameDecoder } from '../sans-io/decode-frames.js';
import { FrameSplitter } from './frame-splitter.js';
import { asksForWebSocket, fieldIn, HeadReader, statusIn } from './head-reader.js';
import type { Tap } from './relay.js';

/** Gets the records. @param message what a frame completes, if it is not the frame's own payload */
export type Emit = (record: RecordingRecord, message?: Buffer | string) => void;

/** Who connects to whom. */
export interface ConnectionNames {
  readonly url: string;
  readonly client?: string | undefined;
  readonly server?: string | undefined;
}

/** A longer frame is recorded as bytes, chunk by chunk: it is not kept in memory to be decoded. */
const MAX_DECODED_FRAME = 16 * 1024 * 1024;

/** RFC 6455 §5.5.3: a Pong answers one Ping. So many Pings are remembered. */
const MAX_PINGS = 100;

const MAX_TEXT = 160;

type Edited = FrameRecord['edited'];

/** What has come of one direction. */
class DirectionState {
  phase: 'head' | 'frames' | 'bytes' = 'head';
  reader = new HeadReader();
  readonly splitter = new FrameSplitter();
  decoder: FrameDecoder | undefined;
  /** The times of the Pings without a Pong, by their payload. */
  readonly pings = new Map<string, number>();
  /** Of bytes in the place of others that were no complete frame: the next frame has it. */
  edited: Edited;
}

/** Records one connection. */
export class ConnectionTap implements Tap {
  private readonly connection: number;
  private readonly emit: Emit;
  private readonly now: () => number;
  private readonly states = { client: new DirectionState(), server: new DirectionState() };
  /** The extensions that were agreed on; before the response, those of the request. */
  private extensions = '';

  /**
   * @param connection its number
   * @param now milliseconds since the recording began
   */
  constructor(connection: number, names: ConnectionNames, now: () => number, emit: Emit) {
    this.connection = connection;
    this.now = now;
    this.emit = emit;
    emit({ type: 'connection', connection, time: now(), ...names });
  }

  sent(from: Sender, bytes: Buffer, original?: Buffer | null): void {
    const state = this.states[from];
    const edited = original === undefined ? undefined : editedBy(original?.toString('hex'));
    if (state.phase === 'head') this.addToHead(from, bytes, original);
    else if (bytes.length === 0 || state.phase === 'bytes') this.addBytes(from, bytes, edited);
    else this.addToFrames(from, bytes, edited);
  }

  end(from: Sender, how: EndRecord['how'], error?: string): void {
    const { phase, reader, decoder } = this.states[from];
    const rest = phase === 'head' ? reader.received : decoder?.rest;
    this.states[from] = new DirectionState();
    if (rest !== undefined && rest.length > 0) this.addBytes(from, rest);
    const said = error === undefined ? {} : { error };
    this.emit({ type: 'end', ...this.base(from), how, ...said });
  }

  private addToHead(from: Sender, bytes: Buffer, original: Buffer | null | undefined): void {
    const state = this.states[from];
    const split = state.reader.push(bytes);
    if (split === undefined) return;
    const head = split.head?.toString('latin1');
    state.phase = head === undefined ? 'bytes' : this.phaseBehind(from, head);
    state.reader = new HeadReader();
    if (head !== undefined) {
      const edited = original === undefined ? undefined : editedBy(original?.toString('latin1'));
      this.emit({ type: 'handshake', ...this.base(from), head, ...(edited && { edited }) });
    }
    if (split.rest.length > 0) this.sent(from, split.rest);
  }

  /** RFC 6455 §4.1: frames follow behind the request, and behind a response with status 101. */
  private phaseBehind(from: Sender, head: string): DirectionState['phase'] {
    const isOpening = from === 'client' ? asksForWebSocket(head) : statusIn(head) === 101;
    if (from === 'server' && statusIn(head) < 200 && !isOpening) return 'head';
    this.extensions = fieldIn(head, 'Sec-WebSocket-Extensions') ?? '';
    if (from === 'server' && !isOpening && this.states.client.phase === 'frames') {
      this.states.client.phase = 'bytes';
    }
    return isOpening ? 'frames' : 'bytes';
  }

  private addToFrames(from: Sender, bytes: Buffer, edited: Edited): void {
    const state = this.states[from];
    for (const piece of state.splitter.split(bytes)) {
      if (piece.frameSize <= MAX_DECODED_FRAME) this.decode(from, piece.bytes, edited);
      else {
        const begun = state.decoder?.rest ?? piece.bytes.subarray(0, 0);
        if (begun.length > 0) state.decoder = undefined;
        this.addBytes(from, Buffer.concat([begun, piece.bytes]), edited);
      }
    }
  }

  private decode(from: Sender, bytes: Buffer, edited: Edited): void {
    const state = this.states[from];
    const perMessageDeflate = hasDeflate(this.extensions);
    state.decoder ??= new FrameDecoder({ from, perMessageDeflate, maxPayload: 0 });
    state.edited ??= edited;
    for (const frame of state.decoder.push(bytes)) {
      this.addFrame(from, frame, edited ?? state.edited);
      state.edited = undefined;
    }
  }

  private addBytes(from: Sender, bytes: Buffer, edited?: Edited): void {
    const digits = bytes.toString('hex');
    this.emit({ type: 'bytes', ...this.base(from), bytes: digits, ...(edited && { edited }) });
  }

  private addFrame(from: Sender, frame: DecodedFrame, edited: Edited): void {
    const base = this.base(from);
    const roundTrip = this.roundTripOf(from, frame, base.time);
    const record = { type: 'frame', ...base, ...describeFrame(frame) } as const;
    const more = { ...(roundTrip === undefined ? {} : { roundTrip }), ...(edited && { edited }) };
    const isOwn = frame.fin && !frame.rsv1 && frame.opcode !== Opcode.CONTINUATION;
    this.emit({ ...record, ...more }, isOwn ? undefined : frame.message);
  }

  private roundTripOf(from: Sender, frame: DecodedFrame, time: number): number | undefined {
    const payload = frame.payload.toString('latin1');
    if (frame.opcode === Opcode.PING && this.states[from].pings.size < MAX_PINGS) {
      this.states[from].pings.set(payload, time);
    }
    if (frame.opcode !== Opcode.PONG) return undefined;
    const { pings } = this.states[from === 'client' ? 'server' : 'client'];
    const sent = pings.get(payload);
    pings.delete(payload);
    return sent === undefined ? undefined : round(time - sent);
  }

  private base(from: Sender): { connection: number; time: number; from: Sender } {
    return { connection: this.connection, time: this.now(), from };
  }
}

/** The properties of a frame that a record has. */
function describeFrame(frame: DecodedFrame) {
  const { fin, rsv1, rsv2, rsv3, opcode, opcodeName, masked, payload, close, violation } = frame;
  const text = textOf(frame);
  return {
    bytes: frame.bytes.toString('hex'),
    fin,
    rsv1,
    rsv2,
    rsv3,
    opcode,
    opcodeName,
    masked,
    payloadLength: payload.length,
    ...(frame.message !== undefined && { messageLength: Buffer.byteLength(frame.message) }),
    ...(text !== undefined && { text }),
    ...(close && { close }),
    ...(violation && { violation }),
  };
}

function textOf({ opcode, message, payload }: DecodedFrame): string | undefined {
  if (typeof message === 'string') return beginningOf(message, MAX_TEXT);
  const isPingOrPong = opcode === Opcode.PING || opcode === Opcode.PONG;
  return isPingOrPong && isUtf8(payload) ? payload.toString() : undefined;
}

/** A copy: a slice would keep all of a long message in memory. */
export function beginningOf<Data extends Buffer | string>(data: Data, max: number): Data {
  if (typeof data !== 'string') return Buffer.from(data.subarray(0, max)) as Data;
  const bytes = Buffer.from(data.slice(0, max), 'utf16le'); // it keeps half a surrogate pair too
  return bytes.toString('utf16le') as Data;
}

function editedBy(original = null as string | null): Edited {
  return { original };
}

/** Whether a Sec-WebSocket-Extensions field has permessage-deflate. */
export function hasDeflate(field: string): boolean {
  return parseExtensions(field)?.some(({ name }) => name === EXTENSION_NAME) ?? false;
}

/** Three decimals, as the records have them. */
export function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
