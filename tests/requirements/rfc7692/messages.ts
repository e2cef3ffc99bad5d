/** RFC 7692 §6, §7.2, §7.3 and §8: how messages are compressed and decompressed. */

import type { Section } from '../requirement.js';

const SENDING = 'conformance/rfc-7692-sending › ';
const RECEIVING = 'conformance/rfc-7692-receiving › ';
const OBEYS = `${SENDING}RFC 7692 §7.1: what the product obeys when it sends`;
const EXAMPLES = `${RECEIVING}D4: the examples of RFC 7692 §7.2.3`;
const FARTHEST = `${RECEIVING}the farthest look back that there is: 32,768 bytes`;
const SHARED = `${RECEIVING}§7.2.3.2: two messages that share the window`;

export const FRAMING_SECTIONS: readonly Section[] = [
  {
    number: '6',
    title: 'Framing',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'RSV1 of the first frame says whether the message is compressed; each message may be or not.',
        note: 'a message that gets no smaller, or is below `threshold`, is sent as it is',
        at: [
          'permessage-deflate/codec.ts:RSV1',
          'compat/sender.ts:RSV1',
          'permessage-deflate/deflate.ts:isWorse',
          'protocol/send-queue.ts:SendQueue.setEncoded',
          'connection/frame-reports.ts:RSV1',
          'compat/receiver.ts:decoding',
          'sans-io/frame-fields.ts:describeCompression',
        ],
        tests: [
          `${RECEIVING}messages that are not compressed, between compressed ones; the window goes on`,
          'unit/permessage-deflate/deflate › RFC 7692 §6: a message of 1 KiB or more that gets no smaller stays as it is',
          'unit/protocol/send-queue › RFC 7692 §6: lose the reserved bit if the extension leaves the message as it is',
        ],
      },
    ],
  },
  {
    number: '6.1',
    title: 'Compression',
    statements: [
      {
        level: 'MUST',
        who: 'both',
        rule: 'A compressed message is sent with RSV1 on its first frame, and the compressed data in its frames.',
        at: ['protocol/sender.ts:Sender.nextFirstByte', 'compat/sender.ts:Sender.send'],
        tests: [
          'unit/protocol/sender › encodes a message and marks its first frame only (RFC 7692 §6.1)',
          `${SENDING}messages of every size come out as they went in (%s)`,
          'unit/compat/sender › is decided by the first fragment, which alone says so',
        ],
      },
      {
        level: 'MUST',
        who: 'both',
        rule: 'A message that is not compressed is sent as it is, without RSV1.',
        at: [
          'protocol/sender.ts:Sender.nextFirstByte',
          'protocol/send-queue.ts:SendQueue.setEncoded',
        ],
        tests: [
          'unit/protocol/sender › encodes nothing that the program does not want to compress',
          `${SENDING}data that cannot be made smaller (%s)`,
        ],
      },
      {
        level: 'MUST NOT',
        who: 'both',
        rule: 'RSV1 is not set on a control frame or on a later fragment.',
        at: ['protocol/sender.ts:Sender.nextFirstByte'],
        also: ['protocol/sender.ts:Sender.sendControl'],
        tests: [
          `${SENDING}RSV1 marks the first fragment only (%s)`,
          `${SENDING}control frames are never compressed (%s)`,
        ],
      },
      {
        level: 'MUST',
        who: 'both',
        rule: 'A control frame or a later fragment with RSV1 fails the connection.',
        at: ['protocol/frame-rules.ts:checkReserved'],
        tests: [
          `${RECEIVING}RFC 7692 §6: what RSV1 may mark`,
          'unit/protocol/frame-rules › RFC 7692 §6.1: with RSV1 agreed on, %s, in a message: %s → %s',
        ],
      },
      {
        level: 'text',
        who: 'both',
        rule: 'The opcode stays that of the message; compressed text need not be UTF-8, inflated text must.',
        at: [
          'protocol/receiver.ts:Receiver.takeDecoded',
          'protocol/receiver.ts:Receiver.isCheckedText',
        ],
        tests: [
          'unit/protocol/receiver › decoded text must be UTF-8',
          `${RECEIVING}bytes that are not UTF-8 once they are inflated`,
        ],
      },
    ],
  },
  {
    number: '6.2',
    title: 'Decompression',
    statements: [
      {
        level: 'MUST',
        who: 'both',
        rule: 'The frames of a compressed message are joined, then decompressed, then delivered.',
        at: ['protocol/receiver.ts:Receiver.decode'],
        tests: [
          `${RECEIVING}fragments of one byte, with Pings between them`,
          'unit/protocol/receiver › an encoded message in fragments is one fragment when it is decoded',
        ],
      },
      {
        level: 'MUST',
        who: 'both',
        rule: 'A message that is not compressed is delivered as it is.',
        at: ['protocol/receiver.ts:Receiver.takeWholePayload'],
        tests: [
          'unit/protocol/receiver › a message with its reserved bit is decoded; another is not',
          `${RECEIVING}messages that are not compressed, between compressed ones; the window goes on`,
        ],
      },
    ],
  },
];

