/** pcapng: blocks and packets, byte for byte. tests/interop lets tshark read them. */

import { describe, expect, test } from '@jest/globals';
import { toPcapng } from '../../../src/recording/pcapng.js';
import { RecordedScene, requestHead, responseHead, START } from '../../support/recordings.js';

interface Block {
  readonly type: number;
  readonly body: Buffer;
}

/** Reads blocks after draft-ietf-opsawg-pcapng §3.1. */
function blocksOf(file: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let offset = 0; offset < file.length; ) {
    const length = file.readUInt32LE(offset + 4);
    expect(length % 4).toBe(0);
    expect(file.readUInt32LE(offset + length - 4)).toBe(length);
    const body = file.subarray(offset + 8, offset + length - 4);
    blocks.push({ type: file.readUInt32LE(offset), body });
    offset += length;
  }
  return blocks;
}

interface Packet {
  readonly time: number;
  readonly bytes: Buffer;
}

function packetsOf(file: Buffer): Packet[] {
  const packets = blocksOf(file).filter(({ type }) => type === 6);
  return packets.map(({ body }) => {
    const length = body.readUInt32LE(12);
    expect(body.readUInt32LE(16)).toBe(length);
    const time = body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8);
    return { time, bytes: body.subarray(20, 20 + length) };
  });
}

interface Segment {
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly flags: string;
  readonly payload: Buffer;
}

const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK'];

function segmentOf({ bytes }: Packet): Segment {
  const isV6 = bytes.readUInt16BE(12) === 0x86dd;
  const tcp = bytes.subarray(isV6 ? 54 : 34);
  const bits = tcp.readUInt8(13);
  return {
    from: tcp.readUInt16BE(0),
    to: tcp.readUInt16BE(2),
    sequence: tcp.readUInt32BE(4),
    acknowledged: tcp.readUInt32BE(8),
    flags: FLAGS.filter((_, i) => bits & (1 << i)).join(' '),
    payload: tcp.subarray(20),
  };
}

