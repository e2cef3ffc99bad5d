/** Follows a topic with a history: its messages reach the subscribers here in order, each once. */

import { callProgram, toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import { Fifo } from '../protocol/fifo.js';
import type {
  BrokerHistory,
  HistoryLimits,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from './broker.js';

/** The most messages that wait until those before them are there. */
const MAX_HELD = 1_000;

/** How often the history is asked before messages are given up. */
const MAX_ATTEMPTS = 5;

/** The most milliseconds between two attempts. */
const MAX_RETRY_DELAY = 1_000;

/** What a follower needs. */
export interface FollowerOwner {
  readonly history: BrokerHistory;
  /** Never throws. @param isRecovered whether it was missed before */
  deliver(topic: string, data: Uint8Array, isRecovered: boolean): void;
  onGap(topic: string, position: TopicPosition): void;
  onError(error: Error): void;
}

interface Held {
  readonly data: Uint8Array;
  readonly position: TopicPosition;
}

/**
 * LIVE: every message up to `position` was delivered, the next one follows. ASKING: an answer of the
 * history is due, and messages wait. DOWN: the broker has to confirm the topic first.
 */
type Phase = 'DOWN' | 'ASKING' | 'LIVE';

export class TopicFollower {
  /** Everything up to here was delivered; undefined until the first answer or message. */
  position: TopicPosition | undefined;
  private phase: Phase = 'DOWN';
  private readonly topic: string;
  private readonly limits: HistoryLimits;
  private readonly owner: FollowerOwner;
  private held = new Fifo<Held>();
  /** A message found no room in `held`. */
  private isShort = false;
  private waiting: (() => void)[] = [];
  /** 'topicGap' was emitted for what is being recovered. */
  private isReported = false;
  /** Answers of earlier calls are ignored. */
  private call = 0;
  private attempts = 0;
  private retryTimer: Timer | undefined;
  /** When the history of the engine was surely there. */
  private seen = time.now();
  /** The engine was not reachable since then. */
  private wasDown = false;

  constructor(topic: string, limits: HistoryLimits, owner: FollowerOwner) {
    this.topic = topic;
    this.limits = limits;
    this.owner = owner;
  }

  /** The broker has confirmed the topic. @param onReady called when the position is known */
  onConfirmed(onReady: () => void): void {
    this.waiting.push(onReady);
    this.attempts = 0;
    this.ask();
  }

  /** The engine is not reachable. */
  onDown(): void {
    this.wasDown = true;
    this.stop();
  }

  /** Nobody wants the topic any more. */
  close(): void {
    this.stop();
    this.held = new Fifo();
    this.release();
  }

  receive(data: Uint8Array, position: TopicPosition): void {
    const message = { data, position };
    if (this.phase === 'ASKING' && this.position !== undefined) this.hold(message);
    else if (!this.accept(message)) {
      this.hold(message);
      this.ask();
    }
  }

  /** A message of this server was kept, which its subscribers have. */
  onPublished({ epoch, offset }: TopicPosition): void {
    const { position, phase } = this;
    if (phase !== 'LIVE' || position?.epoch !== epoch || offset !== position.offset + 1) return;
    this.moveTo({ epoch, offset });
  }

  /** Asks whether a message is missing, and keeps the epoch alive, if the topic was quiet for long. */
  check(): void {
    if (this.phase === 'LIVE' && time.now() - this.seen > this.limits.ttl / 2) this.ask();
  }

  /** @returns false if messages before it are missing */
  private accept({ data, position }: Held): boolean {
    const { epoch, offset } = this.position ?? {
      epoch: position.epoch,
      offset: position.offset - 1,
    };
    if (position.epoch !== epoch || position.offset > offset + 1) return false;
    if (position.offset <= offset) return true; // a repetition
    this.moveTo(position);
    this.owner.deliver(this.topic, data, false);
    return true;
  }

  private moveTo(position: TopicPosition): void {
    this.position = position;
    this.seen = time.now();
    this.wasDown = false;
  }

  private hold(message: Held): void {
    if (this.held.length < MAX_HELD) this.held.push(message);
    else this.isShort = true;
  }

  private ask(): void {
    this.stop();
    this.phase = 'ASKING';
    const { owner, topic, limits, position, call } = this;
    const { history } = owner;
    this.attempts++;
    callProgram(
      () => (position ? history.since(topic, position, limits) : history.position(topic, limits)),
      (answer) => {
        if (call === this.call) this.read(answer, position);
      },
      (error) => {
        owner.onError(toError(error));
        if (call === this.call) this.onFailed();
      },
    );
  }

  /** @param asked undefined for the answer of `position` */
  private read(answer: unknown, asked: TopicPosition | undefined): void {
    const { attempts } = this;
    try {
      this.attempts = 0;
      if (asked === undefined) this.onStart(answer as TopicPosition);
      else this.onAnswer(answer as TopicHistory<StoredMessage>, asked);
    } catch (error) {
      // The broker keeps to no type.
      this.attempts = attempts;
      this.owner.onError(toError(error));
      this.onFailed();
    }
  }

  /** Ignores the answer that is due. */
  private stop(): void {
    this.phase = 'DOWN';
    this.call++;
    time.clearTimeout(this.retryTimer);
  }

  private onFailed(): void {
    if (this.attempts < MAX_ATTEMPTS) {
      const delay = Math.ceil(time.random() * MAX_RETRY_DELAY);
      this.retryTimer = time.setTimeout(() => this.ask(), delay);
      this.retryTimer.unref();
      return;
    }
    // The messages that are there must not wait for ever.
    const next = this.held.list().find(({ position }) => !this.isKnown(position));
    if (next !== undefined) {
      const { epoch, offset } = next.position;
      const position = { epoch, offset: offset - 1 };
      this.moveTo(position);
      this.reportGap(position);
    }
    this.drain();
  }

  private onStart(position: TopicPosition): void {
    // A message may have come first: it counts.
    if (this.position === undefined)
      this.moveTo({ epoch: position.epoch, offset: position.offset });
    this.drain();
  }

  private onAnswer(
    { complete, messages, position: newest }: TopicHistory<StoredMessage>,
    asked: TopicPosition,
  ): void {
    if (!complete) {
      this.onIncomplete(newest, asked);
      return;
    }
    for (const { data, offset } of messages) {
      this.moveTo({ epoch: asked.epoch, offset });
      this.owner.deliver(this.topic, data, true);
    }
    this.seen = time.now();
    this.wasDown = false;
    this.drain();
  }

  private onIncomplete(newest: TopicPosition, asked: TopicPosition): void {
    const isNewEpoch = newest.epoch !== asked.epoch;
    // An engine forgets a topic that was quiet for `ttl`: then nothing was missed.
    const isForgotten = isNewEpoch && !this.wasDown && time.now() - this.seen >= this.limits.ttl;
    if (!isForgotten) this.reportGap(newest);
    if (isNewEpoch && newest.offset > 0) {
      this.moveTo({ epoch: newest.epoch, offset: 0 });
      this.ask();
      return;
    }
    this.skipTo(newest);
    this.drain();
  }

  /** Once, until messages are delivered again. */
  private reportGap(position: TopicPosition): void {
    if (!this.isReported) this.owner.onGap(this.topic, position);
    this.isReported = true;
  }

  /** Goes on with the first message that is there. @param newest of the history */
  private skipTo({ epoch, offset }: TopicPosition): void {
    // An engine that has lost its last messages gives their numbers again.
    const isBehind = offset < (this.position?.offset ?? 0);
    const first = this.held
      .list()
      .find(({ position }) => position.epoch === epoch && (isBehind || !this.isKnown(position)));
    const before = first === undefined ? offset : first.position.offset - 1;
    this.moveTo({ epoch, offset: Math.min(offset, before) });
  }

  /** Whether a message was delivered already: a repetition may be among those that wait. */
  private isKnown({ epoch, offset }: TopicPosition): boolean {
    return this.position?.epoch === epoch && offset <= this.position.offset;
  }

  /** Delivers what has waited. */
  private drain(): void {
    this.phase = 'LIVE';
    this.isReported = false;
    const { epoch } = this.position ?? {};
    for (let head = this.held.head; head !== undefined; head = this.held.head) {
      // The history has just answered: other epochs are older ones.
      if (head.position.epoch === epoch && !this.accept(head)) break;
      this.held.shift();
    }
    if (this.held.length > 0 || this.isShort) {
      this.isShort = false;
      this.ask();
    } else this.release();
  }

  private release(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const onReady of waiting) onReady();
  }
}
