/** RFC 6455 §5.1 to §5.4: masking, the frame header, and fragmentation. */

import type { Section } from '../requirement.js';

const MASKING = 'conformance/rfc-5.1-masking › ';
const FRAMING = 'conformance/rfc-5.2-framing › ';
const FRAGMENTS = 'conformance/rfc-5.4-fragmentation › ';
const RESERVED_BITS = `${FRAMING}RFC 6455 §5.2: reserved bits are 0 unless an extension was negotiated`;
const CONTROL =
  'conformance/rfc-5.5-control › RFC 6455 §5.5: control frames are whole and carry at most 125 bytes';

const OVERVIEW: Section = {
  number: '5.1',
  title: 'Overview',
  statements: [
    {
      lines: [1486],
      level: 'MUST',
      who: 'client',
      rule: 'A client masks every frame, over TLS too.',
      at: ['protocol/endpoint.ts:Endpoint.constructor'],
      tests: [
        `${MASKING}a client masks every frame, with a fresh key each time`,
        'unit/protocol/sender › masks as its role demands, whatever keys it was given',
      ],
    },
    {
      lines: [1489],
      level: 'MUST',
      who: 'server',
      rule: 'A server closes the connection when a frame is not masked.',
      at: ['protocol/frame-rules.ts:checkMask'],
      tests: [`${MASKING}an unmasked text frame fails`, `${MASKING}an unmasked Close fails`],
    },
    {
      lines: [1490],
      level: 'MAY',
      who: 'server',
      rule: 'For a frame without a mask a server may send a Close with 1002.',
      outcome: 'used',
      at: ['protocol/errors.ts:VIOLATIONS.EXPECTED_MASK'],
      tests: [`${MASKING}an unmasked text frame fails`],
    },
    {
      lines: [1492],
      level: 'MUST NOT',
      who: 'server',
      rule: 'A server masks no frame.',
      at: ['protocol/endpoint.ts:Endpoint.constructor'],
      tests: [
        `${MASKING}a %s masks its Pong, Ping and Close by role`,
        'unit/websocket/send › masks as a client, never as a server',
      ],
    },
    {
      lines: [1493],
      level: 'MUST',
      who: 'client',
      rule: 'A client closes the connection when a frame is masked.',
      at: ['protocol/frame-rules.ts:checkMask'],
      tests: [
        `${MASKING}a masked text frame fails`,
        `${MASKING}a frame masked with the key 0 fails too`,
      ],
    },
    {
      lines: [1494],
      level: 'MAY',
      who: 'client',
      rule: 'For a masked frame a client may send a Close with 1002.',
      outcome: 'used',
      at: ['protocol/errors.ts:VIOLATIONS.UNEXPECTED_MASK'],
      tests: [`${MASKING}a masked text frame fails`],
    },
    {
      lines: [1513],
      level: 'MAY',
      who: 'both',
      rule: 'Data frames may be sent at any time between the opening handshake and our Close.',
      outcome: 'used',
      at: ['protocol/sender.ts:Sender.sendMessage'],
      tests: [
        'handshake/client/frames-sent-on-open.http',
        'unit/protocol/sender › sends no data behind a Close',
      ],
    },
  ],
};

