/** Writes a recording as pcapng, the file format of Wireshark (draft-ietf-opsawg-pcapng). */

import { Buffer } from 'node:buffer';
import { bytesOf, type ConnectionEvent, connectionsOf, startOf, wallClock } from './connections.js';
import type { RecordingRecord } from './records.js';
import { TcpConversation } from './tcp-packets.js';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const ETHERNET = 1;
const TWO_POW_32 = 2 ** 32;

/**
 * Makes a pcapng file: each connection becomes packets of Ethernet, IP and TCP, as if they had been
 * captured. The packets of a wss: connection have what was inside of TLS.
 * @throws SyntaxError as {@link toHar}
 */
export function toPcapng(records: readonly RecordingRecord[]): Buffer {
  const start = startOf(records);
  const blocks = [sectionHeader(), interfaceDescription()];
  for (const [time, packet] of packetsOf(records)) {
    blocks.push(enhancedPacket(Math.round(wallClock(start, time) * 1000), packet));
  }
  return Buffer.concat(blocks);
}

/** The packets of all connections, in the order of the records. */
function* packetsOf(records: readonly RecordingRecord[]): Iterable<readonly [number, Buffer]> {
  const all = connectionsOf(records);
  const conversations = new Map(all.map((one) => [one.connection, new TcpConversation(one)]));
  for (const record of records) {
    if (record.type === 'recording') continue;
    const conversation = conversations.get(record.connection) as TcpConversation; // each has one
    const packets =
      record.type === 'connection' ? conversation.open() : packetsOfEvent(conversation, record);
    for (const packet of packets) yield [record.time, packet];
  }
}

function packetsOfEvent(conversation: TcpConversation, event: ConnectionEvent): Iterable<Buffer> {
  if (event.type !== 'end') return conversation.send(event.from, bytesOf(event));
  return event.how === 'end' ? conversation.finish(event.from) : conversation.reset(event.from);
}

/** A block has its type, its length, the body filled up to 32 bits, and its length again. */
function block(type: number, body: Buffer): Buffer {
  const padded = Math.ceil(body.length / 4) * 4;
  const bytes = Buffer.alloc(padded + 12);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.set(body, 8);
  bytes.writeUInt32LE(bytes.length, padded + 8);
  return bytes;
}

/** Version 1.0. The length of the section is not given, which -1 stands for. */
function sectionHeader(): Buffer {
  const body = Buffer.alloc(16, 0xff);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(0, 6);
  return block(SECTION_HEADER, body);
}

/** Packets are not cut. Times are in microseconds, the default. */
function interfaceDescription(): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(ETHERNET, 0);
  return block(INTERFACE, body);
}

/** @param microseconds since 1970 */
function enhancedPacket(microseconds: number, packet: Buffer): Buffer {
  const body = Buffer.alloc(20 + packet.length);
  body.writeUInt32LE(Math.floor(microseconds / TWO_POW_32), 4);
  body.writeUInt32LE(microseconds % TWO_POW_32, 8);
  body.writeUInt32LE(packet.length, 12);
  body.writeUInt32LE(packet.length, 16);
  body.set(packet, 20);
  return block(ENHANCED_PACKET, body);
}
