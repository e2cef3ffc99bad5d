/** Counts messages by type and length: the option `messageMetrics`. */

import { channels, type Direction, type MessageDiagnostic } from '../connection/channels.js';
import { Opcode } from '../protocol/frame.js';

/** The type of a message. RFC 6455 §5.6. */
export type MessageType = 'text' | 'binary';

/** Messages of one direction and type. */
interface MessageCount {
  messages: number;
  /** Their length, uncompressed. */
  bytes: number;
}

/** The length of compressed messages, before compression and as frames. */
interface CompressedBytes {
  before: number;
  wire: number;
}

function newCounts(): Record<MessageType, MessageCount> {
  return { text: { messages: 0, bytes: 0 }, binary: { messages: 0, bytes: 0 } };
}

/** What the messages of one server were. It listens to the channel `ws6455:message`. */
export class MessageCounters {
  readonly counts: Record<Direction, Record<MessageType, MessageCount>> = {
    sent: newCounts(),
    received: newCounts(),
  };
  readonly compressed: Record<Direction, CompressedBytes> = {
    sent: { before: 0, wire: 0 },
    received: { before: 0, wire: 0 },
  };
  private readonly server: object;

  /** @param server as the messages of the channel name it */
  constructor(server: object) {
    this.server = server;
  }

  /** Starts to count. */
  start(): void {
    channels.message.subscribe(this.onMessage);
  }

  /** Stops: without another subscriber, messages cost nothing more. */
  stop(): void {
    channels.message.unsubscribe(this.onMessage);
  }

  private readonly onMessage = (message: unknown): void => {
    const diagnostic = message as MessageDiagnostic; // what the library publishes there
    if (diagnostic.server !== this.server) return;
    const { direction, opcode, bytes, wireBytes, compressed } = diagnostic;
    const count = this.counts[direction][opcode === Opcode.TEXT ? 'text' : 'binary'];
    count.messages++;
    count.bytes += bytes;
    if (!compressed) return;
    this.compressed[direction].before += bytes;
    this.compressed[direction].wire += wireBytes;
  };
}
