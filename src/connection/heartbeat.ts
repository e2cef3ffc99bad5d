/**
 * Finds peers that are gone, by Pings (RFC 6455 §5.5.2), and keeps silent connections open in proxies.
 *
 * It cannot drop a healthy peer because this process stood still. Its clock is that of the sweep, from
 * which lateness is left out, and each verdict follows a poll phase, in which waiting bytes were read.
 */

import type { HeartbeatSettings } from './heartbeat-options.js';
import { type PingedConnection, type SentPing, sendPing } from './round-trip.js';
import { elapsed, NO_SLOT, type SweepEntry, sweep } from './sweep.js';
import { time } from './time.js';
import { WriteProgress } from './write-progress.js';

/** A connection with a heartbeat, as part of a list. */
export interface HeartbeatMember extends PingedConnection {
  readAt: number | undefined;
  sentAt: number;
  heartbeat: Heartbeat | undefined;
  previous: HeartbeatMember | undefined;
  next: HeartbeatMember | undefined;
}

/** A round takes place this often in the shorter of `interval` and `timeout`: it notes the time. */
const ROUNDS = 16;

/**
 * In a round the connections are looked at if one may be due, but not within so many milliseconds for
 * each of them: a look takes up to a microsecond, because most of them are not in a cache.
 */
const PAUSE_PER_CONNECTION = 0.5;

/** With many connections they are looked at in one of so many rounds. */
const MAX_PAUSE = 4;

/** How many connections are attended to before the event loop continues. */
const MAX_AT_ONCE = 250;

/** The heartbeats that are in use: one for all connections with the same settings. */
const heartbeats = new Map<string, Heartbeat>();

/** Starts the heartbeat of a connection that is not started yet. */
export function startHeartbeat(member: HeartbeatMember, settings: HeartbeatSettings): void {
  const key = `${settings.interval} ${settings.timeout}`;
  let heartbeat = heartbeats.get(key);
  if (heartbeat === undefined) {
    heartbeat = new Heartbeat(settings, () => heartbeats.delete(key));
    heartbeats.set(key, heartbeat);
  }
  heartbeat.add(member);
}

/** The heartbeat of all connections with the same settings: one deadline in the sweep. */
export class Heartbeat implements SweepEntry {
  slot = NO_SLOT;
  private readonly interval: number;
  private readonly timeout: number;
  private readonly period: number;
  private readonly onEmpty: () => void;
  private first: HeartbeatMember | undefined = undefined;
  private count = 0;
  /** The connections to attend to after the next poll phase, and which is the next of them. */
  private due: HeartbeatMember[] = [];
  private nextDue = 0;
  /** The machine slept, or the process stood still, for longer than an interval: all get a Ping. */
  private isWaking = false;
  /** When the last round began, on both clocks: that of timers may stop while the machine sleeps. */
  private roundAt = time.now();
  private roundAtWall = time.wallClock();
  /** When the connections are looked at next: none is due before. */
  private collectAt = 0;

  constructor({ interval, timeout }: HeartbeatSettings, onEmpty: () => void) {
    this.interval = interval;
    this.timeout = timeout;
    this.period = Math.min(interval, timeout) / ROUNDS;
    this.onEmpty = onEmpty;
  }

  add(member: HeartbeatMember): void {
    const now = sweep.awakeTime();
    const { first } = this;
    member.heartbeat = this;
    member.readAt = now;
    member.sentAt = now;
    member.next = first;
    this.first = member;
    this.count++;
    if (first !== undefined) first.previous = member;
    else sweep.schedule(this, time.now() + this.period);
  }

  remove(member: HeartbeatMember): void {
    const { previous, next } = member;
    member.heartbeat = undefined;
    member.previous = undefined;
    member.next = undefined;
    this.count--;
    if (next !== undefined) next.previous = previous;
    if (previous !== undefined) previous.next = next;
    else this.first = next;
    if (this.first !== undefined) return;
    sweep.cancel(this);
    this.onEmpty();
  }

  /** Finds the connections that need a Ping or a verdict. Both wait until waiting bytes were read. */
  check(now: number): number {
    if (this.due.length > 0) return now + this.period; // the last round is not over
    const wall = time.wallClock();
    const asleep = Math.max(now - this.roundAt, wall - this.roundAtWall) - this.period;
    this.isWaking = asleep > this.interval;
    this.roundAt = now;
    this.roundAtWall = wall;
    if (this.isWaking || now >= this.collectAt) {
      const pause = Math.min(this.count * PAUSE_PER_CONNECTION, MAX_PAUSE * this.period);
      this.collectAt = now + Math.max(pause, this.collect(sweep.awakeTime()));
    }
    if (this.due.length > 0) time.setImmediate(attendToDue, this);
    return Math.min(this.collectAt, now + this.period);
  }

