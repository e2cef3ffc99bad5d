/** RFC 6455 §5.2: FIN, reserved bits, opcodes and the three forms of a length. */
import { describe, expect, test } from '@jest/globals';
import { OPCODE } from '../support/frames.js';
import { SeededRandom } from '../support/random.js';
import { broken, brokenAfter, peerBytes, peerFrame, type Row, table } from './rows.js';
import { MAX_PAYLOAD, ROLES, Scene } from './subject.js';
import { inShort } from './wire-bytes.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = OPCODE;
const OPENING: Row['send'] = [{ opcode: TEXT, fin: false, payload: 'ab' }];

describe('RFC 6455 §5.2: reserved bits are 0 unless an extension was negotiated', () => {
  const names = { [CONTINUATION]: 'a continuation', [TEXT]: 'text', [BINARY]: 'binary' };
  const all = { ...names, [CLOSE]: 'Close', [PING]: 'Ping', [PONG]: 'Pong' };
  const rows = Object.entries(all).flatMap(([opcode, what]) =>
    [1, 2, 3, 4, 5, 6, 7].map((rsv): Row => {
      const error = (rsv & 3) !== 0 ? 'WS_ERR_UNEXPECTED_RSV_2_3' : 'WS_ERR_UNEXPECTED_RSV_1';
      const before = Number(opcode) === CONTINUATION ? OPENING : [];
      const bits = rsv.toString(2).padStart(3, '0');
      return {
        name: `RSV1-3 = ${bits} on ${what} fails`,
        send: [...before, { opcode: Number(opcode), rsv, payload: 'abc' }],
        ...broken(error),
      };
    }),
  );
  table(rows);
  table([
    {
      name: 'a reserved bit on an empty frame with FIN clear fails',
      send: [{ opcode: BINARY, fin: false, rsv: 4 }],
      ...broken('WS_ERR_UNEXPECTED_RSV_1'),
    },
    {
      name: 'what came before the reserved bit is delivered, what comes behind it is not',
      send: [{ payload: 'a' }, { rsv: 2, payload: 'b' }, { payload: 'c' }, { opcode: PING }],
      ...brokenAfter({ reported: ['text 61'] }, 'WS_ERR_UNEXPECTED_RSV_2_3'),
    },
  ]);
});

describe('RFC 6455 §5.2: an unknown opcode fails the connection', () => {
  const reserved = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
  const rows = reserved.flatMap((opcode): Row[] => [
    {
      name: `opcode ${opcode} fails`,
      send: [{ opcode, payload: 'abc' }],
      ...broken('WS_ERR_INVALID_OPCODE'),
    },
    {
      name: `opcode ${opcode} with FIN clear and no payload fails`,
      send: [{ opcode, fin: false }],
      ...broken('WS_ERR_INVALID_OPCODE'),
    },
    {
      name: `opcode ${opcode} inside a message fails`,
      send: [...OPENING, { opcode, payload: 'abc' }],
      ...broken('WS_ERR_INVALID_OPCODE'),
    },
  ]);
  table(rows);

  for (const role of ROLES) {
    test.each(reserved)(`opcode %i fails on the first two bytes (${role})`, async (opcode) => {
      const scene = new Scene(role);
      const bytes = peerFrame(role, { opcode, payload: '', announce: 90 * 1024 * 1024 });
      await scene.feed([bytes.subarray(0, 2)]);
      expect(scene.peer.sent).toEqual(['close 1002']);
      expect(scene.peer.ended).toBe(true);
      await scene.finish();
      expect(scene.events).toEqual(['error WS_ERR_INVALID_OPCODE', 'close 1006']);
    });
  }
});

