/** A connection to NATS without a server: what the broker uses, and what a test makes it do. */

import type {
  NatsClient,
  NatsMessage,
  NatsReadHeaders,
  NatsRequestOptions,
  NatsStatus,
  NatsSubscribeOptions,
} from '../../src/topics/index.js';

interface FakeSubscription {
  readonly subject: string;
  readonly callback: (error: Error | null, message: NatsMessage) => void;
}

/** Answers a request. */
type Responder = (
  subject: string,
  payload: Buffer,
  options: NatsRequestOptions | undefined,
) => NatsMessage | Promise<NatsMessage>;

export class FakeNats implements NatsClient {
  info: { max_payload: number } | undefined = { max_payload: 1_048_576 };
  readonly published: [subject: string, text: string][] = [];
  readonly subscriptions = new Set<FakeSubscription>();
  flushes = 0;
  /** Whether the server answers. */
  answers = true;
  respond: Responder = () => Promise.reject(new Error('no responders'));
  private readonly pongs: { resolve: () => void; reject: (error: Error) => void }[] = [];
  private readonly statuses: NatsStatus[] = [];
  private wake = (): void => {};
  private isStopped = false;
  private hasClosed = false;
  private end: (error?: Error) => void = () => {};
  private readonly whenClosed = new Promise<Error | undefined>((resolve) => {
    this.end = resolve;
  });

  publish(subject: string, payload = new Uint8Array(0)): void {
    this.published.push([subject, Buffer.from(payload).toString()]);
  }

  subscribe(subject: string, { callback = () => {} }: NatsSubscribeOptions = {}) {
    const subscription = { subject, callback };
    this.subscriptions.add(subscription);
    return { unsubscribe: () => void this.subscriptions.delete(subscription) };
  }

  async request(
    subject: string,
    payload = new Uint8Array(0),
    options?: NatsRequestOptions,
  ): Promise<NatsMessage> {
    return this.respond(subject, Buffer.from(payload), options);
  }

  flush(): Promise<void> {
    this.flushes++;
    if (this.answers) return Promise.resolve();
    return new Promise<void>((resolve, reject) => this.pongs.push({ resolve, reject }));
  }

  status() {
    const fake = this;
    return {
      async *[Symbol.asyncIterator](): AsyncGenerator<NatsStatus> {
        while (!fake.isStopped) {
          const next = fake.statuses.shift();
          if (next !== undefined) yield next;
          else await new Promise<void>((resolve) => Object.assign(fake, { wake: resolve }));
        }
      },
      stop: () => {
        this.isStopped = true;
        this.wake();
      },
    };
  }

  closed(): Promise<Error | undefined> {
    return this.whenClosed;
  }

  isClosed(): boolean {
    return this.hasClosed;
  }

  /** Whether somebody waits for a status. */
  get isWatched(): boolean {
    return !this.isStopped;
  }

  /** What the client tells of its connection. */
  tell(status: NatsStatus): void {
    this.statuses.push(status);
    this.wake();
  }

  /** The connection is lost: what waits for an answer is rejected. */
  disconnect(): void {
    this.answers = false;
    this.tell({ type: 'disconnect' });
    for (const { reject } of this.pongs.splice(0)) reject(new Error('connection disconnected'));
  }

  reconnect(): void {
    this.answer();
    this.tell({ type: 'reconnect' });
  }

  /** The server answers again, also to what it was asked before. */
  answer(): void {
    this.answers = true;
    for (const { resolve } of this.pongs.splice(0)) resolve();
  }

  /** The client gives up. */
  giveUp(error?: Error): void {
    this.hasClosed = true;
    this.end(error);
  }

  /** A message arrives. */
  deliver(subject: string, text: string, headers?: Record<string, string>): void {
    const message = fakeMessage(text, headers);
    for (const one of this.subscriptions) if (one.subject === subject) one.callback(null, message);
  }

  /** The server does not permit a subscription. */
  refuse(subject: string): void {
    for (const one of this.subscriptions) {
      if (one.subject !== subject) continue;
      this.subscriptions.delete(one);
      one.callback(new Error('Permissions Violation'), fakeMessage(''));
    }
  }
}

export function fakeMessage(data: string | object, headers?: Record<string, string>): NatsMessage {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const read: NatsReadHeaders = { code: 0, get: (name) => headers?.[name] ?? '' };
  return { data: Buffer.from(text), headers: headers === undefined ? undefined : read };
}
