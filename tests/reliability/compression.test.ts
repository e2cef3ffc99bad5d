/** Rows D: what peers do with permessage-deflate, and what the product's own compression holds up. */

import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CompressedScene, type CompressedSettings } from '../conformance/compressed-scene.js';
import { ROLES, type Role } from '../conformance/subject.js';
import { turn } from '../conformance/turns.js';
import { inShort } from '../conformance/wire-bytes.js';
import { Compiled } from '../support/child.js';
import { meet, uncaught } from '../support/faces.js';
import { closePayload, OPCODE } from '../support/frames.js';
import { turns } from '../support/inbox.js';
import { randomCuts, SeededRandom } from '../support/random.js';
import { useScope } from '../support/scope.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING } = OPCODE;
const KIB = 1024;
const MIB = 1024 * KIB;

const scope = useScope();

/** Opens a scene that is dropped when the test is over. */
async function open(role: Role, settings: CompressedSettings = {}): Promise<CompressedScene> {
  const scene = await CompressedScene.open(role, settings);
  scope().later(async () => {
    scene.product.terminate();
    await scene.until(() => scene.closed);
    scene.release();
  });
  return scene;
}

/** A message of its own, compressed. */
const deflated = (payload: Buffer | string): Buffer =>
  deflateRawSync(payload, { finishFlush: 2 }).subarray(0, -4);

/** `count` bytes of which zlib makes a thousandth. */
const ZEROS = new Map<number, Buffer>();
function zeros(count: number): Buffer {
  const made = ZEROS.get(count) ?? deflated(Buffer.alloc(count));
  ZEROS.set(count, made);
  return made;
}

/** Bytes of which zlib makes about a half. */
function letters(seed: number, size: number): Buffer {
  const pool = new SeededRandom(seed).bytes(5003);
  for (let i = 0; i < pool.length; i++) pool[i] = 0x61 + ((pool[i] ?? 0) & 15);
  const bytes = Buffer.alloc(size, pool);
  for (let i = 0; i < size; i += 97) bytes[i] = 0x41 + ((i * seed) % 26);
  return bytes;
}

/** A message of 900,000 bytes. */
const LARGE = deflated(letters(1, 900_000));

/** What was told of the end of a connection that the product failed. */
const codeOf = ({ peer }: CompressedScene): number | undefined => peer.closing?.code;

/** Memory is measured in a process of its own: its peak, before and behind the attack. */
const BOMB = `
  const { createServer } = require('node:http');
  const { connect } = require('node:net');
  const { deflateRawSync, constants } = require('node:zlib');
  const [kind, connections] = args;
  const MIB = 1024 * 1024;
  // RFC 6455 §5.3: a masking key of zeros is legal, and leaves the payload as it is.
  const frame = (first, payload) => {
    const { length } = payload;
    const size = length < 126 ? 0 : length < 65536 ? 2 : 8;
    const head = Buffer.alloc(2 + size + 4);
    head.writeUInt16BE((first << 8) | 128 | [length, 0, 126, 0, 0, 0, 0, 0, 127][size]);
    if (size > 0) head.writeUIntBE(length, 2 + Math.max(0, size - 6), Math.min(size, 6));
    return Buffer.concat([head, payload]);
  };
  const unit = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_FULL_FLUSH });
  const units = (count) => Buffer.concat(Array(count).fill(unit));
  const hello = Buffer.from('f248cdc9c90700', 'hex');
  const rest = (last) => Array.from({ length: 255 }, (_, i) => frame(i === 254 ? last : 0, units(2)));
  const bombs = {
    whole: () => [frame(0xc2, units(512))],
    fragments: () => [frame(0x42, units(2)), ...rest(0x80)],
    unfinished: () => [frame(0x42, units(2)), ...rest(0)],
    behind: () => [frame(0xc1, hello), frame(0xc2, units(512))],
  };
  const bytes = Buffer.concat(bombs[kind]());
  const server = createServer();
  const wss = new WebSocket.Server({ server, perMessageDeflate: true, maxPayload: 16 * MIB });
  const told = [];
  let open = 0;
  let before;
  let ended = 0;
  const finish = () => {
    const grown = (process.resourceUsage().maxRSS - before) / 1024;
    console.log(JSON.stringify({ told: [...new Set(told)].sort(), count: told.length, grown }));
    process.exit();
  };
  wss.on('connection', (ws) => {
    ws.on('message', (data) => told.push('message of ' + data.length));
    ws.on('error', () => {});
  });
  const request = [
    'GET / HTTP/1.1', 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Extensions: permessage-deflate', '', '',
  ].join('\\r\\n');
  const attack = (sockets) => {
    before = process.resourceUsage().maxRSS;
    for (const socket of sockets) socket.write(bytes);
    // A message without an end may be failed or kept: it only must not cost much.
    if (kind === 'unfinished') setTimeout(finish, 500);
  };
  server.listen(0, '127.0.0.1', () => {
    const sockets = Array.from({ length: Number(connections) }, () => {
      const socket = connect(server.address().port, '127.0.0.1', () => socket.write(request));
      let upgraded = false;
      socket.on('data', (chunk) => {
        if (upgraded) told.push('close ' + chunk.readUInt16BE(2));
        if (!upgraded && ++open === sockets.length) attack(sockets);
        upgraded = true;
      });
      socket.on('error', () => {});
      socket.on('close', () => ++ended === sockets.length && kind !== 'unfinished' && finish());
      return socket;
    });
  });
`;

