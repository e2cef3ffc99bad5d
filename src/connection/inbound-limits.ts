/** How much a peer may send, and how long it may be silent. RFC 6455 §10.4. */

import { CloseCode } from '../protocol/close.js';
import { ProtocolError } from '../protocol/errors.js';
import type { MessageData } from '../protocol/receiver.js';
import { toError } from './callbacks.js';
import { describeValue } from './check-options.js';
import { type Connection, Pause } from './connection.js';
import { type ConnectionOptions, MAX_TIMEOUT, type MessageRate, toTimeout } from './options.js';
import { elapsed, NO_SLOT, type SweepEntry, sweep } from './sweep.js';
import { time } from './time.js';
import { TokenBucket } from './token-bucket.js';

/** Silence is looked for this often in each `idleTimeout`. */
const CHECKS_PER_IDLE_TIMEOUT = 4;

/** A paused connection may use the tokens of this many milliseconds at once: the sweep may be late. */
const MAX_LATENESS = 100;

/** The options that {@link InboundLimits} holds a peer to. */
export type InboundOptions = Pick<
  ConnectionOptions,
  'firstMessageTimeout' | 'idleTimeout' | 'messageRate'
>;

/** A limit of messages per second, with the defaults filled in. */
interface Rate {
  readonly perSecond: number;
  readonly burst: number;
  readonly policy: NonNullable<MessageRate['policy']>;
}

/** Holds one peer to its limits. A connection without limits has none. */
export class InboundLimits implements SweepEntry {
  slot = NO_SLOT;
  private readonly connection: Connection;
  /** The WebSocket, for the policy of the program. */
  private readonly owner: object;
  private readonly idleTimeout: number;
  private readonly firstMessageTimeout: number;
  private readonly rate: Rate | undefined;
  private readonly bucket: TokenBucket | undefined;
  /** When the peer was active most recently, as far as the checks saw. */
  private activeAt: number;
  /** When that was checked, on the clock of the sweep. */
  private checkedAt = sweep.awakeTime();
  /** When the first message must have arrived; Infinity after it. */
  private firstMessageDue: number;
  /** When a connection that is paused for its rate goes on; Infinity if it is not paused. */
  private pausedUntil = Number.POSITIVE_INFINITY;

  private constructor(
    connection: Connection,
    options: InboundOptions,
    rate: Rate | undefined,
    owner: object,
  ) {
    const now = time.now();
    this.connection = connection;
    this.owner = owner;
    this.idleTimeout = toPeriod(options.idleTimeout);
    this.firstMessageTimeout = toPeriod(options.firstMessageTimeout);
    this.rate = rate;
    this.bucket = rate && new TokenBucket(rate, now);
    this.activeAt = now;
    this.firstMessageDue = now + this.firstMessageTimeout;
  }

  /**
   * Starts to watch a connection that is not started yet.
   * @param owner the WebSocket that the program sees
   * @returns undefined if no limit is set
   */
  static watch(
    connection: Connection,
    options: InboundOptions,
    owner: object,
  ): InboundLimits | undefined {
    const rate = readRate(options.messageRate);
    const limits = new InboundLimits(connection, options, rate, owner);
    const isTimed = limits.idleTimeout !== Infinity || limits.firstMessageTimeout !== Infinity;
    if (!isTimed && rate === undefined) return undefined;
    if (limits.idleTimeout !== Infinity) connection.readAt ??= limits.checkedAt;
    sweep.schedule(limits, limits.nextCheck());
    return limits;
  }

  /** Counts a received message. @returns whether the program gets it */
  admit(data: MessageData, isBinary: boolean): boolean {
    this.firstMessageDue = Number.POSITIVE_INFINITY;
    const { rate, bucket } = this;
    if (rate === undefined || bucket === undefined) return true;
    const now = time.now();
    if (rate.policy === 'pause') {
      bucket.timeToToken(withLateness(rate), now);
      this.takeAndPause(bucket, rate, now);
      return true;
    }
    if (bucket.timeToToken(rate, now) > 0) return this.exceed(rate, bucket, now, data, isBinary);
    bucket.take();
    return true;
  }

  /** Stops watching. */
  stop(): void {
    this.endPause();
    sweep.cancel(this);
  }

  check(now: number, lateness: number): number {
    const { connection } = this;
    this.activeAt += lateness;
    this.firstMessageDue += lateness;
    if (now >= this.pausedUntil) {
      this.endPause();
      connection.resume(Pause.MESSAGE_RATE);
    }
    if (connection.endpoint.state !== 'OPEN') return this.pausedUntil;
    this.noteActivity(now);
    if (now >= this.firstMessageDue) this.failFirstMessage();
    else if (now >= this.activeAt + this.idleTimeout) this.closeIdle();
    else return this.nextCheck(now);
    return this.pausedUntil;
  }

