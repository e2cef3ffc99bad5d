/** Compressed messages for the load generator in Node, and the reading of compressed replies. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** RFC 7692 §7: what a client offers that wants no context, and one that takes it over. */
export const OFFERS = {
  alone: 'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
  inContext: 'permessage-deflate',
};

const WINDOW = 32 * 1024;
const MESSAGES = 32;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const WORDS = ['update', 'price', 'north', 'golf', 'status', 'online', 'message', 'room', 'value'];

/** The same numbers in every run. */
function numbers() {
  let seed = 12345;
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % below;
  };
}

/** Messages of one kind, all different, as an application would send them one after the other. */
export function makeMessages(size) {
  const next = numbers();
  const word = () => WORDS[next(WORDS.length)];
  const record = () => ({ id: next(90000), type: word(), text: `${word()} ${word()}`, ok: true });
  return Array.from({ length: MESSAGES }, () => {
    let text = '';
    while (text.length < size) text += JSON.stringify(record());
    return Buffer.from(text.slice(0, size));
  });
}

/**
 * Each message's compressed payload. In context it refers to those before it, back to the first,
 * which refers to none: so the whole row may be sent again and again.
 */
export function deflateEach(messages, inContext) {
  let history = Buffer.alloc(0);
  return messages.map((message) => {
    const dictionary = inContext && history.length > 0 ? { dictionary: history } : {};
    history = Buffer.concat([history, message]).subarray(-WINDOW);
    const flushed = deflateRawSync(message, {
      ...dictionary,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    return flushed.subarray(0, -TAIL.length);
  });
}

/** The replies of one connection, whose own context is kept whether the server uses it or not. */
export class CompressedReplies {
  constructor(messages) {
    this.messages = messages;
    this.pending = Buffer.alloc(0);
    this.fragments = [];
    this.received = 0;
    this.uncompressed = 0;
    this.history = Buffer.alloc(0);
  }

  /** Gives how many messages the chunk completes. */
  read(chunk) {
    this.pending = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    const before = this.received;
    while (this.readFrame());
    return this.received - before;
  }

  readFrame() {
    const frame = parse(this.pending);
    if (!frame) return false;
    this.pending = this.pending.subarray(frame.end);
    if ((frame.first & 0x0f) >= 8) throw new Error('a control frame that nobody asked for');
    if ((frame.first & 0x0f) !== 0) this.compressed = (frame.first & 0x40) !== 0;
    this.fragments.push(frame.payload);
    if ((frame.first & 0x80) !== 0) this.onMessage(Buffer.concat(this.fragments.splice(0)));
    return true;
  }

  onMessage(payload) {
    const message = this.compressed ? this.inflate(payload) : payload;
    const expected = this.messages[this.received % this.messages.length];
    if (!expected.equals(message)) throw new Error('a reply differs from the message');
    if (this.compressed) this.history = Buffer.concat([this.history, message]).subarray(-WINDOW);
    else this.uncompressed += 1;
    this.received += 1;
  }

  inflate(payload) {
    const dictionary = this.history.length > 0 ? { dictionary: this.history } : {};
    const data = Buffer.concat([payload, TAIL]);
    return inflateRawSync(data, { ...dictionary, finishFlush: constants.Z_SYNC_FLUSH });
  }
}

/** The frame at the head of `bytes`, if it is whole. */
function parse(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const start = { 126: 4, 127: 10 }[short] ?? 2;
  if (bytes.length < start) return undefined;
  const length = { 126: () => bytes.readUInt16BE(2), 127: () => bytes.readUInt32BE(6) }[short];
  const end = start + (length?.() ?? short);
  if (bytes.length < end) return undefined;
  return { first: bytes[0], payload: bytes.subarray(start, end), end };
}
