/** RFC 6455 §4.2 to §4.4: the opening handshake of a server, its grammar and its versions. */

import type { Section } from '../requirement.js';

const H4 = 'reliability/server/requests › H4: tokens that merely contain the word are refused';

const READING: Section = {
  number: '4.2.1',
  title: "Reading the client's opening handshake",
  statements: [
    {
      lines: [1124],
      level: 'must',
      who: 'server',
      rule: 'A server reads as much of the request as it needs for its response.',
      at: ['server/upgrade.ts:OpeningHandshake.validate'],
      tests: ['handshake/server/accept-rfc-1.2-example.http'],
    },
    {
      lines: [1133],
      level: 'MUST',
      who: 'server',
      rule: 'A request that is no valid opening handshake is answered with an HTTP error, such as 400.',
      at: ['server/upgrade.ts:OpeningHandshake.validate'],
      tests: [
        'handshake/server/refuse-several-faults.http',
        'reliability/server/requests › H9: broken header syntax is refused',
      ],
    },
    {
      lines: [1137],
      level: 'item',
      who: 'server',
      rule: 'The request is a GET of HTTP/1.1 or higher.',
      at: ['handshake/server.ts:checkRequestLine'],
      tests: [
        'handshake/server/refuse-method-post.http',
        'handshake/server/refuse-http-1.0.http',
        'unit/handshake/fields › RFC 6455 §4.2.1: whether HTTP/%s is 1.1 or higher: %s',
      ],
    },
    {
      lines: [1138],
      level: 'text',
      who: 'server',
      rule: 'The request target is a resource name, or an absolute URI that has one.',
      at: ['handshake/server.ts:pathOf', 'server/check-options.ts:checkPath'],
      tests: [
        'handshake/server/accept-absolute-form.http',
        'handshake/server/refuse-target-asterisk.http',
      ],
    },
    {
      lines: [1142],
      level: 'item',
      who: 'server',
      rule: "Host has the server's authority.",
      at: ['handshake/server.ts:hasValidHost'],
      tests: [
        'handshake/server/refuse-no-host.http',
        'handshake/server/refuse-host-with-blank.http',
      ],
    },
    {
      lines: [1144],
      level: 'item',
      who: 'server',
      rule: 'Upgrade has "websocket", in any case.',
      at: ['handshake/server.ts:checkFields'],
      tests: [
        'handshake/server/refuse-no-upgrade.http',
        'handshake/server/accept-upgrade-in-upper-case.http',
        H4,
      ],
    },
    {
      lines: [1147],
      level: 'item',
      who: 'server',
      rule: 'Connection has the token "Upgrade", in any case.',
      at: ['handshake/server.ts:checkFields'],
      tests: [
        'handshake/server/refuse-connection-missing.http',
        'handshake/server/accept-connection-in-upper-case.http',
        H4,
      ],
    },
    {
      lines: [1150],
      level: 'item',
      who: 'server',
      rule: 'Sec-WebSocket-Key is 16 bytes in base64.',
      at: ['handshake/server.ts:checkFields'],
      tests: [
        'handshake/server/refuse-key-15-bytes.http',
        'reliability/server/requests › H5: keys that are not 16 bytes in base64 are refused',
      ],
    },
    {
      lines: [1154],
      level: 'item',
      who: 'server',
      rule: 'Sec-WebSocket-Version is 13.',
      at: ['handshake/server.ts:checkFields'],
      tests: [
        'handshake/server/refuse-version-missing.http',
        'handshake/server/refuse-version-leading-zero.http',
      ],
    },
    {
      lines: [1158],
      level: 'SHOULD NOT',
      who: 'server',
      rule: 'A request without Origin is not taken for one of a browser.',
      at: ['handshake/origin.ts:isOriginAllowed'],
      also: ['handshake/origin.ts:hasForeignOrigin'],
      tests: [
        'unit/handshake/origin › accepts a request without Origin, and refuses every Origin when it is empty',
        'unit/handshake/origin › %s does not have %s',
      ],
    },
    {
      lines: [1161],
      level: 'text',
      who: 'server',
      rule: 'Sec-WebSocket-Protocol and Sec-WebSocket-Extensions are read if the request has them.',
      at: ['handshake/server.ts:validateOptional'],
      tests: [
        'unit/handshake/server › a valid request is accepted with what it asks for',
        'handshake/server/subprotocol-only-one.http',
      ],
    },
    {
      lines: [1177],
      level: 'text',
      who: 'server',
      rule: 'Unknown header fields are ignored.',
      at: ['handshake/server.ts:validateRequired'],
      tests: ['handshake/server/accept-unknown-fields-and-cookies.http'],
    },
  ],
};

