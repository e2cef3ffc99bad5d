/** RFC 6455 §6 and §7.1.1 to §7.1.6: sending and receiving data, the closing handshake. */

import type { Section } from '../requirement.js';

const CLOSING = 'conformance/rfc-7-closing › ';
const ABNORMAL = 'conformance/rfc-7.2-abnormal-closure › ';
const RECEIVED = 'unit/protocol/receiver › %s is delivered, whole and byte by byte';

const DATA: readonly Section[] = [
  {
    number: '6.1',
    title: 'Sending data',
    statements: [
      {
        lines: [2176],
        level: 'MUST',
        who: 'both',
        rule: 'A message is sent by the steps 6.1-2 to 6.1-10.',
        at: ['protocol/sender.ts:Sender.sendMessage'],
        also: ['compat/sender.ts:Sender'],
        tests: ['unit/protocol/sender › RFC 6455 §5.7: in one frame, unmasked'],
      },
      {
        lines: [2185],
        level: 'MUST',
        who: 'both',
        rule: 'The connection is OPEN.',
        at: ['websocket/session.ts:Session.reject'],
        tests: [
          'unit/websocket/send › throws while connecting',
          'unit/websocket/send › does not throw when %s: the callback gets the error, later',
        ],
      },
      {
        lines: [2187],
        level: 'MUST',
        who: 'both',
        rule: 'When the state changes, sending stops.',
        differs: {
          here: 'messages that wait for compression leave before our Close, also after a Close or a violation of the peer',
          why: '5.5.1 allows it for a Close; `send` has accepted these messages before',
        },
        at: ['protocol/send-queue.ts:SendQueue.stop'],
        tests: [
          'unit/protocol/send-queue › nothing more is sent, and the frames that are left are handed over',
          'reliability/compression/sending › the peer’s Close in the meantime: no data behind our own, each callback once',
        ],
      },
      {
        lines: [2190],
        level: 'MUST',
        who: 'both',
        rule: 'The data is in a frame.',
        at: ['protocol/sender.ts:Sender.writeFrame'],
        tests: ['unit/protocol/write-batch › of %s is written behind its header, masked or not'],
      },
      {
        lines: [2193],
        level: 'MAY',
        who: 'both',
        rule: 'Data that is large, or not complete yet, may be sent in several frames.',
        outcome: 'option',
        note: '`fin: false` of `send`',
        at: ['protocol/sender.ts:Sender.nextFirstByte'],
        tests: ['unit/websocket/send › sends fragments; Pings may come between them'],
      },
      {
        lines: [2198],
        level: 'MUST',
        who: 'both',
        rule: 'The opcode of the first frame says whether the message is text or binary.',
        at: ['protocol/sender.ts:Sender.nextFirstByte'],
        tests: [
          'conformance/rfc-5.4-fragmentation › fin: false makes fragments, the first names the type',
        ],
      },
      {
        lines: [2203],
        level: 'MUST',
        who: 'both',
        rule: 'The last frame of a message has FIN set.',
        at: ['protocol/sender.ts:Sender.nextFirstByte'],
        tests: [
          'unit/protocol/sender › RFC 6455 §5.4: of several fragments has its opcode in the first and FIN in the last',
        ],
      },
      {
        lines: [2205],
        level: 'MUST',
        who: 'client',
        rule: 'The frames of a client are masked.',
        at: ['protocol/sender.ts:Sender.writeFrame'],
        tests: ['unit/protocol/sender › RFC 6455 §5.7: in one frame, masked'],
      },
      {
        lines: [2208],
        level: 'text',
        who: 'both',
        rule: 'Negotiated extensions may add steps.',
        at: ['protocol/sender.ts:Sender.mayEncode'],
        tests: [
          'unit/protocol/sender › encodes a message and marks its first frame only (RFC 7692 §6.1)',
        ],
      },
      {
        lines: [2212],
        level: 'MUST',
        who: 'both',
        rule: 'The frames are transmitted over the connection.',
        at: ['connection/writer.ts:Writer.write'],
        tests: [
          'unit/connection/writes › the first frame of a tick is written at once, the others in one write at its end',
        ],
      },
    ],
  },
  {
    number: '6.2',
    title: 'Receiving data',
    statements: [
      {
        lines: [2218],
        level: 'MUST',
        who: 'both',
        rule: 'Received bytes are read as frames.',
        at: ['protocol/frame-reader.ts:FrameReader.advance'],
        also: ['compat/receiver.ts:Receiver'],
        tests: [
          'unit/protocol/frame-reader › cut anywhere are the same',
          'unit/compat/receiver › reads frames however they are cut',
        ],
      },
      {
        lines: [2220],
        level: 'MUST',
        who: 'both',
        rule: 'A control frame is handled as 5.5 says.',
        at: ['protocol/endpoint.ts:Endpoint.onControl'],
        tests: ['unit/protocol/endpoint › Ping and Pong'],
      },
      {
        lines: [2221],
        level: 'MUST',
        who: 'both',
        rule: 'The type of a message is the opcode of its first frame.',
        at: ['protocol/receiver.ts:Receiver.enterDataFrame'],
        tests: [RECEIVED, 'conformance/rfc-5.4-fragmentation › text and binary messages alternate'],
      },
      {
        lines: [2228],
        level: 'text',
        who: 'both',
        rule: 'A message is received with its last frame: the data of its frames one after the other.',
        at: ['protocol/receiver.ts:Receiver.takeMessage'],
        tests: ['unit/protocol/assembler › is joined from its pieces, each unmasked with its key'],
      },
      {
        lines: [2242],
        level: 'MUST',
        who: 'both',
        rule: 'The next data frame belongs to a new message.',
        at: ['protocol/receiver.ts:Receiver.deliver'],
        tests: [
          'unit/protocol/receiver › limits are those of one message: the next one begins anew',
          'conformance/rfc-5.4-fragmentation › a continuation behind a message in fragments fails',
        ],
      },
      {
        lines: [2245],
        level: 'MAY',
        who: 'extension',
        rule: 'An extension may change how data is read, also what a message is.',
        outcome: 'extension',
        note: 'permessage-deflate leaves messages as they are',
      },
      {
        lines: [2248],
        level: 'MAY',
        who: 'extension',
        rule: 'An extension may change the application data, for example compress it.',
        outcome: 'used',
        note: 'permessage-deflate does',
        at: ['protocol/decoder.ts:Decoder'],
        tests: [
          'unit/protocol/receiver › a message with its reserved bit is decoded; another is not',
        ],
      },
      {
        lines: [2251],
        level: 'MUST',
        who: 'server',
        rule: 'A server removes the masking.',
        at: ['protocol/receiver.ts:Receiver.payloadOf'],
        tests: [
          RECEIVED,
          'conformance/rfc-5.1-masking › every length and every cut, whatever the phase of the key',
        ],
      },
    ],
  },
];

