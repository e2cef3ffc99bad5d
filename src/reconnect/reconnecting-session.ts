/** One ReconnectingWebSocket: its connections, its buffer, its events. */

import { type Blob, Buffer } from 'node:buffer';
import { toError } from '../connection/callbacks.js';
import type { CloseInfo } from '../connection/close-info.js';
import { type Close, CloseCode } from '../protocol/close.js';
import { closeEvent, errorEvent, messageEvent, openEvent } from '../standard/events.js';
import { type ReadyState, STATES } from '../standard/session.js';
import { CloseError } from '../websocket/close-error.js';
import type { Delivered } from '../websocket/inbox.js';
import { byteLengthOf } from '../websocket/payload.js';
import { WebSocket } from '../websocket/websocket.js';
import { openSocket, type SocketClass } from './open-socket.js';
import type { PerAttempt, ReconnectOptions, Settings } from './options.js';
import type { Plan } from './prepare.js';
import { Reconnector } from './reconnector.js';
import {
  createSendBuffer,
  type Payload,
  type SendBuffer,
  type SendBufferOptions,
} from './send-buffer.js';
import { type UnsentApi, withUnsent } from './unsent.js';
import type { Ending } from './verdict.js';

const { CONNECTING, OPEN, CLOSING, CLOSED } = STATES;

export type Options = ReconnectOptions<WebSocket> & {
  buffer?: SendBufferOptions | undefined;
  WebSocket?: SocketClass | undefined;
};

type Reconnected = WebSocket & UnsentApi;

const { dispatchEvent } = EventTarget.prototype;

/** Uses one connection after the other. */
export class ReconnectingSession {
  url: string;
  private readonly owner: EventTarget;
  private readonly reconnector: Reconnector<Reconnected>;
  private readonly buffer: SendBuffer | undefined;
  private readonly signal: AbortSignal | undefined;
  private type: 'blob' | 'arraybuffer' = 'blob';
  private phase: 'RUNNING' | 'ENDING' | 'ENDED' = 'RUNNING';
  /** The connection that is resumed or open. */
  private latest: WebSocket | undefined;
  /** The connection between its 'open' and its 'close'. */
  private socket: Reconnected | undefined;
  private origin = '';
  /** What the last connection did not send. */
  private lost: Payload[] = [];
  /** Bytes given to `send` after `close()`. */
  private discardedLength = 0;

  /** @throws TypeError or RangeError for an option */
  constructor(owner: EventTarget, url: PerAttempt<string | URL>, options: Options) {
    const { WebSocket: Class = WebSocket, buffer, ...rest } = options;
    const Reconnected = withUnsent(Class);
    const connect = async (plan: Plan, settings: Settings, signal: AbortSignal) => {
      this.url = String(plan.url);
      const socket = await openSocket(Reconnected, plan, settings, signal);
      this.latest = socket;
      return socket as Reconnected;
    };
    this.owner = owner;
    this.url = typeof url === 'function' ? '' : String(url);
    this.buffer = createSendBuffer(buffer);
    this.signal = rest.signal;
    this.reconnector = new Reconnector<Reconnected>(url, rest as never, connect, (ending) =>
      this.onRetry(ending),
    );
  }

  get readyState(): ReadyState {
    if (this.phase === 'ENDED') return CLOSED;
    if (this.isEnding) return CLOSING;
    return this.openSocket === undefined ? CONNECTING : OPEN;
  }

  get bufferedAmount(): number {
    const { buffer, discardedLength, socket } = this;
    return (socket?.bufferedAmount ?? 0) + (buffer?.bytes ?? 0) + discardedLength;
  }

  get subprotocol(): string {
    return this.socket?.protocol ?? '';
  }

  get extensions(): string {
    return this.socket?.extensions ?? '';
  }

  get binaryType(): 'blob' | 'arraybuffer' {
    return this.type;
  }

  set binaryType(type: 'blob' | 'arraybuffer') {
    this.type = type;
    if (this.socket !== undefined) this.socket.binaryType = type as never; // its types lack Blob
  }

  /** Makes connections until the end. It is never rejected. */
  async run(): Promise<void> {
    try {
      for (let socket = await this.next(); socket !== undefined; socket = await this.next()) {
        this.open(socket);
        await socket.closed;
      }
      this.end(undefined);
    } catch (error) {
      void this.reconnector.end(); // of a connection on which the buffer could not be sent
      this.end(this.signal?.aborted ? undefined : toError(error));
    }
  }

