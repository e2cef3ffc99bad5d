/** The recording format: one JSON object a line. docs/recording.md describes it. */

import type { FrameViolation } from '../sans-io/decode-frames.js';

/** The version of the format; a reader refuses a higher one. */
export const FORMAT_VERSION = 1;

/** The two ends of a recorded connection. */
export type Sender = 'client' | 'server';

/** The end that receives what `sender` sends. */
export function otherEnd(sender: Sender): Sender {
  return sender === 'client' ? 'server' : 'client';
}

/** Rounds a time in milliseconds to the three decimals of a record. */
export function roundTime(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** The first line of a recording. */
export interface RecordingStart {
  /** 'recording'. */
  readonly type: 'recording';
  /** 1. */
  readonly version: number;
  /** The program that wrote it, such as 'ws6455/0.1.0'. */
  readonly software: string;
  /** The time that `time` counts from, as in ISO 8601. */
  readonly startedAt: string;
}

/** What each record of a connection has. */
interface OfConnection {
  /** The number of the connection in this recording, from 1 on. */
  readonly connection: number;
  /** When it happened, in milliseconds since `startedAt`, with three decimals at most. */
  readonly time: number;
}

/** A connection began. */
export interface ConnectionRecord extends OfConnection {
  /** 'connection'. */
  readonly type: 'connection';
  /** The URL that the client connects to, as a ws: or wss: URL. */
  readonly url: string;
  /** The address and port of the client, as in '127.0.0.1:50312'; missing if it is not known. */
  readonly client?: string | undefined;
  /** The address and port of the server. */
  readonly server?: string | undefined;
}

/** The head of a request or a response of the opening handshake. RFC 6455 §4. */
export interface HandshakeRecord extends OfConnection {
  /** 'handshake'. */
  readonly type: 'handshake';
  /** Who sent it. */
  readonly from: Sender;
  /** Its bytes as the receiver got them, the empty line included, one Latin-1 character for each byte. */
  readonly head: string;
  /** Set if the recording program changed the head, or made it (null): what its sender had sent. */
  readonly edited?: { readonly original: string | null } | undefined;
}

/** A complete frame. `bytes` is all of it; the other properties make it readable. */
export interface FrameRecord extends OfConnection {
  /** 'frame'. */
  readonly type: 'frame';
  /** Who sent it. */
  readonly from: Sender;
  /** The frame as it was on the wire, in hexadecimal digits. */
  readonly bytes: string;
  /** FIN. */
  readonly fin: boolean;
  /** RSV1. */
  readonly rsv1: boolean;
  /** RSV2. */
  readonly rsv2: boolean;
  /** RSV3. */
  readonly rsv3: boolean;
  /** 0 to 15. */
  readonly opcode: number;
  /** The name of the opcode, as in DecodedHeader of `ws6455/protocol`. */
  readonly opcodeName: string;
  /** MASK. */
  readonly masked: boolean;
  /** The number of bytes of the payload, on the wire. */
  readonly payloadLength: number;
  /** The number of bytes of the message that this frame completes, after decompression. */
  readonly messageLength?: number | undefined;
  /** The message or the control frame's payload as text, at most 160 characters; missing for binary data. */
  readonly text?: string | undefined;
  /** What a Close frame says. RFC 6455 §5.5.1. */
  readonly close?: { readonly code: number; readonly reason: string } | undefined;
  /** Of a Pong: the milliseconds since the Ping that it answers. RFC 6455 §5.5.3. */
  readonly roundTrip?: number | undefined;
  /** The first rule that the frame breaks. */
  readonly violation?: FrameViolation | undefined;
  /** Whether the recording program changed or made the frame: what was sent before it, in hexadecimal digits. */
  readonly edited?: { readonly original: string | null } | undefined;
}

/** Bytes that are no complete head and no complete frame: the body of a refusal, or the rest at the end. */
export interface BytesRecord extends OfConnection {
  /** 'bytes'. */
  readonly type: 'bytes';
  /** Who sent it. */
  readonly from: Sender;
  /** In hexadecimal digits. '' if the recording program dropped a frame: see `edited`. */
  readonly bytes: string;
  /** As that of a frame. */
  readonly edited?: { readonly original: string | null } | undefined;
  /** The first rule that an incomplete frame breaks, such as a length of more bytes than a message may have. */
  readonly violation?: FrameViolation | undefined;
}

/** One direction of the TCP connection ended, or the connection failed. */
export interface EndRecord extends OfConnection {
  /** 'end'. */
  readonly type: 'end';
  /** Who ended its direction. */
  readonly from: Sender;
  /** 'end' for FIN; 'error' for a reset or another error. */
  readonly how: 'end' | 'error';
  /** The error message. */
  readonly error?: string | undefined;
}

/** One line of a recording. */
export type RecordingRecord =
  | RecordingStart
  | ConnectionRecord
  | HandshakeRecord
  | FrameRecord
  | BytesRecord
  | EndRecord;