const COMPRESSION: Section = {
  number: '7.2.1',
  title: 'Compression',
  statements: [
    {
      level: 'text',
      who: 'both',
      rule: 'A message is compressed with DEFLATE, ended with an empty block, and its last 00 00 ff ff removed.',
      differs: {
        here: 'a message refers to the last 4 KiB of the window, one above 8 KiB to itself only',
        why: '[0008](decisions/0008-compression.md)',
      },
      at: [
        'permessage-deflate/deflate.ts:Deflater',
        'compat/permessage-deflate.ts:PerMessageDeflate',
      ],
      tests: [
        'unit/permessage-deflate/deflate › RFC 7692 §7.2.1: the last flush is removed from the last frame only',
        'unit/permessage-deflate/deflate › refers to the last 4 KiB; a message above 8 KiB to itself only',
      ],
    },
    {
      level: 'MAY',
      who: 'both',
      rule: 'A message may have several DEFLATE blocks.',
      outcome: 'used',
      at: ['permessage-deflate/deflate.ts:Deflater.deflate'],
      tests: [
        `${RECEIVING}§7.2.3.5: two blocks in one message`,
        `${RECEIVING}40,000 empty blocks before the text`,
      ],
    },
    {
      level: 'MAY',
      who: 'both',
      rule: 'The blocks may be of any type.',
      outcome: 'used',
      note: 'zlib chooses',
      at: ['permessage-deflate/deflate.ts:Deflater.deflate'],
      tests: [`${RECEIVING}§7.2.3.3: a block without compression`, EXAMPLES],
    },
    {
      level: 'MAY',
      who: 'both',
      rule: 'Blocks may have BFINAL set or not.',
      outcome: 'not used',
      note: 'no block that we send has it; a message that we receive may have up to 16',
      differs: {
        here: 'a message with more than 16 final blocks fails',
        why: 'each needs a zlib call, which costs more than the byte that asks for it',
      },
      at: [
        'permessage-deflate/inflate.ts:MAX_STREAMS',
        'permessage-deflate/inflate.ts:Inflater.inflateStream',
      ],
      tests: [
        `${RECEIVING}§7.2.3.4: a last block, with another message behind it that shares its window`,
        'unit/permessage-deflate/inflate › of more streams than any encoder makes is refused',
      ],
    },
    {
      level: 'MUST',
      who: 'both',
      rule: 'A block with BFINAL is padded with zero bits to a whole byte.',
      outcome: 'Node',
      note: 'we send no such block; zlib pads and reads them',
      tests: [`${RECEIVING}two last blocks: the message is both`],
    },
    {
      level: 'MUST NOT',
      who: 'both',
      rule: '00 00 ff ff is not removed from a fragment that is not the last one.',
      at: ['permessage-deflate/deflate.ts:withoutTail'],
      tests: [
        'unit/permessage-deflate/deflate › RFC 7692 §7.2.1: the last flush is removed from the last frame only',
      ],
    },
    {
      level: 'MUST NOT',
      who: 'both',
      rule: 'The window has at most 32,768 bytes.',
      at: ['permessage-deflate/deflate.ts:Deflater.constructor'],
      tests: [OBEYS],
    },
    {
      level: 'MUST',
      who: 'client',
      rule: 'With client_no_context_takeover each message of a client begins with an empty window.',
      at: ['permessage-deflate/deflate.ts:Deflater.constructor'],
      tests: [
        OBEYS,
        'unit/permessage-deflate/codec › compress without context what the first one sends, if that was agreed',
      ],
    },
    {
      level: 'MAY',
      who: 'client',
      rule: 'Without client_no_context_takeover a client may take the window over.',
      outcome: 'used',
      at: ['permessage-deflate/deflate.ts:Deflater.optionsFor'],
      tests: [
        'unit/permessage-deflate/deflate › refers to what was sent before only if the context is taken over',
      ],
    },
    {
      level: 'MAY',
      who: 'client',
      rule: 'A client may take the window over though its offer has the parameter, if the response does not.',
      outcome: 'used',
      at: ['permessage-deflate/parameters.ts:acceptResponse'],
      tests: [
        'unit/permessage-deflate/parameters › an offer without context takeover binds nobody if the response leaves it out',
      ],
    },
    {
      level: 'MUST',
      who: 'server',
      rule: 'With server_no_context_takeover each message of a server begins with an empty window.',
      at: ['permessage-deflate/deflate.ts:Deflater.constructor'],
      tests: [
        OBEYS,
        'unit/permessage-deflate/codec › compress without context what the first one sends, if that was agreed',
      ],
    },
    {
      level: 'MAY',
      who: 'server',
      rule: 'Without server_no_context_takeover a server may take the window over.',
      outcome: 'used',
      at: ['permessage-deflate/deflate.ts:Deflater.optionsFor'],
      tests: [
        'unit/permessage-deflate/deflate › refers to what was sent before only if the context is taken over',
      ],
    },
    {
      level: 'MUST NOT',
      who: 'client',
      rule: 'A client uses no larger window than client_max_window_bits of the response.',
      at: ['permessage-deflate/deflate.ts:Deflater.constructor'],
      tests: [
        OBEYS,
        'unit/permessage-deflate/deflate › is read by a peer with a window of %i bits',
      ],
    },
    {
      level: 'MAY',
      who: 'client',
      rule: 'A client whose offer has a smaller value may use any window that the response allows.',
      outcome: 'not used',
      note: 'without a value in the response the window of the offer stands',
      differs: {
        here: 'a response with a larger value than the offer fails the handshake',
        why: 'as `ws`: the program has asked for a window of this size at most',
      },
      at: ['permessage-deflate/parameters.ts:acceptResponse'],
      tests: ['unit/permessage-deflate/parameters › a client takes the response'],
    },
    {
      level: 'MUST NOT',
      who: 'server',
      rule: 'A server uses no larger window than server_max_window_bits of the response.',
      at: ['permessage-deflate/deflate.ts:Deflater.constructor'],
      tests: [
        OBEYS,
        'unit/permessage-deflate/deflate › a window of 8 bits is kept, too: no match is longer ago than 256 bytes',
      ],
    },
  ],
};

