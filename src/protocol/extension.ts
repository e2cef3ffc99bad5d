/** RFC 6455 §9: the interface of an extension, and how extensions are listed. */

import type { ProtocolError } from './errors.js';

/** A parameter of an extension; the value is true if there is none. */
export type Parameter = readonly [name: string, value: string | true];

/** RFC 6455 §9.1: an extension in an offer or a response. The parameters are in their order. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

/** Receives the decoded message, or the violation of its sender. */
export type Decoded = (message: Buffer | ProtocolError) => void;

/** Receives the encoded payload, or an error. */
export type Encoded = (payload: Buffer | Error) => void;

/** A negotiated extension. It encodes payloads and marks messages by a reserved bit. */
export interface Extension {
  readonly name: string;
  /** The reserved bit of the extension: RSV1 = 4. RFC 6455 §5.2. */
  readonly reserved: number;
  /**
   * Decodes a whole message. Only one message is decoded at a time.
   * @param limit the maximum length of the decoded message; 0 = no limit
   * @returns the message or the violation; undefined if `done` is called later
   */
  decode(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined;
  /** Whether a message should be encoded, by the length of its first frame. */
  wants(byteLength: number): boolean;
  /**
   * Encodes a message or a fragment. Only one is encoded at a time.
   * @param isFirst whether it is the first frame of its message
   * @param fin whether it is the last frame of its message
   * @returns the encoded payload; undefined if `done` is called later. A whole message that is returned
   * unchanged is sent without the reserved bit.
   */
  encode(
    payload: Buffer,
    isFirst: boolean,
    fin: boolean,
    done: Encoded,
  ): Buffer | Error | undefined;
  /** Extensions with equal parameters give the same result in {@link encodeAlone}. */
  readonly parameters: string;
  /**
   * Encodes a message without reference to earlier messages, for many connections.
   * @returns the payload; the same Buffer if it is sent unencoded
   * @throws the errors of zlib for invalid options
   */
  encodeAlone(payload: Buffer): Buffer;
  /** A message of {@link encodeAlone} was sent: it is in the peer's window now. */
  noteEncoded(payload: Buffer): void;
  /** Cancels decoding that has not started: the connection is closed. */
  dropDecoding(): void;
  /** Cancels encoding that has not started, likewise. */
  dropEncoding(): void;
}
