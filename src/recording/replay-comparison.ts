/** Compares what a peer sends with what it sent in the recording. */

import { spaced } from '../sans-io/to-bytes.js';
import { type Counts, countsOf, type Item, type Kind, type Plan } from './replay-plan.js';

/** Something that the peer did not send as it did in the recording. */
export interface ReplayDifference {
  /** 'handshake', 'message', 'pong', 'close' or 'end'. */
  readonly kind: 'handshake' | Kind | 'end';
  /** Which one of its kind, from 0 on. */
  readonly index: number;
  /** What the recording has, in words; undefined if it has no more of this kind. */
  readonly expected: string | undefined;
  /** What the peer sent, in words; undefined if it sent none. */
  readonly received: string | undefined;
  /** Whether the time limit ended the wait for it. */
  readonly timedOut: boolean;
}

/** The result of a replay. */
export interface ReplayResult {
  /** Whether the peer sent what it sent in the recording. */
  readonly equal: boolean;
  /** All differences; of items that are missing, the first one of each kind. */
  readonly differences: readonly ReplayDifference[];
  /** The number of steps that were done: frames, other bytes and ends. */
  readonly sent: number;
  /** The number of steps in the recording. */
  readonly planned: number;
  /** The number of messages of the peer. */
  readonly messages: number;
}

/** How many characters a difference shows, and how many of them precede the first one that differs. */
const MAX_SHOWN = 80;
const SHOWN_BEFORE = 20;

/** Messages, Pongs and the Close are each compared in their order. */
export class Comparison {
  readonly differences: ReplayDifference[] = [];
  readonly received: Counts = { message: 0, pong: 0, close: 0 };
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  /** The peer has sent something. */
  add(item: Item): void {
    const index = this.received[item.kind]++;
    const expected = this.plan.expected[item.kind][index];
    if (expected !== undefined && isEqual(expected.data, item.data)) return;
    const offset = expected === undefined ? 0 : firstDifference(expected.data, item.data);
    this.differences.push({
      kind: item.kind,
      index,
      expected: expected && inWords(expected, offset),
      received: inWords(item, offset),
      timedOut: false,
    });
  }

  /** The handshake or the end differs. */
  addOther(
    kind: 'handshake' | 'end',
    expected: string,
    received: string | undefined,
    timedOut = false,
  ): void {
    this.differences.push({ kind, index: 0, expected, received, timedOut });
  }

  /** Whether the peer has sent at least this many items. */
  hasReceived(counts: Counts): boolean {
    const { message, pong, close } = this.received;
    return message >= counts.message && pong >= counts.pong && close >= counts.close;
  }

  /** Whether the peer has sent all of the recording. */
  get isComplete(): boolean {
    return this.hasReceived(countsOf(this.plan.expected));
  }

  /**
   * Nothing more is expected: the first missing item of each kind is a difference.
   * @param wanted how many items there should be
   */
  finish(wanted: Counts, timedOut: boolean): void {
    for (const kind of ['message', 'pong', 'close'] as const) {
      const index = this.received[kind];
      const missing = this.plan.expected[kind][index];
      if (missing === undefined || index >= wanted[kind]) continue;
      const expected = inWords(missing, 0);
      this.differences.push({ kind, index, expected, received: undefined, timedOut });
    }
  }
}

function isEqual(a: Item['data'], b: Item['data']): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : a.equals(b);
}

/** The index of the first character or byte that differs; 0 for text and binary data. */
function firstDifference(a: Item['data'], b: Item['data']): number {
  if (typeof a !== typeof b) return 0;
  let index = 0;
  while (index < a.length && index < b.length && a[index] === b[index]) index++;
  return index;
}

/** Describes an item; of a long one the part around `offset`. */
function inWords({ kind, data }: Item, offset: number): string {
  const start = offset < MAX_SHOWN ? 0 : offset - SHOWN_BEFORE;
  const before = start > 0 ? '…' : '';
  const after = data.length > start + MAX_SHOWN ? '…' : '';
  if (typeof data === 'string') {
    const shown = data.slice(start, start + MAX_SHOWN);
    return kind === 'close'
      ? `Close ${shown.trim()}`
      : `text ${JSON.stringify(before + shown + after)}`;
  }
  const digits = spaced(data.toString('hex', start, start + MAX_SHOWN / 2));
  const size = `${data.length} ${data.length === 1 ? 'byte' : 'bytes'}`;
  const name = kind === 'message' ? 'binary' : kind === 'pong' ? 'Pong' : 'Close';
  return `${name}, ${size}${digits === '' ? '' : `: ${before}${digits}${after}`}`;
}
