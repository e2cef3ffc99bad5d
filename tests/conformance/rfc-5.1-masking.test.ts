/** RFC 6455 §5.1, §5.3: who masks, and the XOR. */
import { describe, expect, test } from '@jest/globals';
import { KEY, OPCODE } from '../support/frames.js';
import { byteByByte, SeededRandom } from '../support/random.js';
import { broken, brokenAfter, peerFrame, table } from './rows.js';
import { Scene } from './subject.js';
import { frameBytes, inShort } from './wire-bytes.js';

const ZERO_KEY = Buffer.alloc(4);
const { TEXT, BINARY, CLOSE, PING } = OPCODE;

describe('RFC 6455 §5.1: a server takes masked frames only, a client unmasked ones only', () => {
  table([
    {
      name: 'an unmasked text frame fails',
      roles: ['server'],
      send: [{ opcode: TEXT, payload: 'hello', mask: undefined }],
      ...broken('WS_ERR_EXPECTED_MASK'),
    },
    {
      name: 'an unmasked empty frame fails',
      roles: ['server'],
      send: [{ opcode: TEXT, mask: undefined }],
      ...broken('WS_ERR_EXPECTED_MASK'),
    },
    {
      name: 'an unmasked Ping fails',
      roles: ['server'],
      send: [{ opcode: PING, mask: undefined }],
      ...broken('WS_ERR_EXPECTED_MASK'),
    },
    {
      name: 'an unmasked Close fails',
      roles: ['server'],
      send: [{ opcode: CLOSE, mask: undefined }],
      ...broken('WS_ERR_EXPECTED_MASK'),
    },
    {
      name: 'an unmasked frame behind a masked one fails, the first is delivered',
      roles: ['server'],
      send: [{ payload: 'a' }, { payload: 'b', mask: undefined }],
      ...brokenAfter({ reported: ['text 61'] }, 'WS_ERR_EXPECTED_MASK'),
    },
    {
      name: 'a masked text frame fails',
      roles: ['client'],
      send: [{ payload: 'hello', mask: KEY }],
      ...broken('WS_ERR_UNEXPECTED_MASK'),
    },
    {
      name: 'a masked empty frame fails',
      roles: ['client'],
      send: [{ mask: KEY }],
      ...broken('WS_ERR_UNEXPECTED_MASK'),
    },
    {
      name: 'a frame masked with the key 0 fails too',
      roles: ['client'],
      send: [{ payload: 'hello', mask: ZERO_KEY }],
      ...broken('WS_ERR_UNEXPECTED_MASK'),
    },
    {
      name: 'a masked Close fails',
      roles: ['client'],
      send: [{ opcode: CLOSE, mask: KEY }],
      ...broken('WS_ERR_UNEXPECTED_MASK'),
    },
    {
      name: 'the key 0 is a legal key',
      roles: ['server'],
      send: [
        { opcode: TEXT, payload: 'hello', mask: ZERO_KEY },
        { opcode: BINARY, payload: 'hello', mask: Buffer.from('ff00ff00', 'hex') },
      ],
      reported: ['text 68656c6c6f', 'binary 68656c6c6f'],
    },
  ]);
});

describe('RFC 6455 §5.3: octet i is XORed with octet i mod 4 of the key', () => {
  test('every length and every cut, whatever the phase of the key', async () => {
    const scene = new Scene('server');
    const random = new SeededRandom(53);
    const expected: string[] = [];
    for (let length = 0; length <= 40; length++) {
      for (let cut = 0; cut <= length; cut++) {
        const payload = random.bytes(length);
        const bytes = frameBytes({ opcode: BINARY, payload, mask: random.bytes(4) });
        const at = bytes.length - length + cut;
        scene.peer.write([bytes.subarray(0, at), bytes.subarray(at)]);
        expected.push(`binary ${inShort(payload)}`);
      }
    }
    await scene.settled();
    expect(scene.events).toEqual(expected);
    scene.product.terminate();
  });

  test.each([125, 126, 127, 1023, 4095, 4096, 4097, 65_535, 65_536, 65_537])(
    'a masked payload of %i bytes in chunks that are no multiple of four',
    async (length) => {
      const scene = new Scene('server');
      const payload = new SeededRandom(length).bytes(length);
      const bytes = frameBytes({ opcode: BINARY, payload, mask: KEY });
      for (let i = 0; i < bytes.length; i += 4099) scene.peer.write([bytes.subarray(i, i + 4099)]);
      await scene.settled();
      expect(scene.events).toEqual([`binary ${inShort(payload)}`]);
      scene.product.terminate();
    },
  );

  test('a frame that does not begin at the beginning of its chunk is unmasked alike', async () => {
    const scene = new Scene('server');
    const random = new SeededRandom(54);
    const payloads = Array.from({ length: 64 }, (_, i) => random.bytes(i));
    const frames = payloads.map((payload) =>
      peerFrame('server', { opcode: BINARY, payload, mask: random.bytes(4) }),
    );
    await scene.feed([Buffer.concat(frames)]);
    expect(scene.events).toEqual(payloads.map((payload) => `binary ${inShort(payload)}`));
    scene.product.terminate();
  });
});

describe('RFC 6455 §5.1, §5.3: what the product sends', () => {
  const LENGTHS = [0, 1, 2, 3, 4, 5, 125, 126, 4095, 4096, 4097, 65_535, 65_536, 70_001];

  test('a client masks every frame, with a fresh key each time', async () => {
    const scene = new Scene('client');
    const raw: Buffer[] = [];
    scene.peer.wire.on('data', (chunk: Buffer) => raw.push(chunk));
    for (let i = 0; i < 200; i++) scene.product.send(Buffer.from('same'));
    await scene.settled();
    const bytes = Buffer.concat(raw);
    const keys = new Set<number>();
    for (let i = 0; i < bytes.length; i += 10) keys.add(bytes.readUInt32BE(i + 2));
    expect(bytes.length).toBe(2000);
    expect(keys.size).toBeGreaterThan(195); // two of 200 may agree by chance
    expect(scene.peer.reader.faults).toEqual([]);
    scene.product.terminate();
  });

  test.each(['client', 'server'] as const)(
    'a %s leaves the bytes of the caller alone',
    async (role) => {
      const scene = new Scene(role);
      const random = new SeededRandom(55);
      const payloads = LENGTHS.map((length) => random.bytes(length));
      const before = payloads.map(inShort);
      for (const payload of payloads) scene.product.send(payload);
      await scene.settled();
      expect(payloads.map(inShort)).toEqual(before);
      expect(scene.peer.sent).toEqual(before.map((payload) => `binary ${payload}`));
      expect(scene.peer.reader.faults).toEqual([]);
      scene.product.terminate();
    },
  );

  test.each(['client', 'server'] as const)(
    'a %s masks its Pong, Ping and Close by role',
    async (role) => {
      const scene = new Scene(role);
      await scene.feed(byteByByte(peerFrame(role, { opcode: PING, payload: 'hi' })));
      scene.product.ping('you');
      scene.product.close(1000, 'bye');
      await scene.settled();
      expect(scene.peer.sent).toEqual(['pong 6869', 'ping 796f75', 'close 1000']);
      expect(scene.peer.reader.faults).toEqual([]);
      scene.product.terminate();
    },
  );
});
