/** A simulation of clients that lose their server at the same time: when do they connect again? */

import { DEFAULT_BACKOFF, delayAfter } from '../../src/reconnect/backoff.js';
import { SeededRandom } from './random.js';

export const CLIENTS = 10_000;

/** The width of a slot in which attempts are counted, in milliseconds. */
export const SLOT = 100;

/** When a client connects again. Times in milliseconds. */
export interface Policy {
  readonly delay: (failures: number, random: () => number) => number;
  /** How long a connection must last before delays begin anew. */
  readonly minUptime: number;
}

/** Our defaults, and what two other clients have published. */
export const POLICIES = {
  ws6455: {
    delay: (failures, random) => delayAfter(failures, DEFAULT_BACKOFF, random()),
    minUptime: 5000,
  },
  // src/websockets/client.py at 04e599c, 2026-07-31: backoff(). Each connection begins it anew.
  'python-websockets': {
    delay: (failures, random) =>
      failures <= 1 ? random() * 5000 : Math.min(90_000, 3100 * 1.618 ** (failures - 2)),
    minUptime: 0,
  },
  // packages/partysocket/src/ws.ts at c9ab55f, 2026-06-23, version 1.3.0: _getNextDelay().
  partysocket: {
    delay: (failures) => Math.min(10_000, 3000 * 1.3 ** (failures - 1)),
    minUptime: 5000,
  },
} as const satisfies Record<string, Policy>;

/** A time without the server. It begins when all connections end; an attempt in it fails at once. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

export interface Storm {
  /** The attempts in each slot, from the restart until all clients are back. */
  readonly slots: readonly number[];
  readonly attempts: number;
  /** The most attempts in one slot. */
  readonly peak: number;
  /** `peak`, as a multiple of the mean of all slots. */
  readonly ratio: number;
  /** How long after the end of the last outage half of the clients were connected, and all. */
  readonly half: number;
  readonly all: number;
}

export function simulate(policy: Policy, outages: readonly Outage[], seed = 16): Storm {
  const random = new SeededRandom(seed);
  const next = () => random.next();
  const attempts: number[] = [];
  const back = Array.from({ length: CLIENTS }, () => connectAgain(policy, outages, next, attempts));
  back.sort((a, b) => a - b);
  const last = back[CLIENTS - 1] ?? 0;
  const slots = new Array<number>(Math.floor(last / SLOT) + 1).fill(0);
  for (const at of attempts) {
    const slot = Math.floor(at / SLOT);
    slots[slot] = (slots[slot] ?? 0) + 1;
  }
  const peak = Math.max(...slots);
  const end = outages.at(-1)?.to ?? 0;
  return {
    slots,
    attempts: attempts.length,
    peak,
    ratio: peak / (attempts.length / slots.length),
    half: (back[CLIENTS / 2] ?? 0) - end,
    all: last - end,
  };
}

/** One client. @returns when it is connected for good */
function connectAgain(
  policy: Policy,
  outages: readonly Outage[],
  random: () => number,
  attempts: number[],
): number {
  let now = outages[0]?.from ?? 0;
  let failures = 1;
  for (;;) {
    now += policy.delay(failures, random);
    attempts.push(now);
    if (outages.some(({ from, to }) => now >= from && now < to)) {
      failures++;
      continue;
    }
    const lost = outages.find(({ from }) => from > now)?.from;
    if (lost === undefined) return now;
    failures = lost - now >= policy.minUptime ? 1 : failures + 1;
    now = lost;
  }
}

/** What restarts are like. Times in milliseconds. */
export const RESTARTS: Readonly<Record<string, readonly Outage[]>> = {
  'a process is restarted: 0.5 s': [{ from: 0, to: 500 }],
  'a container is replaced: 3 s': [{ from: 0, to: 3000 }],
  'a server starts cold: 10 s': [{ from: 0, to: 10_000 }],
};

/** The server does not stand the first connections, or has a fault at the start. */
export const CRASH: readonly Outage[] = [
  { from: 0, to: 3000 },
  { from: 6000, to: 9000 },
];