interface Bombed {
  /** what was told, and what the peers were sent */
  told: string[];
  count: number;
  /** MiB of memory */
  grown: number;
}

describe('D1: 512 MiB in half a MiB, where 16 MiB are allowed', () => {
  let compiled: Compiled;
  beforeAll(() => {
    compiled = new Compiled();
  });
  afterAll(() => compiled.remove());

  async function bombed(kind: string, connections = 1): Promise<Bombed> {
    const { lines, errors } = await compiled.run(scope(), BOMB, kind, connections);
    expect(errors).toBe('');
    return JSON.parse(lines[0] ?? '') as Bombed;
  }

  test.each([
    ['whole', 'in one frame', ['close 1009']],
    ['fragments', 'in 256 fragments', ['close 1009']],
    ['behind', 'behind a legal message', ['close 1009', 'message of 5']],
  ])('%s: %s, fails with 1009 and costs little memory', async (kind, _how, told) => {
    const { grown, ...seen } = await bombed(kind);
    expect(seen).toEqual({ told, count: told.length });
    expect(grown).toBeLessThan(100);
  });

  test('unfinished: in 255 fragments without an end, costs little memory', async () => {
    const { told, grown } = await bombed('unfinished');
    expect(told.filter((what) => what !== 'close 1009')).toEqual([]);
    expect(grown).toBeLessThan(100);
  });

  test('sixty at once', async () => {
    const { grown, ...seen } = await bombed('whole', 60);
    expect(seen).toEqual({ told: ['close 1009'], count: 60 });
    expect(grown).toBeLessThan(250);
  });
});

