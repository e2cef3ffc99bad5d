/** Removes the streams of topics that have no messages any more. JetStream itself keeps them for ever. */

import { toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import {
  type JetStream,
  JetStreamCode,
  JetStreamError,
  type StreamInfo,
} from './nats-jetstream.js';

/** How often it looks, in milliseconds: at least, and at most. Servers take turns by chance. */
const [MIN_INTERVAL, MAX_INTERVAL] = [600_000, 1_200_000];

/** How much longer than its messages a stream is kept, in milliseconds: clocks of machines differ. */
const SPARE = 600_000;

const NANOSECONDS = 1_000_000;

export class NatsSweeper {
  private readonly jetStream: JetStream;
  private readonly subjects: string;
  private readonly onError: (error: Error) => void;
  private timer: Timer | undefined;
  private isClosed = false;

  /** @param subjects what the subjects of all streams match */
  constructor(jetStream: JetStream, subjects: string, onError: (error: Error) => void) {
    this.jetStream = jetStream;
    this.subjects = subjects;
    this.onError = onError;
  }

  start(): void {
    if (this.isClosed || this.timer !== undefined) return;
    const delay = MIN_INTERVAL + time.random() * (MAX_INTERVAL - MIN_INTERVAL);
    this.timer = time.setTimeout(() => {
      this.timer = undefined;
      this.sweep().catch((error) => this.onError(toError(error)));
      this.start();
    }, delay);
    this.timer.unref();
  }

  close(): void {
    this.isClosed = true;
    time.clearTimeout(this.timer);
  }

  private async sweep(): Promise<void> {
    const idle: string[] = [];
    for (let offset = 0, total = 1; offset < total && !this.isClosed; ) {
      const page = await this.jetStream.list(this.subjects, offset);
      if (page.streams.length === 0) break;
      idle.push(...page.streams.filter(isIdle).map(({ config }) => config.name));
      offset += page.streams.length;
      total = page.total;
    }
    for (const name of idle) if (!this.isClosed) await this.remove(name);
  }

  private async remove(name: string): Promise<void> {
    try {
      // The list is old by now.
      if (isIdle(await this.jetStream.info(name))) await this.jetStream.delete(name);
    } catch (error) {
      const isGone =
        error instanceof JetStreamError && error.code === JetStreamCode.STREAM_NOT_FOUND;
      if (!isGone) throw error;
    }
  }
}

function isIdle({ config, created, state }: StreamInfo): boolean {
  const used = Math.max(Date.parse(created), Date.parse(state.last_ts));
  return state.messages === 0 && time.wallClock() - used > config.max_age / NANOSECONDS + SPARE;
}
