/** RFC 6455 §7.1.7 to §7.4: failing, abnormal and normal closure, close codes. */

import type { Section } from '../requirement.js';

const CLOSING = 'conformance/rfc-7-closing › ';
const ABNORMAL = 'conformance/rfc-7.2-abnormal-closure › ';

const FAILING: Section = {
  number: '7.1.7',
  title: 'Fail the WebSocket connection',
  statements: [
    {
      lines: [2380],
      level: 'MUST',
      who: 'client',
      rule: 'A client that fails the connection closes it.',
      at: ['protocol/endpoint.ts:Endpoint.onViolation'],
      tests: [`${CLOSING}RFC 6455 §7.1.1, §7.1.7: what the peer fails to do`],
    },
    {
      lines: [2381],
      level: 'MAY',
      who: 'client',
      rule: 'A client that fails the connection may report the problem to the user.',
      outcome: 'used',
      note: 'the event `error`, with code, section and sentence',
      at: ['protocol/endpoint.ts:Endpoint.reportFailure', 'protocol/errors.ts:ProtocolError'],
      tests: [
        "unit/websocket/emitted-events › 'error' comes once, before 'close', which says 1006 although we sent a code",
      ],
    },
    {
      lines: [2383],
      level: 'MUST',
      who: 'server',
      rule: 'A server that fails the connection closes it.',
      at: ['protocol/endpoint.ts:Endpoint.onViolation'],
      tests: [
        'unit/protocol/endpoint › RFC 6455 §7.1.7: a violation sends its close code and ends the connection',
      ],
    },
    {
      lines: [2384],
      level: 'SHOULD',
      who: 'server',
      rule: 'A server logs the problem.',
      note: 'the channel `ws6455:violation`, `NODE_DEBUG=ws6455`, and `socketError` if nobody hears `error`',
      at: ['connection/reports.ts:reportViolation'],
      tests: [
        'unit/connection/channels › has the section of the rule',
        'unit/connection/debug-log › a violation has the section of its rule',
      ],
    },
    {
      lines: [2388],
      level: 'SHOULD',
      who: 'both',
      rule: 'On an open connection a Close with a code comes first.',
      at: ['protocol/close.ts:CLOSING_TABLE.OPEN'],
      also: ['protocol/errors.ts:VIOLATIONS'],
      tests: [
        'unit/protocol/endpoint › RFC 6455 §7.1.7: a violation sends its close code and ends the connection',
        'unit/protocol/errors › %s is an error with code, close code and section, fit for a Close',
      ],
    },
    {
      lines: [2390],
      level: 'MAY',
      who: 'both',
      rule: 'The Close may be left out if the peer is unlikely to read it.',
      outcome: 'used',
      note: 'behind our own Close, and when TCP has ended',
      at: ['protocol/close.ts:CLOSING_TABLE.CLOSE_SENT'],
      tests: [
        `${ABNORMAL}an illegal frame instead of a reply fails, without a second Close`,
        'unit/protocol/endpoint › behind our own Close no second Close is sent',
      ],
    },
    {
      lines: [2393],
      level: 'MUST NOT',
      who: 'both',
      rule: 'After a failure nothing that comes is processed, not even a Close.',
      at: ['protocol/receiver.ts:Receiver.fail'],
      tests: [
        'unit/protocol/receiver › %s is a violation; nothing behind it is read',
        'conformance/rfc-5.2-framing › what came before the reserved bit is delivered, what comes behind it is not',
      ],
    },
    {
      lines: [2398],
      level: 'SHOULD NOT',
      who: 'client',
      rule: 'Otherwise a client closes the connection only if the application wants it.',
      at: ['protocol/close.ts:CLOSING_TABLE.OPEN'],
      tests: [
        'unit/protocol/closing-table › every short sequence of inputs keeps the rules of the closing handshake',
      ],
    },
  ],
};