describe.each(ROLES)('D1: as a %s, inflating leaves the event loop free', (role) => {
  /** How often the event loop turns until it is so. */
  async function turnsUntil(done: () => boolean): Promise<number> {
    const deadline = Date.now() + 10_000;
    let count = 0;
    for (; !done() && Date.now() < deadline; count++) await turn();
    return count;
  }

  test('while a message of 24 MiB is inflated', async () => {
    const scene = await open(role);
    const bytes = scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(24 * MIB) });
    scene.inject(bytes);
    expect(scene.events).toEqual([]);
    expect(await turnsUntil(() => scene.events.length > 0)).toBeGreaterThan(20);
    expect(scene.events).toEqual([`binary ${inShort(Buffer.alloc(24 * MIB))}`]);
  });

  test('while a bomb is inflated', async () => {
    const scene = await open(role, { maxPayload: 20 * MIB });
    scene.inject(scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(24 * MIB) }));
    expect(await turnsUntil(() => scene.events.length > 0)).toBeGreaterThan(20);
    await scene.settled();
    expect(codeOf(scene)).toBe(1009);
  });

  test('between many messages that are small enough to be inflated at once', async () => {
    const scene = await open(role);
    const one = scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(200 * KIB) });
    let inflated = 0;
    scene.product.on('message', ({ length }: Buffer) => {
      inflated += length;
    });
    const count = Math.floor((64 * KIB) / one.length);
    expect(count).toBeGreaterThan(100);
    let most = 0;
    scene.inject(Buffer.concat(Array<Buffer>(count).fill(one)));
    for (let before = 0; inflated < count * 200 * KIB; before = inflated) {
      most = Math.max(most, inflated - before);
      await turn();
      if (inflated === before) await scene.until(() => inflated > before);
    }
    expect(most).toBeLessThanOrEqual(4 * MIB);
  });

  /** CPU time in ms of all threads, for a message: while it is taken, and until it is done. */
  async function cost(payload: Buffer): Promise<[number, number]> {
    const scene = await open(role);
    const bytes = scene.frame({ opcode: BINARY, rsv: 4, payload });
    const before = process.cpuUsage();
    const spent = (): number => {
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    scene.inject(bytes);
    const atOnce = spent();
    await scene.until(() => scene.events.length > 0);
    const inAll = spent();
    await scene.settled();
    // Too many blocks for any honest purpose may be refused.
    const end = codeOf(scene) ?? scene.events[0]?.replace(/ .*/, '');
    expect(['binary', 1002, 1007, 1008, 1009]).toContain(end);
    return [atOnce, inAll];
  }

  test('whatever number of last blocks a message has', async () => {
    const blocks = Buffer.alloc(256 * KIB, Buffer.from([3, 0]));
    const [atOnce, inAll] = await cost(Buffer.concat([blocks, Buffer.alloc(1)]));
    expect(atOnce).toBeLessThan(100);
    expect(inAll).toBeLessThan(3000);
  });

  test('whatever there is in front of each of them', async () => {
    const stream = deflateRawSync(Buffer.alloc(60_000));
    const [atOnce, inAll] = await cost(
      Buffer.concat([...Array(500).fill(stream), Buffer.alloc(1)]),
    );
    expect(atOnce).toBeLessThan(100);
    // About 200 ms where each last block costs the same, 15 s where each costs all before it.
    expect(inAll).toBeLessThan(3000);
  });
});

describe.each(ROLES)('D2: as a %s, maxPayload', (role) => {
  /** Up to where messages are inflated at once, and far above. */
  const SIZES = [1, 5, 1000, 65_536, 300_000, 3_000_000];

  async function outcome(limit: number, payloads: Buffer[]): Promise<unknown[]> {
    const scene = await open(role, { maxPayload: limit });
    const frames = payloads.map((payload, i) =>
      scene.frame({
        opcode: i === 0 ? BINARY : CONTINUATION,
        rsv: i === 0 ? 4 : 0,
        fin: i === payloads.length - 1,
        payload,
      }),
    );
    scene.peer.write(frames);
    await scene.until(() => scene.events.length > 0);
    await scene.settled();
    return [scene.events[0]?.replace(/ .*/, ''), codeOf(scene)];
  }

  test.each(SIZES)('of %d bytes lets exactly as much pass', async (size) => {
    for (const make of [Buffer.alloc, (n: number) => letters(n, n)]) {
      const payload = deflated(make(size));
      // The wire's own bytes are counted too, where nothing was gained.
      const limit = Math.max(size, payload.length);
      const halves = [
        payload.subarray(0, payload.length >> 1),
        payload.subarray(payload.length >> 1),
      ];
      expect(await outcome(limit, [payload])).toEqual(['binary', undefined]);
      expect(await outcome(limit, halves)).toEqual(['binary', undefined]);
    }
  });

  test.each(SIZES)('of %d bytes lets not one byte more pass', async (size) => {
    for (const make of [Buffer.alloc, (n: number) => letters(n, n)]) {
      const payload = deflated(make(size + 1));
      const halves = [
        payload.subarray(0, payload.length >> 1),
        payload.subarray(payload.length >> 1),
      ];
      expect(await outcome(size, [payload])).toEqual(['error', 1009]);
      expect(await outcome(size, halves)).toEqual(['error', 1009]);
    }
  });

  const zerosIn = (count: number): Buffer => deflateRawSync(Buffer.alloc(count));
  test('counts behind last blocks too', async () => {
    const two = Buffer.concat([zerosIn(500), zerosIn(500), Buffer.alloc(1)]);
    expect(await outcome(1000, [two])).toEqual(['binary', undefined]);
    expect(await outcome(999, [two])).toEqual(['error', 1009]);
    expect(await outcome(500, [two])).toEqual(['error', 1009]);
  });

  test('may be used up by a last block', async () => {
    const one = Buffer.concat([zerosIn(500), Buffer.alloc(1)]);
    expect(await outcome(500, [one])).toEqual(['binary', undefined]);
    const empty = Buffer.concat([zerosIn(500), Buffer.from([3, 0, 0])]);
    expect(await outcome(500, [empty])).toEqual(['binary', undefined]);
  });

  test('of 0 is no limit', async () => {
    expect(await outcome(0, [deflated(letters(1, 3_000_000))])).toEqual(['binary', undefined]);
  });

  test('is not the limit of what is sent', async () => {
    const scene = await open(role, { maxPayload: 10, perMessageDeflate: { threshold: 0 } });
    scene.product.send(letters(1, 100_000));
    await scene.until(() => scene.peer.reader.heard.length > 0);
    expect(scene.peer.reader.heard.map(({ payload }) => inShort(payload))).toEqual([
      inShort(letters(1, 100_000)),
    ]);
  });
});

