/** How a connection is limited, and what becomes of a message: the types of `send-limit.ts`. */

/** A message for which there is no room. */
export interface OverflowMessage {
  /** The length of its payload. */
  readonly bytes: number;
  /** The `key` that it was sent with. */
  readonly key: string | undefined;
  /** False for a fragment of a message, and for a message sent with `droppable: false`. */
  readonly droppable: boolean;
}

/** What happens to a message for which there is no room. */
export type OverflowVerdict = 'send' | 'drop' | 'close';

/** How a connection is limited. */
export interface SendLimitSettings {
  /** The most bytes that may wait; Infinity for no limit. */
  readonly maxAmount: number;
  /** The most milliseconds that a message may wait; Infinity for no limit. */
  readonly maxAge: number;
  readonly overflow:
    | 'close'
    | 'drop-newest'
    | 'drop-oldest'
    | 'conflate'
    | ((message: OverflowMessage) => OverflowVerdict);
}

/** How a message may be dropped. */
export interface QueueOptions {
  readonly key?: string | undefined;
  readonly droppable?: boolean | undefined;
}

/** What became of a message. */
export type SendOutcome =
  /** The sender has it. */
  | 'sent'
  /** It waits. */
  | 'queued'
  | 'dropped'
  /** There was no room for it, so the connection is being closed. */
  | 'closed'
  /** The connection was not open. */
  | 'rejected';