describe('RFC 6455 §5.2: the length takes the shortest of its three forms', () => {
  const overlong = (length: number, lengthBits: 16 | 64): Row => ({
    name: `${length} bytes written as ${lengthBits} bits fail`,
    send: [{ opcode: BINARY, payload: Buffer.alloc(length, 7), lengthBits }],
    ...broken('WS_ERR_NON_MINIMAL_PAYLOAD_LENGTH'),
  });
  table([0, 1, 5, 124, 125].map((length) => overlong(length, 16)));
  table([0, 1, 5, 125, 126, 127, 65_534, 65_535].map((length) => overlong(length, 64)));
  table([
    {
      name: 'a continuation with an overlong length fails',
      send: [...OPENING, { opcode: CONTINUATION, payload: 'c', lengthBits: 16 }],
      ...broken('WS_ERR_NON_MINIMAL_PAYLOAD_LENGTH'),
    },
    {
      name: 'a control frame with a 16-bit length fails',
      send: [{ opcode: PING, payload: 'hello', lengthBits: 16 }],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
    {
      name: 'a control frame with a 64-bit length fails',
      send: [{ opcode: CLOSE, lengthBits: 64 }],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
  ]);

  const exact = [0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537];
  table(
    exact.map((length): Row => {
      const payload = Buffer.alloc(length, 0x2a);
      return {
        name: `a payload of ${length} bytes arrives`,
        send: [
          { opcode: BINARY, payload },
          { opcode: TEXT, payload },
        ],
        reported: [`binary ${inShort(payload)}`, `text ${inShort(payload)}`],
      };
    }),
  );

  for (const role of ROLES) {
    test(`the product writes the shortest form (${role})`, async () => {
      const scene = new Scene(role);
      const random = new SeededRandom(52);
      const payloads = exact.map((length) => random.bytes(length));
      for (const payload of payloads) scene.product.send(payload);
      await scene.settled();
      expect(scene.peer.sent).toEqual(payloads.map((payload) => `binary ${inShort(payload)}`));
      expect(scene.peer.reader.faults).toEqual([]);
      scene.product.terminate();
    });
  }
});

describe('RFC 6455 §5.2: a 64-bit length has its most significant bit clear', () => {
  const tooLong = { error: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', code: 1009 };
  const overLimit = { error: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', code: 1009 };
  const lengths: [string, bigint, typeof tooLong][] = [
    ['2^64 - 1', 2n ** 64n - 1n, tooLong],
    ['2^63 (the bit alone)', 2n ** 63n, tooLong],
    ['2^63 + 5', 2n ** 63n + 5n, tooLong],
    ['2^63 - 1', 2n ** 63n - 1n, tooLong],
    ['2^53 + 1', 2n ** 53n + 1n, tooLong],
    ['2^53', 2n ** 53n, tooLong],
    ['2^53 - 1', 2n ** 53n - 1n, overLimit],
    ['2^32', 2n ** 32n, overLimit],
    ['2^32 + 1', 2n ** 32n + 1n, overLimit],
    ['2^31', 2n ** 31n, overLimit],
  ];
  table(
    lengths.map(([what, announce, { error, code }]) => ({
      name: `a length of ${what} fails on the header`,
      send: [{ opcode: BINARY, announce }],
      ...broken(error, code),
    })),
  );
  table(
    lengths
      .filter(([, , { error }]) => error === tooLong.error)
      .map(([what, announce, { error, code }]) => ({
        name: `a length of ${what} fails also without maxPayload`,
        settings: { maxPayload: 0 },
        send: [{ opcode: BINARY, announce }],
        ...broken(error, code),
      })),
  );
  table([
    {
      name: 'without maxPayload a length of 2^53 - 1 is waited for',
      settings: { maxPayload: 0 },
      send: [{ opcode: BINARY, announce: 2n ** 53n - 1n }],
      reported: [],
    },
    {
      name: 'fragments whose lengths add up beyond 2^53 fail',
      settings: { maxPayload: 0 },
      send: [
        { opcode: BINARY, fin: false, payload: 'x' },
        { opcode: CONTINUATION, announce: 2n ** 63n },
      ],
      ...broken(tooLong.error, 1009),
    },
  ]);
});

describe('RFC 6455 §7.4.1: 1009 for a message that is too big', () => {
  const LIMIT = 1000;
  const settings = { maxPayload: LIMIT };
  const exact = Buffer.alloc(LIMIT, 0x61);
  const error = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  const overLimit = broken(error, 1009);
  table([
    {
      name: 'exactly maxPayload passes',
      settings,
      send: [{ payload: exact }, { opcode: BINARY, payload: exact }],
      reported: [`text ${inShort(exact)}`, `binary ${inShort(exact)}`],
    },
    {
      name: 'one byte more fails on the header alone',
      settings,
      send: [{ announce: LIMIT + 1 }],
      ...overLimit,
    },
    {
      name: 'fragments that add up to exactly maxPayload pass',
      settings,
      send: [
        { fin: false, payload: exact.subarray(0, 400) },
        { opcode: CONTINUATION, fin: false },
        { opcode: CONTINUATION, payload: exact.subarray(400) },
      ],
      reported: [`text ${inShort(exact)}`],
    },
    {
      name: 'fragments that add up to one byte more fail on the header of the last',
      settings,
      send: [
        { fin: false, payload: exact.subarray(0, 400) },
        { opcode: CONTINUATION, announce: 601 },
      ],
      ...overLimit,
    },
    {
      name: 'the sum is of all fragments, not of two',
      settings,
      send: [
        { fin: false, payload: exact.subarray(0, 400) },
        { opcode: CONTINUATION, fin: false, payload: exact.subarray(0, 400) },
        { opcode: PING },
        { opcode: CONTINUATION, fin: false, announce: 201 },
      ],
      ...brokenAfter({ reported: ['ping empty'], sent: ['pong empty'] }, error, 1009),
    },
    {
      name: 'the sum starts anew with every message',
      settings,
      send: [{ payload: exact }, { fin: false, payload: exact }, { opcode: CONTINUATION }],
      reported: [`text ${inShort(exact)}`, `text ${inShort(exact)}`],
    },
    {
      name: 'control frames do not count',
      settings: { maxPayload: 10 },
      send: [{ opcode: PING, payload: 'more than ten bytes' }],
      reported: [`ping ${Buffer.from('more than ten bytes').toString('hex')}`],
      sent: [`pong ${Buffer.from('more than ten bytes').toString('hex')}`],
    },
    {
      name: 'a limit of 0 is no limit',
      settings: { maxPayload: 0 },
      send: [{ payload: exact }],
      reported: [`text ${inShort(exact)}`],
    },
  ]);

  for (const role of ROLES) {
    test(`an announced frame is waited for, and another connection served (${role})`, async () => {
      const scene = new Scene(role);
      const header = peerBytes(role, [{ opcode: BINARY, announce: MAX_PAYLOAD }]);
      await scene.feed([header, Buffer.alloc(10)]);
      expect([scene.events, scene.peer.sent, scene.peer.ended]).toEqual([[], [], false]);
      await scene.finish();
      expect(scene.events).toEqual(['close 1006']);
    });
  }
});