const SENDING: Section = {
  number: '4.2.2',
  title: "Sending the server's opening handshake",
  statements: [
    {
      lines: [1184],
      level: 'MUST',
      who: 'server',
      rule: 'A server accepts a connection by the steps of this section.',
      at: ['server/accept.ts:accept'],
      also: ['handshake/errors.ts:REFUSALS', 'crossws/accept-with.ts:OWN_FIELDS'],
      tests: ['handshake/server/accept-rfc-1.2-example.http'],
    },
    {
      lines: [1192],
      level: 'MUST',
      who: 'server',
      rule: 'With HTTPS everything goes through TLS.',
      outcome: 'Node',
      note: '`node:https`, whose server is the option `server`',
      tests: [
        'reliability/environment › one byte in each record is a handshake and a message like any other',
      ],
    },
    {
      lines: [1195],
      level: 'text',
      who: 'server',
      rule: 'A server can authenticate the client, for example with 401.',
      outcome: 'option',
      note: '`authenticate`, `verifyClient`',
      at: [
        'server/upgrade.ts:OpeningHandshake.authenticate',
        'server/authentication.ts:authenticationRefusal',
      ],
      tests: ['reliability/authentication › refuses with 401 for %p'],
    },
    {
      lines: [1199],
      level: 'MAY',
      who: 'server',
      rule: 'A server may redirect the client.',
      outcome: 'option',
      note: '`authenticate` or `verifyClient`, which may refuse with a status 3xx and Location',
      at: ['server/refusal.ts:refuse'],
      tests: ['unit/server/refusal › with %p'],
    },
    {
      lines: [1209],
      level: 'MAY',
      who: 'server',
      rule: 'Origin may decide whether a connection is accepted.',
      outcome: 'option',
      note: '`origins`; without a check a foreign origin is warned of once',
      at: ['handshake/origin.ts:isOriginAllowed', 'server/authentication.ts:checkHostAndOrigin'],
      tests: [
        "reliability/authentication › 'same' refuses other origins, null and two lines with 403",
        'handshake/server/accept-origin-verified.http',
      ],
    },
    {
      lines: [1213],
      level: 'MUST',
      who: 'server',
      rule: 'An origin that is not accepted is answered with an HTTP error, for example 403.',
      note: '403 of `origins`',
      differs: {
        here: '`verifyClient` refuses with 401 unless it gives another status',
        why: 'as `ws`; 403 is an example in the text',
      },
      at: [
        'server/upgrade.ts:OpeningHandshake.verify',
        'server/authentication.ts:checkHostAndOrigin',
      ],
      tests: [
        "reliability/authentication › 'same' refuses other origins, null and two lines with 403",
        'handshake/server/refuse-verify-client.http',
      ],
    },
    {
      lines: [1238],
      level: 'MUST',
      who: 'server',
      rule: 'A version that is not understood is answered with an error and the versions that are.',
      at: ['handshake/server.ts:checkFields'],
      tests: [
        'handshake/server/refuse-version-8.http',
        'reliability/server/requests › %s are refused, and 13 is named',
      ],
    },
    {
      lines: [1246],
      level: 'text',
      who: 'server',
      rule: 'A server with several services chooses by the resource name of the request.',
      outcome: 'option',
      note: '`path`, `route`',
      at: ['server/routes.ts:Routes.find', 'server/shared-server.ts:dispatch'],
      tests: ['unit/server/routes › gives connections to the listener of their route only'],
    },
    {
      lines: [1249],
      level: 'MUST',
      who: 'server',
      rule: 'A resource that is not available is answered with an HTTP error, such as 404.',
      at: ['server/upgrade.ts:OpeningHandshake.validate', 'server/shared-server.ts:askNext'],
      tests: [
        'handshake/server/refuse-path.http',
        'unit/server/shared-server › %s: %s',
        'unit/server/routes › the path of a request',
      ],
    },
    {
      lines: [1255],
      level: 'MUST',
      who: 'server',
      rule: 'The subprotocol is one of the request.',
      at: ['server/accept.ts:chooseSubprotocol', 'sans-io/server-handshake.ts:chooseSubprotocol'],
      tests: [
        'handshake/server/subprotocol-chosen-by-the-server.http',
        'handshake/server/subprotocol-not-offered-chosen.http',
        'unit/sans-io/server-handshake › a subprotocol is used only if it is chosen',
      ],
    },
    {
      lines: [1264],
      level: 'MUST NOT',
      who: 'server',
      rule: 'Without a subprotocol the response has no Sec-WebSocket-Protocol.',
      at: ['server/accept.ts:accept'],
      tests: [
        'handshake/server/subprotocol-declined.http',
        'handshake/server/subprotocol-nothing-offered.http',
      ],
    },
    {
      lines: [1274],
      level: 'MUST',
      who: 'server',
      rule: 'The extensions are chosen from those of the request.',
      at: [
        'server/negotiate.ts:negotiateExtensions',
        'sans-io/server-handshake.ts:acceptExtension',
      ],
      tests: [
        'reliability/server/extensions › H23: offers that cannot be accepted are declined',
        'unit/sans-io/server-handshake › permessage-deflate is used if it is offered and wanted',
      ],
    },
    {
      lines: [1289],
      level: 'MUST NOT',
      who: 'server',
      rule: 'An extension that the client did not list is not listed.',
      at: [
        'server/negotiate.ts:negotiateExtensions',
        'sans-io/server-handshake.ts:acceptExtension',
      ],
      tests: [
        'handshake/server/extensions-unknown.http',
        'reliability/server/extensions › H23: without the option no offer is accepted',
      ],
    },
    {
      lines: [1293],
      level: 'MUST',
      who: 'server',
      rule: 'The response is valid HTTP: 101, Upgrade, Connection and Sec-WebSocket-Accept.',
      at: ['handshake/server.ts:acceptLines'],
      tests: [
        'handshake/server/accept-rfc-1.3-key.http',
        'unit/handshake/server › RFC 6455 §1.3: the response to the sample request',
      ],
    },
    {
      lines: [1305],
      level: 'item',
      who: 'server',
      rule: 'The accept value is the SHA-1 of the key and the GUID, in base64.',
      at: ['handshake/fields.ts:acceptFor'],
      tests: ['unit/handshake/fields › RFC 6455 §1.3: the accept value of the sample key'],
    },
  ],
};

