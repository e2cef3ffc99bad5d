/**
 * (i) How to compress a message, and how to decompress one: bytes on the wire, CPU µs per message,
 * memory per connection, and for how long the event loop stands still.
 *
 *     node deflate-policy.mjs [facts] [fresh] [dictionary] [streams] [large] [decode] [memory]
 *
 * Without names all of it. `SCALE=1` takes 2,000 short messages and 200 documents instead of a
 * fifth of them, and as many more repetitions; `SCALE=0.05` is a quick look.
 *
 * CPU figures are medians. Clock figures are the least of the rounds: on a shared machine the
 * others also hold the time in which something else ran.
 */
import { execFileSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { digits, median } from '../statistics.mjs';
import { table } from '../table.mjs';
import { largestDistance } from './deflate-distances.mjs';
import { heading } from './harness.mjs';
import { jsonOfSize, jsonStreams } from './json-streams.mjs';

const SCALE = Number(process.env.SCALE ?? 0.2);
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const { Z_SYNC_FLUSH } = zlib.constants;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
/** Ends the block, then the stream: inflate can tell a whole message from a truncated one. */
const ENDING = Buffer.from([0, 0, 0xff, 0xff, 3, 0]);
const MIN_LOOKAHEAD = 262;
const deflateRaw = promisify(zlib.deflateRaw);
const inflateRaw = promisify(zlib.inflateRaw);

const streams = jsonStreams(SCALE);

// --- Measuring -----------------------------------------------------------------------------

async function spent(run) {
  const cpu = process.cpuUsage();
  const clock = performance.now();
  const loop = performance.eventLoopUtilization();
  const result = await run();
  const { user, system } = process.cpuUsage(cpu);
  const { active } = performance.eventLoopUtilization(loop);
  return { cpu: user + system, wall: (performance.now() - clock) * 1000, active, result };
}

/** Runs every case in turn, for some rounds; medians per message. */
async function inTurn(cases, count) {
  const samples = cases.map(() => []);
  for (const { run } of cases) await run();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { run }] of cases.entries()) samples[i].push(await spent(run));
  }
  return cases.map((entry, i) => ({
    ...entry,
    bytes: samples[i][0].result,
    cpu: median(samples[i].map(({ cpu }) => cpu)) / count,
    wall: Math.min(...samples[i].map(({ wall }) => wall)) / count,
    active: (Math.min(...samples[i].map(({ active }) => active)) * 1000) / count,
  }));
}

