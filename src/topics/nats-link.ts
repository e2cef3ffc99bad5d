/** The connection to NATS of a program, as the broker uses it: whether it answers, and how much it holds. */

import { toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import type { NatsClient, NatsMessage, NatsStatus } from './nats-client.js';

/** How often the server is asked whether it is there, in milliseconds. The client itself does so every two minutes. */
const PING_INTERVAL = 5_000;

/** How long it may take to answer, in milliseconds. */
const PONG_TIMEOUT = 3_000;

/** How long a request may take, in milliseconds. */
const REQUEST_TIMEOUT = 5_000;

/** After so many bytes the server is asked whether it has read them. */
const CONFIRM_BYTES = 65_536;

/** The most bytes that the server may not have read: the client would keep any number of them. */
const MAX_UNREAD = 64 << 20;

/** The room for headers in a message. */
const HEADERS = 512;

/** What a link tells its broker. */
export interface LinkOwner {
  onStatus(isUp: boolean, error?: Error): void;
  /** Something is not permitted. @returns whether it is the broker's */
  ownsSubject(subject: string): boolean;
}

/** A connection that belongs to the program: it is used, and never closed. */
export class NatsLink {
  readonly client: NatsClient;
  private readonly owner: LinkOwner;
  private state: 'NEW' | 'UP' | 'DOWN' | 'CLOSED' = 'NEW';
  /** The sum of what was sent since the server was last asked, and what was sent before that. */
  private unasked = 0;
  private asked = 0;
  /** Resolves when the server has answered the flush that is under way. */
  private pong: Promise<void> | undefined;
  private pingTimer: Timer | undefined;
  private pongTimer: Timer | undefined;
  /** `start` has said that the client is closed for good. */
  private isReportedClosed = false;
  private statuses: (AsyncIterable<NatsStatus> & { stop?: () => void }) | undefined;
  /** Rejects what waits for an answer. */
  private readonly waiting = new Set<(error: Error) => void>();

  constructor(client: NatsClient, owner: LinkOwner) {
    this.client = client;
    this.owner = owner;
  }

  /**
   * @returns resolves when the server has answered. A client that is closed for good is an error once; a
   *   later attempt has no end, so that a server that repeats it does not hear the same for ever.
   */
  async start(): Promise<void> {
    if (this.isReportedClosed) return new Promise(() => {});
    this.isReportedClosed = this.client.isClosed();
    this.checkOpen();
    if (this.statuses === undefined) {
      void this.watch();
      this.client.closed().then(
        (error) => this.onClosed(error),
        (error) => this.onClosed(error),
      );
    }
    this.schedulePing();
    await this.confirm();
    if (this.state === 'CLOSED') return;
    this.state = 'UP';
  }

  close(): void {
    this.state = 'CLOSED';
    time.clearTimeout(this.pingTimer);
    time.clearTimeout(this.pongTimer);
    // Without it the iterator of the client would wait for the next status.
    this.statuses?.stop?.();
    this.rejectAll(new Error('The broker is closed'));
  }

  publish(subject: string, data: Uint8Array): void {
    this.reserve(data.length, 0);
    this.client.publish(subject, data);
    this.askAfterMany();
  }

  /** Sends a message and waits for the answer to it. */
  request(subject: string, data: Uint8Array, headers?: object): Promise<NatsMessage> {
    return this.untilDown(() => {
      if (this.state === 'DOWN') throw new Error('The NATS server is not reachable');
      this.reserve(data.length, headers === undefined ? 0 : HEADERS);
      const options = { timeout: REQUEST_TIMEOUT };
      const answer = this.client.request(
        subject,
        data,
        headers === undefined ? options : { ...options, headers },
      );
      this.askAfterMany();
      return answer;
    });
  }

  /** A {@link NatsClient.flush} that does not wait for ever. */
  confirm(): Promise<void> {
    return this.untilDown(() => withTimeout(this.flush()));
  }

  private checkOpen(): void {
    if (!this.client.isClosed()) return;
    throw new Error(
      'The connection to NATS is closed for good. Connect with maxReconnectAttempts: -1, ' +
        'so that the client never gives up',
    );
  }

  /** @throws an error for a message that the server or the memory has no room for */
  private reserve(length: number, headers: number): void {
    this.checkOpen();
    const { max_payload: max = Infinity } = this.client.info ?? {};
    if (length + headers > max) {
      throw new RangeError(
        `A message of ${length} bytes is too long for NATS: max_payload of the server is ${max}` +
          (headers > 0 ? `, of which ${headers} are kept for headers` : ''),
      );
    }
    const unread = this.unasked + this.asked;
    if (unread + length > MAX_UNREAD) {
      throw new Error(`The NATS server has not read ${unread} bytes: a message was not sent`);
    }
    this.unasked += length;
  }

  private askAfterMany(): void {
    if (this.unasked >= CONFIRM_BYTES) this.ping();
  }

  /** Asks the server whether it is there, unless it has not answered yet. */
  private ping(): void {
    if (this.pong === undefined) this.flush().catch(() => {}); // the status says it
  }

  private flush(): Promise<void> {
    const bytes = this.unasked;
    this.unasked -= bytes;
    this.asked += bytes;
    const pong = this.client.flush().finally(() => {
      this.asked -= bytes;
      if (this.pong !== pong) return;
      this.pong = undefined;
      time.clearTimeout(this.pongTimer);
    });
    if (this.pong === undefined) this.expect(pong);
    else pong.catch(() => {});
    return pong;
  }

  /** Waits for one answer at a time: the others come after it. */
  private expect(pong: Promise<void>): void {
    this.pong = pong;
    pong.then(
      () => this.onUp(),
      () => this.onDown(new Error('The connection to NATS is lost')),
    );
    this.pongTimer = after(PONG_TIMEOUT, () => {
      // An answer that has arrived while this process was busy is read first.
      time.setImmediate(() => {
        if (this.pong !== pong) return;
        this.onDown(new Error(`The NATS server has not answered for ${PONG_TIMEOUT} ms`));
      });
    });
  }

  private schedulePing(): void {
    time.clearTimeout(this.pingTimer);
    this.pingTimer = after(PING_INTERVAL, () => {
      this.schedulePing();
      this.ping();
    });
  }

  private async watch(): Promise<void> {
    try {
      this.statuses = this.client.status();
      for await (const status of this.statuses) {
        if (this.state === 'CLOSED') return;
        this.onClientStatus(status);
      }
    } catch (error) {
      this.onDown(toError(error));
    }
  }

  private onClientStatus(status: NatsStatus): void {
    if (status.type === 'disconnect') this.onDown(new Error('The connection to NATS is lost'));
    else if (status.type === 'reconnect') this.ping();
    else if (status.type === 'error') this.onClientError(status);
  }

  private onClientError({ error, data, permissionContext }: NatsStatus): void {
    const subject = permissionContext?.subject ?? (error && Reflect.get(error, 'subject'));
    if (typeof subject === 'string' && !this.owner.ownsSubject(subject)) return;
    const what = error?.message ?? `${data} ${permissionContext?.operation ?? ''} ${subject ?? ''}`;
    this.report(new Error(`The NATS server reports: ${what.trim()}`, { cause: error }));
  }

  /** Tells of an error that no call waits for. */
  report(error: Error): void {
    if (this.state === 'UP' || this.state === 'DOWN') {
      this.owner.onStatus(this.state === 'UP', error);
    }
  }

  private onUp(): void {
    if (this.state !== 'DOWN') return;
    this.state = 'UP';
    this.owner.onStatus(true);
  }

  private onDown(error: Error): void {
    this.rejectAll(error);
    if (this.state !== 'UP') return;
    this.state = 'DOWN';
    this.owner.onStatus(false, error);
  }

  private onClosed(error: unknown): void {
    if (this.state === 'CLOSED') return;
    time.clearTimeout(this.pingTimer);
    const message = 'The client of NATS has closed its connection for good';
    this.onDown(error ? new Error(message, { cause: error }) : new Error(message));
  }

  private rejectAll(error: Error): void {
    for (const reject of [...this.waiting]) reject(error);
  }

  /** The client lets a request wait after the connection is lost, although its answer is lost too. */
  private async untilDown<T>(action: () => Promise<T>): Promise<T> {
    let fail = (_: Error): void => {};
    const down = new Promise<never>((_, reject) => {
      fail = reject;
    });
    this.waiting.add(fail);
    try {
      return await Promise.race([action(), down]);
    } finally {
      this.waiting.delete(fail);
    }
  }
}

/** The client waits for ever if the server does not answer. */
async function withTimeout(pong: Promise<void>): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = after(PONG_TIMEOUT, () => {
      time.setImmediate(() => {
        reject(new Error(`The NATS server has not answered for ${PONG_TIMEOUT} ms`));
      });
    });
  });
  await Promise.race([pong, late]).finally(() => time.clearTimeout(timer));
}

function after(milliseconds: number, action: () => void): Timer {
  const timer = time.setTimeout(action, milliseconds);
  timer.unref();
  return timer;
}