describe.each(ROLES)('D3: as a %s, garbage', (role) => {
  const large = deflated(letters(3, 3_000_000));
  const wrong = (at: number): Buffer => {
    const bytes = Buffer.from(large);
    bytes.fill(0xff, at, at + 30);
    return bytes;
  };
  test.each([
    ['2 MiB of it', new SeededRandom(1).bytes(2 * MIB)],
    ['at the beginning of a large message', wrong(0)],
    ['in the middle of a large message', wrong(large.length >> 1)],
    ['at the end of a large message', wrong(large.length - 30)],
    ['a large message cut short', large.subarray(0, -5)],
    [
      'a large message with bytes behind its end',
      Buffer.concat([large, Buffer.from([6, 1, 2, 3])]),
    ],
  ])('%s fails with 1007, once', async (_name, payload) => {
    const scene = await open(role);
    const frames = [{ payload: 'a' }, { rsv: 4, payload }, { payload: 'never told' }];
    scene.peer.write(frames.map((frame) => scene.frame(frame)));
    await scene.until(() => scene.peer.ended);
    await scene.finish();
    expect(codeOf(scene)).toBe(1007);
    expect(scene.events.map((event) => event.replace(/^error .*/, 'error'))).toEqual([
      'text 61',
      'error',
      'close 1006',
    ]);
  });
});

describe.each(ROLES)('D5: as a %s, the window of the peer', (role) => {
  test('goes on over messages that are inflated at once, later, or not at all', async () => {
    const scene = await open(role);
    const random = new SeededRandom(5);
    const told: string[] = [];
    for (let i = 0; i < 60; i++) {
      const size = random.pick([3, 100, 2000, 40_000, 400_000, 1_500_000]);
      const message = letters(1 + (i % 3), size);
      const plain = random.next() < 0.3;
      const frame = plain ? scene.frame({ payload: message }) : await scene.compressed(message);
      scene.peer.write(random.next() < 0.5 ? [frame] : randomCuts(frame, random, 60_000));
      told.push(`text ${inShort(message)}`);
    }
    await scene.until(() => scene.events.length >= told.length);
    expect(scene.events).toEqual(told);
  });

  const sides = { server: 'client', client: 'server' } as const;
  test.each([8, 9, 10, 12, 15])('D6: of %d bits, with data that repeats', async (bits) => {
    const side = sides[role];
    const agreed = `permessage-deflate; ${side}_max_window_bits=${bits}`;
    const perMessageDeflate = { [`${side}MaxWindowBits`]: bits };
    const settings = { offer: agreed, answer: agreed, perMessageDeflate };
    const scene = await CompressedScene.open(role, settings).catch((error: unknown) => {
      if (bits === 8) return undefined; // may be declined
      throw error;
    });
    if (scene === undefined) return;
    expect(scene.agreement[side].windowBits).toBe(bits);
    const told: string[] = [];
    for (const distance of [100, 240, 250, 300, 500, 700, 1200, 3000, 5000, 30_000]) {
      const noise = new SeededRandom(distance).bytes(distance);
      for (const message of [Buffer.concat([noise, noise, noise]), noise]) {
        scene.peer.write([await scene.compressed(message, BINARY)]);
        told.push(`binary ${inShort(message)}`);
      }
    }
    await scene.until(() => scene.events.length >= told.length);
    expect(scene.events).toEqual(told);
    await scene.finish();
  });
});

