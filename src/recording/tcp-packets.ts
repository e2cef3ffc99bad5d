/** Ethernet, IP and TCP packets of a recorded connection: what a capture of it would have shown. */

import { Buffer } from 'node:buffer';
import type { RecordedConnection } from './connections.js';
import { type Endpoint, endpointsOf } from './ip-endpoints.js';
import { otherEnd, type Sender } from './records.js';

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const ACK = 0x10;

/** The longest payload of a packet: below 64 KiB with its headers, and below the window. */
const MAX_SEGMENT = 32_000;
const WINDOW = 0xffff;

const TCP_SIZE = 20;
const TCP = 6;

/** One end: its address, and the sequence number of its next byte. */
interface End {
  readonly endpoint: Endpoint;
  sequence: number;
  /** The number of its bytes that the other end has not acknowledged. */
  unacknowledged: number;
  isFinished: boolean;
}

/** Writes the packets of one connection in their order. RFC 9293. */
export class TcpConversation {
  private readonly ends: Record<Sender, End>;

  constructor(connection: RecordedConnection) {
    const { client, server } = endpointsOf(connection);
    this.ends = { client: endAt(client), server: endAt(server) };
  }

  /** The three packets that open the connection. RFC 9293 §3.5. */
  open(): Buffer[] {
    const packets = [this.packet('client', SYN)];
    this.ends.client.sequence++;
    packets.push(this.packet('server', SYN | ACK));
    this.ends.server.sequence++;
    packets.push(this.packet('client', ACK));
    return packets;
  }

  send(from: Sender, bytes: Buffer): Buffer[] {
    const packets: Buffer[] = [];
    const end = this.ends[from];
    for (let offset = 0; offset < bytes.length; offset += MAX_SEGMENT) {
      const segment = bytes.subarray(offset, offset + MAX_SEGMENT);
      if (end.unacknowledged + segment.length > WINDOW)
        packets.push(this.packet(otherEnd(from), ACK));
      packets.push(this.packet(from, PSH | ACK, segment));
      end.sequence = (end.sequence + segment.length) >>> 0;
      end.unacknowledged += segment.length;
    }
    return packets;
  }

  /** FIN of one direction, and the other end's ACK of it. RFC 9293 §3.6. */
  finish(from: Sender): Buffer[] {
    const end = this.ends[from];
    if (end.isFinished) return [];
    end.isFinished = true;
    const fin = this.packet(from, FIN | ACK);
    end.sequence = (end.sequence + 1) >>> 0;
    return [fin, this.packet(otherEnd(from), ACK)];
  }

  reset(from: Sender): Buffer[] {
    const { client, server } = this.ends;
    if (client.isFinished && server.isFinished) return [];
    client.isFinished = true;
    server.isFinished = true;
    return [this.packet(from, RST | ACK)];
  }

  private packet(from: Sender, flags: number, payload: Buffer = Buffer.alloc(0)): Buffer {
    const source = this.ends[from];
    const target = this.ends[otherEnd(from)];
    const segment = Buffer.alloc(TCP_SIZE + payload.length);
    segment.writeUInt16BE(source.endpoint.port, 0);
    segment.writeUInt16BE(target.endpoint.port, 2);
    segment.writeUInt32BE(source.sequence, 4);
    if (flags & ACK) {
      segment.writeUInt32BE(target.sequence, 8);
      target.unacknowledged = 0;
    }
    segment[12] = (TCP_SIZE / 4) << 4;
    segment[13] = flags;
    segment.writeUInt16BE(WINDOW, 14);
    segment.set(payload, TCP_SIZE);
    const addresses = [source.endpoint.address, target.endpoint.address];
    segment.writeUInt16BE(checksum([...addresses, pseudoHeader(segment.length), segment]), 16);
    return Buffer.concat([ethernetHeader(from, addresses), ipHeader(addresses, segment), segment]);
  }
}

function endAt(endpoint: Endpoint): End {
  return { endpoint, sequence: 0, unacknowledged: 0, isFinished: false };
}

/** Locally administered addresses, and the type of what follows. */
function ethernetHeader(from: Sender, [source]: readonly Buffer[]): Buffer {
  const isV6 = source?.length === 16;
  const [target, origin] = from === 'client' ? ['02', '01'] : ['01', '02'];
  const type = isV6 ? '86dd' : '0800';
  return Buffer.from(`0200000000${target}0200000000${origin}${type}`, 'hex');
}

function ipHeader(addresses: readonly Buffer[], segment: Buffer): Buffer {
  return addresses[0]?.length === 16
    ? ipv6Header(addresses, segment)
    : ipv4Header(addresses, segment);
}

/** RFC 791 §3.1. */
function ipv4Header(addresses: readonly Buffer[], segment: Buffer): Buffer {
  const fixed = Buffer.from('450000000000400040060000', 'hex');
  const header = Buffer.concat([fixed, ...addresses]);
  header.writeUInt16BE(header.length + segment.length, 2);
  header.writeUInt16BE(checksum([header]), 10);
  return header;
}

/** RFC 8200 §3. */
function ipv6Header(addresses: readonly Buffer[], segment: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from('6000000000000640', 'hex'), ...addresses]);
  header.writeUInt16BE(segment.length, 4);
  return header;
}

/** What the checksum of TCP covers beside the addresses: its length and protocol. RFC 9293 §3.1. */
function pseudoHeader(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(length, 0);
  bytes[3] = TCP;
  return bytes;
}

/** RFC 1071: the ones' complement of the sum of all 16-bit words. Each part but the last is even. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    const even = part.length & ~1;
    for (let i = 0; i < even; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
    if (even < part.length) sum += (part[even] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
