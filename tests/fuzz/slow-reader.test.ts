/** A peer that reads when it likes: whatever is sent, and whenever it reads, the rules of `overflow` hold. */

import { describe, expect, test } from '@jest/globals';
import { OPCODE, type SeenFrame } from '../support/frames.js';
import { turns } from '../support/inbox.js';
import type { SeededRandom } from '../support/random.js';
import { useScope } from '../support/scope.js';
import { COST, FILLING, type SlowReader, slowReader } from '../support/slow-reader.js';
import { ROLES, type Role } from '../support/websockets.js';
import { TIMEOUT, withSeeds } from './seeds.js';

const scope = useScope();

const KEYS = ['a', 'b', 'c'];

/** A message or a control frame that was sent, and what its callback got. */
interface Sent {
  readonly text: string;
  readonly isControl: boolean;
  readonly key: string | undefined;
  readonly mayBeDropped: boolean;
  /** For a message in fragments: one for each. */
  readonly results: (string | undefined)[];
  readonly expectedResults: number;
}

interface Received {
  readonly text: string;
  readonly isControl: boolean;
}

/** Joins fragments. It throws where a data frame stands in a message that is not its own. */
function messagesOf(frames: SeenFrame[]): Received[] {
  const all: Received[] = [];
  let open: string | undefined;
  for (const { opcode, payload, fin } of frames) {
    if (opcode === OPCODE.CLOSE) continue;
    if (opcode > OPCODE.BINARY) {
      all.push({ text: `${payload}`, isControl: true });
      continue;
    }
    if ((opcode === OPCODE.CONTINUATION) !== (open !== undefined))
      throw new Error('a torn message');
    const text = (open ?? '') + String(payload);
    open = fin ? undefined : text;
    if (fin) all.push({ text, isControl: false });
  }
  return all;
}

/** Sends something, and notes it. */
class Script {
  readonly sent: Sent[] = [];
  private readonly ws: SlowReader['ws'];
  private readonly conflates: boolean;
  private readonly random: SeededRandom;

  constructor({ ws }: SlowReader, conflates: boolean, random: SeededRandom) {
    this.ws = ws;
    this.conflates = conflates;
    this.random = random;
  }

  step(): void {
    const { random } = this;
    const text = `${this.sent.length} `.padEnd(random.integer(4, 60), 'x');
    const kind = random.next();
    if (kind < 0.08) this.sendControl(text);
    else if (kind < 0.16) this.sendFragments(text);
    else this.sendMessage(text);
  }

  private note(text: string, isControl: boolean, key?: string, mayBeDropped = false, count = 1) {
    const results: (string | undefined)[] = [];
    this.sent.push({ text, isControl, key, mayBeDropped, results, expectedResults: count });
    return (error?: Error & { code?: string }) => results.push(error?.code);
  }

  private sendControl(text: string): void {
    this.ws.ping(text, undefined, this.note(text, true));
  }

  private sendFragments(text: string): void {
    const cut = this.random.integer(0, text.length);
    const callback = this.note(text, false, undefined, false, 2);
    this.ws.send(text.slice(0, cut), { fin: false, key: 'a' }, callback);
    this.ws.send(text.slice(cut), { droppable: true }, callback);
  }

  private sendMessage(text: string): void {
    const key = this.random.pick([undefined, undefined, ...KEYS]);
    const droppable = this.random.pick([undefined, undefined, true, false]);
    const data = this.random.pick([text, Buffer.from(text)]);
    const mayBeDropped = this.conflates
      ? droppable === true || key !== undefined
      : droppable !== false;
    this.ws.send(data, { key, droppable }, this.note(text, false, key, mayBeDropped));
  }
}

/** Sends, and lets the peer read, in random order. At the end the peer reads everything. */
async function run(reader: SlowReader, conflates: boolean, random: SeededRandom): Promise<Sent[]> {
  const script = new Script(reader, conflates, random);
  const readsOften = random.next() < 0.5 ? 0.3 : 0.02;
  for (let i = random.integer(1, 80); i > 0 && reader.ws.readyState === 1; i--) {
    script.step();
    if (random.next() >= readsOften) continue;
    reader.wire.release();
    await turns(2);
  }
  await reader.readAll();
  if (reader.ws.readyState !== 1) reader.ws.terminate();
  await turns();
  return script.sent;
}

function indexes(sent: Sent[], received: Received[]): number[] {
  return received.map(({ text }) => sent.findIndex((one) => one.text === text));
}

