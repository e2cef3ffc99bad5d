/**
 * A second receiver, written from RFC 6455 §5 to §8 for clarity alone: it reads a whole stream at once
 * and says what an endpoint has to do with it. Nothing here comes from `src`.
 */
import { isUtf8 } from 'node:buffer';
import type { Role } from '../conformance/subject.js';
import { masked } from '../conformance/wire-bytes.js';
import { OPCODE } from '../support/frames.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = OPCODE;
const KNOWN: readonly number[] = [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG];
const RSV1 = 4;

export interface Limits {
  /** bytes in a message; 0 = no limit */
  maxPayload: number;
  /** frames in a message; 0 = no limit */
  maxFragments: number;
}

/** The rules that a stream can break. */
export type Rule =
  | 'header'
  | 'shortest length'
  | 'length above 2^53'
  | 'maxPayload'
  | 'maxFragments'
  | 'UTF-8'
  | 'close code'
  | 'empty compressed payload'
  | 'incomplete compressed data'
  | 'compressed data';

/** A rule that the stream breaks. Where zlib may find either fault first, both codes are right. */
export class Violation extends Error {
  /** It stands behind the end of a DEFLATE stream, in the same message. */
  isBehindStreamEnd = false;

  constructor(
    readonly rule: Rule,
    readonly codes: readonly number[],
  ) {
    super(`${rule}: ${codes.join(' or ')}`);
  }
}

export interface Inflated {
  message: Buffer;
  /** A DEFLATE stream ended in the message: RFC 7692 §7.2.3.4. */
  hasEnd: boolean;
}

/** Turns a compressed message into the message. Throws a {@link Violation}. */
export type Inflate = (payload: Buffer, maxPayload: number) => Inflated;

/** A message or a control frame that the application is told of. */
export interface Heard {
  kind: 'text' | 'binary' | 'ping' | 'pong';
  payload: Buffer;
}

/** How a stream ends: `failed` by a rule, `closed` by a Close frame, or `open`: it just stops. */
export type End =
  | { kind: 'open' }
  | { kind: 'closed'; code: number; reason: string }
  | { kind: 'failed'; violation: Violation };

export interface Verdict {
  heard: Heard[];
  end: End;
  /** How many came before the first compressed message in which a DEFLATE stream ended. */
  beforeStreamEnd: number | undefined;
  /** How many came before the compressed message that was in progress at the end. */
  beforeOpenMessage: number | undefined;
}

interface Header {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  seven: number;
}

interface Message {
  opcode: number;
  compressed: boolean;
  payload: Buffer;
  announced: bigint;
  frames: number;
  /** How much the application had been told of when it began. */
  heardBefore: number;
}

const SECOND_BYTES = [0x80, 0x90, 0xa0, 0xbf];

/** Whether bytes can be the beginning of UTF-8. */
export function isUtf8Prefix(bytes: Buffer): boolean {
  if (isUtf8(bytes)) return true;
  const continuations = SECOND_BYTES.flatMap((second) => [
    [second],
    [second, 0x80],
    [second, 0x80, 0x80],
  ]);
  return continuations.some((more) => isUtf8(Buffer.concat([bytes, Buffer.from(more)])));
}

/** RFC 6455 §7.4: the codes that may stand in a Close frame. */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
}

export class ReferenceReceiver {
  readonly #heard: Heard[] = [];
  readonly #role: Role;
  readonly #limits: Limits;
  readonly #inflate: Inflate | undefined;
  #message: Message | undefined;
  #beforeStreamEnd: number | undefined;

  constructor(role: Role, limits: Limits, inflate?: Inflate) {
    this.#role = role;
    this.#limits = limits;
    this.#inflate = inflate;
  }

  /** Reads all that an endpoint ever receives. */
  read(bytes: Buffer): Verdict {
    let end: End = { kind: 'open' };
    try {
      for (let offset = 0; end.kind === 'open'; ) {
        const next = this.#frame(bytes, offset);
        if (next === undefined) break;
        offset = next.offset;
        end = next.end;
      }
    } catch (violation) {
      if (!(violation instanceof Violation)) throw violation;
      end = { kind: 'failed', violation };
    }
    const open = this.#message;
    return {
      heard: this.#heard,
      end,
      beforeStreamEnd: this.#beforeStreamEnd,
      beforeOpenMessage: open?.compressed === true ? open.heardBefore : undefined,
    };
  }