const DEFINITIONS: readonly Section[] = [
  {
    number: '7.1.1',
    title: 'Close the WebSocket connection',
    statements: [
      {
        lines: [2261],
        level: 'SHOULD',
        who: 'both',
        rule: 'TCP and TLS are closed cleanly, and bytes that still come are discarded.',
        at: ['connection/connection.ts:Connection.end'],
        tests: [
          'unit/connection/closing-handshake › a server ends the wire as soon as both Closes passed',
          'conformance/rfc-7.4-close-frames › RFC 6455 §5.5.1: nothing that comes behind a Close is looked at',
        ],
      },
      {
        lines: [2264],
        level: 'MAY',
        who: 'both',
        rule: 'A connection may be closed in any way when necessary, for example under attack.',
        outcome: 'option',
        note: '`terminate`, and every time limit',
        at: ['protocol/endpoint.ts:Endpoint.terminate'],
        tests: [`${ABNORMAL}nothing is sent, 1006 is reported once`],
      },
      {
        lines: [2267],
        level: 'SHOULD',
        who: 'server',
        rule: 'The server closes TCP first.',
        at: ['protocol/close.ts:finished'],
        tests: [
          'unit/protocol/close › RFC 6455 §7.1.1: behind both Close frames a server ends TCP, a client waits',
        ],
      },
      {
        lines: [2274],
        level: 'MAY',
        who: 'client',
        rule: 'If the server does not close TCP in a reasonable time, the client may.',
        outcome: 'used',
        at: ['protocol/close.ts:CLOSING_TABLE.DONE'],
        tests: [`${CLOSING}a client waits for the server to end TCP, but at most a second`],
      },
      {
        lines: [2275],
        level: 'SHOULD',
        who: 'server',
        rule: 'A server that closes the connection closes TCP at once.',
        at: ['protocol/close.ts:finished'],
        tests: [
          'unit/connection/closing-handshake › a server ends the wire as soon as both Closes passed',
        ],
      },
      {
        lines: [2277],
        level: 'SHOULD',
        who: 'client',
        rule: 'A client that closes the connection waits for the server to close TCP.',
        at: ['protocol/close.ts:finished'],
        tests: [
          'unit/connection/closing-handshake › a client waits for the server to end the wire, a second at most',
        ],
      },
    ],
  },
  {
    number: '7.1.2',
    title: 'Start the WebSocket closing handshake',
    statements: [
      {
        lines: [2301],
        level: 'MUST',
        who: 'both',
        rule: 'The closing handshake starts with a Close that has the code and the reason.',
        at: ['protocol/endpoint.ts:Endpoint.sendClose'],
        tests: [
          `${CLOSING}code and reason go out once, whatever is called`,
          'unit/protocol/endpoint › RFC 6455 §7.1.2: our Close is sent once, and the code of the peer is reported',
        ],
      },
      {
        lines: [2304],
        level: 'SHOULD',
        who: 'both',
        rule: 'With both Closes the connection is closed.',
        at: ['protocol/close.ts:finished'],
        tests: [`${CLOSING}a server ends it when both Close frames passed, whoever sent the first`],
      },
    ],
  },
  {
    number: '7.1.3',
    title: 'The WebSocket closing handshake is started',
    statements: [
      {
        lines: [2309],
        level: 'text',
        who: 'both',
        rule: 'With the first Close, sent or received, the state is CLOSING.',
        at: ['websocket/session.ts:Session.readyState'],
        tests: ['unit/websocket/properties › goes from CONNECTING to OPEN, CLOSING and CLOSED'],
      },
    ],
  },
  {
    number: '7.1.4',
    title: 'The WebSocket connection is closed',
    statements: [
      {
        lines: [2315],
        level: 'text',
        who: 'both',
        rule: 'When TCP is closed the state is CLOSED; with a complete closing handshake it was closed cleanly.',
        at: ['protocol/endpoint.ts:Endpoint.wasClean'],
        tests: ["unit/websocket/events › wasClean is false when only the peer's Close passed"],
      },
      {
        lines: [2321],
        level: 'text',
        who: 'client',
        rule: 'A connection that could not be established is closed too, but not cleanly.',
        at: ['websocket/session.ts:Session.onHandshakeFailed'],
        tests: ["unit/client/establish › %s: 'error', then 'close' 1006"],
      },
    ],
  },
  {
    number: '7.1.5',
    title: 'The WebSocket connection close code',
    statements: [
      {
        lines: [2330],
        level: 'text',
        who: 'both',
        rule: "The close code is that of the peer's first Close: 1005 if it has none, 1006 without a Close.",
        at: [
          'protocol/endpoint.ts:Endpoint.reportClosed',
          'websocket/api.ts:CloseEventApi.code',
          'crossws/interface.ts:CloseDetails.code',
        ],
        tests: [
          'unit/protocol/endpoint › RFC 6455 §7.1.5: without a Close of the peer 1006 is reported',
          'conformance/rfc-7.4-close-frames › a Close without a code is answered without one and reported as 1005',
        ],
      },
    ],
  },
  {
    number: '7.1.6',
    title: 'The WebSocket connection close reason',
    statements: [
      {
        lines: [2368],
        level: 'text',
        who: 'both',
        rule: "The close reason is that of the peer's first Close; empty if there is none.",
        at: [
          'protocol/endpoint.ts:Endpoint.reportClosed',
          'websocket/api.ts:CloseEventApi.reason',
          'crossws/interface.ts:CloseDetails.reason',
        ],
        tests: [
          "unit/websocket/emitted-events › 'close' gives the code and the reason as a Buffer, once",
        ],
      },
    ],
  },
];

export const CHAPTERS_6_TO_7_1: readonly Section[] = [...DATA, ...DEFINITIONS];