const ABNORMAL_CLOSURES: readonly Section[] = [
  {
    number: '7.2.1',
    title: 'Client-initiated closure',
    statements: [
      {
        lines: [2415],
        level: 'MUST',
        who: 'client',
        rule: 'A handshake that fails fails the connection.',
        at: ['client/establish.ts:ClientHandshake.abort'],
        tests: ["unit/client/establish › %s: 'error', then 'close' 1006"],
      },
      {
        lines: [2419],
        level: 'MUST',
        who: 'client',
        rule: 'A transport that is lost fails the connection.',
        at: [
          'connection/connection.ts:Connection.reportWireEnd',
          'standard/session.ts:Session.end',
        ],
        tests: [
          'unit/connection/closing-handshake › a wire that ends without a Close is 1006 for a %s',
          `${ABNORMAL}a reset is 1006, without 'error'`,
        ],
      },
      {
        lines: [2422],
        level: 'SHOULD NOT',
        who: 'client',
        rule: 'Otherwise a client closes the connection only if the application wants it.',
        note: '`heartbeat`, `idleTimeout` and the other limits are options of the application',
        at: ['protocol/close.ts:CLOSING_TABLE.OPEN'],
        tests: ['unit/connection/closing-handshake › an open connection has no timer'],
      },
    ],
  },
  {
    number: '7.2.2',
    title: 'Server-initiated closure',
    statements: [
      {
        lines: [2429],
        level: 'MUST',
        who: 'server',
        rule: 'A server that aborts the opening handshake closes the connection.',
        at: ['server/refusal.ts:lingeringClose'],
        tests: [
          'handshake/server/refuse-and-answer-nothing-more.http',
          'reliability/server/refusals › H11: a client that ended its side behind the request gets the refusal',
        ],
      },
    ],
  },
  {
    number: '7.2.3',
    title: 'Recovering from abnormal closure',
    statements: [
      {
        lines: [2444],
        level: 'SHOULD',
        who: 'client',
        rule: 'A client that connects again after an abnormal closure waits longer each time.',
        outcome: 'held',
        note: '`ws6455/reconnect`; a WebSocket by itself does not connect again',
        at: ['reconnect/backoff.ts:delayAfter'],
        tests: [
          'unit/reconnect/backoff › a window never begins before the one of the failure before it',
        ],
      },
      {
        lines: [2447],
        level: 'SHOULD',
        who: 'client',
        rule: 'The first attempt waits for a random time.',
        outcome: 'held',
        at: ['reconnect/backoff.ts:delayAfter'],
        tests: ['unit/reconnect/backoff › the first delay is random, from 0 to 5 seconds'],
      },
      {
        lines: [2450],
        level: 'MAY',
        who: 'client',
        rule: 'The random time may be chosen from another range than 0 to 5 seconds.',
        outcome: 'option',
        note: '`backoff.first`; a server can ask for a time: `retryAfter` of `shutdown`',
        at: ['reconnect/backoff.ts:delayAfter'],
        tests: [
          'unit/reconnect/backoff › no delay is longer than the limit, and the random part stays',
        ],
      },
      {
        lines: [2455],
        level: 'SHOULD',
        who: 'client',
        rule: 'Later attempts wait longer, for example twice as long each time, up to a limit.',
        outcome: 'held',
        at: ['reconnect/backoff.ts:delayAfter'],
        tests: [
          'unit/reconnect/backoff › later delays grow, and keep a random part of the same width',
        ],
      },
    ],
  },
];

const NORMAL_CLOSURE: Section = {
  number: '7.3',
  title: 'Normal closure of connections',
  statements: [
    {
      lines: [2467],
      level: 'MAY',
      who: 'server',
      rule: 'A server may close a connection whenever it likes.',
      outcome: 'option',
      note: '`close`, `shutdown`, `maxLifetime`',
      at: [
        'server/end-client.ts:closeClient',
        'protocol/endpoint.ts:Endpoint.startClosingHandshake',
      ],
      tests: [
        'unit/server/lifetimes › a connection is closed after that time, behind its messages, however active it is',
      ],
    },
    {
      lines: [2468],
      level: 'SHOULD NOT',
      who: 'client',
      rule: 'A client does not close a connection without a reason.',
      outcome: 'application',
      note: 'the library closes it for the program, a violation or a limit that the program set',
    },
  ],
};

