/** A client that breaks a rule, at a server of ours or at the target. */

import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { type Timer, time } from '../connection/time.js';
import { statusOf } from '../recording/http-head.js';
import { type ConnectionRecorder, Recorder } from '../recording/recorder.js';
import type { RecordingRecord } from '../recording/records.js';
import { startHandshake } from '../sans-io/client-handshake.js';
import { WebSocketServer } from '../server/websocket-server.js';
import type { ClientOffence } from './frame-offences.js';
import type { RequestOffence } from './handshake-offences.js';
import type { BreakableRule, BrokenMessage } from './messages.js';
import { Target } from './target.js';

/** The time limit for an answer, in milliseconds. */
export const ANSWER_TIMEOUT = 3000;

/** How long the body of a refusal is read, in milliseconds. */
const BODY_TIMEOUT = 200;

/** Breaks a rule at the target, or else at a server of ours. */
export async function attackServer(
  rule: BreakableRule,
  offence: ClientOffence | RequestOffence,
  target: Target | undefined,
): Promise<BrokenMessage> {
  if (target !== undefined) return new Attack(rule, offence, target, false).run();
  const options = 'serverOptions' in offence ? offence.serverOptions : {};
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: isCompressed(offence),
    ...options,
  });
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return await new Attack(rule, offence, new Target(`ws://127.0.0.1:${port}/`), true).run();
  } finally {
    await server.shutdown({ timeout: 0 });
  }
}

function isCompressed(offence: ClientOffence | RequestOffence): boolean {
  return 'isCompressed' in offence && offence.isCompressed === true;
}

/** The result of a broken rule. */
export type Verdict = Pick<BrokenMessage, 'outcome' | 'asExpected'>;

/** One connection that breaks a rule. */
class Attack {
  private readonly rule: BreakableRule;
  private readonly offence: ClientOffence | RequestOffence;
  private readonly target: Target;
  private readonly isOwn: boolean;
  private readonly records: RecordingRecord[] = [];
  private readonly recorder: ConnectionRecorder;
  private finish: () => void = () => {};
  /** The status of the response; 0 without one. */
  private status = 0;
  private isFrameSent = false;
  private bodyTimer: Timer | undefined;
  private closeCode: number | undefined;
  private isEnded = false;

  constructor(
    rule: BreakableRule,
    offence: ClientOffence | RequestOffence,
    target: Target,
    isOwn: boolean,
  ) {
    this.rule = rule;
    this.offence = offence;
    this.target = target;
    this.isOwn = isOwn;
    const { href, host } = target.address.url;
    const recorder = new Recorder((record) => this.note(record));
    this.recorder = recorder.connect({ url: href, ...(host !== '' && { server: host }) });
  }

  async run(): Promise<BrokenMessage> {
    const socket = await this.connect();
    const answered = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    const timer = time.setTimeout(() => this.finish(), ANSWER_TIMEOUT);
    socket.on('data', (chunk) => this.receive(socket, chunk));
    socket.on('error', (error) => this.ended(error));
    socket.on('end', () => this.ended());
    this.send(socket, this.request());
    await answered;
    time.clearTimeout(timer);
    time.clearTimeout(this.bodyTimer);
    socket.destroy();
    return { type: 'broken', rule: this.rule.id, records: this.records, ...this.verdict() };
  }

  private connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = this.target.connect((error) => {
        if (error === undefined) resolve(socket);
        else reject(new Error(`The target cannot be reached: ${error.message}`));
      });
    });
  }

  private request(): Buffer {
    const perMessageDeflate = isCompressed(this.offence);
    const { request } = startHandshake(this.target.address.url, { perMessageDeflate });
    if (!('change' in this.offence)) return request;
    return Buffer.from(this.offence.change(request.toString('latin1')), 'latin1');
  }

  private send(socket: Socket, bytes: Buffer): void {
    socket.write(bytes);
    this.recorder.receive('client', bytes);
  }

  private receive(socket: Socket, chunk: Buffer): void {
    this.recorder.receive('server', chunk);
    if (this.status === 101 && 'bytes' in this.offence && !this.isFrameSent) {
      this.isFrameSent = true;
      this.send(socket, this.offence.bytes());
    }
  }

  private note(record: RecordingRecord): void {
    if (record.type === 'recording') return;
    this.records.push(record);
    if (record.type === 'handshake' && record.from === 'server') {
      this.status = statusOf(record.head);
      const isDone = this.status !== 101 || this.rule.kind === 'handshake';
      if (isDone) this.bodyTimer ??= time.setTimeout(() => this.finish(), BODY_TIMEOUT);
    }
    if (record.type !== 'frame' || record.from !== 'server' || record.close === undefined) return;
    this.closeCode ??= record.close.code;
    time.setImmediate(() => this.finish());
  }

  private ended(error?: Error): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.recorder.end('server', error);
    this.finish();
  }

  private verdict(): Verdict {
    const { kind, answer, rfc } = this.rule;
    if (kind === 'handshake') return this.handshakeVerdict();
    if (this.status !== 101) {
      const outcome = `The server did not accept the handshake: status ${this.status}`;
      return { outcome, asExpected: false };
    }
    if (this.closeCode === undefined) return { outcome: this.silence(), asExpected: false };
    const asExpected = this.closeCode === answer;
    return {
      outcome: `The server closed with ${this.closeCode}${compare(asExpected, answer, rfc)}`,
      asExpected,
    };
  }

  /** Another server may choose another status that refuses. RFC 6455 §4.2.2. */
  private handshakeVerdict(): Verdict {
    const { answer, rfc } = this.rule;
    if (this.status === 0) return { outcome: this.silence(), asExpected: false };
    const mayDiffer = !this.isOwn && answer !== 426;
    const asExpected = this.status === answer || (mayDiffer && this.status >= 400);
    const outcome = `The server answered with status ${this.status}${compare(asExpected, answer, rfc)}`;
    return { outcome, asExpected };
  }

  private silence(): string {
    return this.isEnded
      ? 'The server ended the connection without an answer'
      : `No answer within ${ANSWER_TIMEOUT / 1000} seconds`;
  }
}

/** The end of a sentence about an answer. */
function compare(asExpected: boolean, answer: number, rfc: string): string {
  return asExpected ? `, as ${rfc} asks` : `, where ${rfc} asks for ${answer}`;
}
