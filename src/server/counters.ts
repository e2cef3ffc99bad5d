/** What a server counts: one step per handshake and per connection, none per message. */

import type { CloseInfo, Traffic } from '../connection/close-info.js';
import type { CloseCount, DroppedCounts } from './api.js';
import { Histogram } from './histogram.js';
import { MessageCounters } from './message-counters.js';

/** The upper bounds of the buckets, in seconds. */
const HANDSHAKE_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const CONNECTION_BOUNDS = [1, 10, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 604_800];
const ROUND_TRIP_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20,
];

/** A peer may close with each of 2000 codes of the application: more codes than this are one. */
const MAX_CODES = 64;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The counters of one server, from its creation on. */
export class ServerCounters {
  /** Opening handshakes that have begun. */
  handshakes = 0;
  /** Those that were accepted. */
  accepted = 0;
  /** Of accepted handshakes, from the request to the open connection. */
  readonly handshakeDurations = new Histogram(HANDSHAKE_BOUNDS);
  /** Of connections that have ended. */
  readonly connectionDurations = new Histogram(CONNECTION_BOUNDS);
  readonly roundTrips = new Histogram(ROUND_TRIP_BOUNDS);
  /** What connections that have ended sent and received. */
  readonly messages: Traffic = { sent: 0, received: 0 };
  readonly bytes: Traffic = { sent: 0, received: 0 };
  readonly dropped: DroppedCounts = {
    full: 0,
    replaced: 0,
    expired: 0,
    closing: 0,
    messageRate: 0,
  };
  /** With the option `messageMetrics`. */
  byType: MessageCounters | undefined;
  private readonly closeCounts = new Map<string, Mutable<CloseCount>>();

  get closes(): CloseCount[] {
    return [...this.closeCounts.values()].map((one) => ({ ...one }));
  }

  /** Counts the messages of all connections, until the server is closed. */
  countMessages(server: object): void {
    this.byType = new MessageCounters(server);
    this.byType.start();
  }

  /** A handshake was accepted. @param milliseconds how long it took */
  accept(milliseconds: number): void {
    this.accepted++;
    this.handshakeDurations.observe(milliseconds / 1000);
  }

  /** A connection has ended. */
  end(closeInfo: CloseInfo): void {
    const { messages, bytes, opened, closed } = closeInfo;
    addTo(this.messages, messages);
    if (bytes !== undefined) addTo(this.bytes, bytes);
    // The wall clock may have been set back.
    const milliseconds = Math.max(0, closed - (opened ?? closed));
    this.connectionDurations.observe(milliseconds / 1000);
    this.countClose(closeInfo);
  }

  private countClose({ by, sent, received }: CloseInfo): void {
    const first = by === 'peer' ? received : sent;
    const code = (first ?? received ?? sent)?.code ?? 1006;
    const counts = this.closeCounts;
    const isKnown = counts.has(`${code} ${by}`) || counts.size < MAX_CODES;
    const listed = isKnown ? code : 'other';
    const key = `${listed} ${by}`;
    const entry = counts.get(key) ?? { code: listed, by, count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
}

export function addTo(total: Traffic, { sent, received }: Traffic): void {
  total.sent += sent;
  total.received += received;
}
