/** RFC 6455 §8.1: text is UTF-8 (RFC 3629), and what is not fails as early as it shows. */
import { describe, expect, test } from '@jest/globals';
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';
import { byteByByte, SeededRandom } from '../support/random.js';
import { broken, brokenAfter, peerBytes, peerFrame, type Row, table } from './rows.js';
import { ROLES, type Role, Scene } from './subject.js';
import { inShort } from './wire-bytes.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING } = OPCODE;
const NOT_UTF8 = 'WS_ERR_INVALID_UTF8';
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** Valid; every one ends in a character of a different length. */
const VALID = ['24', 'c2a2', 'e282ac', 'f0a4ada2', 'f48fbfbf', 'ed9fbf', 'ee8080', 'efbfbf'];

/** Not valid, and the index of the first byte that shows it. */
const INVALID: [what: string, bytes: string, at: number][] = [
  ['a lone continuation byte', '80', 0],
  ['a continuation byte behind ASCII', '61bf', 1],
  ['the overlong slash in two bytes', 'c0af', 0],
  ['the overlong slash in three bytes', 'e080af', 1],
  ['the overlong slash in four bytes', 'f08080af', 1],
  ['the largest overlong in two bytes', 'c1bf', 0],
  ['the largest overlong in three bytes', 'e09fbf', 1],
  ['the largest overlong in four bytes', 'f08fbfbf', 1],
  ['the first high surrogate', 'eda080', 1],
  ['the last low surrogate', 'edbfbf', 1],
  ['a surrogate pair', 'eda080edb080', 1],
  ['U+110000', 'f4908080', 1],
  ['a lead byte above F4', 'f5808080', 0],
  ['a five-byte form', 'f888808080', 0],
  ['a six-byte form', 'fc8480808080', 0],
  ['FE', 'fe', 0],
  ['FF', 'ff', 0],
  ['a two-byte character cut by ASCII', 'c361', 1],
  ['a three-byte character cut by ASCII', 'e28261', 2],
  ['a four-byte character cut by ASCII', 'f09f9861', 3],
  ['a four-byte character cut by a lead byte', 'f09fc2a2', 2],
  ['bytes that are valid up to the last', 'cebae1bdb9cf83cebcceb5eda0', 12],
];

const split = (bytes: Buffer, at: number): FrameOptions[] => [
  { opcode: TEXT, fin: false, payload: bytes.subarray(0, at) },
  { opcode: CONTINUATION, payload: bytes.subarray(at) },
];

describe('RFC 6455 §8.1: valid text passes, however it is cut', () => {
  const all = hex(VALID.join(''));
  table([
    {
      name: 'every valid character in a message of its own',
      send: VALID.map((bytes) => ({ payload: hex(bytes) })),
      reported: VALID.map((bytes) => `text ${bytes}`),
    },
    {
      name: 'fragments that end inside characters',
      send: Array.from({ length: all.length + 1 }, (_, at) => split(all, at)).flat(),
      reported: Array.from({ length: all.length + 1 }, () => `text ${inShort(all)}`),
    },
    {
      name: 'a Ping between the halves of a character',
      send: [
        { fin: false, payload: hex('f09f') },
        { opcode: PING, payload: hex('9880') },
        { opcode: CONTINUATION, payload: hex('9880') },
      ],
      reported: ['ping 9880', 'text f09f9880'],
      sent: ['pong 9880'],
    },
    {
      name: 'binary messages may hold anything, in fragments too',
      send: [
        { opcode: BINARY, payload: hex('ff80') },
        { opcode: BINARY, fin: false, payload: hex('c3') },
        { opcode: CONTINUATION, payload: hex('fe') },
      ],
      reported: ['binary ff80', 'binary c3fe'],
    },
    {
      name: 'with skipUTF8Validation nothing is checked',
      settings: { skipUTF8Validation: true },
      send: [{ payload: hex('ff80') }, ...split(hex('c3fe'), 1)],
      reported: ['text ff80', 'text c3fe'],
    },
  ]);
});

