/** RFC 6455 §10 and §11: security, registries. */

import type { Section } from '../requirement.js';

const JOINED = '`node:http` joins two fields, and the result is refused as a value';

const SECURITY: readonly Section[] = [
  {
    number: '10.1',
    title: 'Non-browser clients',
    statements: [
      {
        lines: [2774],
        level: 'must',
        who: 'application',
        rule: 'A server expects requests that no browser sends, and trusts no input.',
        outcome: 'application',
        note: 'what the protocol has is validated; messages belong to the application',
      },
    ],
  },
  {
    number: '10.2',
    title: 'Origin considerations',
    statements: [
      {
        lines: [2784],
        level: 'SHOULD',
        who: 'server',
        rule: 'A server for certain sites checks Origin.',
        outcome: 'option',
        note: '`origins`; a foreign origin that nobody checks is warned of once',
        at: ['handshake/origin.ts:isOriginAllowed', 'server/authentication.ts:checkHostAndOrigin'],
        also: ['server/authentication.ts:warnOfForeignOrigin'],
        tests: [
          "reliability/authentication › 'same' refuses other origins, null and two lines with 403",
          'reliability/authentication › is warned of once per server',
        ],
      },
      {
        lines: [2786],
        level: 'SHOULD',
        who: 'server',
        rule: 'An origin that is not accepted is answered with 403.',
        outcome: 'option',
        note: '`origins`; `verifyClient` gives its own status',
        at: ['server/authentication.ts:checkHostAndOrigin'],
        tests: [
          "reliability/authentication › 'same' refuses other origins, null and two lines with 403",
        ],
      },
    ],
  },
  {
    number: '10.3',
    title: 'Attacks on infrastructure (masking)',
    statements: [
      {
        lines: [2843],
        level: 'MUST',
        who: 'client',
        rule: 'Each frame has a new key that the application cannot predict.',
        at: ['protocol/mask.ts:MaskingKeys.next'],
        tests: [
          'reliability/client/requests › C15: every frame has a masking key of its own',
          'unit/protocol/mask › RFC 6455 §5.3: every key is drawn anew, also past the end of the pool',
        ],
      },
      {
        lines: [2864, 2872, 2874],
        level: 'must',
        who: 'client',
        rule: 'Once a frame has begun, the application cannot change its payload.',
        at: ['protocol/write-batch.ts:ownPayload'],
        tests: [
          'unit/protocol/write-batch › RFC 6455 §10.3: data of the program is never changed',
          'reliability/connection › a large buffer that is filled again behind send() is sent as it was',
        ],
      },
      {
        lines: [2881],
        level: 'must',
        who: 'client',
        rule: 'Only what a client sends is masked.',
        at: ['protocol/sender.ts:Sender.masks'],
        tests: ['unit/websocket/send › masks as a client, never as a server'],
      },
    ],
  },
  {
    number: '10.4',
    title: 'Implementation-specific limits',
    statements: [
      {
        lines: [2894],
        level: 'MUST',
        who: 'both',
        rule: 'An implementation with limits protects itself from what exceeds them.',
        at: ['protocol/frame-rules.ts:checkLength', 'permessage-deflate/inflate.ts:tooLong'],
        tests: [
          'conformance/rfc-5.2-framing › RFC 6455 §7.4.1: 1009 for a message that is too big',
          'reliability/compression/bombs › %s: %s, fails with 1009 and costs little memory',
          'reliability/floods › are cut off with 1008 at the limit, for each of 50 peers',
        ],
      },
      {
        lines: [2899],
        level: 'SHOULD',
        who: 'both',
        rule: 'Frames, and messages of several frames, have a maximum size.',
        note: '`maxPayload`, 100 MiB by default; `maxFragments`',
        at: ['protocol/assembler.ts:MessageAssembler.acceptHeader'],
        also: ['connection/options.ts:DEFAULTS', 'connection/inbound-limits.ts:InboundLimits'],
        tests: [
          'unit/protocol/assembler › holds all fragments of a message together against maxPayload',
          'reliability/floods › R1: a server has a limit of 131,072 fragments by default',
        ],
      },
    ],
  },
  {
    number: '10.5',
    title: 'WebSocket client authentication',
    statements: [
      {
        lines: [2917],
        level: 'text',
        who: 'server',
        rule: 'A server can use any authentication of HTTP: cookies, Authorization, TLS.',
        outcome: 'option',
        note: '`authenticate`, `verifyClient`',
        at: ['server/upgrade.ts:OpeningHandshake.authenticate'],
        tests: ['reliability/authentication › makes %s the context'],
      },
    ],
  },
  {
    number: '10.6',
    title: 'Connection confidentiality and integrity',
    statements: [
      {
        lines: [2925],
        level: 'MUST',
        who: 'both',
        rule: 'TLS is supported.',
        note: 'a server gives its `node:https` server as the option `server`',
        at: ['client/create-connection.ts:connectTls'],
        tests: [
          'reliability/environment › one byte in each record is a handshake and a message like any other',
          'unit/server/shared-server › servers share an https server as well',
        ],
      },
      {
        lines: [2925],
        level: 'SHOULD',
        who: 'application',
        rule: 'TLS is used.',
        outcome: 'application',
        note: 'the URL and the server decide',
      },
      {
        lines: [2932],
        level: 'text',
        who: 'client',
        rule: 'A client uses strong TLS algorithms only.',
        outcome: 'Node',
        note: '`node:tls` has the defaults; `ciphers` and `minVersion` are options of a client',
        tests: [
          'unit/client/options › the options of ws, of node:http, node:https, node:tls and node:net are known',
        ],
      },
    ],
  },
  {
    number: '10.7',
    title: 'Handling of invalid data',
    statements: [
      {
        lines: [2940],
        level: 'MUST',
        who: 'both',
        rule: 'Received data is always validated.',
        differs: {
          here: 'text is not with `skipUTF8Validation`',
          why: 'as `ws`: the program asks for it',
        },
        at: ['protocol/frame-rules.ts:checkHeaderStart'],
        tests: [
          'fuzz/random-bytes › F15: bytes that nobody meant',
          'unit/protocol/frame-rules › %s, in a message: %s → %s',
        ],
      },
      {
        lines: [2946],
        level: 'MAY',
        who: 'both',
        rule: 'Data that is not understood may end the TCP connection.',
        outcome: 'used',
        note: 'behind a Close or an HTTP error',
        at: ['protocol/endpoint.ts:Endpoint.onViolation', 'server/refusal.ts:lingeringClose'],
        tests: ['conformance/rfc-7-closing › a peer that $what is dropped ($subject)'],
      },
      {
        lines: [2947],
        level: 'SHOULD',
        who: 'both',
        rule: 'After the opening handshake a Close with a code comes first.',
        at: ['protocol/endpoint.ts:Endpoint.onViolation'],
        tests: [
          'unit/protocol/endpoint › RFC 6455 §7.1.7: a violation sends its close code and ends the connection',
        ],
      },
      {
        lines: [2952],
        level: 'SHOULD',
        who: 'server',
        rule: 'In the opening handshake the server answers with an HTTP status.',
        at: ['server/upgrade.ts:OpeningHandshake.refuseInvalid'],
        also: ['handshake/errors.ts:REFUSALS'],
        tests: ['unit/handshake/errors › a refused request has the status that the server answers'],
      },
      {
        lines: [2958],
        level: 'text',
        who: 'both',
        rule: 'The length says where a frame ends, not what is in it: text in a wrong encoding breaks no frame.',
        at: ['protocol/frame-reader.ts:FrameReader.advance'],
        tests: [
          'unit/protocol/frame-reader › cut anywhere are the same',
          'unit/sans-io/frame-content › text that is not UTF-8 is a violation, and shown as bytes',
        ],
      },
    ],
  },
];

