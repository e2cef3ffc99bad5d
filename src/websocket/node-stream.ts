/** A WebSocket as a Duplex stream. */

import { Duplex, type DuplexOptions } from 'node:stream';
import { time } from '../connection/time.js';
import type { RawData } from './payload.js';

/** The members of a WebSocket that a stream uses. Programs also pass other objects with them. */
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
  send(data: Buffer | string, callback: Callback): unknown;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
}

type Callback = (error?: Error | null) => void;

/**
 * Returns a Duplex over a WebSocket. Each write is a message: a binary one, or text for strings with
 * `decodeStrings: false`. Reading gives the bytes of the messages; with `readableObjectMode: true` it
 * gives each message, text as a string.
 *
 * A full read buffer pauses the WebSocket. The callback of a write is called when its message was
 * written. `end()` starts the closing handshake after all writes; 'finish' is emitted when the
 * connection is closed. `destroy()` terminates the WebSocket. An error of the WebSocket destroys the
 * stream. 'close' is always the last event, after 'close' of the WebSocket.
 * @param ws open or connecting; while it is connecting, writes wait
 * @param options of the Duplex; `autoDestroy`, `emitClose`, `objectMode` and `writableObjectMode` have
 * no effect
 */
export function createWebSocketStream(ws: StreamSource, options?: DuplexOptions): Duplex {
  return new StreamAdapter(ws, options).duplex;
}

/** Implements a Duplex with a WebSocket. */
class StreamAdapter {
  readonly duplex: Duplex;
  private readonly ws: StreamSource;
  /** The WebSocket had an error. Its connection closes without `terminate`. */
  private hasFailed = false;
  /** Completes `final`. Called when the connection is closed. */
  private finalCallback: Callback | undefined;
  /** Completes `destroy`. */
  private destroyCallback: ((cause: Error | null) => void) | undefined;

  constructor(ws: StreamSource, options: DuplexOptions | undefined) {
    this.ws = ws;
    this.duplex = new Duplex({
      ...options,
      autoDestroy: false,
      emitClose: false,
      objectMode: false,
      writableObjectMode: false,
      read: () => this.read(),
      write: (chunk: Buffer | string, _encoding, callback) => this.write(chunk, callback),
      final: (callback) => this.final(callback),
      destroy: (error, callback) => this.destroy(error, callback),
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
    this.hasFailed = true;
    if (this.duplex.destroyed) this.destroyCallback?.(error);
    else this.duplex.destroy(error);
  }

  private onClose(): void {
    if (this.duplex.destroyed) {
      this.completeDestroy();
      return;
    }
    this.finalCallback?.();
    this.duplex.push(null);
  }

  private read(): void {
    if (this.ws.isPaused) this.ws.resume();
  }

  private write(chunk: Buffer | string, callback: Callback): void {
    this.whenConnected(() => this.ws.send(chunk, callback));
  }

  private final(callback: Callback): void {
    this.whenConnected(() => {
      const { ws } = this;
      this.finalCallback = callback;
      if (ws.readyState === ws.CLOSED) this.finalizeClosed();
      else ws.close();
    });
  }

  /** Completes `final` of a stream whose WebSocket is already closed. */
  private finalizeClosed(): void {
    this.finalCallback?.();
    if (this.duplex.readableEnded) this.duplex.destroy();
  }

  /** Calls `onSettled` when the opening handshake has succeeded or failed. */
  private whenConnected(onSettled: () => void): void {
    const { ws } = this;
    if (ws.readyState !== ws.CONNECTING) {
      onSettled();
      return;
    }
    const proceed = (): void => {
      ws.removeListener('open', proceed);
      ws.removeListener('close', proceed);
      onSettled();
    };
    ws.on('open', proceed);
    ws.on('close', proceed);
  }

  private destroy(error: Error | null, callback: Callback): void {
    const { ws } = this;
    this.destroyCallback = (cause) => {
      this.destroyCallback = undefined;
      callback(error ?? cause);
    };
    if (ws.readyState === ws.CLOSED) this.completeDestroy();
    else if (!this.hasFailed) ws.terminate();
  }

  /** Both the WebSocket and the Duplex have ended. */
  private completeDestroy(): void {
    this.destroyCallback?.(null);
    time.nextTick(() => this.duplex.emit('close'));
  }

  /** The readable side has ended. If the writable side has too, the stream is destroyed. */
  private onEnd(): void {
    if (!this.duplex.destroyed && this.duplex.writableFinished) this.duplex.destroy();
  }

  // Without `autoDestroy` an error of the Duplex itself, such as a write after end(), is only emitted.
  // If this is the only listener, the error is thrown, as it would be without this listener.
  private onStreamError(error: Error): void {
    this.duplex.destroy();
    if (this.duplex.listenerCount('error') === 1) throw error;
  }
}
