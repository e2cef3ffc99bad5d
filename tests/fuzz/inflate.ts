/** RFC 7692 §7.2.2 with node:zlib, for the reference receiver. */
import { constants, inflateRawSync } from 'node:zlib';
import { TAIL } from '../support/deflate.js';
import { type Inflate, Violation } from './reference.js';

/** An empty final block: with it a message that was cut short is an error of zlib. */
const LAST_BLOCK = Buffer.from([3, 0]);

const APPENDED = TAIL.length + LAST_BLOCK.length;

/** What may be left of the appended bytes, when the message has a final block of its own. */
const UNUSED = [0, LAST_BLOCK.length, APPENDED];

const WINDOW = 32_768;

/** What zlib gives with the option `info`; its types do not know that. */
interface ZlibResult {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

/** The product stops at the limit or at the fault, whichever comes in a chunk of zlib's output first. */
function violationOf(isCut: boolean, mayBeTooLong: boolean): Violation {
  const rule = isCut ? 'incomplete compressed data' : 'compressed data';
  return new Violation(rule, mayBeTooLong ? [1007, 1009] : [1007]);
}

/** Inflates one DEFLATE stream; what follows its final block is left. */
function inflateStream(input: Buffer, history: Buffer): ZlibResult {
  const dictionary = history.length > 0 ? { dictionary: history } : {};
  const options = { finishFlush: constants.Z_FINISH, info: true, ...dictionary };
  return inflateRawSync(input, options) as unknown as ZlibResult; // info: true
}

/** What zlib makes of a stream that need not be complete; undefined if it finds a fault. */
function inflatesSoFar(input: Buffer, history: Buffer): Buffer | undefined {
  const dictionary = history.length > 0 ? { dictionary: history } : {};
  try {
    return inflateRawSync(input, { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary });
  } catch {
    return undefined;
  }
}

/** How much zlib makes of the input before its fault. */
function lengthBeforeFault(input: Buffer, history: Buffer): number {
  for (let end = input.length - 1; end > 0; end--) {
    const before = inflatesSoFar(input.subarray(0, end), history);
    if (before !== undefined) return before.length;
  }
  return 0;
}

/** Inflates the messages of one sender, which takes its context over, with the whole window. */
export function referenceInflate(): Inflate {
  let history = Buffer.alloc(0);
  return (payload, maxPayload) => {
    if (payload.length === 0) throw new Violation('empty compressed payload', [1007]);
    let input = Buffer.concat([payload, TAIL, LAST_BLOCK]);
    let message = Buffer.alloc(0);
    let window = history;
    // RFC 7692 §7.2.3.4: a final block ends one stream, and another one may follow it.
    let streams = 0;
    for (;;) {
      streams++;
      const one = inflateNext(input, window, maxPayload, message.length);
      input = input.subarray(one.engine.bytesWritten);
      message = Buffer.concat([message, one.buffer]);
      window = Buffer.concat([window, one.buffer]).subarray(-WINDOW);
      if (UNUSED.includes(input.length)) break;
      if (input.length < APPENDED) throw new Violation('incomplete compressed data', [1007]);
    }
    history = window;
    return { message, hasEnd: input.length > 0 || streams > 1 };
  };
}

function inflateNext(
  input: Buffer,
  window: Buffer,
  maxPayload: number,
  before: number,
): ZlibResult {
  try {
    return inflateOne(input, window, maxPayload, before);
  } catch (error) {
    if (error instanceof Violation) error.isBehindStreamEnd = before > 0;
    throw error;
  }
}

function inflateOne(input: Buffer, window: Buffer, maxPayload: number, before: number): ZlibResult {
  try {
    const one = inflateStream(input, window);
    if (maxPayload > 0 && before + one.buffer.length > maxPayload) {
      throw new Violation('maxPayload', [1009]);
    }
    return one;
  } catch (error) {
    if (error instanceof Violation) throw error;
    const mayBeTooLong = maxPayload > 0 && before + lengthBeforeFault(input, window) > maxPayload;
    const isCut = inflatesSoFar(input.subarray(0, -LAST_BLOCK.length), window) !== undefined;
    throw violationOf(isCut, mayBeTooLong);
  }
}
