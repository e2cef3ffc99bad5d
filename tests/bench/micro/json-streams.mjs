/** Three seeded streams of JSON messages, the kinds that permessage-deflate meets most. */

/** An xorshift generator: the same messages in every run, on every machine. */
function generator(seed) {
  let state = seed;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const below = (limit) => Math.floor(next() * limit);
  return { next, below, pick: (list) => list[below(list.length)] };
}

const SYLLABLES = 'ka lo mi ren tas vo shi del un par est or ing con the na qui bro fel wy'.split(
  ' ',
);

function lexicon(random, size) {
  const word = () => Array.from({ length: 1 + random.below(4) }, () => random.pick(SYLLABLES));
  return Array.from({ length: size }, () => word().join(''));
}

/** Common words come more often than rare ones, as they do in any language. */
function text(random, words, length) {
  let result = '';
  while (result.length < length)
    result += `${words[Math.floor(words.length * random.next() ** 3)]} `;
  return result.trimEnd();
}

function chat(count) {
  const random = generator(0x6455);
  const words = lexicon(random, 3000);
  const names = lexicon(random, 200);
  return Array.from({ length: count }, (_, i) => ({
    type: random.next() < 0.9 ? 'message' : 'edit',
    room: random.pick(['general', 'random', 'support', 'dev']),
    user: random.pick(names),
    id: 48_210_000 + i * 3 + random.below(3),
    at: 1_700_000_000_000 + i * 1733 + random.below(1700),
    text: text(random, words, 5 + random.below(280)),
  }));
}

const SYMBOLS = 'BTC ETH SOL XRP ADA DOT LTC AVAX LINK UNI'.split(' ').map((s) => `${s}-USD`);

function ticks(count) {
  const random = generator(0x7692);
  const prices = SYMBOLS.map(() => 10 + random.next() * 5000);
  return Array.from({ length: count }, (_, i) => {
    const at = random.below(SYMBOLS.length);
    prices[at] *= 1 + (random.next() - 0.5) / 500;
    const amount = () => Number((random.next() * 20).toFixed(4));
    const near = () => Number((prices[at] * (1 + (random.next() - 0.5) / 1000)).toFixed(2));
    const trade = { e: 'trade', s: SYMBOLS[at], t: 1_700_000_000_000 + i * 37, seq: 9_000_000 + i };
    const tick = { ...trade, p: near(), q: amount(), side: random.pick(['buy', 'sell']) };
    if (random.next() < 0.3) return tick;
    const quote = { ...tick, e: 'quote', bid: near(), bidSize: amount(), ask: near() };
    const depth = () => Array.from({ length: random.below(4) }, () => [near(), amount()]);
    return { ...quote, askSize: amount(), depth: depth() };
  });
}

function documents(count) {
  const random = generator(0x1951);
  const words = lexicon(random, 5000);
  const record = () => ({
    id: random.below(2 ** 31),
    sku: `${random.pick(words).slice(0, 4).toUpperCase()}-${random.below(100_000)}`,
    name: text(random, words, 12 + random.below(30)),
    price: random.below(100_000) / 100,
    stock: random.below(500),
    active: random.next() < 0.8,
    tags: Array.from({ length: random.below(5) }, () => random.pick(words)),
    description: text(random, words, 40 + random.below(200)),
  });
  return Array.from({ length: count }, () => ofLength(record, 8192 + random.below(56 * 1024)));
}

/** An array of records whose JSON has about `bytes` bytes. */
function ofLength(record, bytes) {
  const items = [];
  for (let size = 0; size < bytes; size += JSON.stringify(items.at(-1)).length + 1) {
    items.push(record());
  }
  return items;
}

const asBuffers = (values) => values.map((value) => Buffer.from(JSON.stringify(value)));

/** `scale` shortens the streams. */
export function jsonStreams(scale = 1) {
  return {
    chat: asBuffers(chat(2000 * scale)),
    market: asBuffers(ticks(2000 * scale)),
    documents: asBuffers(documents(200 * scale)),
  };
}

/** One JSON text of exactly `bytes` bytes, cut where it must be. */
export function jsonOfSize(bytes) {
  const all = [];
  for (let size = 0, i = 1; size < bytes; i++) {
    const next = Buffer.from(JSON.stringify(documents(i).at(-1)));
    all.push(next);
    size += next.length;
  }
  return Buffer.from(Buffer.concat(all).subarray(0, bytes));
}
