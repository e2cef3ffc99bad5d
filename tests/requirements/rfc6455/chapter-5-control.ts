/** RFC 6455 §5.5 to §5.8: control frames, data frames, examples, extensibility. */

import type { Section } from '../requirement.js';

const CONTROL = 'conformance/rfc-5.5-control › ';
const CLOSE_FRAMES = 'conformance/rfc-7.4-close-frames › ';
const CLOSING = 'conformance/rfc-7-closing › ';

const CLOSE: Section = {
  number: '5.5.1',
  title: 'Close',
  statements: [
    {
      lines: [1979],
      level: 'MAY',
      who: 'both',
      rule: 'A Close may have a payload that says why.',
      outcome: 'option',
      note: 'the arguments of `close(code, reason)`',
      at: [
        'protocol/close.ts:writeClose',
        'websocket/payload.ts:toClose',
        'sans-io/peer-protocol.ts:toClose',
        'websocket/payload.ts:warnOfLostReason',
        'standard/arguments.ts:defaultCode',
      ],
      tests: [
        `${CLOSING}without a code the Close is empty`,
        'unit/websocket/payload › warns of a reason without a code, once',
      ],
    },
    {
      lines: [1984],
      level: 'MUST',
      who: 'both',
      rule: 'The payload of a Close begins with a code of two bytes.',
      at: ['protocol/frame-rules.ts:checkControl'],
      tests: [
        `${CLOSE_FRAMES}a Close of one byte fails with 1002`,
        'unit/protocol/close › writeClose is the inverse of readClose',
      ],
    },
    {
      lines: [1986],
      level: 'MAY',
      who: 'both',
      rule: 'A reason in UTF-8 may follow the code.',
      outcome: 'option',
      note: 'the argument `reason` of `close`',
      differs: {
        here: 'bytes that are given as a reason are not checked to be UTF-8',
        why: 'proxies pass on what they received; strings are always encoded as UTF-8',
      },
      at: [
        'protocol/close.ts:readClose',
        'websocket/payload.ts:toClose',
        'connection/debug-log.ts:describeClose',
        'sans-io/frame-content.ts:readCloseFrame',
      ],
      tests: [
        `${CLOSE_FRAMES}a reason of 123 bytes passes`,
        'unit/websocket/close › hands on the reason of another connection',
      ],
    },
    {
      lines: [1991],
      level: 'MUST NOT',
      who: 'client',
      rule: 'The reason is not shown to end users.',
      outcome: 'application',
      note: 'it is in the event `close`; only the application knows what it shows',
    },
    {
      lines: [1993],
      level: 'must',
      who: 'client',
      rule: 'The Close of a client is masked.',
      at: ['protocol/sender.ts:Sender.writeFrame'],
      tests: ['conformance/rfc-5.1-masking › a %s masks its Pong, Ping and Close by role'],
    },
    {
      lines: [1996],
      level: 'MUST NOT',
      who: 'both',
      rule: 'No data frame is sent behind a Close.',
      at: [
        'protocol/sender.ts:Sender.sendMessage',
        'compat/private-members.ts:SenderView.sendFrame',
      ],
      also: ['compat/receiver.ts:Receiver.conclude'],
      tests: [
        'unit/protocol/sender › sends no data behind a Close',
        `${CLOSING}messages sent before leave before, later ones not at all`,
        'unit/compat/receiver › concludes, and nothing comes behind it',
      ],
    },
    {
      lines: [2000],
      level: 'MUST',
      who: 'both',
      rule: 'A Close is answered with a Close, unless one was sent before; typically it echoes the code.',
      at: ['protocol/endpoint.ts:Endpoint.onClose'],
      tests: [
        'unit/protocol/endpoint › RFC 6455 §5.5.1: the Close of the peer is echoed; the server ends TCP',
        `${CLOSE_FRAMES}%i is sent back and reported`,
      ],
    },
    {
      lines: [2002],
      level: 'SHOULD',
      who: 'both',
      rule: 'The answer is sent as soon as is practical.',
      at: ['protocol/close.ts:CLOSING_TABLE.OPEN'],
      tests: [
        'unit/protocol/endpoint › RFC 6455 §5.5.1: the Close of the peer is echoed; the server ends TCP',
      ],
    },
    {
      lines: [2003, 2005],
      level: 'MAY',
      who: 'both',
      rule: 'The answer may wait until the current message is sent.',
      outcome: 'used',
      note: 'messages that wait for compression, or for a slow peer, leave before the Close',
      at: ['protocol/sender.ts:Sender.sendClose'],
      tests: [
        'reliability/compression/sending › a Close may not pass data that waits for compression; data behind it is refused',
        'unit/connection/send-limit › close() sends its Close behind what waits',
      ],
    },
    {
      lines: [2018],
      level: 'MUST',
      who: 'both',
      rule: 'When a Close was sent and one received, TCP is closed.',
      at: ['protocol/close.ts:finished'],
      tests: [
        `${CLOSING}a server ends it when both Close frames passed, whoever sent the first`,
        'unit/connection/closing-handshake › a client ends the wire when the server did',
      ],
    },
    {
      lines: [2019],
      level: 'MUST',
      who: 'server',
      rule: 'A server closes TCP at once.',
      at: ['protocol/close.ts:finished'],
      tests: [
        'unit/connection/closing-handshake › a server ends the wire as soon as both Closes passed',
      ],
    },
    {
      lines: [2020],
      level: 'SHOULD',
      who: 'client',
      rule: 'A client waits for the server to close TCP.',
      at: ['protocol/close.ts:CLOSING_TABLE.DONE'],
      tests: [`${CLOSING}a client leaves it to the server`],
    },
    {
      lines: [2021],
      level: 'MAY',
      who: 'client',
      rule: 'A client may close TCP itself, for example after a reasonable time.',
      outcome: 'used',
      note: 'after a second, or `closeTimeout` if that is less',
      at: ['protocol/endpoint.ts:LINGER'],
      tests: [`${CLOSING}a client waits for the server to end TCP, but at most a second`],
    },
    {
      lines: [2025],
      level: 'text',
      who: 'both',
      rule: 'Two Closes that are sent at the same time are a complete closing handshake.',
      at: ['protocol/close.ts:CLOSING_TABLE.CLOSE_SENT'],
      tests: [
        `${CLOSING}both sides at once`,
        'unit/websocket/close › on both ends at once ends cleanly',
      ],
    },
  ],
};