const FRAME: Section = {
  number: '5.2',
  title: 'Base framing protocol',
  statements: [
    {
      lines: [1529],
      level: 'text',
      who: 'both',
      rule: 'A frame has the bits of the figure: FIN, RSV1 to RSV3, opcode, MASK, length, masking key, payload.',
      at: [
        'protocol/frame.ts:readHeader',
        'protocol/frame.ts:writeHeader',
        'protocol/frame-reader.ts:FrameReader',
        'protocol/frame-observer.ts:observeFramed',
        'compat/sender.ts:Sender.frame',
        'sans-io/encode-frame.ts:encodeFrame',
        'sans-io/frame-fields.ts:describeFields',
        'sans-io/decode-frames.ts:decodeFrames',
        'connection/debug-log.ts:OPCODES',
      ],
      tests: [
        'unit/protocol/frame › reads %s',
        'conformance/rfc-5.7-examples › RFC 6455 §5.7: received',
        'conformance/rfc-5.7-examples › RFC 6455 §5.7: sent',
        'unit/sans-io/properties › has fields that cover its header bit by bit',
      ],
    },
    {
      lines: [1551],
      level: 'MAY',
      who: 'both',
      rule: 'The first fragment of a message may be its last one.',
      outcome: 'used',
      at: ['protocol/sender.ts:Sender.nextFirstByte'],
      tests: ['unit/protocol/sender › RFC 6455 §5.7: in one frame, unmasked'],
    },
    {
      lines: [1555, 1700, 1704, 1708],
      level: 'MUST',
      who: 'both',
      rule: 'A reserved bit is 0 unless a negotiated extension gives it a meaning.',
      at: ['protocol/sender.ts:Sender.nextFirstByte'],
      tests: [
        'unit/protocol/sender › encodes a message and marks its first frame only (RFC 7692 §6.1)',
        'conformance/rfc-7692-sending › RSV1 marks the first fragment only (%s)',
      ],
    },
    {
      lines: [1558],
      level: 'MUST',
      who: 'both',
      rule: 'A reserved bit that has no meaning fails the connection.',
      at: ['protocol/frame-rules.ts:checkReserved'],
      tests: [RESERVED_BITS],
    },
    {
      lines: [1572],
      level: 'MUST',
      who: 'both',
      rule: 'An unknown opcode fails the connection.',
      at: ['protocol/frame-rules.ts:checkOpcode'],
      tests: [`${FRAMING}RFC 6455 §5.2: an unknown opcode fails the connection`],
    },
    {
      lines: [1573],
      level: 'text',
      who: 'both',
      rule: 'Opcodes 0, 1, 2, 8, 9 and 10 are continuation, text, binary, Close, Ping and Pong.',
      at: ['protocol/frame.ts:Opcode'],
      tests: ['unit/sans-io/decode-frames › %s: %s means "%s"'],
    },
    {
      lines: [1604],
      level: 'MUST',
      who: 'both',
      rule: 'The highest bit of a 64-bit length is 0.',
      differs: {
        here: '1009 instead of 1002',
        why: 'such a length is above every limit; `ws` has the same code',
      },
      at: ['protocol/frame-rules.ts:checkLength'],
      tests: [
        `${FRAMING}RFC 6455 §5.2: a 64-bit length has its most significant bit clear`,
        'unit/protocol/frame › a 64-bit length with its highest bit set is never taken for a small one',
      ],
    },
    {
      lines: [1606],
      level: 'MUST',
      who: 'both',
      rule: 'A length is written in as few bytes as possible.',
      at: ['protocol/frame-rules.ts:checkLength', 'protocol/frame.ts:writeLength'],
      tests: [
        `${FRAMING}RFC 6455 §5.2: the length takes the shortest of its three forms`,
        `${FRAMING}the product writes the shortest form`,
        'unit/protocol/frame › RFC 6455 §5.2: whether the length field %s is the shortest',
      ],
    },
    {
      lines: [1641],
      level: 'MUST',
      who: 'extension',
      rule: 'An extension says how long its extension data is.',
      outcome: 'extension',
      note: 'permessage-deflate has none',
    },
    {
      lines: [1643],
      level: 'MUST',
      who: 'both',
      rule: 'An extension is negotiated in the opening handshake before it is used.',
      at: ['protocol/endpoint.ts:EndpointOptions'],
      tests: [
        RESERVED_BITS,
        'reliability/compression/opt-in › a server agrees to it only with the option',
      ],
    },
  ],
};

const MASK: Section = {
  number: '5.3',
  title: 'Client-to-server masking',
  statements: [
    {
      lines: [1781],
      level: 'MUST',
      who: 'client',
      rule: 'The MASK bit of a masked frame is 1.',
      at: ['protocol/frame.ts:writeHeader'],
      tests: [
        'unit/protocol/frame › writes a length of %d as the RFC lays it out, masked or not',
        'unit/protocol/sender › RFC 6455 §5.7: in one frame, masked',
      ],
    },
    {
      lines: [1799],
      level: 'MUST',
      who: 'client',
      rule: 'Each frame has a fresh masking key.',
      at: ['protocol/mask.ts:MaskingKeys.next', 'compat/sender.ts:nextKey'],
      tests: [
        `${MASKING}a client masks every frame, with a fresh key each time`,
        'unit/protocol/mask › RFC 6455 §5.3: every key is drawn anew, also past the end of the pool',
        'unit/compat/sender › puts the key it drew into maskBuffer, another one each time',
      ],
    },
    {
      lines: [1801],
      level: 'MUST',
      who: 'client',
      rule: 'Masking keys come from a strong source of entropy.',
      note: '`generateMask` replaces the source: then it is the duty of the application',
      at: ['protocol/mask.ts:MaskingKeys.constructor'],
      tests: ['reliability/client/requests › C15: every frame has a masking key of its own'],
    },
    {
      lines: [1802],
      level: 'MUST NOT',
      who: 'client',
      rule: 'A masking key does not help to predict the next one.',
      at: ['protocol/mask.ts:MaskingKeys.constructor'],
      tests: ['reliability/client/requests › C15: every frame has a masking key of its own'],
    },
    {
      lines: [1817],
      level: 'text',
      who: 'both',
      rule: 'Byte i of the payload is XORed with byte i modulo 4 of the key, in both directions.',
      at: ['protocol/mask.ts:xorBytes'],
      tests: [
        `${MASKING}every length and every cut, whatever the phase of the key`,
        'unit/protocol/mask › XORs %d bytes with the key in turn, at every alignment',
      ],
    },
  ],
};

const INTERMEDIARY = { who: 'intermediary', outcome: 'intermediary' } as const;

