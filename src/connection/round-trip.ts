/** Pings of the library, their Pongs, and the round-trip time. RFC 6455 §5.5.2, §5.5.3. */

import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Endpoint } from '../protocol/endpoint.js';
import { Opcode } from '../protocol/frame.js';
import { sweep } from './sweep.js';
import { time } from './time.js';
import type { WriteProgress } from './write-progress.js';

/** What a Ping needs of its connection. */
export interface PingedConnection {
  readonly socket: Duplex;
  readonly endpoint: Endpoint;
  pings: SentPing | undefined;
  roundTripTime: number;
}

/** Learns the round-trip time, or that there will be none. */
export interface RoundTripListener {
  onRoundTrip(milliseconds: number): void;
  onClosed(): void;
}

/** A Ping of the library that is not answered. It exists only that long. */
export class SentPing {
  readonly id: number;
  /** The Ping before it, if it is not answered either. */
  older: SentPing | undefined;
  listener: RoundTripListener | undefined;
  /** It is in the buffer of the socket, behind other bytes. */
  isQueued: boolean;
  /** When the transport took it, as `time.now()` counts; while it is queued, when it was written. */
  sentAt = time.now();
  /** Sent because this machine slept: a peer that is gone was silent for long enough already. */
  isForWaking = false;
  /** Since when the peer has had the chance to answer, on the clock of the sweep. */
  since = sweep.awakeTime();
  /** Whether bytes before it leave; undefined if nothing waits to be written. */
  progress: WriteProgress | undefined = undefined;

  constructor(older: SentPing | undefined, isQueued: boolean, listener?: RoundTripListener) {
    this.id = nextId;
    nextId = (nextId + 1) >>> 0;
    this.older = older;
    this.isQueued = isQueued;
    this.listener = listener;
  }

  /** The transport has taken it: the time of the peer begins. */
  onWritten(): void {
    this.progress?.stop();
    this.progress = undefined;
    this.isQueued = false;
    this.sentAt = time.now();
    this.since = sweep.awakeTime();
  }
}

/** The payload of the next Ping. The start is random: it tells no peer how many were sent. */
let nextId = Math.floor(time.random() * 2 ** 32);

/** A peer that answers no Ping costs no more memory than this many. */
const MAX_UNANSWERED = 8;

const PAYLOAD = Buffer.alloc(4);

/**
 * Sends a Ping, before frames that wait to be compressed.
 * @returns undefined if the connection is not open
 */
export function sendPing(
  connection: PingedConnection,
  listener?: RoundTripListener,
): SentPing | undefined {
  const { endpoint, socket, pings } = connection;
  if (endpoint.state !== 'OPEN' || !endpoint.sender.hasKey()) return undefined;
  const isQueued = socket.writableLength > 0;
  const ping = new SentPing(pings, isQueued, listener);
  connection.pings = ping;
  limitUnanswered(ping);
  PAYLOAD.writeUInt32BE(ping.id); // the sender copies small payloads
  const callback = isQueued ? () => ping.onWritten() : undefined;
  endpoint.sender.sendControlNow(Opcode.PING, PAYLOAD, callback);
  return ping;
}

/** Forgets the oldest Pings. Those that somebody waits for are ended by their time limit. */
function limitUnanswered(newest: SentPing): void {
  let count = 1;
  for (let ping = newest; ping.older !== undefined; ping = ping.older) {
    const { older } = ping;
    if (++count <= MAX_UNANSWERED || older.listener !== undefined) continue;
    older.progress?.stop();
    ping.older = older.older;
    if (ping.older === undefined) return;
  }
}

/**
 * Takes a Pong that answers a Ping of the library. RFC 6455 §5.5.3: a peer may answer only the most
 * recent Ping, so the older ones are answered too.
 * @returns the round-trip time in milliseconds; undefined for any other Pong: of a Ping of the program,
 * or one that nobody asked for
 */
export function takePong(connection: PingedConnection, payload: Buffer): number | undefined {
  if (payload.length !== PAYLOAD.length) return undefined;
  const id = payload.readUInt32BE();
  let newer: SentPing | undefined;
  let ping = connection.pings;
  while (ping !== undefined && ping.id !== id) {
    newer = ping;
    ping = ping.older;
  }
  if (ping === undefined) return undefined;
  if (newer === undefined) connection.pings = undefined;
  else newer.older = undefined;
  const roundTripTime = time.now() - ping.sentAt;
  noteRoundTrip(connection, ping, roundTripTime);
  return roundTripTime;
}

/** The one place where a Pong of the library sets the round-trip time. */
function noteRoundTrip(connection: PingedConnection, answered: SentPing, elapsed: number): void {
  connection.roundTripTime = Math.round(elapsed * 1000);
  for (let ping: SentPing | undefined = answered; ping !== undefined; ping = ping.older) {
    ping.progress?.stop();
    ping.listener?.onRoundTrip(elapsed);
  }
}

/** The connection is closed: no Pong will come. */
export function failPings(connection: PingedConnection): void {
  const newest = connection.pings;
  connection.pings = undefined;
  for (let ping = newest; ping !== undefined; ping = ping.older) {
    ping.progress?.stop();
    ping.listener?.onClosed();
  }
}
