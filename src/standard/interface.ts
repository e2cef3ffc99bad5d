/**
 * WHATWG WebSockets §3: the interface WebSocket. The types fit those of TypeScript's library `dom`, and
 * do not need it.
 */

import type { Blob } from 'node:buffer';
import type { CloseEvent } from './close-event.js';
import type { FailureEvent } from './events.js';
import type { WebSocketInit } from './options.js';

/** A received message, as listeners of 'message' get it. */
// biome-ignore lint/suspicious/noExplicitAny: the type of `dom` has this default
export interface MessageEvent<Data = any> extends Event {
  /** A string for text; for binary data a Blob or an ArrayBuffer, as `binaryType` says. RFC 6455 §5.6. */
  readonly data: Data;
  /** The origin of the URL, such as "ws://localhost:8080". */
  readonly origin: string;
  /** Always ''. */
  readonly lastEventId: string;
  /** Always null. */
  // biome-ignore lint/suspicious/noExplicitAny: the type of `dom` names objects of browsers
  readonly source: any;
  /** Always empty. */
  // biome-ignore lint/suspicious/noExplicitAny: the type of `dom` names objects of browsers
  readonly ports: readonly any[];
  /** @deprecated Use the constructor of MessageEvent. */
  initMessageEvent(type: string): void;
}

/** The events, by type. */
export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  close: CloseEvent;
  error: FailureEvent;
}

type Handler<Type extends keyof WebSocketEventMap> =
  // biome-ignore lint/suspicious/noExplicitAny: as `dom` has it; the result is ignored
  ((event: WebSocketEventMap[Type]) => any) | null;

// biome-ignore lint/suspicious/noExplicitAny: as `dom` has it
type AnyListener = ((event: Event) => any) | { handleEvent(event: Event): any };

/** The options of `addEventListener`. */
interface ListenerOptions {
  capture?: boolean;
  once?: boolean;
  passive?: boolean;
  signal?: AbortSignal;
}

/** The constants, on the class and on its objects. */
interface States {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

/** An EventTarget that knows the types of its events. */
interface TypedTarget extends EventTarget {
  addEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    // biome-ignore lint/suspicious/noExplicitAny: as `dom` has it
    listener: (this: WebSocket, event: WebSocketEventMap[Type]) => any,
    options?: boolean | ListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: AnyListener | null,
    options?: boolean | ListenerOptions,
  ): void;
  removeEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    // biome-ignore lint/suspicious/noExplicitAny: as `dom` has it
    listener: (this: WebSocket, event: WebSocketEventMap[Type]) => any,
    options?: boolean | { capture?: boolean },
  ): void;
  removeEventListener(
    type: string,
    listener: AnyListener | null,
    options?: boolean | { capture?: boolean },
  ): void;
}

/** A WebSocket, as browsers have it. */
export interface WebSocket extends TypedTarget, States {
  /** The URL, serialised; its scheme is ws: or wss:. */
  readonly url: string;
  /** The state: `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  readonly readyState: 0 | 1 | 2 | 3;
  /**
   * The payload bytes given to `send` that the operating system did not take yet. It only grows when the
   * connection is closing or closed.
   */
  readonly bufferedAmount: number;
  /** The field Sec-WebSocket-Extensions of the response, or ''. RFC 6455 §9.1. */
  readonly extensions: string;
  /** The subprotocol that the server chose, or ''. RFC 6455 §1.9. */
  readonly protocol: string;
  /** The form of received binary messages. Default 'blob'. Another value is ignored. */
  binaryType: 'blob' | 'arraybuffer';
  /** Listener of 'open': the opening handshake is complete. */
  onopen: Handler<'open'>;
  /** Listener of 'message'. */
  onmessage: Handler<'message'>;
  /** Listener of 'close', the last event. Every WebSocket emits it once. */
  onclose: Handler<'close'>;
  /** Listener of 'error': the connection failed. 'close' follows. Without a listener nothing happens. */
  onerror: Handler<'error'>;
  /**
   * Sends a message: text for a string, else binary. RFC 6455 §5.6. When the connection is closing or
   * closed nothing is sent.
   * @throws DOMException InvalidStateError in the state `CONNECTING`; TypeError for shared memory, and
   * for an ArrayBuffer that can be resized
   */
  send(
    data:
      | string
      | ArrayBuffer
      | ArrayBufferView
      | SharedArrayBuffer
      | Blob
      // If the types of browsers are loaded, their Blob is another type than Node's.
      | InstanceType<typeof globalThis.Blob>,
  ): void;
  /**
   * Starts the closing handshake; in the state `CONNECTING`, fails the connection. RFC 6455 §7.1.2.
   * @param code 1000, or from 3000 to 4999. Default: a Close without a code; with a reason 1000
   * @param reason at most 123 bytes in UTF-8
   * @throws DOMException InvalidAccessError for another code; SyntaxError for a longer reason
   */
  close(code?: number, reason?: string): void;
}

/** The class WebSocket. */
export interface WebSocketConstructor extends States {
  readonly prototype: WebSocket;
  /**
   * Starts the opening handshake with a server. A failure is an 'error' and a 'close'.
   * @param url absolute; its scheme is ws:, wss:, http: or https:
   * @param protocols the subprotocols to request, or options, which browsers do not have
   * @throws DOMException SyntaxError for a URL or a subprotocol that is not valid; TypeError or
   * RangeError for an option
   */
  new (
    url: string | URL,
    protocols?: string | Iterable<string> | WebSocketInit<WebSocket>,
  ): WebSocket;
}
