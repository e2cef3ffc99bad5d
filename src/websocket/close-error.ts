/** The error of an iteration whose connection did not close normally. */

import type { CloseInfo } from '../connection/close-info.js';
import { CloseCode } from '../protocol/close.js';
import { setErrorName, WebSocketError } from '../protocol/errors.js';

/** A connection was closed, but not with 1000 or 1001, nor with an empty Close. RFC 6455 §7.4.1. */
export class CloseError extends WebSocketError {
  static {
    setErrorName(CloseError, 'CloseError');
  }

  /** The close code of the peer, as 'close' has it; 1006 if no Close arrived. */
  readonly closeCode: number;
  /** The close reason of the peer. */
  readonly reason: string;
  /** `closeInfo` of the WebSocket. `cause` is its `error`. */
  readonly closeInfo: CloseInfo;

  constructor(closeInfo: CloseInfo) {
    super(describe(closeInfo), 'WS_ERR_CLOSED');
    const { received, error } = closeInfo;
    this.closeCode = received?.code ?? CloseCode.ABNORMAL;
    this.reason = received?.reason ?? '';
    this.closeInfo = closeInfo;
    if (error !== undefined) Object.defineProperty(this, 'cause', { value: error, writable: true });
  }
}

function describe({ received, by, cause, error }: CloseInfo): string {
  if (received !== undefined) {
    const { code, reason } = received;
    return `The connection was closed with ${code}${reason && `: ${reason}`}`;
  }
  return `The connection was closed without a Close of the peer (by ${by}: ${error?.message ?? cause})`;
}
