/** Plays one Autobahn case against the product and says what came of it. */
import { closePayload, OPCODE } from '../support/frames.js';
import { byteByByte, randomCuts, SeededRandom } from '../support/random.js';
import type { Case, Form } from './cases.js';
import type { Expectation } from './expectation.js';
import { type Action, actionsOf, roundTripFrame } from './script.js';
import { inWords, type Role, Scene } from './subject.js';
import { turn } from './turns.js';
import { frameBytes } from './wire-bytes.js';

export interface Outcome {
  form: Form;
  /** what came back before the Close, with a mark for every pause */
  list: string[];
  firstCloseBy: 'tester' | 'library' | 'nobody';
  /** the code of the library's Close; 1005 = without one */
  code: number | undefined;
  /** the library's own reason, or the tester's sent back */
  reason: 'none' | 'readable' | 'unreadable';
  /** the library ended the wire: by itself, or after the tester had ended it */
  wire: 'ended by the library' | 'ended after the tester' | 'never ended';
  /** 'error' and 'close' as the application saw them */
  reported: string[];
  /** rules of RFC 6455 that the library's bytes broke */
  faults: string[];
}

/** What a run has to come to, in the same words as its outcome. */
export function outcomeOf(expected: Expectation, form: Form, role: Role): Outcome {
  const { list, firstCloseBy, code, reason, error } = expected;
  const failed = error !== undefined;
  // RFC 6455 §7.1.1: the server ends TCP first; whoever fails the connection ends it itself.
  const first = failed || role === 'server';
  return {
    form,
    list,
    firstCloseBy,
    code,
    reason: failed || reason.length > 0 ? 'readable' : 'none',
    wire: first ? 'ended by the library' : 'ended after the tester',
    reported: failed
      ? [`error ${error}`, 'close 1006']
      : [`close ${code}${reason === '' ? '' : ` ${reason}`}`],
    faults: [],
  };
}

/** RFC 6455 §5.2: two bytes, eight of length, four of masking key. */
const LONGEST_HEADER = 14;

class Run {
  readonly #scene: Scene;
  readonly #random: SeededRandom;
  readonly #marks: { at: number; mark: string }[] = [];
  #closeSent = false;
  #wire: Outcome['wire'] = 'never ended';
  #firstCloseBy: Outcome['firstCloseBy'] = 'nobody';

  constructor(
    readonly one: Case,
    readonly role: Role,
    readonly form: Form,
    readonly want: Expectation,
    seed: number,
  ) {
    this.#random = new SeededRandom(seed);
    this.#scene = new Scene(role);
    const { product } = this.#scene;
    product.on('message', (data: Buffer, binary: boolean) => product.send(data, { binary }));
  }

