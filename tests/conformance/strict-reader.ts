/** Reads what the product sends, as a receiver that forgives nothing. */
import { isUtf8 } from 'node:buffer';
import { TAIL } from '../support/deflate.js';
import { OPCODE, type SeenFrame } from '../support/frames.js';
import { masked } from './wire-bytes.js';

interface Header {
  first: number;
  masked: boolean;
  /** where the payload begins */
  start: number;
  /** where the frame ends */
  end: number;
}

/** Turns the payload of a compressed message into the message, or throws. */
export type Inflate = (payload: Buffer) => Buffer;

/** A message, or a control frame. */
export interface Heard {
  opcode: number;
  /** the message as the application meant it */
  payload: Buffer;
  compressed: boolean;
}

interface Message {
  opcode: number;
  compressed: boolean;
  parts: Buffer[];
}

const RSV1 = 4;

const KNOWN: readonly number[] = Object.values(OPCODE);

const isFirst = (opcode: number): boolean => opcode === OPCODE.TEXT || opcode === OPCODE.BINARY;

/** RFC 6455 §7.4: the codes that may stand in a Close frame. */
export function isWireCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
}

export class StrictReader {
  /** every whole frame, in order */
  readonly frames: SeenFrame[] = [];
  /** whole messages and control frames, in order */
  readonly heard: Heard[] = [];
  /** every rule the sender broke */
  readonly faults: string[] = [];
  #chunks: Buffer[] = [];
  #size = 0;
  #need = 2;
  #message: Message | undefined;
  #closed = false;

  /** `inflate` is there when permessage-deflate was agreed. */
  constructor(
    readonly expectMasked: boolean,
    readonly inflate?: Inflate,
  ) {}

  /** bytes of a frame that has not arrived whole */
  get rest(): number {
    return this.#size;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= this.#need) this.#parse();
  }

  #fault(what: string): void {
    this.faults.push(what);
  }

  #parse(): void {
    let bytes = Buffer.concat(this.#chunks);
    for (;;) {
      const header = this.#header(bytes);
      if (header === undefined || bytes.length < header.end) {
        this.#need = header?.end ?? bytes.length + 1;
        break;
      }
      this.#frame(bytes, header);
      bytes = bytes.subarray(header.end);
    }
    this.#chunks = [bytes];
    this.#size = bytes.length;
  }

  #header(bytes: Buffer): Header | undefined {
    if (bytes.length < 2) return undefined;
    const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
    const seven = second & 0x7f;
    const extended = seven === 126 ? 2 : seven === 127 ? 8 : 0;
    if (bytes.length < 2 + extended) return undefined;
    const length = this.#length(bytes, seven);
    const isMasked = second >= 0x80;
    const start = 2 + extended + (isMasked ? 4 : 0);
    return { first, masked: isMasked, start, end: start + length };
  }

  #length(bytes: Buffer, seven: number): number {
    if (seven < 126) return seven;
    const length = seven === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    // RFC 6455 §5.2: the shortest form that holds the length, most significant bit clear.
    if (length <= (seven === 126 ? 125 : 65535)) this.#fault(`length ${length} not minimal`);
    if (length > Number.MAX_SAFE_INTEGER) this.#fault(`length ${length} too large`);
    return length;
  }

  #frame(bytes: Buffer, header: Header): void {
    const fin = header.first >= 0x80;
    const rsv = (header.first >> 4) & 7;
    const opcode = header.first & 15;
    const raw = bytes.subarray(header.start, header.end);
    const key = bytes.subarray(header.start - 4, header.start);
    const payload = header.masked ? masked(raw, key) : Buffer.from(raw);
    this.frames.push({ fin, rsv, opcode, masked: header.masked, payload });
    // RFC 6455 §5.1: a client masks every frame, a server none.
    if (header.masked !== this.expectMasked) this.#fault(`mask bit ${header.masked}`);
    // RFC 7692 §6: RSV1 marks the first frame of a compressed message, and nothing else.
    const compressed = this.inflate !== undefined && rsv === RSV1 && isFirst(opcode);
    if (rsv !== 0 && !compressed) this.#fault(`reserved bits ${rsv} on opcode ${opcode}`);
    // RFC 6455 §5.5.1: no data frame, and no second Close, behind a Close.
    const afterClose = this.#closed && opcode !== OPCODE.PONG;
    if (afterClose) this.#fault(`opcode ${opcode} after the Close frame`);
    if (!KNOWN.includes(opcode)) this.#fault(`opcode ${opcode}`);
    else if (opcode >= 8) this.#control(opcode, fin, payload);
    else this.#data(opcode, fin, payload, compressed);
  }

  #control(opcode: number, fin: boolean, payload: Buffer): void {
    this.heard.push({ opcode, payload, compressed: false });
    if (!fin) this.#fault('control frame in fragments');
    if (payload.length > 125) this.#fault(`control frame of ${payload.length} bytes`);
    if (opcode !== OPCODE.CLOSE) return;
    this.#closed = true;
    if (payload.length === 0) return;
    if (payload.length === 1) this.#fault('Close payload of one byte');
    else if (!isWireCode(payload.readUInt16BE(0))) this.#fault(`code ${payload.readUInt16BE(0)}`);
    if (!isUtf8(payload.subarray(2))) this.#fault('close reason not UTF-8');
  }

  #data(opcode: number, fin: boolean, payload: Buffer, compressed: boolean): void {
    if ((opcode === OPCODE.CONTINUATION) !== (this.#message !== undefined)) {
      this.#fault(`opcode ${opcode} out of order`);
    }
    const message = this.#message ?? { opcode, compressed, parts: [] };
    message.parts.push(payload);
    this.#message = fin ? undefined : message;
    if (fin) this.#whole(message);
  }

  #whole({ opcode, compressed, parts }: Message): void {
    const joined = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    const payload = compressed ? this.#inflated(joined) : joined;
    this.heard.push({ opcode, payload, compressed });
    if (opcode === OPCODE.TEXT && !isUtf8(payload)) this.#fault('text message not UTF-8');
  }

  #inflated(payload: Buffer): Buffer {
    // RFC 7692 §7.2.1: the four bytes at the end of what zlib gives are not sent.
    if (payload.length > 4 && payload.subarray(-4).equals(TAIL)) this.#fault('tail not removed');
    try {
      return this.inflate?.(payload) ?? payload;
    } catch (error) {
      this.#fault(`message that cannot be inflated: ${error}`);
      return Buffer.alloc(0);
    }
  }
}