describe('RFC 6455 §8.1: invalid text fails with 1007 and is never delivered', () => {
  table(
    INVALID.flatMap(([what, text]): Row[] => {
      const bytes = hex(text);
      return [
        {
          name: `${what} fails`,
          send: [{ payload: 'a' }, { payload: bytes }, { payload: 'b' }],
          ...brokenAfter({ reported: ['text 61'] }, NOT_UTF8, 1007),
        },
        {
          name: `${what} fails in fragments of one byte`,
          send: [
            { fin: false },
            ...Array.from(bytes, (byte) => ({
              opcode: CONTINUATION,
              fin: false,
              payload: Buffer.from([byte]),
            })),
          ],
          ...broken(NOT_UTF8, 1007),
        },
      ];
    }),
  );

  const truncated = VALID.map(hex).flatMap((bytes) =>
    Array.from({ length: bytes.length - 1 }, (_, i) => bytes.subarray(0, i + 1)),
  );
  table(
    truncated.flatMap((bytes): Row[] => [
      {
        name: `a message that ends in ${bytes.toString('hex')} fails`,
        send: [{ payload: Buffer.concat([hex('6162'), bytes]) }],
        ...broken(NOT_UTF8, 1007),
      },
      {
        name: `a fragmented message that ends in ${bytes.toString('hex')} fails`,
        send: [
          { fin: false, payload: 'ab' },
          { opcode: CONTINUATION, payload: bytes },
        ],
        ...broken(NOT_UTF8, 1007),
      },
      {
        name: `${bytes.toString('hex')} and an empty last fragment fail`,
        send: [{ fin: false, payload: bytes }, { opcode: CONTINUATION }],
        ...broken(NOT_UTF8, 1007),
      },
    ]),
  );
  table([
    {
      name: 'a character is not continued in the next message',
      send: [{ payload: hex('c3') }, { payload: hex('a4') }],
      ...broken(NOT_UTF8, 1007),
    },
    {
      name: 'nothing of one message carries over into the next',
      send: [...split(hex('e282ac'), 1), { payload: hex('82ac') }],
      ...brokenAfter({ reported: ['text e282ac'] }, NOT_UTF8, 1007),
    },
    {
      name: 'a close reason that is not UTF-8 fails',
      send: [{ opcode: CLOSE, payload: closePayload(1000, hex('eda080')) }],
      ...broken(NOT_UTF8, 1007),
    },
    {
      name: 'a close reason that ends inside a character fails',
      send: [{ opcode: CLOSE, payload: closePayload(1000, hex('61e282')) }],
      ...broken(NOT_UTF8, 1007),
    },
  ]);
});

/** Feeds a message byte by byte, without its end; at which byte of the payload does it fail? */
async function failsAt(role: Role, payload: Buffer, arrange: Arrangement): Promise<number> {
  const scene = new Scene(role);
  const { head, units } = arrange(role, payload);
  await scene.feed([head]);
  for (const [i, unit] of units.entries()) {
    scene.peer.write([unit]);
    await scene.until(() => scene.peer.wire.writableLength === 0);
    if (scene.events.length === 0) continue;
    await scene.finish();
    expect(scene.peer.sent).toEqual(['close 1007']);
    expect(scene.events).toEqual([`error ${NOT_UTF8}`, 'close 1006']);
    return i;
  }
  scene.product.terminate();
  return -1;
}

type Arrangement = (role: Role, payload: Buffer) => { head: Buffer; units: Buffer[] };

/** One frame that announces more than will ever come. */
const oneFrame: Arrangement = (role, payload) => {
  const rest = Buffer.concat([payload, Buffer.alloc(100, 0x61)]);
  const bytes = peerFrame(role, { payload: rest });
  const head = bytes.length - rest.length;
  const units = byteByByte(bytes.subarray(head, head + payload.length));
  return { head: bytes.subarray(0, head), units };
};

/** A message of fragments of one byte each, without an end. */
const fragments: Arrangement = (role, payload) => ({
  head: peerFrame(role, { fin: false }),
  units: Array.from(payload, (byte) =>
    peerFrame(role, { opcode: CONTINUATION, fin: false, payload: Buffer.from([byte]) }),
  ),
});

