/** The port through which the layers above see each frame. RFC 6455 §5.2. */

import type { Buffer } from 'node:buffer';
import { FIN, FrameHeader, isDataFrame, readHeader } from './frame.js';
import { byteLengthOf } from './write-batch.js';

/** Sees the frames of one connection, both ways. */
export interface FrameObserver {
  /**
   * A frame was received, of a data frame only its header so far. It broke no rule of §5.
   * @param header it belongs to the reader, which reuses it
   * @param payload of a control frame
   */
  onReceived(header: FrameHeader, payload: Buffer | undefined): void;
  /**
   * A frame was given to the wire.
   * @param firstByte FIN, reserved bits and opcode
   * @param length the length of its payload
   * @param givenLength that length before encoding
   * @param payload of a control frame
   */
  onSent(
    firstByte: number,
    length: number,
    givenLength: number,
    masked: boolean,
    payload: Buffer | undefined,
  ): void;
}

/** Has the observer of a connection. */
export interface FrameSource {
  /** undefined while nobody wants to see the frames. It is read for each frame. */
  readonly frames?: FrameObserver | undefined;
}

/** Reports a frame that was sent. The arguments are those of `Sender.writeFrame`. */
export function observeFrame(
  observer: FrameObserver,
  firstByte: number,
  payload: Buffer | string,
  givenLength: number,
  masked: boolean,
): void {
  const control = isDataFrame(firstByte) ? undefined : (payload as Buffer); // it is never a string
  observer.onSent(firstByte, byteLengthOf(payload), givenLength, masked, control);
}

/** Reports frames that exist as bytes already. @param givenLength undefined: as they are */
export function observeFramed(observer: FrameObserver, bytes: Buffer, givenLength?: number): void {
  const header = new FrameHeader();
  for (let offset = 0; readHeader(bytes, offset, bytes.length, header); ) {
    const { fin, reserved, opcode, length, masked, size } = header;
    const firstByte = (fin ? FIN : 0) | (reserved << 4) | opcode;
    observer.onSent(firstByte, length, givenLength ?? length, masked, undefined);
    offset += size + length;
  }
}
