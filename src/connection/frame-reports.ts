/** Publishes the frames and messages of one connection, while somebody listens. */

import { FIN, type FrameHeader, isDataFrame, Opcode, sizeOfHeader } from '../protocol/frame.js';
import type { FrameObserver } from '../protocol/frame-observer.js';
import type { MessageData } from '../protocol/receiver.js';
import {
  channels,
  type Direction,
  type FrameDiagnostic,
  type MessageDiagnostic,
} from './channels.js';
import { partiesOf, type Reported } from './reports.js';

/** RFC 7692 §6: RSV1 on the first frame marks a compressed message. */
const RSV1 = 4;

/** The frames so far of a message. */
interface Progress {
  opcode: number;
  bytes: number;
  wireBytes: number;
  compressed: boolean;
}

/** A frame of either direction. */
interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly reserved: number;
  readonly masked: boolean;
  readonly bytes: number;
  readonly payload: Buffer | undefined;
}

/**
 * Sees the frames of a connection. Somebody may subscribe in the middle of a message: of that one the
 * earlier frames are not counted.
 */
class FrameReports implements FrameObserver {
  private readonly from: Reported;
  private readonly sent: Progress = newProgress();
  private readonly received: Progress = newProgress();

  constructor(from: Reported) {
    this.from = from;
  }

  onReceived({ opcode, fin, reserved, masked, length }: FrameHeader, payload?: Buffer): void {
    const frame: Frame = { opcode, fin, reserved, masked, bytes: length, payload };
    this.report('received', frame, this.received);
  }

  onSent(
    firstByte: number,
    length: number,
    givenLength: number,
    masked: boolean,
    payload: Buffer | undefined,
  ): void {
    const frame: Frame = {
      opcode: firstByte & 0xf,
      fin: (firstByte & FIN) !== 0,
      reserved: (firstByte >> 4) & 0x7,
      masked,
      bytes: length,
      payload: payload && Buffer.from(payload), // the program may reuse its own
    };
    const progress = this.report('sent', frame, this.sent);
    if (progress === undefined) return;
    progress.bytes += givenLength;
    if (frame.fin) this.publishMessage('sent', progress);
  }

  /** A message is complete. */
  onMessage(data: MessageData, isBinary: boolean): void {
    this.received.opcode = isBinary ? Opcode.BINARY : Opcode.TEXT;
    this.received.bytes = lengthOf(data);
    this.publishMessage('received', this.received);
  }

  /** @returns the progress of the message that the frame belongs to; undefined for a control frame */
  private report(direction: Direction, frame: Frame, progress: Progress): Progress | undefined {
    const wireBytes = sizeOfHeader(frame.bytes, frame.masked) + frame.bytes;
    const isData = isDataFrame(frame.opcode);
    if (isData) count(progress, frame, wireBytes);
    if (frameChannel.hasSubscribers) {
      const compressed = isData && progress.compressed;
      const message = { ...partiesOf(this.from), direction, ...frame, wireBytes, compressed };
      frameChannel.publish(message satisfies FrameDiagnostic);
    }
    return isData ? progress : undefined;
  }

  private publishMessage(direction: Direction, progress: Progress): void {
    const message = { ...partiesOf(this.from), direction, ...progress };
    Object.assign(progress, newProgress());
    // Without the first frame, the type of a message is unknown.
    if (message.opcode === Opcode.CONTINUATION || !messageChannel.hasSubscribers) return;
    messageChannel.publish(message satisfies MessageDiagnostic);
  }
}

/** Made for the first frame that somebody wants to see: no connection has a field for it. */
const reports = new WeakMap<Reported, FrameReports>();

function reportsOf(from: Reported): FrameReports {
  const existing = reports.get(from);
  if (existing !== undefined) return existing;
  const created = new FrameReports(from);
  reports.set(from, created);
  return created;
}

// Read for each frame and message. As constants of this file they are part of the compiled code.
const { frame: frameChannel, message: messageChannel } = channels;

/** @returns undefined while nobody wants to see frames or messages */
export function frameObserver(from: Reported): FrameObserver | undefined {
  const isWanted = frameChannel.hasSubscribers || messageChannel.hasSubscribers;
  return isWanted ? reportsOf(from) : undefined;
}

/** Publishes a received message. */
export function reportMessage(from: Reported, data: MessageData, isBinary: boolean): void {
  if (messageChannel.hasSubscribers) reportsOf(from).onMessage(data, isBinary);
}

export function lengthOf(data: MessageData): number {
  return Buffer.isBuffer(data) ? data.length : data.reduce((sum, { length }) => sum + length, 0);
}

function newProgress(): Progress {
  return { opcode: 0, bytes: 0, wireBytes: 0, compressed: false };
}

function count(progress: Progress, { opcode, reserved }: Frame, wireBytes: number): void {
  if (opcode !== Opcode.CONTINUATION) {
    progress.opcode = opcode;
    progress.bytes = 0;
    progress.wireBytes = 0;
    progress.compressed = (reserved & RSV1) !== 0;
  }
  progress.wireBytes += wireBytes;
}