  /** @throws DOMException InvalidStateError without a connection and a buffer, QuotaExceededError */
  send(given: string | Buffer | Blob): void {
    if (this.isEnding) {
      this.discardedLength += byteLengthOf(given);
      return;
    }
    const { buffer, openSocket: socket } = this;
    // The program may change its memory: a copy keeps the bytes of this moment, for the transport and for `unsent`.
    const payload = given instanceof Uint8Array ? Buffer.from(given) : given;
    if (socket !== undefined) socket.send(payload);
    else if (buffer === undefined) throw notConnectedError();
    else {
      for (const dropped of buffer.push(payload)) {
        this.dispatch(overflowEvent(dropped));
      }
    }
  }

  /** Ends everything. */
  close({ code, reason }: Close): void {
    if (this.isEnding) return;
    this.phase = 'ENDING';
    // A Close without a code has no reason.
    if (code === CloseCode.NO_STATUS) this.latest?.close();
    else this.latest?.close(code, reason);
    void this.reconnector.end();
  }

  unsent(): Payload[] {
    return [...this.lost, ...(this.buffer?.list() ?? [])];
  }

  private get isEnding(): boolean {
    return this.phase !== 'RUNNING' || this.signal?.aborted === true;
  }

  /** The connection, if messages can be sent on it. */
  private get openSocket(): Reconnected | undefined {
    return this.socket?.readyState === OPEN ? this.socket : undefined;
  }

  private next(): Promise<Reconnected | undefined> {
    return this.reconnector.next();
  }

  private open(socket: Reconnected): void {
    this.socket = socket;
    this.origin = new URL(socket.url).origin;
    this.binaryType = this.type;
    this.flush();
    if (!this.isEnding) this.dispatch(openEvent());
    // What arrived since the opening handshake is held until there is this listener.
    socket.on('message', (data: Delivered, isBinary: boolean) => this.onMessage(data, isBinary));
  }

  private flush(): void {
    const { buffer } = this;
    if (buffer === undefined || this.isEnding) return;
    for (let socket = this.openSocket; socket !== undefined; socket = this.openSocket) {
      const message = buffer.shift();
      if (message === undefined) return;
      socket.send(message);
    }
  }

  private onMessage(data: Delivered, isBinary: boolean): void {
    // As in browsers: a message that comes after `close()` is dropped.
    if (this.isEnding) return;
    this.dispatch(messageEvent(isBinary ? data : String(data), this.origin));
  }

  /** An attempt or a connection has ended, and another attempt follows. */
  private onRetry({ during, error, closeInfo }: Ending): void {
    this.latest = undefined;
    if (during === 'connection' && closeInfo !== undefined) this.tellClosed(closeInfo, undefined);
    else this.dispatch(errorEvent(error));
  }

  /** No attempt follows. @param error why, if it is a failure */
  private end(error: Error | undefined): void {
    this.phase = 'ENDED';
    this.latest = undefined;
    const info = this.socket?.closeInfo;
    if (info !== undefined) {
      this.tellClosed(info, error instanceof CloseError ? undefined : error);
      return;
    }
    if (error !== undefined) this.dispatch(errorEvent(error));
    this.dispatch(closeEvent(CloseCode.ABNORMAL, '', false));
  }

  /** The connection that was open has ended. The events are those of the web's WebSocket. */
  private tellClosed(info: CloseInfo, error: Error | undefined): void {
    this.lost = this.socket?.unsent().map(({ data }) => data as Payload) ?? [];
    this.socket = undefined;
    const { received, wasClean } = info;
    // A connection that ends without a Close has failed, as in browsers.
    const isLost = received === undefined;
    const failure = error ?? info.error ?? (isLost ? new CloseError(info) : undefined);
    if (failure !== undefined) this.dispatch(errorEvent(failure));
    const { code, reason } = received ?? { code: CloseCode.ABNORMAL, reason: '' };
    this.dispatch(closeEvent(code, reason, wasClean && info.error === undefined));
  }

  private dispatch(event: Event): void {
    dispatchEvent.call(this.owner, event);
  }
}

function overflowEvent(data: Payload): Event {
  return new MessageEvent('overflow', { data });
}

function notConnectedError(): DOMException {
  return new DOMException(
    'The WebSocket is not open: readyState 0 (CONNECTING). The option buffer keeps such messages',
    'InvalidStateError',
  );
}