const PING_AND_PONG: readonly Section[] = [
  {
    number: '5.5.2',
    title: 'Ping',
    statements: [
      {
        lines: [2034],
        level: 'MAY',
        who: 'both',
        rule: 'A Ping may have application data.',
        outcome: 'option',
        note: 'the argument of `ping(data)`',
        at: ['websocket/payload.ts:toControlPayload'],
        tests: [
          `${CONTROL}a Ping need not be UTF-8`,
          'unit/websocket/send › carries 125 bytes at most, else throws a RangeError and changes nothing',
        ],
      },
      {
        lines: [2036],
        level: 'MUST',
        who: 'both',
        rule: 'A Ping is answered with a Pong, unless a Close was received.',
        note: '`autoPong: false` leaves it to the application',
        at: ['protocol/endpoint.ts:Endpoint.answerPing'],
        tests: [
          `${CONTROL}a Ping is answered with its payload`,
          `${CONTROL}a Ping behind our own Close is answered until a Close was received`,
          `${CONTROL}a Ping in the chunk of the Close is not answered`,
        ],
      },
      {
        lines: [2037],
        level: 'SHOULD',
        who: 'both',
        rule: 'The Pong is sent as soon as is practical.',
        at: ['protocol/sender.ts:Sender.sendControlNow'],
        tests: [
          'unit/protocol/sender › a Pong overtakes the frames that wait',
          "unit/connection/pongs › leave before the 'ping' event",
        ],
      },
      {
        lines: [2041],
        level: 'MAY',
        who: 'both',
        rule: 'A Ping may be sent at any time while the connection is open.',
        outcome: 'option',
        note: '`ping`, `heartbeat`, `measureRoundTrip`',
        at: ['connection/heartbeat.ts:Heartbeat.sendPing', 'connection/round-trip.ts:sendPing'],
        tests: [
          'unit/websocket/send › is an event of the other end with its bytes; a Pong answers a Ping',
          'unit/connection/heartbeat › sends a Ping after the interval, and drops a silent peer after the timeout',
        ],
      },
    ],
  },
  {
    number: '5.5.3',
    title: 'Pong',
    statements: [
      {
        lines: [2054],
        level: 'must',
        who: 'both',
        rule: 'The Pong has the application data of its Ping.',
        at: ['protocol/endpoint.ts:Endpoint.answerPing'],
        tests: [
          `${CONTROL}a Ping is answered with its payload`,
          `${CONTROL}a Ping that the cut of a fragment surrounds keeps its payload`,
        ],
      },
      {
        lines: [2059],
        level: 'MAY',
        who: 'both',
        rule: 'Of several Pings, it is enough to answer the most recent one.',
        outcome: 'used',
        note: 'for a peer that does not read; a peer may do the same',
        at: ['protocol/endpoint.ts:Endpoint.pendingPong', 'connection/round-trip.ts:takePong'],
        tests: [
          'unit/protocol/endpoint › RFC 6455 §5.5.3: behind a full buffer only the most recent Ping is answered',
          'unit/websocket/measure-round-trip › is answered by the Pong of a later Ping, with the time of that one',
        ],
      },
      {
        lines: [2073],
        level: 'MAY',
        who: 'both',
        rule: 'A Pong may be sent that answers no Ping.',
        outcome: 'option',
        note: '`pong`',
        at: ['websocket/websocket.ts:WebSocket.pong', 'websocket/measure.ts:measureRoundTrip'],
        tests: [
          `${CONTROL}an unsolicited Pong is reported and not answered`,
          'unit/connection/heartbeat › ping() and its Pong stay those of the program',
        ],
      },
    ],
  },
];