const DECOMPRESSION: Section = {
  number: '7.2.2',
  title: 'Decompression',
  statements: [
    {
      level: 'text',
      who: 'both',
      rule: '00 00 ff ff is appended to a message, which is then inflated.',
      at: ['permessage-deflate/inflate.ts:TAIL', 'sans-io/message-inflater.ts:MessageInflater'],
      tests: [EXAMPLES, 'unit/sans-io/compression › both ends inflate its examples'],
    },
    {
      level: 'MAY',
      who: 'client',
      rule: 'With server_no_context_takeover a client may begin each message with an empty window.',
      outcome: 'used',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: [`${RECEIVING}each on its own where that was agreed (%s)`],
    },
    {
      level: 'MUST',
      who: 'client',
      rule: 'Without server_no_context_takeover a client keeps the window from message to message.',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: [SHARED, `${RECEIVING}a look back over several messages`],
    },
    {
      level: 'MAY',
      who: 'server',
      rule: 'With client_no_context_takeover a server may begin each message with an empty window.',
      outcome: 'used',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: [`${RECEIVING}each on its own where that was agreed (%s)`],
    },
    {
      level: 'MUST',
      who: 'server',
      rule: 'Without client_no_context_takeover a server keeps the window from message to message.',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: [SHARED, `${RECEIVING}a look back over several messages`],
    },
    {
      level: 'MUST',
      who: 'server',
      rule: 'The response decides about the window of a client, not the offer.',
      note: 'the parameter of an offer is repeated in the response',
      at: ['permessage-deflate/codec.ts:PerMessageDeflate.constructor'],
      tests: [
        'unit/permessage-deflate/parameters › to %s with %j: %s',
        'unit/permessage-deflate/codec › read without context what the second one sends, if that was agreed',
      ],
    },
    {
      level: 'MAY',
      who: 'client',
      rule: 'With server_max_window_bits a client may have a window of that size.',
      outcome: 'used',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: ['reliability/compression/limits › D6: of %d bits, with data that repeats'],
    },
    {
      level: 'MUST',
      who: 'client',
      rule: 'Without server_max_window_bits a client has a window of 32,768 bytes.',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: [FARTHEST],
    },
    {
      level: 'MAY',
      who: 'server',
      rule: 'With client_max_window_bits a server may have a window of that size.',
      outcome: 'used',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: ['reliability/compression/limits › D6: of %d bits, with data that repeats'],
    },
    {
      level: 'MUST',
      who: 'server',
      rule: 'Without client_max_window_bits a server has a window of 32,768 bytes.',
      at: ['permessage-deflate/inflate.ts:Inflater.constructor'],
      tests: [FARTHEST],
    },
    {
      level: 'MUST',
      who: 'client',
      rule: 'A client keeps to the window of the response, whatever its offer says.',
      at: ['permessage-deflate/codec.ts:PerMessageDeflate.constructor'],
      tests: [OBEYS],
    },
  ],
};

