/** RFC 6455 §8 and §9: errors in UTF-8, extensions. */

import type { Section } from '../requirement.js';

const UTF8 = 'conformance/rfc-8.1-utf8 › ';

const UTF8_ERRORS: Section = {
  number: '8.1',
  title: 'Handling errors in UTF-8-encoded data',
  statements: [
    {
      lines: [2639],
      level: 'MUST',
      who: 'both',
      rule: 'Text that is not UTF-8 fails the connection.',
      differs: {
        here: 'not with `skipUTF8Validation`',
        why: 'as `ws`: the program asks for it',
      },
      at: ['protocol/receiver.ts:Receiver.takeMessage', 'protocol/close.ts:readClose'],
      tests: [
        `${UTF8}RFC 6455 §8.1: invalid text fails with 1007 and is never delivered`,
        `${UTF8}a close reason that is not UTF-8 fails`,
        `${UTF8}with skipUTF8Validation nothing is checked`,
      ],
    },
    {
      lines: [2640],
      level: 'text',
      who: 'both',
      rule: 'The rule is for the opening handshake and for data; text may fail before it is complete.',
      note: 'the fields of the handshake that we read are ASCII, so all else is refused',
      at: [
        'protocol/utf8.ts:Utf8Check',
        'protocol/receiver.ts:Receiver.takePiece',
        'sans-io/frame-content.ts:ContentReader',
      ],
      tests: [
        `${UTF8}RFC 6455 §8.1: failure at the first byte that can no longer be UTF-8`,
        'handshake/server/subprotocol-not-ascii.http',
        'unit/sans-io/frame-content › text that is not UTF-8 is a violation, and shown as bytes',
      ],
    },
  ],
};

const EXTENSIONS: readonly Section[] = [
  {
    number: '9',
    title: 'Extensions',
    statements: [
      {
        lines: [2645],
        level: 'MAY',
        who: 'client',
        rule: 'A client may request extensions.',
        outcome: 'option',
        note: '`perMessageDeflate`, which a client offers by default',
        at: ['permessage-deflate/parameters.ts:makeOffer', 'protocol/extension.ts:Extension'],
        tests: ['unit/permessage-deflate/parameters › a client offers'],
      },
      {
        lines: [2646],
        level: 'MAY',
        who: 'server',
        rule: 'A server may accept some or all of them.',
        outcome: 'option',
        note: '`perMessageDeflate`, off by default',
        at: ['server/negotiate.ts:negotiateExtensions', 'protocol/decoder.ts:Decoder'],
        tests: ['reliability/compression/opt-in › a server agrees to it only with the option'],
      },
      {
        lines: [2647],
        level: 'MUST NOT',
        who: 'server',
        rule: 'A server responds with no extension that was not requested.',
        at: ['permessage-deflate/parameters.ts:acceptOffer'],
        tests: [
          'unit/permessage-deflate/parameters › RFC 7692 §7.1: an offer is declined',
          'handshake/server/extensions-not-supported.http',
        ],
      },
      {
        lines: [2649],
        level: 'MUST',
        who: 'both',
        rule: 'Parameters are those that the specification of the extension allows.',
        at: ['permessage-deflate/parameters.ts:read'],
        tests: [
          'unit/permessage-deflate/parameters › RFC 7692 §7.1: an offer is declined',
          'unit/permessage-deflate/parameters › a client refuses the response',
        ],
      },
    ],
  },
  {
    number: '9.1',
    title: 'Negotiating extensions',
    statements: [
      {
        lines: [2662],
        level: 'MUST',
        who: 'both',
        rule: 'A Sec-WebSocket-Extensions that breaks the grammar fails the connection at once.',
        at: ['handshake/client.ts:validateExtensions', 'handshake/server.ts:validateOptional'],
        tests: [
          'handshake/client/refuse-extension-malformed.http',
          'handshake/server/extensions-unclosed-quote.http',
        ],
      },
      {
        lines: [2672],
        level: 'MUST',
        who: 'both',
        rule: 'The value of a quoted parameter is a token without its quotes.',
        at: [
          'handshake/fields.ts:ExtensionParser.readParameter',
          'compat/extension.ts:Scanner.quoted',
        ],
        tests: [
          'handshake/server/extensions-quoted-no-token.http',
          'unit/compat/extension › says where %j goes wrong',
        ],
      },
      {
        lines: [2689],
        level: 'MAY',
        who: 'both',
        rule: 'The field may be split over several lines.',
        outcome: 'Node',
        note: '`node:http` joins the lines with a comma',
        tests: ['handshake/server/extensions-unknown-in-several-lines.http'],
      },
      {
        lines: [2700],
        level: 'MUST',
        who: 'both',
        rule: 'An extension is used by its registered name.',
        at: ['permessage-deflate/parameters.ts:EXTENSION_NAME'],
        tests: [
          'unit/permessage-deflate/codec › RFC 7692 §6, §7: it has a name, owns RSV1 and has the response of the server',
        ],
      },
      {
        lines: [2701],
        level: 'MUST',
        who: 'both',
        rule: 'Parameters are defined for their extension.',
        at: ['permessage-deflate/parameters.ts:read'],
        tests: [
          'unit/permessage-deflate/parameters › RFC 7692 §7.1: an offer is declined',
          'unit/permessage-deflate/parameters › a client refuses the response',
        ],
      },
      {
        lines: [2703],
        level: 'MUST NOT',
        who: 'client',
        rule: 'A client uses no extension that the server does not accept.',
        at: ['handshake/client.ts:validateExtensions'],
        tests: [
          'conformance/rfc-5.2-framing › RFC 6455 §5.2: reserved bits are 0 unless an extension was negotiated',
          'reliability/compression/opt-in › D10: compression is not switched on by itself',
        ],
      },
      {
        lines: [2706],
        level: 'text',
        who: 'client',
        rule: 'The order of extensions is that of preference, and the order in which they are applied.',
        note: 'parameters and extensions keep their order',
        at: ['protocol/extension.ts:ExtensionOffer', 'server/negotiate.ts:negotiateExtensions'],
        tests: [
          'unit/handshake/server › RFC 6455 §9.1: extensions are listed as they are offered, known or not',
          'unit/permessage-deflate/parameters › to %s with %j: %s',
        ],
      },
      {
        lines: [2707],
        level: 'MAY',
        who: 'extension',
        rule: 'The specifications of extensions may say how they work together.',
        outcome: 'extension',
        note: 'RFC 7692 does',
        differs: {
          here: 'permessage-deflate is the only extension',
          why: 'it is the only one in use',
        },
      },
    ],
  },
  {
    number: '9.2',
    title: 'Known extensions',
    statements: [
      {
        lines: [2753],
        level: 'MAY',
        who: 'both',
        rule: 'Extensions that are defined elsewhere may be used.',
        outcome: 'option',
        note: '`perMessageDeflate` (RFC 7692)',
        at: ['permessage-deflate/codec.ts:PerMessageDeflate'],
        tests: [
          'unit/permessage-deflate/codec › RFC 7692 §6, §7: it has a name, owns RSV1 and has the response of the server',
        ],
      },
    ],
  },
];

export const CHAPTERS_8_TO_9: readonly Section[] = [UTF8_ERRORS, ...EXTENSIONS];