  /** @returns how many milliseconds are left until the next connection is due */
  private collect(now: number): number {
    let shortest = Math.min(this.interval, this.timeout);
    for (let member = this.first; member !== undefined; member = member.next) {
      const left = this.isWaking ? 0 : this.timeLeft(member, now);
      if (left <= 0) this.due.push(member);
      else if (left < shortest) shortest = left;
    }
    return this.due.length > 0 ? Math.min(shortest, this.period) : shortest;
  }

  /** How many milliseconds are left until a connection needs a Ping or a verdict. */
  private timeLeft(member: HeartbeatMember, now: number): number {
    const { readAt = now, pings } = member;
    const awaited = pings === undefined ? undefined : oldestSince(readAt, pings);
    // Proxies time each direction by itself, so either silence needs a Ping.
    const toSend = this.interval - elapsed(member.sentAt, now);
    if (awaited === undefined) return Math.min(toSend, this.interval - elapsed(readAt, now));
    // What the peer sends cannot be seen: it gets the whole time after the pause.
    if (member.socket.isPaused()) awaited.since = now;
    return Math.min(toSend, this.timeToVerdict(readAt, awaited, now), this.period);
  }

  /** Attends to the connections that are due. The event loop continues now and then. */
  attend(): void {
    const end = Math.min(this.due.length, this.nextDue + MAX_AT_ONCE);
    try {
      while (this.nextDue < end) {
        const member = this.due[this.nextDue++];
        if (member?.heartbeat === this) this.attendTo(member, sweep.awakeTime());
      }
    } finally {
      // With an in-memory Duplex a write runs the peer's listeners, which may throw.
      if (this.nextDue < this.due.length) time.setImmediate(attendToDue, this);
      else this.endRound();
    }
  }

  private endRound(): void {
    this.due = [];
    this.nextDue = 0;
    this.isWaking = false;
  }

  private attendTo(member: HeartbeatMember, now: number): void {
    const { readAt = now, sentAt, endpoint, pings } = member;
    if (endpoint.state !== 'OPEN') {
      this.remove(member); // the closing handshake has a time limit of its own
      return;
    }
    const awaited = oldestSince(readAt, pings);
    if (awaited !== undefined && this.isOverdue(member, awaited, now)) {
      const silentFor = elapsed(readAt, now);
      endpoint.terminate({ by: 'timeout', cause: 'heartbeat', silentFor });
      return;
    }
    if (pings?.isQueued) return;
    const isSilent = elapsed(sentAt, now) >= this.interval;
    const needsLife = this.isWaking || elapsed(readAt, now) >= this.interval;
    if (isSilent || (awaited === undefined && needsLife)) this.sendPing(member);
  }

  private sendPing(member: HeartbeatMember): void {
    const ping = sendPing(member);
    if (ping === undefined) return;
    ping.isForWaking = this.isWaking;
    if (ping.isQueued) ping.progress = new WriteProgress(member.socket, this.timeout);
  }

  /** Whether the peer had the whole time to answer, and neither sent nor took a byte in it. */
  private isOverdue(member: HeartbeatMember, ping: SentPing, now: number): boolean {
    const { readAt = now, socket } = member;
    if (socket.isPaused()) ping.since = now;
    else if (socket.writableLength > 0) {
      // A peer that takes bytes is alive. Its Pong comes when it has read what was sent before.
      ping.progress ??= new WriteProgress(socket, this.timeout);
      const progressAt = ping.progress.check(now);
      if (elapsed(ping.since, progressAt) > 0) ping.since = progressAt;
    }
    return this.timeToVerdict(readAt, ping, now) <= 0;
  }

  /**
   * The whole silence counts too: a Ping that goes out early, because only our direction was silent,
   * does not shorten it.
   */
  private timeToVerdict(readAt: number, ping: SentPing, now: number): number {
    const toAnswer = this.timeout - elapsed(ping.since, now);
    if (ping.isForWaking) return toAnswer;
    return Math.max(toAnswer, this.interval + this.timeout - elapsed(readAt, now));
  }
}

function attendToDue(heartbeat: Heartbeat): void {
  heartbeat.attend();
}

/** The oldest Ping behind which nothing was received; undefined if there is none. */
function oldestSince(readAt: number, newest: SentPing | undefined): SentPing | undefined {
  let oldest: SentPing | undefined;
  for (let ping = newest; ping !== undefined; ping = ping.older) {
    if (elapsed(readAt, ping.since) > 0) oldest = ping;
  }
  return oldest;
}