  /** @returns undefined if the frame is not complete */
  #frame(bytes: Buffer, start: number): { offset: number; end: End } | undefined {
    if (bytes.length < start + 2) return undefined;
    const [first, second] = [bytes.readUInt8(start), bytes.readUInt8(start + 1)];
    const header = {
      fin: first >= 0x80,
      rsv: (first >> 4) & 7,
      opcode: first & 15,
      masked: second >= 0x80,
      seven: second & 0x7f,
    };
    this.#checkHeader(header);
    const extended = header.seven === 126 ? 2 : header.seven === 127 ? 8 : 0;
    const head = start + 2 + extended + (header.masked ? 4 : 0);
    if (bytes.length < head) return undefined;
    const length = this.#length(bytes, start + 2, header.seven);
    if (header.opcode < CLOSE) this.#checkData(header, length);
    const available = bytes.subarray(head, head + Number(length));
    const key = bytes.subarray(head - 4, head);
    const payload = header.masked ? masked(available, key) : Buffer.from(available);
    const isComplete = payload.length === Number(length);
    const end = this.#payload(header, payload, isComplete);
    return isComplete ? { offset: head + payload.length, end } : undefined;
  }

  /** RFC 6455 §5.2, §5.4, §5.5, §5.1 on the first two bytes. */
  #checkHeader({ fin, rsv, opcode, masked, seven }: Header): void {
    const startsData = opcode === TEXT || opcode === BINARY;
    const mayBeCompressed = this.#inflate !== undefined && startsData;
    if (rsv !== 0 && !(rsv === RSV1 && mayBeCompressed)) throw new Violation('header', [1002]);
    if (!KNOWN.includes(opcode)) throw new Violation('header', [1002]);
    if (opcode === CONTINUATION && this.#message === undefined)
      throw new Violation('header', [1002]);
    if (startsData && this.#message !== undefined) throw new Violation('header', [1002]);
    if (opcode >= CLOSE && (!fin || seven > 125)) throw new Violation('header', [1002]);
    if (opcode === CLOSE && seven === 1) throw new Violation('header', [1002]);
    if (masked !== (this.#role === 'server')) throw new Violation('header', [1002]);
  }

  #length(bytes: Buffer, offset: number, seven: number): bigint {
    if (seven < 126) return BigInt(seven);
    const length =
      seven === 126 ? BigInt(bytes.readUInt16BE(offset)) : bytes.readBigUInt64BE(offset);
    if (length < (seven === 126 ? 126n : 65_536n)) throw new Violation('shortest length', [1002]);
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new Violation('length above 2^53', [1009]);
    return length;
  }

  #checkData({ rsv, opcode }: Header, length: bigint): void {
    this.#message ??= {
      opcode,
      compressed: rsv === RSV1,
      payload: Buffer.alloc(0),
      announced: 0n,
      frames: 0,
      heardBefore: this.#heard.length,
    };
    const { maxPayload, maxFragments } = this.#limits;
    this.#message.announced += length;
    this.#message.frames++;
    if (maxPayload > 0 && this.#message.announced > BigInt(maxPayload)) {
      throw new Violation('maxPayload', [1009]);
    }
    if (maxFragments > 0 && this.#message.frames > maxFragments) {
      throw new Violation('maxFragments', [1008]);
    }
  }

  #payload({ fin, opcode }: Header, payload: Buffer, isComplete: boolean): End {
    if (opcode >= CLOSE) return isComplete ? this.#control(opcode, payload) : { kind: 'open' };
    if (this.#message !== undefined) this.#data(this.#message, payload, fin && isComplete);
    return { kind: 'open' };
  }

  #control(opcode: number, payload: Buffer): End {
    if (opcode !== CLOSE) {
      this.#heard.push({ kind: opcode === PING ? 'ping' : 'pong', payload });
      return { kind: 'open' };
    }
    if (payload.length === 0) return { kind: 'closed', code: 1005, reason: '' };
    const code = payload.readUInt16BE(0);
    const reason = payload.subarray(2);
    if (!isCloseCode(code)) throw new Violation('close code', [1002]);
    if (!isUtf8(reason)) throw new Violation('UTF-8', [1007]);
    return { kind: 'closed', code, reason: reason.toString() };
  }

  #data(message: Message, part: Buffer, isLast: boolean): void {
    message.payload = Buffer.concat([message.payload, part]);
    const isText = message.opcode === TEXT;
    // RFC 6455 §8.1: text fails at its first invalid byte, complete or not.
    if (isText && !message.compressed && !isUtf8Prefix(message.payload))
      throw new Violation('UTF-8', [1007]);
    if (!isLast) return;
    const payload = message.compressed ? this.#inflated(message.payload) : message.payload;
    if (isText && !isUtf8(payload)) throw new Violation('UTF-8', [1007]);
    this.#message = undefined;
    this.#heard.push({ kind: isText ? 'text' : 'binary', payload });
  }

  #inflated(payload: Buffer): Buffer {
    if (this.#inflate === undefined) return payload;
    const { message, hasEnd } = this.#inflate(payload, this.#limits.maxPayload);
    if (hasEnd) this.#beforeStreamEnd ??= this.#heard.length;
    return message;
  }
}
