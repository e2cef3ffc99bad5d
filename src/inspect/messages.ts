/**
 * The messages between the inspector and its page: JSON in text messages of a WebSocket. The page is
 * at `/`. Below `/.ws6455/` are its files, its WebSocket `control`, and the downloads
 * `recording.jsonl`, `recording.har` and `recording.pcapng`.
 */

import type { CLOSING_TABLE } from '../protocol/close.js';
import type { RecordingRecord, Sender } from '../recording/records.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';

/** Where the files, the control socket and the downloads of the page are. */
export const PAGE_PREFIX = '/.ws6455/';

/** Which directions are held: 'none', one direction, or 'both'. */
export type Hold = 'none' | Sender | 'both';

/** A record with its number: the page asks for details by it. */
export interface NumberedRecord {
  /** Counts all records of the inspector from 0 on. */
  readonly index: number;
  readonly record: RecordingRecord;
  /** Set if `record.bytes` has the first bytes only: how many there are. */
  readonly wireLength?: number | undefined;
}

/** The first message: what this inspector is. */
export interface HelloMessage {
  readonly type: 'hello';
  /** The URL that connections are forwarded to; undefined if a file is shown. */
  readonly target?: string | undefined;
  /** The URL that clients connect to. */
  readonly listening: string;
  /** Whether `npm start` runs: the page then offers its tour. */
  readonly demo: boolean;
  readonly hold: Hold;
  /** How many records were dropped because the memory for them was used up. */
  readonly dropped: number;
  /** The rules that the page "break a rule" has a button for. */
  readonly rules: readonly BreakableRule[];
  /** The closing handshake, from which the page derives the state of each end. RFC 6455 §7. */
  readonly closing: typeof CLOSING_TABLE;
}

/** A rule of the tables of violations and of refused handshakes. */
export interface BreakableRule {
  /** The key of the table, such as 'EXPECTED_MASK'. */
  readonly id: string;
  readonly kind: 'frame' | 'handshake';
  /** The section with the rule. */
  readonly rfc: string;
  /** What the offending bytes are, in English. */
  readonly offence: string;
  /** The error message of a receiver. */
  readonly message: string;
  /** The close code or the HTTP status of the answer; 0 if a client breaks off the handshake. */
  readonly answer: number;
  /** Who breaks the rule. Rules for a server cannot be broken at the target, which is one. */
  readonly by: Sender;
  /** Why no bytes of a peer break this rule: it has no button then. */
  readonly impossible?: string | undefined;
}

/** Records, in their order: all so far at first, then the new ones, a few times a second at most. */
export interface RecordsMessage {
  readonly type: 'records';
  readonly records: readonly NumberedRecord[];
}

/** A frame waits to be released, or no longer waits. */
export interface HeldMessage {
  readonly type: 'held' | 'released';
  readonly id: number;
  readonly connection: number;
  readonly from: Sender;
  /** In hexadecimal digits. */
  readonly bytes: string;
}

/** The answer to 'describe': the whole decoded record. */
export interface DescribedMessage {
  readonly type: 'described';
  readonly index: number;
  /** Of a frame: as {@link DecodedFrame}, its byte arrays in hexadecimal digits. */
  readonly frame?: DescribedFrame | undefined;
  /** Of a handshake: each line and what it means. */
  readonly lines?: readonly HandshakeLine[] | undefined;
}

/** A frame as the page gets it. */
export interface DescribedFrame
  extends Omit<DecodedFrame, 'bytes' | 'maskingKey' | 'payload' | 'message'> {
  readonly bytes: string;
  readonly maskingKey?: string | undefined;
  /** As on the wire, and unmasked: the first bytes only, see `payloadLength` of the record. */
  readonly maskedPayload: string;
  readonly payload: string;
  /** The message that it completes, text as it is, binary data in hexadecimal digits. */
  readonly message?: string | undefined;
  readonly messageIsText?: boolean | undefined;
}

/** A line of the head of a handshake. */
export interface HandshakeLine {
  readonly text: string;
  /** What it means, in English; for Sec-WebSocket-Accept how it is computed. */
  readonly meaning: string;
  readonly rfc: string;
  /** Set if the line breaks a rule. */
  readonly violation?: string | undefined;
}

/** The answer to 'break': what both sides sent, and the clause. */
export interface BrokenMessage {
  readonly type: 'broken';
  readonly rule: string;
  /** The records of this one connection. */
  readonly records: readonly RecordingRecord[];
  /** What the answer was, in one sentence. */
  readonly outcome: string;
  /** Whether the answer is the one that the RFC asks for. */
  readonly asExpected: boolean;
}

/** A command failed. */
export interface FailedMessage {
  readonly type: 'failed';
  readonly command: string;
  readonly error: string;
}

/** How many connections are open, and whether the target accepts connections. */
export interface StatusMessage {
  readonly type: 'status';
  readonly open: number;
  readonly target: 'unknown' | 'reachable' | 'unreachable';
  readonly error?: string | undefined;
  readonly hold: Hold;
  readonly dropped: number;
}

/** A message to the page. */
export type PageMessage =
  | HelloMessage
  | RecordsMessage
  | HeldMessage
  | DescribedMessage
  | BrokenMessage
  | FailedMessage
  | StatusMessage;

/** A message from the page. */
export type PageCommand =
  | { readonly type: 'describe'; readonly index: number }
  | { readonly type: 'hold'; readonly hold: Hold }
  /** Lets a held frame go: as it is, changed, or not at all if `bytes` is ''. */
  | { readonly type: 'release'; readonly id: number; readonly bytes?: string | undefined }
  | { readonly type: 'release-all' }
  /** Sends bytes of the program's own in one direction of a connection. */
  | {
      readonly type: 'inject';
      readonly connection: number;
      readonly from: Sender;
      readonly bytes: string;
    }
  | { readonly type: 'disconnect'; readonly connection: number }
  | { readonly type: 'clear' }
  /** Breaks a rule at the inspector's own server, or at the target. */
  | { readonly type: 'break'; readonly rule: string; readonly at: 'own' | 'target' };
