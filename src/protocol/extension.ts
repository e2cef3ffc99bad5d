/** RFC 6455 §9: what an extension is to the endpoint, and how one is offered. */

import type { ProtocolError } from './errors.js';

/** One parameter of an extension: its name, and its value or true where it has none. */
export type Parameter = readonly [name: string, value: string | true];

/** RFC 6455 §9.1: an extension as it is offered or accepted, with the parameters in their order. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

/** Receives the message that was decoded, or the rule that its sender broke. */
export type Decoded = (message: Buffer | ProtocolError) => void;

/** Receives the payload that was encoded, or what kept it from being. */
export type Encoded = (payload: Buffer | Error) => void;

/** An agreed extension: it changes the payload of messages, which a reserved bit marks. */
export interface Extension {
  readonly name: string;
  /** The reserved bit that it owns: RSV1 = 4. RFC 6455 §5.2. */
  readonly reserved: number;
  /**
   * Decodes a whole message. The next one is not given before this one is done.
   * @param limit the most bytes it may have decoded; 0 = no limit
   * @returns the message or the rule that was broken, at once; undefined if `done` will be told
   */
  decode(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined;
  /** Whether a message whose first frame has this many bytes should be encoded. */
  wants(byteLength: number): boolean;
  /**
   * Encodes a message or a fragment of it. The next one is not given before this one is done.
   * @param opens whether a message begins with it
   * @param fin whether the message ends with it
   * @returns the payload at once; undefined if `done` will be told. A whole message may come back
   * as it was: then it is sent without the reserved bit.
   */
  encode(payload: Buffer, opens: boolean, fin: boolean, done: Encoded): Buffer | Error | undefined;
  /** Two ends with the same parameters make the same of a message that stands alone. */
  readonly parameters: string;
  /**
   * Encodes a message so that it refers to no other one, for many connections at once.
   * @returns its payload, or the very same Buffer if it is to be sent as it is
   * @throws what zlib throws for options that it does not take
   */
  encodeAlone(payload: Buffer): Buffer;
  /** A message was sent that was encoded alone: the peer's window holds it from here on. */
  noteEncoded(payload: Buffer): void;
  /** Nobody waits for what is being decoded any more: what has not begun need not begin. */
  dropDecoding(): void;
  /** Nobody waits for what is being encoded any more. */
  dropEncoding(): void;
}