const REGISTRIES: readonly Section[] = [
  {
    number: '11.1.1',
    title: 'Registration of the scheme ws',
    statements: [
      {
        lines: [3010],
        level: 'MUST',
        who: 'client',
        rule: 'A host that is not ASCII is converted to ASCII.',
        at: ['client/url.ts:readUrl'],
        tests: ['handshake/client/request-international-host.http'],
      },
      {
        lines: [3026],
        level: 'MUST',
        who: 'client',
        rule: 'Other parts that are not ASCII are encoded as UTF-8 with percent signs.',
        at: ['client/url.ts:readUrl'],
        tests: ['handshake/client/request-path-is-encoded.http'],
      },
    ],
  },
  {
    number: '11.1.2',
    title: 'Registration of the scheme wss',
    statements: [
      {
        lines: [3087],
        level: 'MUST',
        who: 'client',
        rule: 'wss: a host that is not ASCII is converted to ASCII.',
        at: ['client/url.ts:readUrl'],
        tests: ['unit/client/url › wss: the host in ASCII, the path with percent signs'],
      },
      {
        lines: [3094],
        level: 'MUST',
        who: 'client',
        rule: 'wss: other parts that are not ASCII are encoded as UTF-8 with percent signs.',
        at: ['client/url.ts:readUrl'],
        tests: ['unit/client/url › wss: the host in ASCII, the path with percent signs'],
      },
    ],
  },
  {
    number: '11.3.1',
    title: 'Sec-WebSocket-Key',
    statements: [
      {
        lines: [3176],
        level: 'MUST NOT',
        who: 'client',
        rule: 'Sec-WebSocket-Key does not come twice in a request.',
        note: JOINED,
        at: ['handshake/fields.ts:isKey'],
        tests: [
          'handshake/server/refuse-key-twice.http',
          'handshake/client/request-fields-of-the-handshake-win.http',
        ],
      },
    ],
  },
  {
    number: '11.3.2',
    title: 'Sec-WebSocket-Extensions',
    statements: [
      {
        lines: [3222],
        level: 'MAY',
        who: 'client',
        rule: 'Sec-WebSocket-Extensions may come several times in a request, as one list.',
        outcome: 'Node',
        note: '`node:http` joins the fields; a client of the library sends one',
        tests: ['handshake/server/extensions-unknown-in-several-lines.http'],
      },
      {
        lines: [3225],
        level: 'MUST NOT',
        who: 'server',
        rule: 'Sec-WebSocket-Extensions does not come twice in a response.',
        note: JOINED,
        at: ['handshake/client.ts:validateExtensions'],
        tests: ['handshake/client/refuse-extension-two-lines.http'],
      },
    ],
  },
  {
    number: '11.3.3',
    title: 'Sec-WebSocket-Accept',
    statements: [
      {
        lines: [3264],
        level: 'MUST NOT',
        who: 'server',
        rule: 'Sec-WebSocket-Accept does not come twice in a response.',
        note: JOINED,
        at: ['handshake/client.ts:validateResponse'],
        tests: ['handshake/client/refuse-accept-two-lines.http'],
      },
    ],
  },
  {
    number: '11.3.4',
    title: 'Sec-WebSocket-Protocol',
    statements: [
      {
        lines: [3305],
        level: 'MAY',
        who: 'client',
        rule: 'Sec-WebSocket-Protocol may come several times in a request, as one list.',
        outcome: 'Node',
        note: '`node:http` joins the fields; a client of the library sends one',
        at: ['compat/extension.ts:subprotocol'],
        tests: ['handshake/server/subprotocol-two-lines.http'],
      },
      {
        lines: [3308],
        level: 'MUST NOT',
        who: 'server',
        rule: 'Sec-WebSocket-Protocol does not come twice in a response.',
        note: JOINED,
        at: ['handshake/client.ts:validateSubprotocol'],
        tests: ['handshake/client/refuse-subprotocol-two-lines.http'],
      },
    ],
  },
  {
    number: '11.3.5',
    title: 'Sec-WebSocket-Version',
    statements: [
      {
        lines: [3361],
        level: 'MAY',
        who: 'server',
        rule: 'Sec-WebSocket-Version may come several times in a response, as one list.',
        outcome: 'not used',
        note: 'the library has one version, so one field is enough',
      },
      {
        lines: [3364],
        level: 'MUST NOT',
        who: 'client',
        rule: 'Sec-WebSocket-Version does not come twice in a request.',
        note: JOINED,
        at: ['handshake/server.ts:checkFields'],
        tests: ['handshake/server/refuse-version-two-lines.http'],
      },
    ],
  },
  {
    number: '11.4',
    title: 'WebSocket extension name registry',
    statements: [
      {
        lines: [3378],
        level: 'must',
        who: 'extension',
        rule: 'The registered name of an extension is a token.',
        outcome: 'extension',
        note: 'RFC 7692 has registered permessage-deflate',
      },
    ],
  },
  {
    number: '11.5',
    title: 'WebSocket subprotocol name registry',
    statements: [
      {
        lines: [3422, 3424],
        level: 'must',
        who: 'application',
        rule: 'The registered name of a subprotocol is a token.',
        outcome: 'application',
        note: 'a name that is no token is refused: 4.1',
      },
    ],
  },
  {
    number: '11.6',
    title: 'WebSocket version number registry',
    statements: [
      {
        lines: [3447],
        level: 'must',
        who: 'both',
        rule: 'A version is a number from 0 to 255; 13 is the standard one.',
        at: ['handshake/client.ts:buildRequest', 'handshake/server.ts:checkFields'],
        tests: ['handshake/client/request-plain.http', 'handshake/server/refuse-version-256.http'],
      },
    ],
  },
  {
    number: '11.7',
    title: 'WebSocket close code number registry',
    statements: [
      {
        lines: [3540],
        level: 'text',
        who: 'both',
        rule: 'A close code is a number from 1000 to 4999; others than those of 7.4.1 are registered.',
        note: '1012 to 1014 are registered since',
        at: ['protocol/close.ts:isCloseCode', 'protocol/close.ts:CloseCode'],
        tests: ['unit/protocol/close › RFC 6455 §7.4: which codes may stand in a Close frame'],
      },
    ],
  },
  {
    number: '11.8',
    title: 'WebSocket opcode registry',
    statements: [
      {
        lines: [3627],
        level: 'text',
        who: 'both',
        rule: 'The registry has the opcodes of 5.2; the others are unassigned.',
        at: ['protocol/frame.ts:Opcode', 'sans-io/frame-fields.ts:nameOfOpcode'],
        tests: [
          'conformance/rfc-5.2-framing › RFC 6455 §5.2: an unknown opcode fails the connection',
        ],
      },
    ],
  },
];

export const CHAPTERS_10_TO_11: readonly Section[] = [...SECURITY, ...REGISTRIES];
