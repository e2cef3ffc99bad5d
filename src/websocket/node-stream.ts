/** A WebSocket as a Duplex of Node's: one write is one message. */

import { Duplex, type DuplexOptions } from 'node:stream';
import { time } from '../connection/time.js';
import type { RawData } from './payload.js';

/** What a stream needs of a WebSocket. Stand-ins of programs have it too. */
export interface StreamSource {
  readonly CONNECTING: 0;
  readonly CLOSED: 3;
  readonly readyState: number;
  readonly isPaused: boolean;
  on(event: 'message', listener: (data: RawData, isBinary: boolean) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'open' | 'close', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  removeListener(event: 'open' | 'close', listener: () => void): unknown;
  send(data: Buffer | string, callback: Done): unknown;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
}

type Done = (error?: Error | null) => void;

/**
 * Makes a Duplex over a WebSocket. Each write is a message: a binary one, or text for strings with
 * `decodeStrings: false`. What is read are the bytes of the messages; with
 * `readableObjectMode: true` each message by itself, text as a string.
 *
 * A reader that is full pauses the WebSocket, and a write is done when its message left. `end()`
 * starts the closing handshake behind everything written; 'finish' comes when the connection is
 * closed. `destroy()` terminates the WebSocket. An error of the WebSocket destroys the stream with
 * it. 'close' is always the last event, and comes behind that of the WebSocket.
 * @param ws open or connecting: until it is open, writes wait
 * @param options for the Duplex; `autoDestroy`, `emitClose`, `objectMode` and `writableObjectMode`
 * are always off
 */
export function createWebSocketStream(ws: StreamSource, options?: DuplexOptions): Duplex {
  return new Bridge(ws, options).duplex;
}

/** Carries messages, errors and the end from a WebSocket to its Duplex and back. */
class Bridge {
  readonly duplex: Duplex;
  private readonly ws: StreamSource;
  /** The WebSocket had an error: it closes by itself, and its Close may still have to leave. */
  private failed = false;
  /** Tells the Duplex, once, that everything was written and the connection is closed. */
  private finish: Done | undefined;
  /** Tells the Duplex, once, that it is destroyed. */
  private settle: ((cause: Error | null) => void) | undefined;

  constructor(ws: StreamSource, options: DuplexOptions | undefined) {
    this.ws = ws;
    this.duplex = new Duplex({
      ...options,
      autoDestroy: false,
      emitClose: false,
      objectMode: false,
      writableObjectMode: false,
      read: () => this.read(),
      write: (chunk: Buffer | string, _encoding, done) => this.write(chunk, done),
      final: (done) => this.final(done),
      destroy: (error, done) => this.destroy(error, done),
    });
    this.duplex.on('end', () => this.onEnd());
    this.duplex.on('error', (error) => this.onStreamError(error));
    if (ws.readyState === ws.CLOSED) this.duplex.push(null);
    ws.on('message', (data, isBinary) => this.onMessage(data, isBinary));
    ws.on('error', (error) => this.onError(error));
    ws.once('close', () => this.onClose());
  }

  private onMessage(data: RawData, isBinary: boolean): void {
    const { duplex } = this;
    const isText = !isBinary && duplex.readableObjectMode;
    if (!duplex.push(isText ? data.toString() : data)) this.ws.pause();
  }

  private onError(error: Error): void {
    this.failed = true;
    if (this.duplex.destroyed) this.settle?.(error);
    else this.duplex.destroy(error);
  }

  private onClose(): void {
    if (this.duplex.destroyed) {
      this.tellClosed();
      return;
    }
    this.finish?.();
    this.duplex.push(null);
  }

  private read(): void {
    if (this.ws.isPaused) this.ws.resume();
  }

  private write(chunk: Buffer | string, done: Done): void {
    this.whenConnected(() => this.ws.send(chunk, done));
  }

  private final(done: Done): void {
    this.whenConnected(() => {
      const { ws } = this;
      this.finish = done;
      if (ws.readyState === ws.CLOSED) this.finishClosed();
      else ws.close();
    });
  }

  /** The program ends a stream whose WebSocket is closed already. */
  private finishClosed(): void {
    this.finish?.();
    if (this.duplex.readableEnded) this.duplex.destroy();
  }

  /** Calls `then` when the opening handshake is over, whichever way it ended. */
  private whenConnected(then: () => void): void {
    const { ws } = this;
    if (ws.readyState !== ws.CONNECTING) {
      then();
      return;
    }
    const go = (): void => {
      ws.removeListener('open', go);
      ws.removeListener('close', go);
      then();
    };
    ws.on('open', go);
    ws.on('close', go);
  }

  private destroy(error: Error | null, done: Done): void {
    const { ws } = this;
    this.settle = (cause) => {
      this.settle = undefined;
      done(error ?? cause);
    };
    if (ws.readyState === ws.CLOSED) this.tellClosed();
    else if (!this.failed) ws.terminate();
  }

  /** Both are over, the WebSocket and the Duplex. */
  private tellClosed(): void {
    this.settle?.(null);
    time.nextTick(() => this.duplex.emit('close'));
  }

  /** Nothing more is read; if nothing more is written either, it is over. */
  private onEnd(): void {
    if (!this.duplex.destroyed && this.duplex.writableFinished) this.duplex.destroy();
  }

  // Without `autoDestroy` Node only emits what goes wrong inside of the Duplex, as a write after
  // its end does. This listener must not make such an error pass unseen.
  private onStreamError(error: Error): void {
    this.duplex.destroy();
    if (this.duplex.listenerCount('error') === 1) throw error;
  }
}