  /** what came back, before the Close, with the marks in between */
  get #list(): string[] {
    const list: string[] = [];
    for (const [i, frame] of this.#scene.peer.frames.entries()) {
      this.#marksAt(i, list);
      if (frame.opcode === OPCODE.CLOSE) break;
      list.push(inWords(frame));
    }
    this.#marksAt(this.#scene.peer.frames.length, list);
    return list;
  }

  #marksAt(index: number, list: string[]): void {
    const marks = this.#marks.filter(({ at }) => at === index).map(({ mark }) => mark);
    if (!list.includes('failed')) list.push(...marks);
  }

  get #over(): boolean {
    const { peer } = this.#scene;
    if (peer.close === undefined && !peer.ended) return false;
    if (this.#firstCloseBy === 'nobody') this.#firstCloseBy = 'library';
    return true;
  }

  async play(): Promise<Outcome> {
    if (this.one.params?.messages === undefined) await this.#script();
    else await this.#roundTrips(this.one.params.messages);
    await this.#closing();
    return this.#outcome();
  }

  async #script(): Promise<void> {
    const masking = this.role === 'server' ? this.#random : undefined;
    for (const action of actionsOf(this.one, masking)) {
      if (action.kind === 'pause') await this.#pause();
      else if (!this.#over) await this.#write(action);
    }
  }

  async #pause(): Promise<void> {
    await this.#scene.settled();
    const mark = this.#over ? 'failed' : 'still open';
    // A failure is marked behind everything, an open connection where it was found open.
    const at = this.#scene.peer.frames.length - (this.#over ? 1 : 0);
    this.#marks.push({ at, mark });
  }

  /** The case's own Close frame counts as sent when its bytes are on their way. */
  async #write({ bytes, writeSize, ownWrite }: Action & { kind: 'write' }): Promise<void> {
    const { peer } = this.#scene;
    const chopped = this.form === 'whole' && (writeSize > 0 || ownWrite);
    for (const chunk of this.#cut(bytes, writeSize)) {
      peer.write([chunk]);
      if (chopped) await turn();
      if (this.#over) return;
    }
    await this.#scene.until(() => peer.wire.writableLength === 0);
  }

  #cut(bytes: Buffer, writeSize: number): Buffer[] {
    if (this.form === 'bytes') return byteByByte(bytes);
    if (this.form === 'cuts') return this.#randomCuts(bytes);
    if (writeSize === 0) return [bytes];
    const count = Math.ceil(bytes.length / writeSize);
    return Array.from({ length: count }, (_, i) =>
      bytes.subarray(i * writeSize, (i + 1) * writeSize),
    );
  }

  /** Random places seldom meet the header of a large frame: its bytes come one by one. */
  #randomCuts(bytes: Buffer): Buffer[] {
    const header = bytes.length < 200 ? 0 : LONGEST_HEADER;
    const rest = randomCuts(bytes.subarray(header), this.#random, this.#longest(bytes));
    return [...byteByByte(bytes.subarray(0, header)), ...rest];
  }

  /** Small cases in chunks of a few bytes, large ones in chunks of up to 64 KiB. */
  #longest({ length }: Buffer): number {
    if (this.one.params?.messages !== undefined) return Math.max(9, Math.ceil(length / 3));
    if (length < 200) return 9;
    return length < 200_000 ? Math.ceil(length / 30) : 65_536;
  }

  async #roundTrips(count: number): Promise<void> {
    const { peer } = this.#scene;
    const bytes = roundTripFrame(this.one, this.role === 'server');
    for (let i = 1; i <= count && !this.#over; i++) {
      peer.write(this.#cut(bytes, 0));
      await this.#scene.until(() => peer.frames.length >= i || this.#over);
    }
  }

  get #caseCloses(): boolean {
    return this.want.firstCloseBy === 'tester' && (this.one.steps ?? []).some(isClose);
  }

  async #closing(): Promise<void> {
    const { peer } = this.#scene;
    const wanted = this.want.list.length;
    const reached = (): boolean => peer.frames.length + this.#marks.length >= wanted;
    if (this.#caseCloses) {
      this.#closeSent = true;
      this.#firstCloseBy = 'tester';
    } else if (this.want.firstCloseBy === 'tester') {
      await this.#scene.until(() => reached() || this.#over);
      if (!this.#over) this.#sendClose('tester');
    }
    await this.#scene.until(() => this.#over);
    if (peer.close === undefined) this.#sendClose('tester');
    if (!this.#closeSent) this.#sendClose('library');
    await this.#wireEnd();
  }

  #sendClose(first: 'tester' | 'library'): void {
    const { peer } = this.#scene;
    this.#closeSent = true;
    this.#firstCloseBy = first;
    const mask = this.role === 'server' ? this.#random.bytes(4) : undefined;
    const payload = closePayload(peer.closing?.code ?? 1000);
    peer.write([frameBytes({ opcode: OPCODE.CLOSE, payload, mask })]);
  }

  /** As a client the tester waits for the server to drop TCP, as a server it drops it itself. */
  async #wireEnd(): Promise<void> {
    const { peer } = this.#scene;
    await this.#scene.settled();
    if (peer.ended) this.#wire = 'ended by the library';
    await this.#scene.finish();
    if (peer.ended && this.#wire === 'never ended') this.#wire = 'ended after the tester';
  }

  #outcome(): Outcome {
    const { peer, events } = this.#scene;
    const faults =
      peer.reader.rest > 0 ? [...peer.reader.faults, 'half a frame'] : peer.reader.faults;
    const { reason = '', code } = peer.closing ?? {};
    return {
      form: this.form,
      list: this.#list,
      firstCloseBy: this.#firstCloseBy,
      code,
      reason: legibility(reason),
      wire: this.#wire,
      reported: events.filter((event) => /^(error|close)/.test(event)),
      faults,
    };
  }
}

function legibility(reason: string): Outcome['reason'] {
  if (reason === '') return 'none';
  return /[a-z]{3}|\*{3}/i.test(reason) ? 'readable' : 'unreadable';
}

/** A seed of its own for every case, so that one can be run alone. */
export const seedOf = ({ id }: Case): number =>
  [...id].reduce((seed, letter) => (Math.imul(seed, 31) + letter.charCodeAt(0)) | 0, 6455);

const isClose = ({ opcode }: { opcode?: number }): boolean => opcode === OPCODE.CLOSE;

/** Plays the case once and says what came of it. */
export function play(
  one: Case,
  role: Role,
  form: Form,
  want: Expectation,
  seed: number,
): Promise<Outcome> {
  return new Run(one, role, form, want, seed).play();
}