export const CHAPTER_4_SERVER: readonly Section[] = [
  {
    number: '4.2',
    title: 'Server-side requirements',
    statements: [
      {
        lines: [1095],
        level: 'MAY',
        who: 'server',
        rule: 'Load balancers and proxies may manage the connection.',
        outcome: 'option',
        note: '`trustProxy`, `noServer`',
        at: ['server/address.ts:forwardedAddress', 'server/upgrade-request.ts:Upgrade'],
        tests: ['unit/server/address › behind %d proxies with %p is %s'],
      },
    ],
  },
  READING,
  SENDING,
  {
    number: '4.3',
    title: 'Collected ABNF for new header fields',
    statements: [
      {
        lines: [1361],
        level: 'text',
        who: 'both',
        rule: 'Blanks may stand between the tokens of a field (RFC 2616 §2.1).',
        at: ['handshake/fields.ts:ExtensionParser.readParameter'],
        tests: [
          'handshake/server/subprotocol-blanks-and-tabs.http',
          'unit/handshake/fields › reads %s',
        ],
      },
      {
        lines: [1380],
        level: 'text',
        who: 'both',
        rule: 'A list has at least one element; others may be empty (RFC 2616 §2.1).',
        outcome: 'not followed',
        differs: {
          here: 'an empty element is an error: 400',
          why: 'as `ws`; nobody sends them',
        },
        at: ['handshake/fields.ts:parseSubprotocols', 'handshake/fields.ts:parseExtensions'],
        tests: [
          'unit/handshake/fields › refuses %p',
          'reliability/server/field-values › H17: lists that break the grammar are refused',
        ],
      },
      {
        lines: [1403],
        level: 'MUST',
        who: 'both',
        rule: 'The value of a quoted parameter is a token without its quotes.',
        at: [
          'handshake/fields.ts:ExtensionParser.readParameter',
          'compat/extension.ts:Scanner.quoted',
        ],
        tests: [
          'handshake/server/extensions-quoted-no-token.http',
          'unit/handshake/fields › refuses %p',
          'unit/compat/extension › says where %j goes wrong',
        ],
      },
    ],
  },
  {
    number: '4.4',
    title: 'Supporting multiple versions of the WebSocket Protocol',
    statements: [
      {
        lines: [1430],
        level: 'MUST',
        who: 'server',
        rule: 'The response to another version names the versions that the server understands.',
        at: ['handshake/server.ts:refusalFields'],
        tests: [
          'handshake/server/refuse-version-rfc-4.4-example.http',
          'unit/handshake/server › RFC 6455 §4.4: 426 names the version, 405 the method',
        ],
      },
      {
        lines: [1433],
        level: 'text',
        who: 'client',
        rule: 'A client that understands one of them can repeat the handshake.',
        outcome: 'not used',
        note: 'the library has one version',
      },
    ],
  },
];
