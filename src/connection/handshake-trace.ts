/** Publishes an opening handshake as a tracing channel of Node. */

import { toError } from './callbacks.js';
import { channels, type HandshakeDiagnostic } from './channels.js';

/** What is known at the end. */
type Outcome = Pick<
  HandshakeDiagnostic,
  'verdict' | 'status' | 'reason' | 'error' | 'websocket' | 'url'
>;

/** An opening handshake that somebody follows. */
export class HandshakeTrace {
  private readonly context: HandshakeDiagnostic;
  private isSettled = false;

  constructor(context: HandshakeDiagnostic) {
    this.context = context;
  }

  /** Runs the first, synchronous part: 'start', then 'end'. Stores that are bound to 'start' apply. */
  run(step: () => void): void {
    const { start, end } = channels.handshake;
    start.runStores(this.context, () => {
      try {
        step();
      } catch (error) {
        this.settle({ verdict: 'failed', error: toError(error) });
        throw error;
      } finally {
        end.publish(this.context);
      }
    });
  }

  /** There is a verdict: 'error' if it has one, 'asyncStart', the step, 'asyncEnd'. Only the first counts. */
  settle({ error, ...outcome }: Outcome, step: () => void = () => {}): void {
    if (this.isSettled) {
      step();
      return;
    }
    this.isSettled = true;
    const { context } = this;
    const { asyncStart, asyncEnd, error: errors } = channels.handshake;
    Object.assign(context, outcome, error && { error });
    if (error !== undefined) errors.publish(context);
    asyncStart.runStores(context, () => {
      try {
        step();
      } finally {
        asyncEnd.publish(context);
      }
    });
  }
}

/** @returns undefined if nobody follows opening handshakes */
export function followHandshake(describe: () => HandshakeDiagnostic): HandshakeTrace | undefined {
  // `TracingChannel.hasSubscribers` is not in every version of Node 20.
  const { start, end, asyncStart, asyncEnd, error } = channels.handshake;
  const isFollowed =
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers ||
    asyncStart.hasSubscribers ||
    end.hasSubscribers;
  return isFollowed ? new HandshakeTrace(describe()) : undefined;
}