describe.each(ROLES)('D7: as a %s, order', (role) => {
  const large = letters(7, 2_000_000);

  /** A large message, and whatever comes right behind it. */
  async function behindLarge(scene: CompressedScene, ...behind: Buffer[]): Promise<void> {
    const first = scene.frame({ opcode: BINARY, rsv: 4, payload: deflated(large) });
    scene.peer.write([Buffer.concat([first, ...behind])]);
  }
  const told = `binary ${inShort(large)}`;

  test('what comes behind a message that is being inflated waits for it', async () => {
    const scene = await open(role);
    await behindLarge(
      scene,
      scene.frame({ payload: 'plain' }),
      scene.frame({ opcode: PING, payload: 'p' }),
      scene.frame({ rsv: 4, payload: deflated('small') }),
      scene.frame({ opcode: OPCODE.PONG, payload: 'q' }),
      scene.frame({ opcode: CLOSE, payload: closePayload(1000, 'bye') }),
    );
    await scene.until(() => scene.peer.close !== undefined);
    await scene.finish();
    const [plain, small] = [Buffer.from('plain'), Buffer.from('small')].map(inShort);
    expect(scene.events).toEqual([
      told,
      `text ${plain}`,
      'ping 70',
      `text ${small}`,
      'pong 71',
      'close 1000 bye',
    ]);
    expect(scene.peer.said).toEqual(['pong 70', 'close 1000']);
  });

  test('an illegal frame behind it fails the connection behind it', async () => {
    const scene = await open(role);
    await behindLarge(scene, scene.frame({ opcode: 3 }), scene.frame({ payload: 'never told' }));
    await scene.until(() => scene.peer.ended);
    await scene.finish();
    expect(scene.events).toEqual([told, 'error WS_ERR_INVALID_OPCODE', 'close 1006']);
    expect(codeOf(scene)).toBe(1002);
  });

  test('the end of the wire behind it does not swallow it', async () => {
    const scene = await open(role);
    await behindLarge(scene, scene.frame({ payload: 'plain' }));
    scene.peer.end();
    await scene.until(() => scene.closed);
    expect(scene.events).toEqual([told, `text ${inShort(Buffer.from('plain'))}`, 'close 1006']);
  });

  test('a Close in the next chunk, and the end of the wire, do not swallow it either', async () => {
    const scene = await open(role);
    await behindLarge(scene);
    await turn();
    scene.peer.write([scene.frame({ opcode: CLOSE, payload: closePayload(1000) })]);
    scene.peer.end();
    await scene.until(() => scene.closed);
    expect(scene.events).toEqual([told, 'close 1000']);
  });

  test('large ones and small ones, one after the other, without a pause', async () => {
    const scene = await open(role);
    const messages = Array.from({ length: 30 }, (_, i) => letters(i + 1, i % 3 ? 50 : 600_000));
    const frames = messages.map((message, i) =>
      scene.frame(i % 4 ? { rsv: 4, payload: deflated(message) } : { payload: message }),
    );
    scene.peer.write([Buffer.concat(frames)]);
    await scene.until(() => scene.events.length >= messages.length);
    expect(scene.events).toEqual(messages.map((message) => `text ${inShort(message)}`));
  });

  test('a thousand compressed messages in one chunk', async () => {
    const scene = await open(role);
    const messages = Array.from({ length: 1000 }, (_, i) => `message number ${i}`);
    const frames = await messages.reduce(async (before, message) => {
      const all = await before;
      return [...all, await scene.compressed(message)];
    }, Promise.resolve<Buffer[]>([]));
    scene.peer.write([Buffer.concat(frames)]);
    await scene.until(() => scene.events.length >= messages.length);
    expect(scene.events).toEqual(
      messages.map((message) => `text ${inShort(Buffer.from(message))}`),
    );
  });

  test('R11: a listener that throws at it: it comes out, and the rest follows', async () => {
    const scene = await open(role);
    const caught = uncaught(scope());
    const mine = new Error('mine');
    scene.product.once('message', () => {
      throw mine;
    });
    await behindLarge(
      scene,
      scene.frame({ rsv: 4, payload: deflated('small') }),
      scene.frame({ opcode: CLOSE, payload: closePayload(1000) }),
    );
    await scene.until(() => scene.peer.close !== undefined);
    await scene.finish();
    expect(caught).toEqual([mine]);
    expect(scene.events).toEqual([told, `text ${inShort(Buffer.from('small'))}`, 'close 1000']);
  });

  test('pause() holds a message that is being inflated back', async () => {
    const scene = await open(role);
    await behindLarge(scene, scene.frame({ payload: 'plain' }));
    await turn();
    scene.product.pause();
    await scene.settled();
    await scene.settled();
    const before = scene.events.length;
    await scene.settled();
    expect(scene.events.length).toBe(before);
    scene.product.resume();
    await scene.until(() => scene.events.length === 2);
    expect(scene.events).toEqual([told, `text ${inShort(Buffer.from('plain'))}`]);
  });

  test('one event per turn where that was asked for', async () => {
    const scene = await open(role, { allowSynchronousEvents: false });
    const frames = Array.from({ length: 9 }, (_, i) =>
      scene.frame(
        i === 4 ? { rsv: 4, payload: deflated(large) } : { rsv: 4, payload: deflated(`${i}`) },
      ),
    );
    let inThisTurn = 0;
    let most = 0;
    scene.product.on('message', () => {
      most = Math.max(most, ++inThisTurn);
      setImmediate(() => {
        inThisTurn = 0;
      });
    });
    scene.peer.write([Buffer.concat(frames)]);
    await scene.until(() => scene.events.length === 9);
    expect([scene.events.length, most]).toEqual([9, 1]);
  });
});

