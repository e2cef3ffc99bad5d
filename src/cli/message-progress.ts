/** RFC 6455 §5.4: which message each frame of one direction belongs to. */

import { Opcode } from '../protocol/frame.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';

/** The message that a frame belongs to. */
export interface MessageProgress {
  /** The number of its frames so far, with this one. */
  readonly frames: number;
  /** The bytes of their payloads. */
  readonly length: number;
  readonly isCompressed: boolean;
  readonly isBinary: boolean;
}

/** Counts the frames of messages. */
export class MessageTracker {
  private current: MessageProgress | undefined;

  /** @returns undefined for a control frame */
  add({ opcode, fin, rsv1, payload }: DecodedFrame): MessageProgress | undefined {
    if (opcode >= Opcode.CLOSE) return undefined;
    const isContinued = opcode === Opcode.CONTINUATION ? this.current : undefined;
    const progress = {
      frames: (isContinued?.frames ?? 0) + 1,
      length: (isContinued?.length ?? 0) + payload.length,
      isCompressed: isContinued?.isCompressed ?? rsv1,
      isBinary: isContinued?.isBinary ?? opcode === Opcode.BINARY,
    };
    this.current = fin ? undefined : progress;
    return progress;
  }
}