/** RFC 1071 §1: with its checksum the words of a header add up to ones. */
function sumOf(bytes: Buffer): number {
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
  let sum = 0;
  for (let i = 0; i < even.length; i += 2) {
    sum += even.readUInt16BE(i);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

const segmentsOf = (scene: RecordedScene) => packetsOf(toPcapng(scene.records)).map(segmentOf);

test('the first two blocks begin a section of version 1.0, and an Ethernet interface', () => {
  const file = toPcapng(new RecordedScene().records);
  expect(file.toString('hex')).toBe(
    `0a0d0d0a1c0000004d3c2b1a01000000${'ff'.repeat(8)}1c000000` +
      '0100000014000000010000000000000014000000',
  );
});

test('a packet is as RFC 791 and RFC 9293 draw it', () => {
  const scene = new RecordedScene();
  scene.connect({ client: '192.0.2.1:50000', server: '192.0.2.2:80' });
  const [syn] = packetsOf(toPcapng(scene.records));
  expect(syn?.bytes.toString('hex')).toBe(
    // Ethernet: to, from, type
    '020000000002020000000001' +
      '0800' +
      // IPv4: version, length, checksum, addresses
      '45000028000040004006b6cc' +
      'c0000201c0000202' +
      // TCP: ports, numbers, flags, window, checksum
      'c35000500000000000000000' +
      '5002ffff683e0000',
  );
});

test('a connection opens, carries the bytes, and is ended by both ends', () => {
  const scene = new RecordedScene().open().server({ payload: 'Hello' }).end('server').end('client');
  const request = requestHead().length;
  const response = responseHead().length;
  const seen = segmentsOf(scene).map(({ from, sequence, acknowledged, flags, payload }) => {
    return [from === 8080 ? '<' : '>', flags, sequence, acknowledged, payload.length].join(' ');
  });
  expect(seen).toEqual([
    '> SYN 0 0 0',
    '< SYN ACK 0 1 0',
    '> ACK 1 1 0',
    `> PSH ACK 1 1 ${request}`,
    `< PSH ACK 1 ${request + 1} ${response}`,
    `< PSH ACK ${response + 1} ${request + 1} 7`,
    `< FIN ACK ${response + 8} ${request + 1} 0`,
    `> ACK ${request + 1} ${response + 9} 0`,
    `> FIN ACK ${request + 1} ${response + 9} 0`,
    `< ACK ${response + 9} ${request + 2} 0`,
  ]);
});

test('an error is a RST, and nothing follows it', () => {
  const scene = new RecordedScene().open().end('client', new Error('gone')).end('server');
  expect(segmentsOf(scene).at(-1)).toMatchObject({ flags: 'RST ACK', from: 50312 });
  scene.end('server', new Error('again'));
  expect(segmentsOf(scene)).toHaveLength(6);
});

test('the time is in microseconds since 1970', () => {
  const scene = new RecordedScene();
  scene.time = 1.2345;
  scene.connect();
  expect(packetsOf(toPcapng(scene.records))[0]?.time).toBe(START * 1000 + 1235);
});

describe('a large message', () => {
  const payload = Buffer.alloc(200_000, 'abc');
  const scene = new RecordedScene().open().server({ opcode: 2, payload });

  test('is split into segments, which the client acknowledges', () => {
    const segments = segmentsOf(scene).slice(5);
    const own = segments.filter(({ from }) => from === 8080);
    const sent = Buffer.concat(own.map((one) => one.payload)).subarray(-payload.length);
    expect(sent.equals(payload)).toBe(true);
    let expected = own[0]?.sequence ?? 0;
    for (const segment of own) {
      expect(segment.sequence).toBe(expected);
      expected += segment.payload.length;
    }
    let acknowledged = own[0]?.sequence ?? 0;
    for (const segment of segments) {
      if (segment.from !== 8080) acknowledged = segment.acknowledged;
      else expect(segment.sequence + segment.payload.length - acknowledged).toBeLessThan(0x10000);
    }
  });

  test('all checksums are right', () => {
    for (const { bytes } of packetsOf(toPcapng(scene.records))) {
      expect(sumOf(bytes.subarray(14, 34))).toBe(0xffff);
      const pseudo = Buffer.from([0, 6, 0, 0]);
      pseudo.writeUInt16BE(bytes.length - 34, 2);
      expect(sumOf(Buffer.concat([bytes.subarray(26, 34), pseudo, bytes.subarray(34)]))).toBe(
        0xffff,
      );
    }
  });
});

describe('addresses', () => {
  const LOOPBACK = `${'00'.repeat(15)}01`;
  const MAPPED = `${'00'.repeat(10)}ffff`;
  test.each([
    ['IPv4', '127.0.0.1:1', '10.0.0.2:65535', '7f000001', '0a000002'],
    ['IPv6', '[::1]:1', '[2001:db8::ff]:2', LOOPBACK, `20010db8${'00'.repeat(11)}ff`],
    ['IPv6 with a zone', '[fe80::1%eth0]:1', '[::1]:2', `fe80${'00'.repeat(13)}01`, LOOPBACK],
    ['both', '127.0.0.1:1', '[::1]:2', `${MAPPED}7f000001`, LOOPBACK],
    ['IPv4 in IPv6', '[::ffff:127.0.0.1]:1', '10.0.0.2:2', '7f000001', '0a000002'],
    ['no address', undefined, undefined, 'c0000201', 'c0000202'],
    ['no IP address', 'a.example:1', '/tmp/socket', 'c0000201', 'c0000202'],
  ])('%s', (_what, client, server, source, target) => {
    const scene = new RecordedScene();
    scene.connect({ client, server });
    const [{ bytes }] = packetsOf(toPcapng(scene.records)) as [Packet];
    const at = source.length === 8 ? 26 : 22;
    const size = source.length / 2;
    expect(bytes.toString('hex', at, at + size)).toBe(source);
    expect(bytes.toString('hex', at + size, at + 2 * size)).toBe(target);
    expect(bytes.readUInt16BE(12)).toBe(size === 4 ? 0x0800 : 0x86dd);
  });

  test.each([
    ['ws://a.example/', 'c0000202', 80],
    ['wss://a.example/', 'c0000202', 443],
    ['ws://127.0.0.1:9000/', '7f000001', 9000],
    ['no URL', 'c0000202', 80],
  ])('a server whose address is not known has that of %s', (url, address, port) => {
    const scene = new RecordedScene();
    scene.connect({ url, server: undefined });
    const [packet] = packetsOf(toPcapng(scene.records)) as [Packet];
    expect(packet.bytes.toString('hex', 30, 34)).toBe(address);
    expect(segmentOf(packet).to).toBe(port);
  });

  test('connections whose clients are not known have ports of their own', () => {
    const scene = new RecordedScene();
    scene.connect({ client: undefined });
    scene.connect({ client: undefined });
    const ports = segmentsOf(scene).map(({ from }) => from);
    expect(new Set(ports)).toEqual(new Set([49_153, 8080, 49_154]));
  });
});