const FRAGMENTATION: Section = {
  number: '5.4',
  title: 'Fragmentation',
  statements: [
    {
      lines: [1859],
      level: 'must',
      who: 'both',
      rule: 'Without an extension nobody depends on where frames begin and end.',
      note: 'a message is delivered when it is complete; `binaryType` "fragments" shows frames of the peer',
      at: ['protocol/assembler.ts:MessageAssembler'],
      tests: ['fuzz/cut-invariance › legal streams and streams with a mistake'],
    },
    {
      lines: [1864],
      level: 'text',
      who: 'both',
      rule: 'A message is one frame with FIN, or a first frame, continuation frames, and one of these with FIN.',
      at: [
        'protocol/frame-rules.ts:checkOpcode',
        'protocol/assembler.ts:MessageAssembler',
        'connection/send-limit.ts:SendLimit.makeRoom',
        'sans-io/frame-content.ts:ContentReader',
      ],
      tests: [
        `${FRAGMENTS}RFC 6455 §5.4: the order of fragments`,
        `${FRAGMENTS}RFC 6455 §5.4: what is legal, if odd`,
        'unit/connection/send-limit › never puts the Close into a fragmented message that waits',
      ],
    },
    {
      lines: [1888],
      level: 'MAY',
      who: 'both',
      rule: 'Control frames may stand between the fragments of a message.',
      outcome: 'used',
      at: ['protocol/sender.ts:Sender.sendControl'],
      tests: ['unit/websocket/send › sends fragments; Pings may come between them'],
    },
    {
      lines: [1889],
      level: 'MUST NOT',
      who: 'both',
      rule: 'A control frame is not fragmented.',
      at: ['protocol/frame-rules.ts:checkControl', 'protocol/sender.ts:Sender.sendControl'],
      tests: [CONTROL, 'unit/protocol/sender › sends control frames of up to 125 bytes'],
    },
    {
      lines: [1892],
      level: 'MUST',
      who: 'both',
      rule: 'Fragments are delivered in the order in which they were sent.',
      at: ['protocol/message-buffer.ts:MessageBuffer.join'],
      tests: [
        `${FRAGMENTS}1,000 fragments of one byte`,
        'unit/protocol/message-buffer › pieces of any sizes join to what came, in order',
      ],
    },
    {
      lines: [1905],
      level: 'MUST NOT',
      who: 'both',
      rule: 'The fragments of two messages are not interleaved.',
      at: ['protocol/frame-rules.ts:checkOpcode', 'protocol/sender.ts:Sender.nextFirstByte'],
      tests: [
        `${FRAGMENTS}text inside a message fails`,
        `${FRAGMENTS}fin: false makes fragments, the first names the type`,
      ],
    },
    {
      lines: [1909],
      level: 'MUST',
      who: 'both',
      rule: 'Control frames are handled in the middle of a fragmented message.',
      at: ['protocol/frame-reader.ts:FrameReader.enterFrame'],
      tests: [
        `${FRAGMENTS}Ping and Pong between fragments, delivered before the message`,
        'conformance/rfc-7.4-close-frames › a Close inside a message ends it undelivered',
      ],
    },
    {
      lines: [1912],
      level: 'MAY',
      who: 'both',
      rule: 'A sender may make fragments of any size.',
      outcome: 'option',
      note: '`fin: false` of `send`',
      at: ['protocol/sender.ts:Sender.nextFirstByte'],
      tests: [
        'unit/protocol/sender › RFC 6455 §5.4: of several fragments has its opcode in the first and FIN in the last',
      ],
    },
    {
      lines: [1915],
      level: 'MUST',
      who: 'both',
      rule: 'Messages in one frame and in several are received.',
      at: ['protocol/receiver.ts:Receiver.checkDataFrame'],
      tests: [
        `${FRAGMENTS}RFC 6455 §5.4: what is legal, if odd`,
        'unit/protocol/receiver › %s is delivered, whole and byte by byte',
      ],
    },
    {
      ...INTERMEDIARY,
      lines: [1918],
      level: 'MUST NOT',
      rule: 'An intermediary does not fragment a control frame.',
    },
    {
      ...INTERMEDIARY,
      lines: [1921],
      level: 'MUST NOT',
      rule: 'An intermediary does not change the fragments of a message whose reserved bits it does not know.',
    },
    {
      ...INTERMEDIARY,
      lines: [1925],
      level: 'MUST NOT',
      rule: 'An intermediary does not change fragments where an extension was negotiated that it does not know.',
    },
    {
      ...INTERMEDIARY,
      lines: [1930],
      level: 'MUST NOT',
      rule: 'An intermediary does not change fragments on a connection whose opening handshake it did not see.',
    },
    {
      lines: [1936],
      level: 'MUST',
      who: 'both',
      rule: 'All fragments of a message have the type of the first one.',
      at: ['protocol/receiver.ts:Receiver.enterDataFrame'],
      tests: [
        `${FRAGMENTS}binary inside a text message fails`,
        'conformance/rfc-8.1-utf8 › binary messages may hold anything, in fragments too',
      ],
    },
  ],
};

export const CHAPTER_5_FRAMING: readonly Section[] = [OVERVIEW, FRAME, MASK, FRAGMENTATION];
