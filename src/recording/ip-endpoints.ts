/** The IP addresses of a recorded connection, as bytes. */

import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { hostnameOf, portOf } from '../client/url.js';
import { groupsOf, unmapAddress } from '../connection/ip-address.js';
import type { RecordedConnection } from './connections.js';
import type { Sender } from './records.js';

/** An end of a TCP connection. */
export interface Endpoint {
  /** Four bytes or sixteen; those of both ends have the same length. */
  readonly address: Buffer;
  readonly port: number;
}

/** RFC 5737 §3: addresses for documentation take the place of unknown ones. */
const UNKNOWN = { client: '192.0.2.1', server: '192.0.2.2' } as const;

/** RFC 6335 §6: where dynamic ports begin. */
const FIRST_DYNAMIC_PORT = 49_152;

/** Returns both ends. If one of them has an IPv6 address, the other one's is mapped to IPv6. */
export function endpointsOf(connection: RecordedConnection): Record<Sender, Endpoint> {
  const client = parse(connection.client) ?? {
    host: UNKNOWN.client,
    port: FIRST_DYNAMIC_PORT + (connection.connection % 16_384),
  };
  const server = parse(connection.server) ?? fromUrl(connection.url);
  const isV6 = isIP(client.host) === 6 || isIP(server.host) === 6;
  const toEndpoint = ({ host, port }: Host) => ({
    address: isV6 ? v6Bytes(host) : v4Bytes(host),
    port,
  });
  return { client: toEndpoint(client), server: toEndpoint(server) };
}

interface Host {
  readonly host: string;
  readonly port: number;
}

/** Reads '127.0.0.1:50312' and '[::1]:50312'. */
function parse(text: string | undefined): Host | undefined {
  const [, bracketed, plain = '', port] = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(text ?? '') ?? [];
  const host = unmapAddress(bracketed ?? plain);
  return isIP(host) === 0 ? undefined : { host, port: Number(port) & 0xffff };
}

function fromUrl(text: string): Host {
  if (!URL.canParse(text)) return { host: UNKNOWN.server, port: 80 };
  const url = new URL(text);
  const host = hostnameOf(url);
  return { host: isIP(host) === 0 ? UNKNOWN.server : host, port: portOf(url) };
}

function v4Bytes(host: string): Buffer {
  return Buffer.from(host.split('.').map(Number));
}

function v6Bytes(host: string): Buffer {
  // RFC 4291 §2.5.5.2: the IPv6 address of an IPv4 node.
  const address = isIP(host) === 4 ? `::ffff:${host}` : host;
  return Buffer.from(
    groupsOf(address)
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}
