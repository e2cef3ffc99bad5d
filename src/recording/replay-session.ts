/** One replay on a connected socket. */

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { resetSocket } from '../client/open-socket.js';
import type { Address } from '../client/url.js';
import { formatEndpoint } from '../connection/ip-address.js';
import { type Timer, time } from '../connection/time.js';
import { newKey } from '../handshake/fields.js';
import { isInformational, startLineOf, statusOf } from './http-head.js';
import { type ConnectionRecorder, Recorder } from './recorder.js';
import { otherEnd, type RecordingRecord, type Sender } from './records.js';
import { Comparison, type ReplayResult } from './replay-comparison.js';
import { compareAccept, compareResponses, requestFor, responseFor } from './replay-handshake.js';
import { countsOf, isPing, itemOf, type Plan, type Step } from './replay-plan.js';
import { ConnectionSplitter, type Piece } from './splitter.js';

/** How a replay is done. */
interface SessionOptions {
  readonly as: Sender;
  readonly timing: 'original' | 'asap' | 'wait';
  readonly timeout: number;
  readonly address: Address;
  readonly signal: AbortSignal | undefined;
  readonly onRecord: ((record: RecordingRecord) => void) | undefined;
}

/** Node fires a timer at once whose time does not fit into 31 bits. */
const MAX_SLEEP = 2 ** 31 - 1;

/** How a wait ended: the peer has ended its direction, or did nothing for too long. */
type Outcome = 'done' | 'ended' | 'timeout';

export class ReplaySession {
  private readonly socket: Socket;
  private readonly plan: Plan;
  private readonly options: SessionOptions;
  private readonly own: Sender;
  private readonly peer: Sender;
  private readonly splitter = new ConnectionSplitter();
  private readonly comparison: Comparison;
  private readonly recorder: ConnectionRecorder | undefined;
  /** The request or the final response of the peer. */
  private peerHead: string | undefined;
  /** 'ended' once the peer has ended its direction, 'closed' once nothing can be sent either. */
  private wire: 'open' | 'ended' | 'closed' = 'open';
  private sent = 0;
  /** The recorded Pongs, by the number of the Ping that each answers. */
  private readonly answers = new Map<number, Buffer>();
  /** How many Pings the peer has sent. */
  private pings = 0;
  /** Whether the last wait ended with the time limit. */
  private hasTimedOut = false;
  /** Checks the condition that is waited for. */
  private wake: (() => void) | undefined;

  constructor(socket: Socket, plan: Plan, options: SessionOptions) {
    this.socket = socket;
    this.plan = plan;
    this.options = options;
    this.own = options.as;
    this.peer = otherEnd(options.as);
    this.comparison = new Comparison(plan);
    this.recorder = options.onRecord && this.startRecorder(options.onRecord);
    for (const { answers, bytes } of plan.steps) {
      if (answers !== undefined && bytes !== undefined) this.answers.set(answers, bytes);
    }
  }

  /** @throws the reason of the signal */
  async run(): Promise<ReplayResult> {
    const { socket, options, comparison, plan } = this;
    const { signal } = options;
    const abort = () => socket.destroy();
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    this.listen();
    try {
      if (await this.shakeHands()) await this.playAll();
      signal?.throwIfAborted();
    } finally {
      signal?.removeEventListener('abort', abort);
      socket.destroySoon();
    }
    const { differences, received } = comparison;
    const planned = plan.steps.length;
    const equal = differences.length === 0;
    return { equal, differences, sent: this.sent, planned, messages: received.message };
  }

  private get hasPeerEnded(): boolean {
    return this.wire !== 'open';
  }

  private startRecorder(onRecord: (record: RecordingRecord) => void): ConnectionRecorder {
    const { socket, own, options } = this;
    const local = formatEndpoint(socket.localAddress, socket.localPort);
    const remote = formatEndpoint(socket.remoteAddress, socket.remotePort);
    const [client, server] = own === 'client' ? [local, remote] : [remote, local];
    return new Recorder(onRecord).connect({ url: options.address.url.href, client, server });
  }

  private listen(): void {
    const { socket, peer } = this;
    let error: Error | undefined;
    const finish = (wire: 'ended' | 'closed') => {
      if (this.wire === 'open') this.recorder?.end(peer, error);
      this.wire = wire;
      this.wake?.();
    };
    socket.on('data', (bytes) => {
      this.recorder?.receive(peer, bytes);
      this.readPieces(this.splitter.push(peer, bytes));
      this.wake?.();
    });
    socket.on('error', (reason) => {
      error = reason;
    });
    socket.on('drain', () => this.wake?.());
    socket.on('end', () => finish('ended'));
    socket.on('close', () => finish('closed'));
  }

