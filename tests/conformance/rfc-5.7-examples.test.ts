/** RFC 6455 §5.7: the examples, byte for byte, received and sent. */

import { describe, expect, test } from '@jest/globals';
import { KEY } from '../support/frames.js';
import { byteByByte } from '../support/random.js';
import { type Product, type Role, Scene } from './subject.js';
import { inShort } from './wire-bytes.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const KIB_64 = Buffer.alloc(65_536, 0x5a);
const BYTES_256 = Buffer.alloc(256, 0xa5);

interface Example {
  what: string;
  /** who receives it: only clients receive what is not masked */
  role: Role;
  bytes: Buffer;
  reported: string[];
  sent: string[];
}

const EXAMPLES: Example[] = [
  {
    what: 'a single-frame unmasked text message',
    role: 'client',
    bytes: hex('81 05 48 65 6c 6c 6f'),
    reported: ['text 48656c6c6f'],
    sent: [],
  },
  {
    what: 'a single-frame masked text message',
    role: 'server',
    bytes: hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'),
    reported: ['text 48656c6c6f'],
    sent: [],
  },
  {
    what: 'a fragmented unmasked text message',
    role: 'client',
    bytes: hex('01 03 48 65 6c 80 02 6c 6f'),
    reported: ['text 48656c6c6f'],
    sent: [],
  },
  {
    what: 'an unmasked Ping request',
    role: 'client',
    bytes: hex('89 05 48 65 6c 6c 6f'),
    reported: ['ping 48656c6c6f'],
    sent: ['pong 48656c6c6f'],
  },
  {
    what: 'a masked Pong response',
    role: 'server',
    bytes: hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58'),
    reported: ['pong 48656c6c6f'],
    sent: [],
  },
  {
    what: '256 bytes of binary in a single unmasked frame',
    role: 'client',
    bytes: Buffer.concat([hex('82 7e 01 00'), BYTES_256]),
    reported: [`binary ${inShort(BYTES_256)}`],
    sent: [],
  },
  {
    what: '64 KiB of binary in a single unmasked frame',
    role: 'client',
    bytes: Buffer.concat([hex('82 7f 00 00 00 00 00 01 00 00'), KIB_64]),
    reported: [`binary ${inShort(KIB_64)}`],
    sent: [],
  },
];

describe('RFC 6455 §5.7: received', () => {
  test.each(EXAMPLES)('$what ($role)', async ({ role, bytes, reported, sent }) => {
    const whole = new Scene(role);
    await whole.feed([bytes]);
    const cut = new Scene(role);
    await cut.feed(byteByByte(bytes));
    for (const scene of [whole, cut]) {
      expect([scene.events, scene.peer.sent, scene.peer.reader.faults]).toEqual([
        reported,
        sent,
        [],
      ]);
      scene.product.terminate();
    }
  });
});

/** Everything the product writes while `act` runs. */
async function written(role: Role, act: (product: Product) => void): Promise<Buffer> {
  const generateMask = (key: Buffer): void => {
    KEY.copy(key);
  };
  const scene = new Scene(role, { generateMask });
  const chunks: Buffer[] = [];
  scene.peer.wire.on('data', (chunk: Buffer) => chunks.push(chunk));
  act(scene.product);
  await scene.settled();
  scene.product.terminate();
  return Buffer.concat(chunks);
}

describe('RFC 6455 §5.7: sent', () => {
  const rows: [string, Role, (product: Product) => void, string][] = [
    ['unmasked text', 'server', (ws) => ws.send('Hello'), '81 05 48 65 6c 6c 6f'],
    ['masked text', 'client', (ws) => ws.send('Hello'), '81 85 37 fa 21 3d 7f 9f 4d 51 58'],
    [
      'fragmented unmasked text',
      'server',
      (ws) => {
        ws.send('Hel', { fin: false });
        ws.send('lo', { fin: true });
      },
      '01 03 48 65 6c 80 02 6c 6f',
    ],
    ['unmasked Ping', 'server', (ws) => ws.ping('Hello'), '89 05 48 65 6c 6c 6f'],
    ['masked Pong', 'client', (ws) => ws.pong('Hello'), '8a 85 37 fa 21 3d 7f 9f 4d 51 58'],
  ];
  test.each(rows)('%s (%s)', async (_what, role, act, bytes) => {
    expect((await written(role, act)).toString('hex')).toBe(hex(bytes).toString('hex'));
  });

  const sizes: [number, string][] = [
    [256, '82 7e 01 00'],
    [65_536, '82 7f 00 00 00 00 00 01 00 00'],
  ];
  test.each(sizes)('%i bytes of binary (server)', async (size, head) => {
    const payload = Buffer.alloc(size, 0x5a);
    const bytes = await written('server', (ws) => ws.send(payload));
    expect(inShort(bytes)).toBe(inShort(Buffer.concat([hex(head), payload])));
  });
});
