/** The connection of `ws6455 connect`, and the exit code that it leads to. */

import type { Buffer } from 'node:buffer';
import { type Timer, time } from '../connection/time.js';
import WebSocket, { type ClientOptions } from '../index.js';
import { CloseCode } from '../protocol/close.js';
import { Exit, Failure, UsageError } from './exit.js';
import { explain } from './explain.js';

/** What a connection tells the display. */
export interface SessionListener {
  onMessage(data: Buffer, isBinary: boolean): void;
  onControl(type: 'ping' | 'pong', payload: Buffer): void;
  onClose(code: number, reason: string): void;
}

/** How long the answer to the last Ping may take, in milliseconds. */
const PING_TIMEOUT = 5_000;

/** The close codes with which a server ends a connection normally. */
const NORMAL_CODES: readonly number[] = [
  CloseCode.NORMAL,
  CloseCode.GOING_AWAY,
  CloseCode.NO_STATUS,
];

/** One connection. */
export class ClientSession {
  readonly url: string;
  readonly socket: InstanceType<typeof WebSocket>;
  /** Rejected with a Failure if the connection cannot be made. */
  readonly opened: Promise<void>;
  /** The exit code; rejected with a Failure if the connection failed. */
  readonly closed: Promise<number>;
  private readonly signal: AbortSignal;
  /** Why the connection failed. */
  private error: Error | undefined;
  /** Why this program ended it. */
  private failure: Failure | undefined;
  private onActivity: (() => void) | undefined;

  constructor(
    url: string,
    subprotocols: string[],
    options: ClientOptions,
    listener: SessionListener,
    signal: AbortSignal,
  ) {
    this.url = url;
    this.signal = signal;
    this.socket = create(url, subprotocols, options);
    const { socket } = this;
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('message', (data: Buffer, isBinary) => {
      this.onActivity?.();
      listener.onMessage(data, isBinary);
    });
    socket.on('ping', (payload: Buffer) => listener.onControl('ping', payload));
    socket.on('pong', (payload: Buffer) => listener.onControl('pong', payload));
    this.opened = this.waitForOpen();
    this.closed = this.waitForClose(listener);
    this.closed.catch(() => {}); // it is awaited after `opened`
    signal.addEventListener('abort', () => this.stop(), { once: true });
    if (signal.aborted) this.stop();
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Sends a message. @returns resolves when it is written, or cannot be written any more */
  send(data: string | Buffer, options: { binary: boolean; fin?: boolean }): Promise<void> {
    return new Promise((resolve) => this.socket.send(data, options, () => resolve()));
  }

  /**
   * Closes the connection when the server has received all, and no message has come for this time.
   * @param quiet in milliseconds
   */
  async closeWhenQuiet(quiet: number): Promise<void> {
    if (quiet > 0) {
      // A Pong answers the Ping behind the last message. Without one the time alone decides.
      await this.socket.measureRoundTrip({ timeout: PING_TIMEOUT }).catch(() => {});
      await this.waitForQuiet(quiet);
    }
    this.socket.close(CloseCode.NORMAL);
  }

  /** Closes the connection; `closed` is rejected with this. */
  fail(failure: Failure): void {
    this.failure = failure;
    this.socket.close(CloseCode.NORMAL);
  }

  private waitForQuiet(quiet: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer = time.setTimeout(resolve, quiet);
      this.onActivity = () => {
        time.clearTimeout(timer);
        timer = time.setTimeout(resolve, quiet);
      };
      this.socket.once('close', () => time.clearTimeout(timer));
    });
  }

  /** Ctrl-C, or the reader of standard output has gone. */
  private stop(): void {
    const { socket } = this;
    if (!this.isOpen) socket.terminate();
    socket.resume(); // the Close of the server must be read
    socket.close(CloseCode.NORMAL);
  }

  private waitForOpen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('close', () => {
        const why = this.signal.aborted ? 'interrupted' : explain(this.error);
        reject(new Failure(`cannot connect to ${this.url}: ${why}`));
      });
    });
  }

  private waitForClose(listener: SessionListener): Promise<number> {
    return new Promise((resolve, reject) => {
      this.socket.once('close', (code, reason) => {
        if (this.socket.closeInfo?.opened !== undefined) listener.onClose(code, reason.toString());
        const { error, failure } = this;
        if (failure !== undefined) reject(failure);
        else if (error !== undefined)
          reject(new Failure(`the connection failed: ${explain(error)}`));
        else resolve(this.isNormal(code) ? Exit.OK : Exit.FAILED);
      });
    });
  }

  private isNormal(code: number): boolean {
    const { closeInfo } = this.socket;
    return NORMAL_CODES.includes(code) || (closeInfo?.by === 'us' && closeInfo.wasClean);
  }
}

/** @throws UsageError for what the constructor refuses */
function create(url: string, subprotocols: string[], options: ClientOptions) {
  try {
    return new WebSocket(url, subprotocols, options);
  } catch (error) {
    throw new UsageError(explain(error));
  }
}