  private readPieces(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.from !== this.peer) continue;
      if (piece.type === 'handshake') {
        const head = piece.head.toString('latin1');
        if (!isInformational(statusOf(head))) this.peerHead ??= head;
      } else if (piece.type === 'frame') {
        if (isPing(piece.frame)) this.answer(this.pings++);
        const item = itemOf(piece.frame);
        if (item !== undefined) this.comparison.add(item);
      }
    }
  }

  /** Sends the recorded answer to a Ping, if there is one and the timing depends on the peer. */
  private answer(ping: number): void {
    const bytes = this.options.timing === 'wait' ? this.answers.get(ping) : undefined;
    if (bytes === undefined || !this.socket.writable) return;
    this.sent++;
    this.write(bytes);
  }

  private write(bytes: Buffer): boolean {
    this.recorder?.receive(this.own, bytes);
    if (this.wire === 'closed') return true;
    this.collectWrites();
    return this.socket.write(bytes);
  }

  /** Joins the frames that are sent in one turn into one write. */
  private collectWrites(): void {
    const { socket } = this;
    if (socket.writableCorked > 0) return;
    socket.cork();
    time.nextTick(() => socket.uncork());
  }

  private writeHead(head: string): void {
    const bytes = Buffer.from(head, 'latin1');
    this.write(bytes);
    this.readPieces(this.splitter.push(this.own, bytes));
  }

  /** @returns whether frames follow */
  private async shakeHands(): Promise<boolean> {
    const { plan, comparison, options, own } = this;
    const { resourceName, url } = options.address;
    const key = newKey();
    if (own === 'client') this.writeHead(requestFor(plan.request, resourceName, url.host, key));
    const recorded = own === 'client' ? plan.response : plan.request;
    if (recorded === undefined) return true;
    await this.waitFor(() => this.peerHead !== undefined);
    if (this.peerHead === undefined) {
      comparison.addOther('handshake', startLineOf(recorded), undefined, this.hasTimedOut);
      return false;
    }
    if (own === 'client') {
      compareResponses(comparison, recorded, this.peerHead);
      compareAccept(comparison, key, this.peerHead);
    } else {
      const response = responseFor(plan.response ?? '', this.peerHead);
      compareResponses(comparison, plan.response, response);
      this.writeHead(response);
    }
    return true;
  }

  private async playAll(): Promise<void> {
    const { plan, comparison } = this;
    const startedAt = time.now();
    for (const step of plan.steps) {
      // A Pong follows its Ping, which the clock of the peer may send at another time, or never.
      if (step.answers !== undefined && this.options.timing === 'wait') continue;
      const isDone = (await this.awaitTurn(step, startedAt)) && (await this.play(step));
      if (!isDone) return this.stopAt(step);
    }
    await this.waitFor(() => comparison.isComplete && (!plan.expectsEnd || this.hasPeerEnded));
    comparison.finish(countsOf(plan.expected), this.hasTimedOut);
    if (plan.expectsEnd) this.compareEnd();
  }

  /** Ends at a step that cannot be done: the peer has ended, or did not send what comes before it. */
  private stopAt(step: Step): void {
    const { comparison, plan, sent, hasTimedOut } = this;
    comparison.finish(hasTimedOut ? step.after : countsOf(plan.expected), hasTimedOut);
    if (hasTimedOut) {
      if (step.afterEnd) this.compareEnd();
      return;
    }
    const rest = plan.steps.slice(plan.steps.indexOf(step));
    if (!rest.some(({ bytes, answers }) => bytes !== undefined && answers === undefined)) return;
    const received = `the end, after ${sent} of ${plan.steps.length} parts`;
    comparison.addOther('end', 'an open connection', received);
  }

  private compareEnd(): void {
    if (this.hasPeerEnded) return;
    this.comparison.addOther('end', 'the end of the connection', undefined, this.hasTimedOut);
  }

  /** Waits until a step may be done. @returns whether it can be done */
  private async awaitTurn(step: Step, startedAt: number): Promise<boolean> {
    const { timing } = this.options;
    const isEnd = step.bytes === undefined;
    if (timing === 'original') await this.sleepUntil(startedAt + step.time);
    // Without the answers the peer would seem to send less than in the recording.
    else if (timing === 'wait' || isEnd) {
      const isDue = () =>
        this.comparison.hasReceived(step.after) && (!step.afterEnd || this.hasPeerEnded);
      const outcome = await this.waitFor(isDue);
      if (outcome !== 'done') return isEnd && outcome === 'ended';
    }
    return isEnd || this.wire !== 'closed';
  }

  /** @returns false if the peer does not read */
  private async play({ bytes, how }: Step): Promise<boolean> {
    this.sent++;
    if (bytes !== undefined) {
      if (this.write(bytes)) return true;
      return (await this.waitFor(() => !this.socket.writableNeedDrain)) !== 'timeout';
    }
    this.recorder?.end(this.own, how === 'end' ? undefined : new Error('as recorded'));
    if (how === 'end') this.socket.end();
    else resetSocket(this.socket);
    return true;
  }

  /** Each byte of the peer starts the time limit again. */
  private waitFor(isDone: () => boolean): Promise<Outcome> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const settle = (outcome: Outcome) => {
        time.clearTimeout(timer);
        this.wake = undefined;
        this.hasTimedOut = outcome === 'timeout';
        resolve(outcome);
      };
      this.wake = () => {
        time.clearTimeout(timer);
        if (isDone()) settle('done');
        else if (this.hasPeerEnded) settle('ended');
        else timer = time.setTimeout(settle, this.options.timeout, 'timeout' as const);
      };
      this.wake();
    });
  }

  private async sleepUntil(end: number): Promise<void> {
    for (let left = end - time.now(); left > 0 && this.wire !== 'closed'; left = end - time.now()) {
      await this.sleep(Math.min(left, MAX_SLEEP));
    }
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        time.clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = time.setTimeout(settle, milliseconds);
      this.wake = () => {
        if (this.wire === 'closed') settle();
      };
    });
  }
}