const total = (messages) => messages.reduce((sum, { length }) => sum + length, 0);
const percent = (bytes, messages) => `${((bytes / total(messages)) * 100).toFixed(1)} %`;
const KiB = (bytes) => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`);

// --- Ways to encode -------------------------------------------------------------------------

function stripped(encoded) {
  return encoded.subarray(0, encoded.length - 4);
}

/** The smallest window that reaches everything in `length` bytes. */
function fitting(length, max = 15) {
  return Math.min(max, Math.max(9, 32 - Math.clz32(length + MIN_LOOKAHEAD - 1)));
}

/** Room for what deflate makes of `length` bytes at worst, and for the flush. */
function roomFor(length) {
  return Math.max(64, length + (length >> 8) + 32);
}

function fresh({ chunk = 0, fit = false, ...options }) {
  return (payload) =>
    stripped(
      zlib.deflateRawSync(payload, {
        ...options,
        windowBits: fit ? fitting(payload.length) : options.windowBits,
        chunkSize: chunk || Math.min(roomFor(payload.length), 16384),
        finishFlush: Z_SYNC_FLUSH,
      }),
    );
}

/** The end of what was said so far, in a buffer that is moved when it has filled up. */
class LastPlaintext {
  #buffer;
  #used = 0;
  #limit;

  constructor(limit) {
    this.#limit = limit;
    this.#buffer = Buffer.allocUnsafeSlow(limit * 2);
  }

  append(payload) {
    const part = payload.length > this.#limit ? payload.subarray(-this.#limit) : payload;
    if (this.#used + part.length > this.#buffer.length) this.#move(this.#limit - part.length);
    this.#buffer.set(part, this.#used);
    this.#used += part.length;
  }

  #move(kept) {
    this.#buffer.copyWithin(0, this.#used - kept, this.#used);
    this.#used = kept;
  }

  /** As it is once the connection has said enough. */
  fill() {
    this.#buffer.fill(0x61);
    this.#used = this.#buffer.length;
  }

  get dictionary() {
    return this.#buffer.subarray(Math.max(0, this.#used - this.#limit), this.#used);
  }
}

function withDictionary(limit, options) {
  const last = new LastPlaintext(limit);
  return (payload) => {
    const { dictionary } = last;
    const encoded = zlib.deflateRawSync(payload, {
      ...options,
      windowBits: fitting(payload.length + dictionary.length),
      chunkSize: Math.min(roomFor(payload.length), 16384),
      finishFlush: Z_SYNC_FLUSH,
      dictionary: dictionary.length > 0 ? dictionary : undefined,
    });
    last.append(payload);
    return stripped(encoded);
  };
}

/** A zlib stream that lives as long as the connection, one message after the other. */
class Persistent {
  #stream;
  #chunks = [];

  constructor(stream) {
    this.#stream = stream.on('data', (chunk) => this.#chunks.push(chunk));
  }

  #flushed() {
    const message = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [];
    return message;
  }

  encode(payload) {
    return new Promise((resolve) => {
      this.#stream.write(payload);
      this.#stream.flush(Z_SYNC_FLUSH, () => resolve(stripped(this.#flushed())));
    });
  }

  decode(payload) {
    return new Promise((resolve) => {
      this.#stream.write(payload);
      this.#stream.write(TAIL);
      this.#stream.flush(() => resolve(this.#flushed()));
    });
  }

  reset() {
    this.#stream.reset();
  }

  close() {
    this.#stream.close();
  }
}

/** What the peer makes of it; both ways, a peer that keeps its window can read. */
function verify(messages, encoded) {
  const last = new LastPlaintext(32768);
  for (const [i, payload] of encoded.entries()) {
    const { dictionary } = last;
    const plain = zlib.inflateRawSync(Buffer.concat([payload, ENDING]), { dictionary });
    if (!plain.equals(messages[i])) throw new Error(`message ${i} is wrong`);
    last.append(plain);
  }
}

function encodeAll(messages, encode) {
  let bytes = 0;
  for (const payload of messages) bytes += encode(payload).length;
  return bytes;
}

/** A case whose encoder is made anew for each round. */
function encoding(messages, make) {
  verify(messages, messages.map(make()));
  return { run: () => encodeAll(messages, make()) };
}

// --- (a) ------------------------------------------------------------------------------------

/** A table whose cases, all of them, take turns: `rows` and `columns` are options by name. */
async function grid(messages, rows, columns, make) {
  const cases = Object.values(rows).flatMap((row) =>
    Object.values(columns).map((column) => encoding(messages, () => make(row, column))),
  );
  const done = await inTurn(cases, messages.length);
  const cells = done.map(({ bytes, cpu }) => `${percent(bytes, messages)}, ${digits(cpu)}`);
  const width = Object.keys(columns).length;
  const line = (name, i) => [name, ...cells.slice(i * width, (i + 1) * width)];
  console.log(table(['', ...Object.keys(columns)], Object.keys(rows).map(line)));
}

function levels(memLevels) {
  const all = [1, 3, 6].flatMap((level) => memLevels.map((memLevel) => ({ level, memLevel })));
  const named = (row) => [`level ${row.level}, memLevel ${row.memLevel}`, row];
  return Object.fromEntries(all.map(named));
}

async function showFresh() {
  const columns = {
    'windowBits 9': { windowBits: 9 },
    'windowBits 11': { windowBits: 11 },
    'windowBits 13': { windowBits: 13 },
    'windowBits 15': { windowBits: 15 },
    'by length': { fit: true },
  };
  for (const [stream, messages] of Object.entries(streams)) {
    heading(`Fresh per message, ${stream}: size of the payloads, CPU µs per message`);
    await grid(messages, levels([5, 6, 7, 8, 9]), columns, (row, column) =>
      fresh({ ...row, ...column }),
    );
  }
  await showChunkSizes();
}

async function showChunkSizes() {
  const options = { level: 1, memLevel: 8, fit: true };
  const sizes = [64, 256, 512, 1024, 4096, 16384, 65536];
  const rows = [];
  for (const [stream, messages] of Object.entries(streams)) {
    const makes = [0, ...sizes].map((chunk) => () => fresh({ ...options, chunk }));
    const cases = makes.map((make) => encoding(messages, make));
    const done = await inTurn(cases, messages.length);
    rows.push([stream, ...done.map(({ cpu }) => digits(cpu))]);
  }
  heading('Fresh per message, level 1, chunkSize: CPU µs per message');
  console.log(table(['stream', 'by length', ...sizes], rows));
}

// --- (b) ------------------------------------------------------------------------------------

async function showDictionary() {
  const limits = [512, 1024, 2048, 4096, 8192, 32768];
  const columns = Object.fromEntries([0, ...limits].map((limit) => [KiB(limit), limit]));
  for (const [stream, messages] of Object.entries(streams)) {
    heading(`With a dictionary of our own, ${stream}: size of the payloads, CPU µs per message`);
    await grid(messages, levels([5, 8]), columns, (row, limit) =>
      limit === 0 ? fresh({ ...row, fit: true }) : withDictionary(limit, row),
    );
  }
  await showUpkeep(limits);
}

async function showUpkeep(limits) {
  const rows = [];
  for (const [stream, messages] of Object.entries(streams)) {
    const cases = limits.map((limit) => ({
      run: () => {
        const last = new LastPlaintext(limit);
        let seen = 0;
        for (let i = 0; i < 10; i++) {
          for (const payload of messages) {
            seen += last.dictionary.length;
            last.append(payload);
          }
        }
        return seen;
      },
    }));
    const done = await inTurn(cases, messages.length * 10);
    rows.push([stream, ...done.map(({ cpu }) => digits(cpu * 1000))]);
  }
  heading("Keeping the last plaintext, the dictionary's share of it: CPU ns per message");
  console.log(table(['dictionary', ...limits.map(KiB)], rows));
}

// --- (c) ------------------------------------------------------------------------------------

/** `live` connections with a message in flight each; each has the whole stream to itself. */
function persistent(messages, options, { reset, live }) {
  const encodeOne = async (share) => {
    const encoder = new Persistent(zlib.createDeflateRaw(options));
    let bytes = 0;
    for (const payload of share) {
      bytes += (await encoder.encode(payload)).length;
      if (reset) encoder.reset();
    }
    encoder.close();
    return bytes;
  };
  const share = messages.slice(0, Math.ceil(messages.length / live));
  return async () => {
    const all = await Promise.all(Array.from({ length: live }, () => encodeOne(share)));
    return { bytes: all[0], of: total(share), count: share.length * live };
  };
}

async function verifyPersistent(messages, reset) {
  const encoder = new Persistent(zlib.createDeflateRaw());
  const encoded = [];
  for (const payload of messages) {
    encoded.push(await encoder.encode(payload));
    if (reset) encoder.reset();
  }
  encoder.close();
  verify(messages, encoded);
}

/** Brings a one-shot way into the shape of the persistent ones. */
function oneShot(messages, make) {
  return () => {
    const bytes = encodeAll(messages, make());
    return { bytes, of: total(messages), count: messages.length };
  };
}

async function showStreams() {
  await verifyPersistent(streams.chat, false);
  await verifyPersistent(streams.chat, true);
  const six = {};
  const one = { level: 1 };
  const names = ['stream', 'stream, 16 at once', 'stream, reset', 'stream, reset, 16 at once'];
  const shapes = names.map((name) => ({
    name,
    reset: name.includes('reset'),
    live: name.includes('16') ? 16 : 1,
  }));
  for (const [stream, messages] of Object.entries(streams)) {
    const cases = [six, one].flatMap((options) =>
      shapes.map((shape) => ({
        name: `${shape.name}, level ${options.level ?? 6}`,
        run: persistent(messages, options, shape),
      })),
    );
    for (const level of [1, 6]) {
      cases.push(
        {
          name: `one-shot, level ${level}`,
          run: oneShot(messages, () => fresh({ level, memLevel: 8, fit: true })),
        },
        {
          name: `one-shot, dictionary 4 KiB, level ${level}`,
          run: oneShot(messages, () => withDictionary(4096, { level, memLevel: 8 })),
        },
      );
    }
    const done = await inTurn(cases, 1);
    heading(`A stream per connection against one-shot calls, ${stream}: per message`);
    const row = ({ name, bytes: { bytes, of, count }, cpu, active }) => [
      name,
      `${((bytes / of) * 100).toFixed(1)} %`,
      digits(cpu / count),
      digits(active / count),
    ];
    console.log(table(['way', 'size', 'CPU µs', 'loop busy µs'], done.map(row)));
  }
}

// --- (d) ------------------------------------------------------------------------------------

const LARGE = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].map((size) => size * 1024);

async function repeat(times, once) {
  for (let i = 0; i < times; i++) await once();
}

async function showLarge() {
  for (const level of [1, 3, 6]) {
    const rows = [];
    for (const size of LARGE) {
      const payload = jsonOfSize(size);
      const options = (chunkSize) => ({
        level,
        memLevel: 8,
        windowBits: fitting(size),
        chunkSize,
        finishFlush: Z_SYNC_FLUSH,
      });
      const small = options(Math.min(roomFor(size), 16384));
      const half = options(Math.max(1024, size >> 1));
      const times = Math.max(2, Math.ceil((1e6 * SCALE) / size));
      const cases = [
        { run: () => repeat(times, () => zlib.deflateRawSync(payload, small)) },
        { run: () => repeat(times, () => deflateRaw(payload, small)) },
        { run: () => repeat(times, () => deflateRaw(payload, half)) },
      ];
      const [sync, pool, halved] = await inTurn(cases, times);
      rows.push([
        KiB(size),
        digits(sync.wall),
        digits(sync.cpu),
        digits(pool.cpu),
        digits(pool.active),
        digits(pool.wall),
        digits(halved.cpu),
        digits(halved.active),
      ]);
    }
    heading(`In line or in the thread pool, one JSON message, level ${level}: µs`);
    const header = ['size', 'sync takes', 'sync CPU', 'pool CPU', 'pool blocks', 'pool takes'];
    console.log(table([...header, 'pool CPU, chunk ½', 'pool blocks, chunk ½'], rows));
  }
}

// --- DecodeResult --------------------------------------------------------------------------------

const RESULTS = [128, 1024, 16384, 262144];
const DICTIONARIES = [0, 1024, 4096, 32768];

function timesFor(size) {
  return Math.ceil((4000 * SCALE) / (1 + size / 4096));
}

/** A message as a peer that takes its window over would send it, with what it said before. */
function received(size, before) {
  const all = jsonOfSize(before + size);
  const dictionary = before > 0 ? all.subarray(0, before) : undefined;
  const plain = Buffer.from(all.subarray(before));
  const payload = stripped(zlib.deflateRawSync(plain, { dictionary, finishFlush: Z_SYNC_FLUSH }));
  const input = Buffer.concat([payload, ENDING]);
  if (!zlib.inflateRawSync(input, { dictionary }).equals(plain)) throw new Error('is wrong');
  return { input, dictionary, plain, payload };
}

function chunkSizes(size, input) {
  const named = {
    'size + 1': size + 1,
    size,
    '2 × size': size * 2,
    '½ size': size >> 1,
    '4 × input': input.length * 4,
    '16 KiB': 16384,
    '64 KiB': 65536,
  };
  return Object.entries(named).map(([name, chunkSize]) => [name, Math.max(64, chunkSize)]);
}

function decoding({ input, dictionary }, times, options) {
  const all = { info: true, dictionary, maxOutputLength: 1 << 20, ...options };
  return {
    run: () => {
      let seen = 0;
      for (let i = 0; i < times; i++) seen += zlib.inflateRawSync(input, all).buffer.length;
      return seen;
    },
  };
}

async function showDecodeChunks() {
  const rows = [];
  for (const size of RESULTS) {
    const message = received(size, 0);
    const times = timesFor(size);
    const sizes = chunkSizes(size, message.input);
    const cases = sizes.map(([, chunkSize]) => decoding(message, times, { chunkSize }));
    const done = await inTurn(cases, times);
    rows.push([KiB(size), message.input.length, ...done.map(({ cpu }) => digits(cpu))]);
  }
  heading('inflateRawSync by chunkSize, no dictionary: CPU µs per message');
  console.log(table(['result', 'input', ...chunkSizes(1, [0]).map(([name]) => name)], rows));
}

async function showDecodeDictionaries() {
  const rows = [];
  for (const size of RESULTS) {
    const times = timesFor(size);
    const cases = DICTIONARIES.flatMap((before) => {
      const message = received(size, before);
      const chunkSize = size + 1;
      const least = fitting(size + before);
      return [15, least].map((windowBits) => decoding(message, times, { chunkSize, windowBits }));
    });
    const done = await inTurn(cases, times);
    rows.push([KiB(size), ...done.map(({ cpu }) => digits(cpu))]);
  }
  heading('inflateRawSync by dictionary and windowBits, chunkSize = size + 1: CPU µs per message');
  const header = DICTIONARIES.flatMap((size) => [`${KiB(size)}, 15`, `${KiB(size)}, least`]);
  console.log(table(['result', ...header], rows));
}

async function showDecodeWays() {
  const rows = [];
  for (const size of RESULTS) {
    const message = received(size, 0);
    const { input, payload } = message;
    const times = timesFor(size);
    const chunkSize = size + 1;
    const shared = Object.freeze({ chunkSize });
    const decoder = new Persistent(zlib.createInflateRaw());
    const resident = new Persistent(zlib.createInflateRaw({ chunkSize: Math.max(64, size + 1) }));
    const cases = [
      decoding(message, times, { chunkSize }),
      { run: () => repeat(times, () => decoder.decode(payload)) },
      { run: () => repeat(times, () => resident.decode(payload)) },
      { run: () => repeat(times, () => inflateRaw(input, { chunkSize })) },
      {
        run: () => {
          for (let i = 0; i < times; i++) zlib.inflateRawSync(input, shared);
        },
      },
      {
        run: () => {
          for (let i = 0; i < times; i++) zlib.inflateRawSync(input, { chunkSize });
        },
      },
      {
        run: () => {
          const options = { chunkSize, finishFlush: Z_SYNC_FLUSH };
          for (let i = 0; i < times; i++) zlib.inflateRawSync(payload, options);
        },
      },
      {
        run: () => {
          for (let i = 0; i < times; i++) Buffer.concat([payload, ENDING]);
        },
      },
    ];
    const done = await inTurn(cases, times);
    decoder.close();
    resident.close();
    rows.push([KiB(size), ...done.map(({ cpu }) => digits(cpu))]);
  }
  heading('Ways to inflate: CPU µs per message');
  const header = ['sync, info', 'stream', 'stream, chunk', 'pool', 'sync, one options object'];
  header.push('sync, new options', 'sync, Z_SYNC_FLUSH', 'joining the ending alone');
  console.log(table(['result', ...header], rows));
}

async function showBlocking() {
  const rows = [];
  const subjects = [64, 256, 1024].flatMap((size) => [
    [`JSON ${size} KiB`, jsonOfSize(size * 1024)],
    [`zeros ${size} KiB`, Buffer.alloc(size * 1024)],
  ]);
  for (const [name, plain] of subjects) {
    const input = Buffer.concat([
      stripped(zlib.deflateRawSync(plain, { finishFlush: Z_SYNC_FLUSH })),
      ENDING,
    ]);
    const sizes = [1024, 4096, 16384, 65536, 262144];
    const times = Math.ceil(20 * SCALE);
    const cases = sizes.map((chunkSize) => decoding({ input }, times, { chunkSize }));
    cases.push({ run: () => repeat(times, () => inflateRaw(input, { chunkSize: 65536 })) });
    const done = await inTurn(cases, times);
    const pool = done.at(-1);
    const blocked = done.slice(0, -1).map(({ wall }) => digits(wall));
    rows.push([name, input.length, ...blocked, digits(pool.active), digits(pool.cpu)]);
  }
  heading('How long inflate blocks the loop, by chunkSize: µs');
  const header = ['1 KiB', '4 KiB', '16 KiB', '64 KiB', '256 KiB'];
  console.log(table(['result', 'input', ...header, 'pool blocks', 'pool CPU'], rows));
}

async function showDecode() {
  await showDecodeChunks();
  await showDecodeDictionaries();
  await showDecodeWays();
  await showBlocking();
}

// --- Memory ----------------------------------------------------------------------------------

const LIVE = 1000;
const KEEPERS = {
  'deflate stream, level 6': () => new Persistent(zlib.createDeflateRaw()),
  'deflate stream, memLevel 5': () => new Persistent(zlib.createDeflateRaw({ memLevel: 5 })),
  'deflate stream, 12 bits, memLevel 5': () =>
    new Persistent(zlib.createDeflateRaw({ windowBits: 12, memLevel: 5 })),
  'deflate stream, chunkSize 1 KiB': () =>
    new Persistent(zlib.createDeflateRaw({ chunkSize: 1024 })),
  'inflate stream': () => new Persistent(zlib.createInflateRaw()),
  'last plaintext, 512 B, full': () => new LastPlaintext(512),
  'last plaintext, 4 KiB, full': () => new LastPlaintext(4096),
  'last plaintext, 32 KiB, full': () => new LastPlaintext(32768),
};

/** In a process of its own, whose memory nothing else has touched. */
async function measureMemory(name) {
  const payload = streams.chat[0];
  const coded = stripped(zlib.deflateRawSync(payload, { finishFlush: Z_SYNC_FLUSH }));
  const use = async (keeper) => {
    if (keeper instanceof LastPlaintext) keeper.fill();
    else if (name.startsWith('inflate')) await keeper.decode(coded);
    else await keeper.encode(payload);
    return keeper;
  };
  for (let i = 0; i < 20; i++) await use(KEEPERS[name]());
  globalThis.gc();
  const before = process.memoryUsage.rss();
  const kept = [];
  for (let i = 0; i < LIVE; i++) kept.push(await use(KEEPERS[name]()));
  await turn();
  globalThis.gc();
  console.log((process.memoryUsage.rss() - before) / kept.length);
}

function showMemory() {
  const env = { ...process.env, SCALE: '0.05' };
  const here = fileURLToPath(import.meta.url);
  const rows = Object.keys(KEEPERS).map((name) => {
    const output = execFileSync(process.execPath, ['--expose-gc', here, '--keep', name], { env });
    const bytes = Number(output);
    return [name, digits(bytes / 1024)];
  });
  heading(`Memory per connection after one message, ${LIVE} alive: KiB of RSS`);
  console.log(table(['kept', 'KiB'], rows));
}

// --- Facts -----------------------------------------------------------------------------------

const works = (action) => {
  try {
    action();
    return 'yes';
  } catch (error) {
    return `no: ${error.code}`;
  }
};

function alwaysEndsInTail() {
  const random = Buffer.from(streams.documents[0]).map((byte, i) => (byte * 31 + i * i * 7) >> 1);
  const lengths = [0, 1, 2, 3, ...Array.from({ length: 400 }, (_, i) => i * 97)];
  let checked = 0;
  for (const source of [Buffer.alloc(65536), random, jsonOfSize(65536)]) {
    for (const length of lengths) {
      for (const level of [0, 1, 3, 6]) {
        for (const [windowBits, memLevel] of [
          [9, 1],
          [15, 8],
        ]) {
          const options = { level, windowBits, memLevel, chunkSize: 64 + (length % 5) };
          const payload = source.subarray(0, length);
          const encoded = zlib.deflateRawSync(payload, { ...options, finishFlush: Z_SYNC_FLUSH });
          if (!encoded.subarray(-4).equals(TAIL)) return `no: ${length} B, level ${level}`;
          checked++;
        }
      }
    }
  }
  return `yes, ${checked} of ${checked}`;
}

function farthest(windowBits, dictionarySize) {
  const dictionary = dictionarySize > 0 ? jsonOfSize(dictionarySize) : undefined;
  let largest = 0;
  for (const level of [1, 2, 3, 4, 6, 9]) {
    for (const payload of [...streams.chat.slice(0, 100), ...streams.documents.slice(0, 4)]) {
      const options = { level, windowBits, dictionary, finishFlush: Z_SYNC_FLUSH };
      largest = Math.max(largest, largestDistance(stripped(zlib.deflateRawSync(payload, options))));
    }
  }
  return `${largest} of ${2 ** windowBits}`;
}

/** Is the dictionary of an asynchronous call copied before the call returns? */
async function copiesDictionary() {
  const dictionary = jsonOfSize(4096);
  const payload = Buffer.from(dictionary.subarray(1000, 3000));
  const options = { dictionary, finishFlush: Z_SYNC_FLUSH };
  const encoded = zlib.deflateRawSync(payload, options);
  const pending = deflateRaw(payload, options);
  dictionary.fill(0);
  return (await pending).equals(encoded) ? 'yes' : 'no';
}

function eightBecomesNine() {
  const options = { windowBits: 8 };
  zlib.deflateRawSync(TAIL, options);
  const frozen = works(() => zlib.deflateRawSync(TAIL, Object.freeze({ windowBits: 8 })));
  return `options.windowBits is ${options.windowBits} afterwards; a frozen object works: ${frozen}`;
}

async function showFacts() {
  const cut = (payload) => zlib.inflateRawSync(Buffer.concat([payload, ENDING]));
  const eight = { windowBits: 8 };
  const inflateEight = () =>
    zlib.inflateRawSync(zlib.deflateRawSync(streams.chat[0], { windowBits: 9 }), eight);
  const emptyPayload = stripped(
    zlib.deflateRawSync(Buffer.alloc(0), { finishFlush: Z_SYNC_FLUSH }),
  );
  const rows = [
    ['deflateRawSync with Z_SYNC_FLUSH ends in 00 00 ff ff', alwaysEndsInTail()],
    ['the payload of an empty message', emptyPayload.toString('hex') || '(empty)'],
    ['00 inflates to nothing', works(() => cut(Buffer.from([0])))],
    ['a payload of no bytes inflates', works(() => cut(Buffer.alloc(0)))],
    ['deflateRawSync, windowBits 8', eightBecomesNine()],
    ['inflateRawSync accepts windowBits 8', works(inflateEight)],
    ['largest distance, windowBits 9', farthest(9, 0)],
    ['largest distance, windowBits 9, dictionary 250 B', farthest(9, 250)],
    ['largest distance, windowBits 9, dictionary 512 B', farthest(9, 512)],
    ['largest distance, windowBits 9, dictionary 4 KiB', farthest(9, 4096)],
    ['largest distance, windowBits 10, dictionary 4 KiB', farthest(10, 4096)],
    ['largest distance, windowBits 15, dictionary 32 KiB', farthest(15, 32768)],
    ['chunkSize 63 works', works(() => zlib.deflateRawSync(TAIL, { chunkSize: 63 }))],
    ['chunkSize 64 works', works(() => zlib.deflateRawSync(TAIL, { chunkSize: 64 }))],
    [
      'an empty dictionary works, deflate',
      works(() => zlib.deflateRawSync(TAIL, { dictionary: Buffer.alloc(0) })),
    ],
    [
      'an empty dictionary works, inflate',
      works(() => zlib.inflateRawSync(Buffer.from([3, 0]), { dictionary: Buffer.alloc(0) })),
    ],
    [
      'a dictionary larger than the window works, inflate',
      works(() =>
        zlib.inflateRawSync(Buffer.from([3, 0]), { windowBits: 9, dictionary: Buffer.alloc(4096) }),
      ),
    ],
    ['an asynchronous call copies the dictionary at once', await copiesDictionary()],
    [
      'a 128 B result keeps alive (default chunkSize)',
      `${zlib.inflateRawSync(zlib.deflateRawSync(Buffer.alloc(128))).buffer.byteLength} B`,
    ],
  ];
  heading(`Facts (zlib ${process.versions.zlib})`);
  console.log(table(['question', 'answer'], rows));
}

// ---------------------------------------------------------------------------------------------

const PARTS = {
  facts: showFacts,
  fresh: showFresh,
  dictionary: showDictionary,
  streams: showStreams,
  large: showLarge,
  decode: showDecode,
  memory: showMemory,
};

const [first, second] = process.argv.slice(2);
if (first === '--keep') {
  await measureMemory(second);
} else {
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
  for (const part of wanted) await PARTS[part]();
}
