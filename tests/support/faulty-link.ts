/** A link in memory between a client and a server that has a fault behind a given byte. */
import { type WireEnd, wirePair } from './duplex-pair.js';

export type Fault = 'cut' | 'reset' | 'half-close' | 'stall';
export const FAULTS: readonly Fault[] = ['cut', 'reset', 'half-close', 'stall'];

export type Direction = 'client to server' | 'server to client';
export const DIRECTIONS: readonly Direction[] = ['client to server', 'server to client'];

export interface FaultOptions {
  fault: Fault;
  direction: Direction;
  /** how many bytes pass in that direction before the fault */
  after: number;
}

/** So few unread bytes fill the link, that writes wait while it stalls. */
const HIGH_WATER_MARK = 16;

function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

/** The link: `client` and `server` are the ends that the two sides get. */
export class FaultyLink {
  readonly client: WireEnd;
  readonly server: WireEnd;
  /** bytes that passed in each direction */
  readonly passed: Record<Direction, number> = { 'client to server': 0, 'server to client': 0 };
  /** Whether the fault has happened. */
  isBroken = false;
  readonly #nearClient: WireEnd;
  readonly #nearServer: WireEnd;
  readonly #options: FaultOptions;

  /** The fault happens when byte `after` has passed; behind byte 0, when the first one wants to. */
  constructor(options: FaultOptions) {
    this.#options = options;
    [this.client, this.#nearClient] = wirePair(HIGH_WATER_MARK);
    [this.#nearServer, this.server] = wirePair(HIGH_WATER_MARK);
    this.#relay('client to server', this.#nearClient, this.#nearServer);
    this.#relay('server to client', this.#nearServer, this.#nearClient);
  }

  destroy(): void {
    for (const end of [this.client, this.server, this.#nearClient, this.#nearServer]) end.destroy();
  }

  #relay(direction: Direction, from: WireEnd, to: WireEnd): void {
    const isFaulty = direction === this.#options.direction;
    from.on('error', () => {});
    from.on('data', (chunk: Buffer) => {
      const passing = isFaulty ? this.#allowed(chunk) : chunk;
      this.passed[direction] += passing.length;
      if (passing.length > 0 && to.writable) to.write(passing);
      if (isFaulty && this.passed[direction] >= this.#options.after) this.#break();
    });
    from.on('end', () => {
      if (!isFaulty || !this.isBroken) to.end();
    });
    from.on('close', () => {
      if (!isFaulty || !this.isBroken) to.end();
    });
  }

  /** The part of the chunk that passes before the fault. */
  #allowed(chunk: Buffer): Buffer {
    const left = this.#options.after - this.passed[this.#options.direction];
    return chunk.subarray(0, Math.max(0, left));
  }

  #break(): void {
    if (this.isBroken) return;
    this.isBroken = true;
    const { fault, direction } = this.#options;
    const isToServer = direction === 'client to server';
    if (fault === 'cut') this.destroy();
    else if (fault === 'half-close') (isToServer ? this.#nearServer : this.#nearClient).end();
    else if (fault === 'stall') (isToServer ? this.#nearClient : this.#nearServer).pause();
    else {
      this.client.destroy(reset());
      this.server.destroy(reset());
    }
  }
}