const CODES: readonly Section[] = [
  {
    number: '7.4',
    title: 'Status codes',
    statements: [
      {
        lines: [2475],
        level: 'MAY',
        who: 'both',
        rule: 'A Close may say why.',
        outcome: 'option',
        note: 'the arguments of `close(code, reason)`',
        at: ['protocol/close.ts:writeClose', 'protocol/errors.ts:VIOLATIONS'],
        tests: ['conformance/rfc-7.4-close-frames › RFC 6455 §7.4: codes that may come in a Close'],
      },
    ],
  },
  {
    number: '7.4.1',
    title: 'Defined status codes',
    statements: [
      {
        lines: [2486],
        level: 'MAY',
        who: 'both',
        rule: 'The codes 1000 to 1003 and 1007 to 1011 may be used.',
        outcome: 'option',
        note: 'the argument `code` of `close`',
        at: ['protocol/close.ts:CloseCode', 'protocol/errors.ts:VIOLATIONS'],
        tests: [
          'unit/websocket/payload › accepts every code that RFC 6455 §7.4 lets an endpoint send, and no other',
          'unit/protocol/close › RFC 6455 §7.4: which codes may stand in a Close frame',
        ],
      },
      {
        lines: [2508],
        level: 'MAY',
        who: 'application',
        rule: 'An endpoint that understands text only may answer a binary message with 1003.',
        outcome: 'application',
        note: '`close(1003)`',
      },
      {
        lines: [2527],
        level: 'MUST NOT',
        who: 'both',
        rule: 'No Close has the code 1005.',
        at: ['protocol/close.ts:isCloseCode', 'protocol/close.ts:writeClose'],
        tests: [
          'unit/protocol/close › RFC 6455 §7.4.1: a Close with 1005 is written without a code',
          'unit/protocol/close › RFC 6455 §7.4: which codes may stand in a Close frame',
        ],
      },
      {
        lines: [2534],
        level: 'MUST NOT',
        who: 'both',
        rule: 'No Close has the code 1006.',
        at: ['protocol/close.ts:isCloseCode'],
        tests: ['unit/websocket/close › refuses code %p with a TypeError and stays open'],
      },
      {
        lines: [2577],
        level: 'SHOULD',
        who: 'client',
        rule: 'The reason of a Close with 1010 names the extensions that the client needs.',
        outcome: 'application',
        note: 'the library needs none; a program that does can close with 1010',
      },
      {
        lines: [2589],
        level: 'MUST NOT',
        who: 'both',
        rule: 'No Close has the code 1015.',
        at: ['protocol/close.ts:isCloseCode'],
        tests: ['unit/websocket/close › refuses code %p with a TypeError and stays open'],
      },
    ],
  },
  {
    number: '7.4.2',
    title: 'Reserved status code ranges',
    statements: [
      {
        lines: [2597],
        level: 'text',
        who: 'both',
        rule: 'Codes below 1000 are not used, those to 2999 are for the protocol, those from 3000 to 4999 for others.',
        at: ['protocol/close.ts:isCloseCode', 'connection/debug-log.ts:describeCode'],
        tests: [
          'conformance/rfc-7.4-close-frames › RFC 6455 §7.4: codes that may come in a Close',
          'unit/connection/debug-log › the range of the close code %i',
        ],
      },
    ],
  },
];

export const CHAPTER_7_CODES: readonly Section[] = [
  FAILING,
  ...ABNORMAL_CLOSURES,
  NORMAL_CLOSURE,
  ...CODES,
];
