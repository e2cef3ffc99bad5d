/** Who gets in: limits of connections and handshakes, and what was refused, counted by reason. */

import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { toLimit } from '../connection/options.js';
import { time } from '../connection/time.js';
import { type Rate, TokenBucket } from '../connection/token-bucket.js';
import type { FieldLine } from '../handshake/server.js';
import { addressGroup, addressOnce } from './address.js';
import { AddressRates } from './address-rates.js';
import type { AdmissionOptions } from './admission-options.js';
import type { RefusedCounts } from './api.js';
import type { Upgrade } from './upgrade-request.js';

/** Why a handshake was refused: the name of the option that refused it, or of the step. */
export type RefusalReason = keyof RefusedCounts;

/** A refusal as it is answered. */
export interface AdmissionRefusal {
  readonly reason: RefusalReason;
  readonly status: number;
  readonly message: string;
  readonly fields?: readonly FieldLine[];
}

/** The key of the group that a socket is counted in. A WeakMap of all sockets would be slower. */
const GROUP = Symbol('ws6455.addressGroup');

interface CountedSocket extends Duplex {
  [GROUP]?: string | undefined;
}

/** The limits of a server, and its counters. */
export class Admission {
  /** Accepted connections that have not ended. */
  connections = 0;
  readonly refused: RefusedCounts = {
    blockList: 0,
    maxConnections: 0,
    maxConnectionsPerAddress: 0,
    maxPendingHandshakes: 0,
    handshakeRatePerAddress: 0,
    handshakeRate: 0,
    malformed: 0,
    path: 0,
    hosts: 0,
    origins: 0,
    authenticate: 0,
    verifyClient: 0,
    handshakeTimeout: 0,
    callbackError: 0,
    closing: 0,
  };
  /** Whether the process was warned of connections from foreign origins. */
  hasWarnedOfOrigin = false;

  /** How many connections and handshakes each group of addresses has. */
  private readonly counts = new Map<string, number>();
  private readonly rates = new AddressRates();
  private bucket: TokenBucket | undefined;

  /**
   * Whether an opening handshake may begin. It is counted for its address until `release`.
   * @param pending how many handshakes wait for the program
   * @throws what the option `address` throws
   */
  admit(
    { request, socket }: Upgrade,
    options: AdmissionOptions<never>,
    pending: number,
  ): AdmissionRefusal | undefined {
    if (!hasLimits(options)) return undefined;
    const address = addressOnce(request, options);
    const group = address === undefined ? undefined : addressGroup(address);
    const refusal =
      checkBlockList(options, address) ??
      this.checkCounts(options, group, pending) ??
      this.checkRates(options, group);
    if (refusal === undefined && group !== undefined && options.maxConnectionsPerAddress) {
      this.count(socket, group);
    }
    return refusal;
  }

  /** A handshake was refused: counts it. */
  countRefusal(socket: Duplex, reason: RefusalReason): void {
    this.refused[reason]++;
    this.release(socket);
  }

  /** A handshake was refused, or its connection has ended. */
  private release(socket: CountedSocket): void {
    const group = socket[GROUP];
    if (group === undefined) return;
    socket[GROUP] = undefined;
    const count = (this.counts.get(group) ?? 0) - 1;
    if (count > 0) this.counts.set(group, count);
    else this.counts.delete(group);
  }

  private count(socket: CountedSocket, group: string): void {
    if (socket.destroyed) return; // it emits no 'close' any more
    socket[GROUP] = group;
    this.counts.set(group, (this.counts.get(group) ?? 0) + 1);
    socket.once('close', () => this.release(socket));
  }

  private checkCounts(
    options: AdmissionOptions<never>,
    group: string | undefined,
    pending: number,
  ): AdmissionRefusal | undefined {
    const { maxConnections, maxConnectionsPerAddress, maxPendingHandshakes } = options;
    if (isReached(this.connections + pending, maxConnections)) {
      return { reason: 'maxConnections', status: 503, message: 'Too many connections' };
    }
    const count = group === undefined ? 0 : (this.counts.get(group) ?? 0);
    if (isReached(count, maxConnectionsPerAddress)) {
      const message = 'Too many connections from this address';
      return { reason: 'maxConnectionsPerAddress', status: 429, message };
    }
    if (isReached(pending, maxPendingHandshakes)) {
      return { reason: 'maxPendingHandshakes', status: 503, message: 'Too many handshakes' };
    }
    return undefined;
  }

  /** A handshake that one rate refuses takes nothing from the other one. */
  private checkRates(
    { handshakeRate, handshakeRatePerAddress }: AdmissionOptions<never>,
    group: string | undefined,
  ): AdmissionRefusal | undefined {
    if (!handshakeRate && !handshakeRatePerAddress) return undefined;
    const now = time.now();
    const limits: RateLimit[] = [];
    if (handshakeRatePerAddress && group !== undefined) {
      const bucket = this.rates.bucketOf(group, handshakeRatePerAddress, now);
      limits.push({ reason: 'handshakeRatePerAddress', bucket, rate: handshakeRatePerAddress });
    }
    if (handshakeRate) {
      this.bucket ??= new TokenBucket(handshakeRate, now);
      limits.push({ reason: 'handshakeRate', bucket: this.bucket, rate: handshakeRate });
    }
    for (const limit of limits) {
      const milliseconds = limit.bucket.timeToToken(limit.rate, now);
      if (milliseconds > 0) return rateRefusal(limit.reason, milliseconds);
    }
    for (const { bucket } of limits) bucket.take();
    return undefined;
  }
}

/** A rate, and what is left of it. */
interface RateLimit {
  readonly reason: 'handshakeRate' | 'handshakeRatePerAddress';
  readonly bucket: TokenBucket;
  readonly rate: Rate;
}

function hasLimits(options: AdmissionOptions<never>): boolean {
  return Boolean(
    options.blockList ||
      options.maxConnections ||
      options.maxConnectionsPerAddress ||
      options.maxPendingHandshakes ||
      options.handshakeRate ||
      options.handshakeRatePerAddress,
  );
}

function isReached(count: number, max: number | undefined): boolean {
  const limit = toLimit(max, 0);
  return limit > 0 && count >= limit;
}

function checkBlockList(
  { blockList }: AdmissionOptions<never>,
  address: string | undefined,
): AdmissionRefusal | undefined {
  if (!blockList || address === undefined) return undefined;
  const [withoutZone = ''] = address.split('%', 1);
  const version = isIP(withoutZone);
  if (version === 0 || !blockList.check(withoutZone, version === 4 ? 'ipv4' : 'ipv6')) {
    return undefined;
  }
  return { reason: 'blockList', status: 403, message: 'This address is blocked' };
}

function rateRefusal(reason: RateLimit['reason'], milliseconds: number): AdmissionRefusal {
  return {
    reason,
    status: reason === 'handshakeRate' ? 503 : 429,
    message: 'Too many handshakes',
    // RFC 9110 §10.2.3: Retry-After has whole seconds.
    fields: [['Retry-After', String(Math.ceil(milliseconds / 1000))]],
  };
}