export const CHAPTER_5_CONTROL: readonly Section[] = [
  {
    number: '5.5',
    title: 'Control frames',
    statements: [
      {
        lines: [1972],
        level: 'MUST',
        who: 'both',
        rule: 'The payload of a control frame has at most 125 bytes.',
        at: [
          'protocol/frame-rules.ts:checkControl',
          'protocol/frame-rules.ts:checkControlLength',
          'protocol/frame.ts:MAX_CONTROL_PAYLOAD',
          'protocol/frame.ts:MAX_CLOSE_REASON',
        ],
        also: ['websocket/payload.ts:toControlPayload'],
        tests: [
          `${CONTROL}RFC 6455 §5.5: control frames are whole and carry at most 125 bytes`,
          'unit/protocol/frame-rules › a control frame of the program has at most 125 bytes',
        ],
      },
      {
        lines: [1973],
        level: 'MUST NOT',
        who: 'both',
        rule: 'A control frame is not fragmented.',
        at: ['protocol/frame-rules.ts:checkControl'],
        tests: [`${CONTROL}RFC 6455 §5.5: control frames are whole and carry at most 125 bytes`],
      },
    ],
  },
  CLOSE,
  ...PING_AND_PONG,
  {
    number: '5.6',
    title: 'Data frames',
    statements: [
      {
        lines: [2091],
        level: 'text',
        who: 'both',
        rule: 'A fragment of a text may end inside of a character.',
        at: [
          'protocol/assembler.ts:MessageAssembler.checkUtf8Piece',
          'sans-io/frame-content.ts:ContentReader',
        ],
        tests: [
          'conformance/rfc-8.1-utf8 › fragments that end inside characters',
          'unit/sans-io/frame-content › a character may be cut by the end of a fragment',
        ],
      },
      {
        lines: [2092],
        level: 'MUST',
        who: 'both',
        rule: 'A text message is valid UTF-8 as a whole.',
        differs: {
          here: 'bytes that are sent with `{ binary: false }` are not checked',
          why: 'the program is responsible for them; strings are always encoded as UTF-8',
        },
        at: [
          'protocol/receiver.ts:Receiver.takeMessage',
          'protocol/write-batch.ts:copyPayload',
          'server/envelope.ts:decodeEnvelope',
        ],
        tests: [
          'conformance/rfc-8.1-utf8 › RFC 6455 §8.1: invalid text fails with 1007 and is never delivered',
          'unit/protocol/sender › are written as they are, strings as UTF-8',
        ],
      },
      {
        lines: [2096],
        level: 'text',
        who: 'both',
        rule: 'A binary message may have any bytes.',
        at: ['protocol/receiver.ts:Receiver.isCheckedText'],
        tests: ['conformance/rfc-8.1-utf8 › binary messages may hold anything, in fragments too'],
      },
    ],
  },
  {
    number: '5.7',
    title: 'Examples',
    statements: [
      {
        lines: [2101],
        level: 'text',
        who: 'both',
        rule: 'Seven examples, byte for byte.',
        at: ['protocol/frame.ts:readHeader', 'protocol/frame.ts:writeHeader'],
        tests: [
          'conformance/rfc-5.7-examples › RFC 6455 §5.7: received',
          'conformance/rfc-5.7-examples › RFC 6455 §5.7: sent',
        ],
      },
    ],
  },
  {
    number: '5.8',
    title: 'Extensibility',
    statements: [
      {
        lines: [2149],
        level: 'MUST',
        who: 'both',
        rule: 'Extensions are negotiated in the opening handshake.',
        at: ['client/establish.ts:ClientHandshake.negotiate'],
        tests: [
          'reliability/client/negotiation › C11: answers that match no offer are refused',
          'unit/sans-io/client-handshake › with permessage-deflate',
        ],
      },
    ],
  },
];
