/** The promises and iterators of a WebSocket, for programs. They are documented here only. */

import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { CloseInfo } from '../connection/close-info.js';
import type { SendOptions } from './api.js';
import type { BufferLike } from './payload.js';

/** A received message. Text is a string; binary data has the form that `binaryType` selects. */
export type ReceivedMessage<Binary = Buffer> =
  | { readonly data: string; readonly isBinary: false }
  | { readonly data: Binary; readonly isBinary: true };

/** A message that is read from a stream: text is a string; binary data has memory of its own. */
export type ReadChunk = string | Uint8Array<ArrayBuffer>;

/** A message to write to a stream. Its bytes are copied. */
export type WriteChunk = string | ArrayBuffer | ArrayBufferView;

/** The two directions of a WebSocket as web streams. */
export interface MessageStreams {
  /** The received messages. */
  readonly readable: ReadableStream<ReadChunk>;
  /** Sends each chunk as one message. */
  readonly writable: WritableStream<WriteChunk>;
}

/** How messages are iterated. */
export interface MessagesOptions {
  /**
   * With how many waiting messages reading stops, so that TCP stops the peer. It also stops with 256 KiB
   * of them. Default 16.
   */
  highWaterMark?: number | undefined;
  /** With how many waiting messages reading continues. Default: a quarter of `highWaterMark`. */
  lowWaterMark?: number | undefined;
  /** Ends the iteration: it throws an AbortError whose `cause` is the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** The options of `WebSocket.connect` that a client does not have. */
export interface ConnectOptions {
  /**
   * How long connecting may take, in milliseconds, redirects included. 0 means no limit. Default 30 000.
   */
  timeout?: number | undefined;
  /** Aborts connecting: the promise is rejected with an AbortError. See `signalScope`. */
  signal?: AbortSignal | undefined;
  /**
   * What `signal` ends: 'connect' only the opening handshake; 'connection' an open connection too, with a
   * closing handshake (1000). Default 'connect'.
   */
  signalScope?: 'connect' | 'connection' | undefined;
}

/** What a WebSocket has for `await` and `for await`. */
export interface IterationApi {
  /**
   * A promise of `closeInfo`, for the end of the connection. It is never rejected, also if the opening
   * handshake fails.
   */
  readonly closed: Promise<CloseInfo>;

  /**
   * Sends a message as `send` does, and tells when more may be sent: at once while `send` returns true,
   * else when this message was written. So `await` before each next message bounds what waits.
   * @param data as for `send`
   * @param options as for `send`
   * @returns a promise. It is rejected with a WebSocketError with the code WS_ERR_NOT_OPEN,
   * WS_ERR_NOT_SENT (the connection ended before) or WS_ERR_DROPPED, with the error of the socket, or
   * with what `send` throws
   */
  sent(data: BufferLike, options?: SendOptions): Promise<void>;

  /**
   * Returns an iterator of the messages received from now on. Messages wait in order until they are
   * taken; if too many wait, reading stops. The iteration ends after a Close with 1000 or 1001 or
   * without a code, and throws a CloseError after any other end. Leaving the loop ends only the iteration:
   * messages that wait are kept for the next iterator or listener of 'message'. `for await (const
   * message of socket)` gives the data alone: a string for text.
   * @throws WebSocketError with the code WS_ERR_LOCKED while another iterator is in use; TypeError or
   * RangeError for an invalid option
   */
  messages<Binary = Buffer>(
    options?: MessagesOptions,
  ): AsyncIterableIterator<ReceivedMessage<Binary>, undefined>;

  /**
   * As `messages()`, but gives the data alone: a string for text, else a Buffer, or what `binaryType`
   * selects.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<string | Buffer, undefined>;

  /**
   * Returns the messages as web streams, with backpressure: reading stops while 16 messages or 256 KiB
   * wait to be read, and a write waits while `send` returns false. A closing handshake ends `readable`,
   * whatever its code, which `closed` tells; any other end is a CloseError in both streams.
   * `writable.close()`, `writable.abort()` and `readable.cancel()` start the closing handshake.
   * @throws WebSocketError with the code WS_ERR_LOCKED while an iterator or other streams are in use, and
   * WS_ERR_NOT_OPEN while connecting; TypeError if `binaryType` is 'blob'
   */
  toStream(): MessageStreams;
}