describe.each(ROLES)('as a %s, what leaves', (role) => {
  const always = { perMessageDeflate: { threshold: 0 } };
  const opcodes = ({ peer }: CompressedScene): number[] => peer.frames.map(({ opcode }) => opcode);

  /** Sends and notes the callbacks: the number of the message, and whether it failed. */
  function sender({ product }: CompressedScene) {
    const called: string[] = [];
    let count = 0;
    const send = (data: Buffer | string, options: { compress?: boolean } = {}): void => {
      const number = count++;
      product.send(data, options, (error) => called.push(`${number} ${error ? 'failed' : 'sent'}`));
    };
    return { called, send };
  }

  test('messages large and small, compressed or not, stay in order, callbacks too', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    const messages = Array.from({ length: 24 }, (_, i) => letters(i + 1, i % 3 ? 60 : 700_000));
    for (const [i, message] of messages.entries()) send(message, { compress: i % 4 !== 1 });
    const waiting = scene.product.bufferedAmount;
    await scene.until(() => called.length === messages.length);
    const seen = scene.peer.reader.heard.map(({ payload }) => inShort(payload));
    expect(seen).toEqual(messages.map(inShort));
    expect(called).toEqual(messages.map((_, i) => `${i} sent`));
    // All but what is already on the wire: the first message was not done when send() returned.
    expect(waiting).toBeGreaterThanOrEqual(700_000);
    expect(scene.product.bufferedAmount).toBe(0);
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('bufferedAmount counts what waits for compression', async () => {
    const scene = await open(role, always);
    for (let i = 0; i < 3; i++) scene.product.send(letters(i + 1, MIB));
    expect(scene.product.bufferedAmount).toBeGreaterThanOrEqual(3 * MIB);
    await scene.until(() => scene.peer.reader.heard.length === 3);
    await scene.settled();
    expect(scene.product.bufferedAmount).toBe(0);
  });

  test('what waits for a large message costs the same each, however much there is', async () => {
    const scene = await open(role, always);
    let called = 0;
    scene.product.send(letters(1, MIB));
    for (let i = 0; i < 100_000; i++) {
      scene.product.send('x', { compress: false }, () => called++);
    }
    const before = process.cpuUsage();
    await scene.until(() => called === 100_000);
    const { user, system } = process.cpuUsage(before);
    expect(called).toBe(100_000);
    // Linear: about 500 ms. A queue that moved its rest with each message took 8 s and more.
    expect((user + system) / 1000).toBeLessThan(2500);
  });

  test('compressing a large message leaves the event loop free', async () => {
    const scene = await open(role, always);
    let count = 0;
    scene.product.send(letters(1, 8 * MIB));
    const deadline = Date.now() + 10_000;
    for (; scene.peer.frames.length === 0 && Date.now() < deadline; count++) await turn();
    expect(count).toBeGreaterThan(20);
    expect(scene.peer.reader.heard.length).toBe(1);
  });

  test('bytes that are changed behind send() when the message was large', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    const message = letters(1, MIB);
    send(message);
    await scene.until(() => called.length === 1);
    message.fill(0);
    expect(scene.peer.reader.heard.map(({ payload }) => inShort(payload))).toEqual([
      inShort(letters(1, MIB)),
    ]);
  });

  test('a Close may not pass data that waits for compression; data behind it is refused', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    send(letters(1, MIB));
    send('small');
    scene.product.close(1000, 'enough');
    send('too late');
    await scene.until(() => scene.peer.close !== undefined);
    expect(opcodes(scene)).toEqual([BINARY, TEXT, CLOSE]);
    await scene.until(() => called.length === 3);
    expect([...called].sort()).toEqual(['0 sent', '1 sent', '2 failed']);
    await scene.feed([scene.frame({ opcode: CLOSE, payload: closePayload(1000) })]);
    await scene.finish();
    expect(scene.events).toEqual(['close 1000']);
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('a Ping may pass it, no data may', async () => {
    const scene = await open(role, always);
    scene.product.send(letters(1, MIB));
    scene.product.ping('p');
    scene.product.send('small', { compress: false });
    await scene.until(() => scene.peer.frames.length === 3);
    expect(opcodes(scene).filter((opcode) => opcode !== PING)).toEqual([BINARY, TEXT]);
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('fragments that wait for compression are not mixed with other data', async () => {
    const scene = await open(role, always);
    const { product } = scene;
    const half = letters(1, 500_000);
    product.send(half, { fin: false });
    product.ping('p');
    product.send(half, { fin: true });
    product.send('next');
    await scene.until(() => scene.peer.reader.heard.length === 3);
    const messages = scene.peer.reader.heard.filter(({ opcode }) => opcode !== PING);
    expect(messages.map(({ payload }) => inShort(payload))).toEqual(
      [Buffer.concat([half, half]), Buffer.from('next')].map(inShort),
    );
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('the peer’s Close in the meantime: no data behind our own, each callback once', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    for (let i = 0; i < 5; i++) send(letters(i + 1, 400_000));
    await scene.feed([scene.frame({ opcode: CLOSE, payload: closePayload(1001) })]);
    await scene.until(() => scene.peer.close !== undefined);
    await scene.finish();
    await scene.settled();
    expect(called.map((call) => call.split(' ')[0])).toEqual(['0', '1', '2', '3', '4']);
    expect(scene.peer.reader.faults).toEqual([]);
    expect(scene.events).toEqual(['close 1001']);
  });
});

describe.each(ROLES)('D8: as a %s, aborts', (role) => {
  const always = { perMessageDeflate: { threshold: 0 } };
  const ends: [string, (scene: CompressedScene) => void][] = [
    ['terminate()', ({ product }) => product.terminate()],
    ['the wire destroyed', ({ wire }) => wire.destroy()],
    ['the wire broken', ({ wire }) => wire.destroy(new Error('broken'))],
    ['the peer gone', ({ peer }) => peer.wire.destroy()],
  ];

  test.each(ends)('%s while inflating: one end, and nothing behind it', async (_name, end) => {
    for (let i = 0; i < 8; i++) {
      const scene = await open(role);
      scene.inject(scene.frame({ opcode: BINARY, rsv: 4, payload: LARGE }));
      scene.inject(scene.frame({ payload: 'behind' }));
      for (let j = i; j > 0; j--) await turn();
      end(scene);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events.filter((event) => /^(close|error)/.test(event))).toEqual(['close 1006']);
      expect(scene.events.at(-1)).toBe('close 1006');
    }
  });

  const waiting = [300_000, 300_000, 300_000, 2 * MIB].map((size) => letters(1, size));

  test('the wire gone while inflating, then terminate(): the end comes all the same', async () => {
    const scene = await open(role);
    scene.inject(scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(60 * MIB) }));
    scene.wire.destroy();
    await turns();
    expect(scene.events).toEqual([]);
    scene.product.terminate();
    await scene.until(() => scene.closed);
    expect(scene.events).toEqual(['close 1006']);
    await scene.settled();
  });

  test('what was sent before the peer ended arrives, also if something waits behind it', async () => {
    const scene = await open(role, always);
    const called: string[] = [];
    const note = (name: string) => (error?: Error) => called.push(error ? `${name} failed` : name);
    scene.product.send(letters(1, 200_000), { compress: false }, note('plain'));
    scene.product.send(letters(2, 900_000), {}, note('compressed'));
    scene.peer.wire.end();
    await scene.until(() => scene.closed && called.length === 2);
    expect(called).toEqual(['plain', 'compressed failed']);
    expect(scene.peer.reader.heard).toHaveLength(1);
    await scene.settled();
  });

  test.each(ends)('%s while deflating: each callback once', async (_name, end) => {
    for (let i = 0; i < 8; i++) {
      const scene = await open(role, always);
      const called: string[] = [];
      for (const [j, message] of waiting.entries()) {
        const note = (error?: Error): unknown => called.push(`${j} ${error ? 'failed' : 'sent'}`);
        scene.product.send(message, {}, note);
      }
      for (let j = i; j > 0; j--) await turn();
      end(scene);
      await scene.until(() => scene.closed && called.length >= 4);
      await scene.settled();
      expect(called.map((call) => call.split(' ')[0])).toEqual(['0', '1', '2', '3']);
      expect(called.at(-1)).toBe('3 failed');
      expect(scene.events).toEqual(['close 1006']);
      expect(scene.product.bufferedAmount).toBe(0);
    }
  });

  test('terminate() in the listener of a compressed message: nothing more is told', async () => {
    const scene = await open(role);
    scene.product.once('message', () => scene.product.terminate());
    const one = scene.frame({ rsv: 4, payload: deflated('one') });
    const large = scene.frame({ rsv: 4, payload: LARGE });
    scene.peer.write([Buffer.concat([one, large, one])]);
    await scene.until(() => scene.closed);
    await scene.settled();
    expect(scene.events).toEqual([`text ${inShort(Buffer.from('one'))}`, 'close 1006']);
  });

  test('the wire ends behind any byte of a compressed message', async () => {
    const payload = deflated('a text in a few frames');
    const third = Math.ceil(payload.length / 3);
    const parts = [0, 1, 2].map((i) => payload.subarray(i * third, (i + 1) * third));
    for (let length = 0; ; length++) {
      const scene = await CompressedScene.open(role);
      const frames = parts.map((part, i) => {
        const rest = { fin: i === 2, payload: part };
        return scene.frame(i === 0 ? { rsv: 4, ...rest } : { opcode: CONTINUATION, ...rest });
      });
      const bytes = Buffer.concat(frames);
      scene.peer.write([bytes.subarray(0, length)]);
      await scene.finish();
      const whole = length >= bytes.length;
      const message = `text ${inShort(Buffer.from('a text in a few frames'))}`;
      expect([length, scene.events]).toEqual([length, [...(whole ? [message] : []), 'close 1006']]);
      if (whole) break;
    }
  });
});

describe('D10: compression is not switched on by itself', () => {
  test('a server agrees to it only when it was told to', async () => {
    const asked = { perMessageDeflate: true };
    const off = await meet(scope(), {}, asked);
    expect([off.client.extensions, off.ws.extensions]).toEqual(['', '']);
    const on = await meet(scope(), { perMessageDeflate: true }, asked);
    expect([on.client.extensions, on.ws.extensions]).toEqual([
      'permessage-deflate',
      'permessage-deflate',
    ]);
    await turns();
  });

  test('a client that does not want it does not offer it', async () => {
    const { request } = await meet(
      scope(),
      { perMessageDeflate: true },
      { perMessageDeflate: false },
    );
    expect(request.headers['sec-websocket-extensions']).toBeUndefined();
  });
});
