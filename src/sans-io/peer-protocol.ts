/** RFC 6455 §5 to §7 without a socket and without a clock: bytes in, events and bytes out. */

import { Buffer } from 'node:buffer';
import {
  checkConnectionOptions,
  checkFunctions,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { DEFAULTS, endpointOptions } from '../connection/options.js';
import {
  type Close,
  CloseCode,
  type ClosingState,
  isCloseCode,
  MAX_CLOSE_REASON,
} from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { Extension } from '../protocol/extension.js';
import { Opcode } from '../protocol/frame.js';
import { checkControlLength } from '../protocol/frame-rules.js';
import type { FillMask } from '../protocol/mask.js';
import type { Role } from '../protocol/receiver.js';
import { Collector } from './collector.js';
import type { ProtocolEvent } from './protocol-events.js';
import { copyOf, viewOf } from './to-bytes.js';

/** The options of {@link ServerProtocol} and {@link ClientProtocol}. */
export interface ProtocolOptions {
  /** The extension of this connection, from its opening handshake. Default: none. */
  readonly extension?: Extension | undefined;
  /** The longest message to receive, in bytes after decompression; 0 = no limit. Default 100 MiB. */
  readonly maxPayload?: number | undefined;
  /** The most frames that a received message may have; 0 = no limit. Default 131,072. */
  readonly maxFragments?: number | undefined;
  /** Whether each Ping is answered by a Pong. Default true. RFC 6455 §5.5.2. */
  readonly autoPong?: boolean | undefined;
  /** The time for the closing handshake, in milliseconds, for 'timer' events. Default 30,000. */
  readonly closeTimeout?: number | undefined;
  /**
   * Called when there may be events or bytes although no method was called. That happens with
   * permessage-deflate only: large messages are inflated and compressed in the thread pool of zlib.
   */
  readonly onReady?: (() => void) | undefined;
}

/** The options of {@link ClientProtocol}. */
export interface ClientProtocolOptions extends ProtocolOptions {
  /** Fills the masking key of a frame. Default: random bytes. RFC 6455 §5.3. */
  readonly generateMask?: FillMask | undefined;
}

/** How {@link ServerProtocol} and {@link ClientProtocol} send a message. */
export interface MessageOptions {
  /** Whether it is binary, not text. Default: if the data is not a string. */
  readonly binary?: boolean | undefined;
  /** Whether this is the last fragment of the message. Default true. RFC 6455 §5.4. */
  readonly fin?: boolean | undefined;
  /** Whether the extension may compress the message; its first fragment decides. Default true. */
  readonly compress?: boolean | undefined;
}

const SERVER_OPTIONS = [
  'extension',
  'maxPayload',
  'maxFragments',
  'autoPong',
  'closeTimeout',
  'onReady',
];
const CLIENT_OPTIONS = [...SERVER_OPTIONS, 'generateMask'];

/** One end of an open connection. */
abstract class PeerProtocol {
  private readonly collector: Collector;

  protected constructor(role: Role, options: ClientProtocolOptions) {
    const { maxPayload = DEFAULTS.maxPayload, maxFragments = DEFAULTS.maxFragments } = options;
    const { extension, generateMask, autoPong, closeTimeout, onReady } = options;
    const limits = { maxPayload, maxFragments };
    checkConnectionOptions({ ...limits, closeTimeout });
    checkFunctions(options, ['onReady', 'generateMask']);
    const known = role === 'server' ? SERVER_OPTIONS : CLIENT_OPTIONS;
    warnOfUnknownOptions(options, known, `the ${role}'s protocol`);
    const socketOptions = { ...limits, generateMask };
    const all = endpointOptions(role, socketOptions, { autoPong, closeTimeout }, extension);
    this.collector = new Collector(all, onReady);
  }

  /** The state of the closing handshake: 'OPEN' until it begins. docs/closing.md has the table. */
  get state(): ClosingState {
    return this.collector.endpoint.state;
  }

  /**
   * Takes bytes that were received from the wire, wherever they are cut. They are copied. Bytes after
   * the Close of the peer, after a failure and after `end()` are ignored.
   */
  receive(bytes: Uint8Array): void {
    this.collector.receive(Buffer.from(viewOf(bytes)));
  }

  /** Returns what has happened since the last call of this method, in order. */
  events(): ProtocolEvent[] {
    return this.collector.takeEvents();
  }

  /** Returns the bytes to write to the wire since the last call of this method; empty for none. */
  bytesToSend(): Buffer {
    return this.collector.takeBytes();
  }

  /**
   * Sends a message or, with `fin`, its fragments one by one. RFC 6455 §6.1.
   * @param data a string is sent as text; bytes are copied
   * @returns false if nothing is sent: a Close was sent, or the wire is closed
   * @throws TypeError for other data
   */
  send(data: Uint8Array | string, options: MessageOptions = {}): boolean {
    const { binary = typeof data !== 'string', fin = true, compress = true } = options;
    const payload = copyOf(data);
    return this.call(({ sender }) => sender.sendMessage(payload, binary, fin, compress, undefined));
  }

  /**
   * Sends a Ping. RFC 6455 §5.5.2.
   * @returns false as `send` does
   * @throws RangeError for a payload of more than 125 bytes
   */
  ping(payload: Uint8Array | string = ''): boolean {
    return this.sendControl(Opcode.PING, payload);
  }

  /** Sends a Pong that answers no Ping, otherwise as `ping`. RFC 6455 §5.5.3. */
  pong(payload: Uint8Array | string = ''): boolean {
    return this.sendControl(Opcode.PONG, payload);
  }

  /**
   * Begins the closing handshake. RFC 6455 §7.1.2.
   * @param code 1000 to 1014 where RFC 6455 §7.4.1 allows it, or 3000 to 4999. Default: a Close without code
   * @param reason at most 123 bytes as UTF-8
   * @returns false if it has begun before
   * @throws RangeError for another code, for a longer reason, and for a reason without code
   */
  close(code?: number, reason = ''): boolean {
    const close = toClose(code, reason);
    return this.call((endpoint) => {
      const isOpen = endpoint.state === 'OPEN';
      endpoint.startClosingHandshake(close);
      return isOpen;
    });
  }

  /** The peer has ended its direction of the wire: no bytes will be received any more. */
  end(): void {
    this.collector.wireEnded();
  }

  /** The wire is closed in both directions. The event 'close' follows. */
  closed(): void {
    this.collector.wireClosed();
  }

  /** The timer of the last 'timer' event has expired. */
  timeout(): void {
    this.collector.timedOut();
  }

  private sendControl(opcode: number, payload: Uint8Array | string): boolean {
    const bytes = copyOf(payload);
    checkControlLength(bytes.length);
    return this.call(({ sender }) => {
      if (sender.isClosed) return false;
      sender.sendControl(opcode, bytes, undefined);
      return true;
    });
  }

  private call(action: (endpoint: Endpoint) => boolean): boolean {
    let result = false;
    this.collector.run((endpoint) => {
      result = action(endpoint);
    });
    return result;
  }
}

/** The server's end of an open connection. RFC 6455 §5 to §7, without I/O. */
export class ServerProtocol extends PeerProtocol {
  /** @throws TypeError or RangeError for a wrong option */
  constructor(options: ProtocolOptions = {}) {
    super('server', options);
  }
}

/** The client's end of an open connection: as {@link ServerProtocol}, but it masks its frames. */
export class ClientProtocol extends PeerProtocol {
  /** See {@link ServerProtocol}. */
  constructor(options: ClientProtocolOptions = {}) {
    super('client', options);
  }
}

// RFC 6455 §5.5.1: a Close is empty, or has a code; only behind that it may have a reason.
function toClose(code: number | undefined, reason: string): Close {
  const bytes = copyOf(reason);
  if (code === undefined) {
    if (bytes.length === 0) return { code: CloseCode.NO_STATUS, reason: bytes };
    throw new RangeError('A Close has no reason without a code: use 1000 for a normal closure');
  }
  if (!isCloseCode(code)) {
    throw new RangeError(
      'A Close has a code that RFC 6455 §7.4.1 lets an endpoint send, such as 1000, or one from ' +
        `3000 to 4999: ${describeValue(code)} was given`,
    );
  }
  if (bytes.length <= MAX_CLOSE_REASON) return { code, reason: bytes };
  throw new RangeError(
    `A close reason has at most ${MAX_CLOSE_REASON} bytes as UTF-8: ${bytes.length} were given`,
  );
}