function checkOrder(sent: Sent[], received: Received[], conflates: boolean): void {
  const ascending = (list: number[]) => [...list].sort((a, b) => a - b);
  const all = indexes(sent, received);
  expect(all).not.toContain(-1);
  expect(new Set(all).size).toBe(all.length);
  if (!conflates) {
    expect(all).toEqual(ascending(all));
    return;
  }
  for (const key of KEYS) {
    // Nothing overtakes a message without a key, and each key is in order with those.
    const some = all.filter((i) => sent[i]?.key === undefined || sent[i]?.key === key);
    expect(some).toEqual(ascending(some));
  }
}

function checkCallbacks(sent: Sent[], received: Received[], drops: SlowReader['drops']): void {
  const texts = new Set(received.map(({ text }) => text));
  for (const { text, results, expectedResults } of sent) {
    expect(results).toHaveLength(expectedResults);
    expect(results.every((code) => code === undefined)).toBe(texts.has(text));
  }
  const dropped = sent
    .flatMap(({ results }) => results)
    .filter((code) => code === 'WS_ERR_DROPPED');
  expect(drops.reduce((sum, [messages]) => sum + messages, 0)).toBe(dropped.length);
}

const POLICIES = ['close', 'drop-newest', 'drop-oldest', 'conflate'];

async function property(role: Role, overflow: string, random: SeededRandom): Promise<void> {
  const maxBufferedAmount = FILLING + random.integer(0, 4000);
  const reader = slowReader(scope(), role, { maxBufferedAmount, overflow });
  const conflates = overflow === 'conflate';
  const sent = await run(reader, conflates, random);
  const received = messagesOf(reader.frames());
  checkOrder(sent, received, conflates);
  checkCallbacks(sent, received, reader.drops);
  if (reader.ws.readyState !== 1) return;
  // The connection is open: what must arrive has arrived.
  const arrived = new Set(indexes(sent, received));
  for (const [i, one] of sent.entries()) if (!one.mayBeDropped) expect(arrived).toContain(i);
  if (overflow === 'close') expect(arrived.size).toBe(sent.length);
}

describe.each(ROLES)('a %s', (role) => {
  test.each(POLICIES)(
    "with overflow '%s' keeps order, whole messages and callbacks",
    (overflow) => withSeeds(15, (random) => property(role, overflow, random)),
    TIMEOUT,
  );

  test(
    'conflation: per key a subsequence that ends in the last value, all others exactly',
    () =>
      withSeeds(25, async (random) => {
        const reader = slowReader(scope(), role, { overflow: 'conflate' });
        const sent: { key: string | undefined; text: string }[] = [];
        for (let i = 0; i < 120; i++) {
          const key = random.pick([undefined, ...KEYS, ...KEYS]);
          const text = `${key}:${i}`;
          sent.push({ key, text });
          reader.ws.send(text, { key });
          if (random.next() < 0.1) {
            reader.wire.release();
            await turns(1);
          }
        }
        await reader.readAll();
        const texts = reader.texts();
        const ofKey = (key: string | undefined) =>
          sent.filter((one) => one.key === key).map(({ text }) => text);
        expect(texts.filter((text) => text.startsWith('undefined'))).toEqual(ofKey(undefined));
        for (const key of KEYS) {
          const [all, seen] = [ofKey(key), texts.filter((text) => text.startsWith(`${key}:`))];
          expect(seen).toEqual(all.filter((text) => seen.includes(text)));
          expect(seen.at(-1)).toBe(all.at(-1));
        }
      }),
    TIMEOUT,
  );

  test(
    'drop-oldest keeps the newest bytes: the longest tail that has room',
    () =>
      withSeeds(25, async (random) => {
        const room = random.integer(COST, 5000);
        const settings = { maxBufferedAmount: FILLING + room, overflow: 'drop-oldest' };
        const reader = slowReader(scope(), role, settings);
        const sent: string[] = [];
        for (let i = random.integer(1, 100); i > 0; i--) {
          const text = `${i}:`.padEnd(random.integer(5, 200), '.');
          sent.push(text);
          reader.ws.send(text);
        }
        let [left, first] = [room, sent.length];
        while (first > 0 && left >= COST + (sent[first - 1]?.length ?? 0)) {
          left -= COST + (sent[--first]?.length ?? 0);
        }
        await reader.readAll();
        // One message is kept, whatever its size.
        expect(reader.texts()).toEqual(sent.slice(Math.min(first, sent.length - 1)));
      }),
    TIMEOUT,
  );
});
