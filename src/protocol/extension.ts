/** RFC 6455 §9: the interface of an extension, and how extensions are listed. */

import type { ProtocolError } from './errors.js';

/** One parameter of an extension: its name, and its value, or true if it has none. */
export type Parameter = readonly [name: string, value: string | true];

/** RFC 6455 §9.1: an extension in an offer or a response, with its parameters in their order. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

/** Receives the decoded message, or the rule that its sender broke. */
export type Decoded = (message: Buffer | ProtocolError) => void;

/** Receives the encoded payload, or the reason why it cannot be encoded. */
export type Encoded = (payload: Buffer | Error) => void;

/** A negotiated extension: it changes the payload of messages and marks them by a reserved bit. */
export interface Extension {
  readonly name: string;
  /** The reserved bit that it owns: RSV1 = 4. RFC 6455 §5.2. */
  readonly reserved: number;
  /**
   * Decodes a whole message. The next call follows when this one is done.
   * @param limit the most bytes that the decoded message may have; 0 = no limit
   * @returns the message or the rule that was broken; undefined if `done` will be called
   */
  decode(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined;
  /** Whether a message should be encoded whose first frame has this many bytes. */
  wants(byteLength: number): boolean;
  /**
   * Encodes a message or a fragment. The next call follows when this one is done.
   * @param isFirst whether it is the first frame of its message
   * @param fin whether it is the last frame of its message
   * @returns the encoded payload; undefined if `done` will be called. If a whole message is returned
   * unchanged, it is sent without the reserved bit.
   */
  encode(
    payload: Buffer,
    isFirst: boolean,
    fin: boolean,
    done: Encoded,
  ): Buffer | Error | undefined;
  /** Two extensions with equal parameters encode a message alike, if it refers to no other one. */
  readonly parameters: string;
  /**
   * Encodes a message so that it refers to no other one, for many connections.
   * @returns its payload, or the same Buffer if it is sent as it is
   * @throws what zlib throws for invalid options
   */
  encodeAlone(payload: Buffer): Buffer;
  /** A message was sent that was encoded alone: it is in the peer's window now. */
  noteEncoded(payload: Buffer): void;
  /** The connection is gone: cancels decoding that has not started. */
  dropDecoding(): void;
  /** The connection is gone: cancels encoding that has not started. */
  dropEncoding(): void;
}