const ARRANGEMENTS: [string, Arrangement][] = [
  ['in one frame', oneFrame],
  ['in fragments', fragments],
];

/** RFC 3629 §4: the lead bytes, and the bounds of the byte behind each. */
const LEADS: [from: number, to: number, more: number, low: number, high: number][] = [
  [0x00, 0x7f, 0, 0, 0],
  [0xc2, 0xdf, 1, 0x80, 0xbf],
  [0xe0, 0xe0, 2, 0xa0, 0xbf],
  [0xe1, 0xec, 2, 0x80, 0xbf],
  [0xed, 0xed, 2, 0x80, 0x9f],
  [0xee, 0xef, 2, 0x80, 0xbf],
  [0xf0, 0xf0, 3, 0x90, 0xbf],
  [0xf1, 0xf3, 3, 0x80, 0xbf],
  [0xf4, 0xf4, 3, 0x80, 0x8f],
];

/** The index of the first byte at which `bytes` can't be the beginning of valid text; else -1. */
function firstImpossible(bytes: Buffer): number {
  let [more, low, high] = [0, 0, 0];
  for (const [i, byte] of bytes.entries()) {
    if (more > 0) {
      if (byte < low || byte > high) return i;
      [more, low, high] = [more - 1, 0x80, 0xbf];
      continue;
    }
    const lead = LEADS.find(([from, to]) => byte >= from && byte <= to);
    if (lead === undefined) return i;
    [, , more, low, high] = lead;
  }
  return -1;
}

describe('RFC 6455 §8.1: failure at the first byte that can no longer be UTF-8', () => {
  for (const role of ROLES) {
    for (const [how, arrange] of ARRANGEMENTS) {
      test.each(INVALID)(`%s, ${how} (${role})`, async (_what, text, at) => {
        expect(firstImpossible(hex(text))).toBe(at);
        expect(await failsAt(role, hex(text), arrange)).toBe(at);
      });
    }

    test(`random bytes fail where RFC 3629 says (${role})`, async () => {
      const random = new SeededRandom(81);
      const edges = [...hex('007f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f3f4f5f8ff')];
      for (let i = 0; i < 250; i++) {
        const bytes = Buffer.from(Array.from({ length: 8 }, () => random.pick(edges)));
        const want = { bytes: bytes.toString('hex'), at: firstImpossible(bytes) };
        expect({ ...want, at: await failsAt(role, bytes, oneFrame) }).toEqual(want);
      }
    });
  }
});

describe('RFC 6455 §8.1: long text with one character in a critical place', () => {
  const OFFSETS = [0, 1, 22, 23, 24, 30, 31, 32, 33, 63, 64, 4094, 4095, 4096, 4097, 65_535];
  const SIZE = 70_000;
  const euro = hex('e282ac');

  async function deliver(role: Role, payload: Buffer, cutAt: number): Promise<Scene> {
    const scene = new Scene(role);
    const bytes = peerBytes(role, [{ payload }]);
    const at = bytes.length - payload.length + cutAt;
    await scene.feed([bytes.subarray(0, at), bytes.subarray(at)]);
    return scene;
  }

  for (const role of ROLES) {
    test.each([...OFFSETS, SIZE - 3])(`a character at %i, cut anywhere (${role})`, async (at) => {
      const payload = Buffer.alloc(SIZE, 0x61);
      euro.copy(payload, at);
      for (const cut of [at, at + 1, at + 2, at + 3]) {
        const scene = await deliver(role, payload, cut);
        expect(scene.events).toEqual([`text ${inShort(payload)}`]);
        scene.product.terminate();
      }
    });

    test.each([...OFFSETS, SIZE - 1])(`a wrong byte at %i, cut anywhere (${role})`, async (at) => {
      const payload = Buffer.alloc(SIZE, 0x61);
      payload[at] = 0x80;
      for (const cut of [at, Math.min(SIZE, at + 1), 0]) {
        const scene = await deliver(role, payload, cut);
        await scene.finish();
        expect(scene.events).toEqual([`error ${NOT_UTF8}`, 'close 1006']);
        expect(scene.peer.sent).toEqual(['close 1007']);
      }
    });
  }
});
