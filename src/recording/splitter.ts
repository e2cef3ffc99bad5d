/** Splits the bytes of a connection, in both directions, into heads, frames and the rest. */

import { Buffer } from 'node:buffer';
import { DEFAULTS } from '../connection/options.js';
import { type DecodedFrame, FrameDecoder, type FrameViolation } from '../sans-io/decode-frames.js';
import type { FrameField } from '../sans-io/frame-fields.js';
import { agreesToDeflate, HeadCollector, isInformational, statusOf } from './http-head.js';
import type { Sender } from './records.js';

/** A part of what one end has sent. The `fields` of a frame are empty. */
export type Piece =
  | HeadPiece
  | { readonly type: 'frame'; readonly from: Sender; readonly frame: DecodedFrame }
  | BytesPiece;

interface HeadPiece {
  readonly type: 'handshake';
  readonly from: Sender;
  readonly head: Buffer;
}

/** Bytes that are neither a head nor a frame. */
interface BytesPiece {
  readonly type: 'bytes';
  readonly from: Sender;
  readonly bytes: Buffer;
  readonly violation: FrameViolation | undefined;
}

/** A decoder without the descriptions of fields: a record does not have them. */
class QuickDecoder extends FrameDecoder {
  protected override fieldsOf(): readonly FrameField[] {
    return [];
  }
}

/**
 * What one end sends now: 'HEAD' an incomplete head; 'WAITING' frames of a client before the response;
 * 'FRAMES'; 'BYTES' what cannot be decoded.
 */
type Side =
  | { readonly state: 'HEAD'; readonly collector: HeadCollector }
  | { readonly state: 'WAITING'; readonly chunks: Buffer[]; length: number }
  | { readonly state: 'FRAMES'; readonly decoder: QuickDecoder }
  | { readonly state: 'BYTES' };

const BYTES: Side = { state: 'BYTES' };

/** Wrong bytes never throw. */
export class ConnectionSplitter {
  private readonly maxPayload: number;
  private readonly sides: Record<Sender, Side> = {
    client: { state: 'HEAD', collector: new HeadCollector('client') },
    server: { state: 'HEAD', collector: new HeadCollector('server') },
  };

  /**
   * @param maxPayload behind the header of a longer frame nothing is decoded, and a message is inflated
   * up to here; 0 = no limit
   */
  constructor(maxPayload: number = DEFAULTS.maxPayload) {
    this.maxPayload = maxPayload;
  }

  /** Whether the head of this end is incomplete. */
  isInHandshake(from: Sender): boolean {
    return this.sides[from].state === 'HEAD';
  }

  /** Adds bytes that one end has sent. The caller must not change them afterwards. */
  push(from: Sender, bytes: Buffer): Piece[] {
    if (bytes.length === 0) return [];
    const side = this.sides[from];
    switch (side.state) {
      case 'HEAD':
        return this.readHead(from, side.collector, bytes);
      case 'WAITING':
        return this.wait(side, bytes);
      case 'FRAMES':
        return this.readFrames(from, side.decoder, bytes);
      default:
        return [asBytes(from, bytes)];
    }
  }

  /** One end has sent its last byte. @returns the incomplete rest */
  end(from: Sender): Piece[] {
    return this.giveUp(from);
  }

  private readHead(from: Sender, collector: HeadCollector, chunk: Buffer): Piece[] {
    const size = collector.add(chunk);
    if (size === undefined) return this.refuse(from);
    if (size === 0) return [];
    const head = collector.bytes.subarray(0, size);
    const rest = collector.bytes.subarray(size);
    const piece: HeadPiece = { type: 'handshake', from, head };
    if (from === 'server') return this.readResponse(piece, rest);
    const isAnswered = this.sides.server.state === 'BYTES';
    this.sides.client = isAnswered ? BYTES : { state: 'WAITING', chunks: [], length: 0 };
    return [piece, ...this.push(from, rest)];
  }

  /** RFC 9110 §15.2: any number of informational responses comes before the final one. */
  private readResponse(first: HeadPiece, behind: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let piece = first;
    let rest = behind;
    while (isInformational(statusOf(piece.head.toString('latin1')))) {
      pieces.push(piece);
      const collector = new HeadCollector('server');
      this.sides.server = { state: 'HEAD', collector };
      const size = rest.length === 0 ? 0 : collector.add(rest);
      if (size === undefined) return [...pieces, ...this.refuse('server')];
      if (size === 0) return pieces;
      piece = { type: 'handshake', from: 'server', head: rest.subarray(0, size) };
      rest = rest.subarray(size);
    }
    return [...pieces, piece, ...this.responded(piece.head, rest)];
  }

  private responded(head: Buffer, rest: Buffer): Piece[] {
    const text = head.toString('latin1');
    const status = statusOf(text);
    const { client } = this.sides;
    if (status !== 101 || client.state !== 'WAITING') {
      this.sides.server = BYTES;
      return [...this.giveUp('client'), ...this.push('server', rest)];
    }
    const perMessageDeflate = agreesToDeflate(text);
    for (const from of ['client', 'server'] as const) {
      const decoder = new QuickDecoder({ from, perMessageDeflate, maxPayload: this.maxPayload });
      this.sides[from] = { state: 'FRAMES', decoder };
    }
    return [...this.push('client', Buffer.concat(client.chunks)), ...this.push('server', rest)];
  }

  private wait(side: Side & { state: 'WAITING' }, bytes: Buffer): Piece[] {
    side.chunks.push(bytes);
    side.length += bytes.length;
    return this.isTooLong(side.length) ? this.giveUp('client') : [];
  }

  private readFrames(from: Sender, decoder: QuickDecoder, bytes: Buffer): Piece[] {
    const frames = decoder.push(bytes);
    const pieces: Piece[] = frames.map((frame) => ({ type: 'frame', from, frame }));
    return this.isTooLong(decoder.missing) ? [...pieces, ...this.giveUp(from)] : pieces;
  }

  private isTooLong(length: number): boolean {
    return this.maxPayload > 0 && length > this.maxPayload;
  }

  /** The bytes are not HTTP. If the client's are not, the server may still answer with HTTP. */
  private refuse(from: Sender): Piece[] {
    const rest = this.giveUp(from);
    return from === 'client' ? rest : [...this.giveUp('client'), ...rest];
  }

  /** From now on the bytes of this end are not decoded. @returns those that were not yet */
  private giveUp(from: Sender): Piece[] {
    const side = this.sides[from];
    this.sides[from] = BYTES;
    switch (side.state) {
      case 'HEAD':
        return asRest(from, side.collector.bytes);
      case 'WAITING':
        return asRest(from, Buffer.concat(side.chunks));
      case 'FRAMES':
        return asRest(from, side.decoder.rest, side.decoder.incomplete?.violation);
      default:
        return [];
    }
  }
}

function asBytes(from: Sender, bytes: Buffer, violation?: FrameViolation): BytesPiece {
  return { type: 'bytes', from, bytes, violation };
}

function asRest(from: Sender, bytes: Buffer, violation?: FrameViolation): BytesPiece[] {
  return bytes.length === 0 ? [] : [asBytes(from, bytes, violation)];
}