  /** The peer of a connection that is not read cannot show that it is active: its time starts again. */
  private noteActivity(now: number): void {
    const { readAt = this.checkedAt, socket } = this.connection;
    const isPaused = socket.isPaused();
    if (elapsed(this.checkedAt, readAt) > 0 || isPaused) this.activeAt = now;
    this.checkedAt = sweep.awakeTime();
    if (isPaused && now >= this.firstMessageDue) {
      this.firstMessageDue = now + this.firstMessageTimeout;
    }
  }

  private nextCheck(now = this.activeAt): number {
    const period = this.idleTimeout / CHECKS_PER_IDLE_TIMEOUT;
    const idleCheck = Math.min(now + period, this.activeAt + this.idleTimeout);
    return Math.min(idleCheck, this.firstMessageDue, this.pausedUntil);
  }

  private failFirstMessage(): void {
    const error = new ProtocolError('FIRST_MESSAGE_TIMEOUT', this.firstMessageTimeout);
    this.connection.endpoint.onViolation(error);
  }

  /** Silence breaks no rule: the connection is closed in the ordinary way. */
  private closeIdle(): void {
    const { endpoint } = this.connection;
    const reason = Buffer.from(`Nothing was received for ${this.idleTimeout} ms`);
    const origin = { by: 'timeout', cause: 'idleTimeout' } as const;
    if (!endpoint.sender.hasKey()) return;
    endpoint.startClosingHandshake({ code: CloseCode.GOING_AWAY, reason }, origin);
  }

  /** Reading stops after the message that takes the last token: what follows stays in TCP. */
  private takeAndPause(bucket: TokenBucket, rate: Rate, now: number): void {
    bucket.take();
    const wait = bucket.timeToToken(withLateness(rate), now);
    if (wait === 0 || !this.connection.pause(Pause.MESSAGE_RATE)) return;
    // The socket of a paused connection does not keep the process alive, but messages wait in it.
    if (this.pausedUntil === Infinity) sweep.holdProcess();
    this.pausedUntil = now + wait;
    sweep.schedule(this, this.nextCheck(now));
  }

  private endPause(): void {
    if (this.pausedUntil === Infinity) return;
    this.pausedUntil = Number.POSITIVE_INFINITY;
    sweep.releaseProcess();
  }

  /** Applies the policy to a message beyond the rate. @returns as `admit` does */
  private exceed(
    rate: Rate,
    bucket: TokenBucket,
    now: number,
    data: MessageData,
    isBinary: boolean,
  ): boolean {
    const { endpoint } = this.connection;
    try {
      const verdict = verdictOf(rate.policy, this.owner, data, isBinary);
      if (verdict === 'pause') this.takeAndPause(bucket, rate, now);
      if (verdict === 'deliver' || verdict === 'pause') return true;
      if (verdict === 'drop') return false;
    } catch (error) {
      endpoint.fail(toError(error), 'failure');
      return false;
    }
    endpoint.onViolation(new ProtocolError('MESSAGE_RATE', rate.perSecond));
    return false;
  }
}

const VERDICTS = ['deliver', 'drop', 'pause', 'close'] as const;

function verdictOf(
  policy: Rate['policy'],
  owner: object,
  data: MessageData,
  isBinary: boolean,
): (typeof VERDICTS)[number] {
  const given = typeof policy === 'function' ? policy(owner as never, data, isBinary) : 'close';
  const verdict = VERDICTS.find((word) => word === given);
  if (verdict !== undefined) return verdict;
  const words = VERDICTS.map((word) => `'${word}'`).join(', ');
  throw new TypeError(
    `The policy of messageRate must return one of ${words}: it returned ${describeValue(given)}`,
  );
}

function withLateness({ perSecond, burst }: Rate): { perSecond: number; burst: number } {
  return { perSecond, burst: Math.max(burst, (perSecond * MAX_LATENESS) / 1000) };
}

/** Options may be changed at any time: what makes no sense counts as absent. */
function readRate(given: MessageRate | null | undefined): Rate | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const perSecond = Number(given.perSecond);
  if (!(perSecond > 0) || perSecond === Infinity) return undefined;
  const burst = Number(given.burst ?? Math.max(1, perSecond));
  return { perSecond, burst, policy: given.policy ?? 'pause' };
}

/** A period in milliseconds. 0, Infinity and an absent option mean that there is no limit. */
function toPeriod(value: number | null | undefined): number {
  const milliseconds = toTimeout(value, 0);
  return milliseconds === 0 || milliseconds === MAX_TIMEOUT ? Infinity : milliseconds;
}
