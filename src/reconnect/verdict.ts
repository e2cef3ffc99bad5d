/** Whether a client connects again after a failure. Pure. */

import type { CloseInfo } from '../connection/close-info.js';

/**
 * What follows: another attempt after a back-off, an attempt after so many milliseconds and not before,
 * or the end.
 */
export type Verdict = 'retry' | 'fatal' | { readonly after: number };

/** Why there is no connection: an attempt failed, or a connection ended. */
export interface Ending {
  /**
   * What failed: a function of the options ('prepare'), the opening handshake ('connect'), the function
   * `resume`, or the open 'connection'.
   */
  readonly during: 'prepare' | 'connect' | 'resume' | 'connection';
  /** The error: what a function threw, a HandshakeError, an error of the network or of TLS, a CloseError. */
  readonly error: Error;
  /** How the connection ended, if there was one. */
  readonly closeInfo?: CloseInfo | undefined;
}

/** The longest delay that a server can ask for, in milliseconds. */
export const MAX_RETRY_AFTER = 5 * 60_000;

/** The verdict without the option `classify`. */
export function judge(_ending: Ending): Verdict {
  return 'retry';
}
