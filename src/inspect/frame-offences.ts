/** What breaks each rule: the bytes of a peer that every receiver must refuse. */

import { Buffer } from 'node:buffer';
import { acceptFor } from '../handshake/fields.js';
import type { Violation } from '../protocol/errors.js';
import { Opcode } from '../protocol/frame.js';
import { encodeFrame, type FrameFields } from '../sans-io/encode-frame.js';

/** Nothing that a peer sends breaks the rule. */
export interface Impossible {
  readonly by: 'nobody';
  /** What has to happen instead, in one sentence. */
  readonly offence: string;
}

/** A client sends frames that a server refuses. */
export interface ClientOffence {
  readonly by: 'client';
  readonly offence: string;
  /** All frames, one after the other. */
  readonly bytes: () => Buffer;
  /** The options of our server, where the default is too patient. */
  readonly serverOptions?: object;
  /** Whether permessage-deflate is agreed on. */
  readonly isCompressed?: boolean;
}

/** A server sends what a client refuses. */
export interface ServerOffence {
  readonly by: 'server';
  readonly offence: string;
  /** Its answer to a request with this key; undefined for none. */
  readonly respond: (key: string) => Buffer | undefined;
  readonly clientOptions?: object;
  readonly protocols?: readonly string[];
}

/** RFC 6455 §5.1: what a client sends is masked. The key makes the bytes easy to find again. */
const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

function masked(fields: FrameFields): Buffer {
  return encodeFrame({ maskingKey: KEY, ...fields });
}

function clientSends(
  offence: string,
  bytes: () => Buffer,
  more: Pick<ClientOffence, 'serverOptions' | 'isCompressed'> = {},
): ClientOffence {
  return { by: 'client', offence, bytes, ...more };
}

/** A response with status 101 to the key, with further lines and bytes. */
export function accepting(key: string, lines: readonly string[] = [], rest?: Buffer): Buffer {
  const head = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...lines,
  ];
  const response = Buffer.from(`${head.join('\r\n')}\r\n\r\n`);
  return rest === undefined ? response : Buffer.concat([response, rest]);
}

function fragments(count: number): Buffer {
  const opcodeOf = (index: number): number => (index === 0 ? Opcode.TEXT : Opcode.CONTINUATION);
  const frames = Array.from({ length: count }, (_, index) =>
    masked({ opcode: opcodeOf(index), payload: 'x', fin: false }),
  );
  return Buffer.concat(frames);
}

/** The rows of VIOLATIONS. */
export const FRAME_OFFENCES: Readonly<
  Record<Violation, Impossible | ClientOffence | ServerOffence>
> = {
  UNEXPECTED_RSV_2_3: clientSends('A text frame with RSV2, which nothing has given a meaning', () =>
    masked({ payload: 'Hello', rsv2: true }),
  ),
  UNEXPECTED_RSV_1: clientSends('A text frame with RSV1, without permessage-deflate', () =>
    masked({ payload: 'Hello', rsv1: true }),
  ),
  INVALID_OPCODE: clientSends('A frame with the reserved opcode 3', () =>
    masked({ opcode: 3, payload: 'Hello' }),
  ),
  EXPECTED_FIN: clientSends('A Ping without FIN: a fragmented control frame', () =>
    masked({ opcode: Opcode.PING, fin: false }),
  ),
  INVALID_CONTROL_PAYLOAD_LENGTH: clientSends('A Ping with 126 bytes', () =>
    masked({ opcode: Opcode.PING, payload: Buffer.alloc(126, 'x') }),
  ),
  EXPECTED_MASK: clientSends('A text frame of a client that is not masked', () =>
    encodeFrame({ payload: 'Hello' }),
  ),
  UNEXPECTED_MASK: {
    by: 'server',
    offence: 'A text frame of a server that is masked',
    respond: (key) => accepting(key, [], masked({ payload: 'Hello' })),
  },
  NON_MINIMAL_PAYLOAD_LENGTH: clientSends('A length of 5 in 16 bits, where 7 are enough', () =>
    masked({ payload: 'Hello', lengthBits: 16 }),
  ),
  UNSUPPORTED_DATA_PAYLOAD_LENGTH: clientSends(
    'The header of a frame with 2^53 bytes: the header alone is refused',
    () => masked({ opcode: Opcode.BINARY, announcedLength: 2n ** 53n }),
  ),
  UNSUPPORTED_MESSAGE_LENGTH: clientSends(
    'The header of a frame with 2^53 - 1 bytes, above every limit',
    () => masked({ opcode: Opcode.BINARY, announcedLength: 2 ** 53 - 1 }),
  ),
  TOO_MANY_FRAGMENTS: clientSends(
    'A message of 101 fragments, at a server that takes 100',
    () => fragments(101),
    { serverOptions: { maxFragments: 100 } },
  ),
  MESSAGE_RATE: clientSends(
    'Three messages at once, at a server that takes one per second',
    () => Buffer.concat(['1', '2', '3'].map((payload) => masked({ payload }))),
    { serverOptions: { messageRate: { perSecond: 1, burst: 1, policy: 'close' } } },
  ),
  FIRST_MESSAGE_TIMEOUT: clientSends(
    'A Ping and no message, at a server that waits 200 ms for one',
    () => masked({ opcode: Opcode.PING }),
    { serverOptions: { firstMessageTimeout: 200 } },
  ),
  INVALID_UTF8: clientSends('A text frame with the byte ff, which UTF-8 never has', () =>
    masked({ opcode: Opcode.TEXT, payload: Buffer.from([0xff]) }),
  ),
  INVALID_COMPRESSED_DATA: clientSends(
    'A compressed message with a block of type 3, which DEFLATE does not have',
    () => masked({ opcode: Opcode.TEXT, rsv1: true, payload: Buffer.from([0x07]) }),
    { isCompressed: true },
  ),
  CANNOT_DECODE: {
    by: 'nobody',
    offence: 'The receiver itself fails, as when there is no memory for zlib: no bytes do that',
  },
  INVALID_CLOSE_CODE: clientSends('A Close with 1005, which is never sent', () =>
    masked({ opcode: Opcode.CLOSE, payload: Buffer.from([0x03, 0xed]) }),
  ),
};
