import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers'; // real, also under a test's fake timers
import { readFrames, type SeenFrame } from './frames.js';

/** Longest wait for something that a correct product does at once: it ends a failing test only. */
const PATIENCE = 3_000;

/** Bytes as a text that a person can compare: control characters and high bytes as `\x..`. */
export function show(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) {
    if (byte === 0x0d) text += '\\r';
    else if (byte === 0x0a) text += '\\n\n';
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, '0')}`;
    else text += String.fromCharCode(byte);
  }
  return text;
}

/** Lets everything that is already on its way happen: some whole turns of the event loop. */
export async function turns(count = 8): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((go) => setImmediate(go));
}

/** Waits, turn by turn, until `done` says so. */
export async function until(
  done: () => boolean,
  what: string | (() => string),
  patience = PATIENCE,
): Promise<void> {
  const deadline = Date.now() + patience;
  while (!done()) {
    if (Date.now() > deadline) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((go) => setImmediate(go));
  }
}

/** An HTTP message as it was read off the wire. */
export interface HttpMessage {
  startLine: string;
  /** the status of a response, 0 for anything else */
  status: number;
  /** in the order and spelling of the wire */
  fields: [string, string][];
  /** the values of one field, all lines of it */
  all(name: string): string[];
  body: Buffer;
}

function readHead(head: string): Omit<HttpMessage, 'body'> {
  const [startLine = '', ...lines] = head.split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return colon < 0 ? ['', line] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(startLine)?.[1] ?? 0);
  const all = (name: string): string[] =>
    fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return { startLine, status, fields, all };
}

/** How many bytes a frame took, its length in the shortest form. */
function sizeOf({ masked, payload: { length } }: SeenFrame): number {
  return 2 + (length < 126 ? 0 : length < 65_536 ? 2 : 8) + (masked ? 4 : 0) + length;
}

/** Everything that comes out of one end of a wire, from the first byte on. */
export class Inbox {
  #chunks: Buffer[] = [];
  #length = 0;
  #taken = 0;
  /** the other side sends nothing more */
  ended = false;
  /** the stream is gone */
  closed = false;
  error: Error | undefined;

  constructor(readonly stream: Duplex) {
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(Buffer.from(chunk));
      this.#length += chunk.length;
    });
    stream.on('end', () => {
      this.ended = true;
    });
    stream.on('error', (error: Error) => {
      this.error ??= error;
    });
    stream.on('close', () => {
      this.ended = true;
      this.closed = true;
    });
  }

  /** What has come so far and was not taken. */
  peek(): Buffer {
    return this.#all().subarray(this.#taken);
  }

  /** The next `length` bytes; fewer only when the other side ended. */
  async take(length: number): Promise<Buffer> {
    await until(
      () => this.#length - this.#taken >= length || this.ended,
      () => `${length} bytes; there came: ${show(this.peek())}`,
    );
    const from = this.#taken;
    this.#taken = Math.min(this.#length, from + length);
    return this.#all().subarray(from, this.#taken);
  }

  /** The next HTTP message: its head, and the body that Content-Length announces. */
  async message(): Promise<HttpMessage> {
    const headEnd = (): number => this.peek().indexOf('\r\n\r\n');
    await until(
      () => headEnd() >= 0 || this.ended,
      () => `the head of an HTTP message; there came: ${show(this.peek())}`,
    );
    const length = headEnd();
    if (length < 0) throw new Error(`ended without an HTTP message: ${show(this.peek())}`);
    const head = readHead((await this.take(length + 4)).toString('latin1', 0, length));
    const announced = head.status === 101 ? 0 : Number(head.all('content-length')[0] ?? 0);
    return { ...head, body: await this.take(announced) };
  }

  /** The next frame. */
  async frame(): Promise<SeenFrame> {
    const seen = (): SeenFrame | undefined => readFrames(this.peek()).frames[0];
    await until(
      () => seen() !== undefined || this.ended,
      () => `a frame; there came: ${show(this.peek())}`,
    );
    const frame = seen();
    if (frame === undefined) throw new Error(`ended without a frame: ${show(this.peek())}`);
    const before = this.peek().length;
    const { frames, rest } = readFrames(this.peek());
    const behind = frames.slice(1).reduce((sum, each) => sum + sizeOf(each), rest.length);
    await this.take(before - behind);
    return frame;
  }

  /** Everything until the other side ends. */
  async rest(): Promise<Buffer> {
    await until(
      () => this.ended,
      () => `the end of the connection; there came: ${show(this.peek())}`,
    );
    return this.take(this.#length - this.#taken);
  }

  #all(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }
}