export const MESSAGE_SECTIONS: readonly Section[] = [
  COMPRESSION,
  DECOMPRESSION,
  {
    number: '7.2.3.2',
    title: 'Example: sharing the window',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'A second Hello refers to the first; a message between them that is not compressed changes nothing.',
        at: ['permessage-deflate/inflate.ts:Inflater.slideWindow'],
        tests: [
          SHARED,
          `${RECEIVING}messages that are not compressed, between compressed ones; the window goes on`,
        ],
      },
    ],
  },
  {
    number: '7.2.3.4',
    title: 'Example: a block with BFINAL',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'A block with BFINAL ends the DEFLATE stream, and the message may go on with another one.',
        at: [
          'permessage-deflate/inflate.ts:Inflater.inflateStream',
          'sans-io/message-inflater.ts:MessageInflater.inflateStream',
        ],
        tests: [
          `${RECEIVING}§7.2.3.4: a last block, with another message behind it that shares its window`,
          'unit/sans-io/frame-content › several streams are one message',
        ],
      },
    ],
  },
  {
    number: '7.2.3.6',
    title: 'Example: an empty fragment',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'An empty message, or an empty last fragment, is the byte 00.',
        at: ['permessage-deflate/deflate.ts:withoutTail'],
        tests: [`${RECEIVING}§7.2.3.6: an empty message, and others behind it`],
      },
    ],
  },
  {
    number: '7.3',
    title: 'Implementation notes',
    statements: [
      {
        level: 'RECOMMENDED',
        who: 'both',
        rule: 'A window of 1,024 bytes or more.',
        note: '4,096 bytes of earlier messages; less only if the peer asks for it',
        at: ['permessage-deflate/deflate.ts:WINDOW_SIZE'],
        tests: [
          'unit/permessage-deflate/deflate › refers to the last 4 KiB; a message above 8 KiB to itself only',
        ],
      },
    ],
  },
  {
    number: '8',
    title: 'Security considerations',
    statements: [
      {
        level: 'text',
        who: 'application',
        rule: 'The length of a compressed message tells something about secrets in it (CRIME).',
        outcome: 'application',
        note: '`compress: false` of `send` leaves a message as it is',
      },
    ],
  },
];
