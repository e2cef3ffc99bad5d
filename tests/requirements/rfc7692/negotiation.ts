/** RFC 7692 §4, §5, §7 and §7.1: how permessage-deflate is negotiated. */

import type { Section } from '../requirement.js';

const PARAMETERS = 'unit/permessage-deflate/parameters › ';
const OFFERS = `${PARAMETERS}a client offers`;
const ANSWERS = `${PARAMETERS}a server answers`;
const DECLINED = `${PARAMETERS}RFC 7692 §7.1: an offer is declined`;
const TAKEN = `${PARAMETERS}a client takes the response`;
const REFUSED = `${PARAMETERS}a client refuses the response`;
const ONE_EXTENSION = 'permessage-deflate is the only extension';

const FRAMEWORK: readonly Section[] = [
  {
    number: '4',
    title: 'WebSocket per-message compression extension',
    statements: [
      {
        level: 'MUST',
        who: 'extension',
        rule: 'The specification of a compression extension has its name, its parameters and how it changes a payload.',
        outcome: 'extension',
        note: '§7 does it for permessage-deflate',
      },
      {
        level: 'MUST',
        who: 'extension',
        rule: 'Name and parameters are in Sec-WebSocket-Extensions, in the offer and in the response.',
        outcome: 'extension',
        note: 'as above',
      },
    ],
  },
  {
    number: '5',
    title: 'Extension negotiation',
    statements: [
      {
        level: 'MUST',
        who: 'client',
        rule: 'A client offers the extension by its name in Sec-WebSocket-Extensions.',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'MAY',
        who: 'client',
        rule: 'A client may offer the extension several times, with different parameters, the preferred ones first.',
        outcome: 'not used',
        note: 'one offer is enough for every option; a server reads several',
        at: ['permessage-deflate/parameters.ts:acceptOffer'],
        tests: [ANSWERS],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'The offer says which window the client has, so that the server uses no larger one.',
        note: 'the largest one by default, which needs no parameter; else `serverMaxWindowBits`',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'MAY',
        who: 'client',
        rule: 'The offer may say how large a window the client uses at most.',
        outcome: 'option',
        note: '`clientMaxWindowBits`',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'MUST',
        who: 'server',
        rule: 'A server accepts the extension by its name in Sec-WebSocket-Extensions.',
        at: ['permessage-deflate/parameters.ts:accept'],
        tests: [
          ANSWERS,
          'unit/sans-io/server-handshake › permessage-deflate is used if it is offered and wanted',
        ],
      },
      {
        level: 'MUST',
        who: 'server',
        rule: 'The response has only what the server supports.',
        at: ['permessage-deflate/parameters.ts:accept'],
        tests: [`${PARAMETERS}what a server accepted is in force`],
      },
      {
        level: 'MUST NOT',
        who: 'server',
        rule: 'The extension is not accepted together with one that uses RSV1 too.',
        note: ONE_EXTENSION,
        at: ['server/negotiate.ts:negotiateExtensions'],
        tests: [ANSWERS, 'handshake/server/extensions-unknown.http'],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'A response that accepts two extensions with RSV1 fails the connection.',
        note: 'a second extension was not requested',
        at: ['handshake/client.ts:validateExtensions'],
        tests: ['reliability/client/negotiation › C11: answers that match no offer are refused'],
      },
      {
        level: 'MUST NOT',
        who: 'server',
        rule: 'The extension is not accepted behind one that depends on frames or on bits of each frame.',
        note: ONE_EXTENSION,
        at: ['server/negotiate.ts:negotiateExtensions'],
        tests: [ANSWERS, 'handshake/server/extensions-unknown.http'],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'A response that accepts both of these fails the connection.',
        note: 'a second extension was not requested',
        at: ['handshake/client.ts:validateExtensions'],
        tests: ['reliability/client/negotiation › C11: answers that match no offer are refused'],
      },
      {
        level: 'MUST NOT',
        who: 'server',
        rule: 'A server that declines all offers does not name the extension.',
        at: ['server/negotiate.ts:negotiateExtensions'],
        tests: [
          'handshake/server/extensions-not-supported.http',
          'reliability/server/extensions › H23: without the option no offer is accepted',
        ],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'A response that is not valid, such as one to no offer, fails the connection.',
        at: ['handshake/client.ts:validateExtensions'],
        tests: [
          'handshake/client/refuse-extension-not-requested.http',
          'reliability/client/negotiation › C11: answers that match no offer are refused',
        ],
      },
      {
        level: 'MUST',
        who: 'both',
        rule: 'Both ends use the extension with the parameters of the response.',
        at: ['permessage-deflate/codec.ts:PerMessageDeflate.constructor'],
        tests: [
          'unit/permessage-deflate/codec › understand each other',
          'unit/permessage-deflate/codec › have the window that was agreed for each of them',
        ],
      },
    ],
  },
  {
    number: '5.1',
    title: 'General negotiation flow',
    statements: [
      {
        level: 'text',
        who: 'server',
        rule: 'A server accepts the first offer that it can and wants to.',
        at: ['permessage-deflate/parameters.ts:acceptOffer'],
        tests: [ANSWERS],
      },
      {
        level: 'text',
        who: 'client',
        rule: 'A client that does not want the response closes with 1010.',
        differs: {
          here: 'the opening handshake fails',
          why: '§7 asks for that where the response is not allowed; the other end sees no open connection',
        },
        at: ['client/establish.ts:ClientHandshake.negotiate'],
        tests: ['reliability/client/negotiation › C11: answers that match no offer are refused'],
      },
    ],
  },
];

const EXTENSION: readonly Section[] = [
  {
    number: '7',
    title: 'The permessage-deflate extension',
    statements: [
      {
        level: 'MUST',
        who: 'server',
        rule: 'A server declines an offer with an unknown or repeated parameter, a wrong value, or a configuration that it does not support.',
        at: ['permessage-deflate/parameters.ts:read', 'permessage-deflate/parameters.ts:mayAccept'],
        tests: [
          DECLINED,
          'reliability/server/extensions › H24: window bits are written in one way only',
        ],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'A client fails the connection for a response with an unknown or repeated parameter, a wrong value, or a configuration that it does not support.',
        at: ['permessage-deflate/parameters.ts:read', 'permessage-deflate/parameters.ts:isAllowed'],
        tests: [
          REFUSED,
          'reliability/client/negotiation › C12: window bits are written in one way only',
        ],
      },
    ],
  },
  {
    number: '7.1',
    title: 'Extension parameters',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'Four parameters, for an offer and for a response; those with client_ and server_ name the end that compresses.',
        at: [
          'permessage-deflate/parameters.ts:AgreedParameters',
          'permessage-deflate/codec.ts:Direction',
          'permessage-deflate/options.ts:checkWindowBits',
        ],
        tests: [OFFERS, ANSWERS],
      },
    ],
  },
];

const CONTEXT: readonly Section[] = [
  {
    number: '7.1.1',
    title: 'Context takeover control',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'With context takeover, a message may refer to the messages before it.',
        at: [
          'permessage-deflate/window.ts:SlidingWindow',
          'sans-io/message-inflater.ts:MessageInflater',
        ],
        tests: [
          'conformance/rfc-7692-receiving › §7.2.3.2: two messages that share the window',
          'unit/permessage-deflate/window › with a window of %i it is always the last bytes',
        ],
      },
    ],
  },
  {
    number: '7.1.1.1',
    title: 'server_no_context_takeover',
    statements: [
      {
        level: 'MAY',
        who: 'client',
        rule: 'A client may ask in its offer that the messages of the server refer to no others.',
        outcome: 'option',
        note: '`serverNoContextTakeover`',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'text',
        who: 'server',
        rule: 'A server that accepts an offer with server_no_context_takeover has it in its response.',
        differs: {
          here: 'a client reads the messages of a server that does not',
          why: 'failing would have no advantage',
        },
        at: [
          'permessage-deflate/parameters.ts:accept',
          'permessage-deflate/parameters.ts:isAllowed',
        ],
        tests: [ANSWERS, TAKEN],
      },
      {
        level: 'RECOMMENDED',
        who: 'server',
        rule: 'A server supports server_no_context_takeover in an offer.',
        at: ['permessage-deflate/parameters.ts:accept'],
        tests: [ANSWERS],
      },
      {
        level: 'MAY',
        who: 'server',
        rule: 'A response may have server_no_context_takeover though the offer does not.',
        outcome: 'option',
        note: '`serverNoContextTakeover`',
        at: ['permessage-deflate/parameters.ts:accept'],
        tests: [ANSWERS],
      },
    ],
  },
  {
    number: '7.1.1.2',
    title: 'client_no_context_takeover',
    statements: [
      {
        level: 'MAY',
        who: 'client',
        rule: 'A client may say in an offer that its messages refer to no others.',
        outcome: 'option',
        note: '`clientNoContextTakeover`',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'MAY',
        who: 'server',
        rule: 'A server may have client_no_context_takeover in its response.',
        outcome: 'option',
        note: '`clientNoContextTakeover`; it also repeats the parameter of an offer',
        at: ['permessage-deflate/parameters.ts:accept'],
        tests: [ANSWERS],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'A client supports client_no_context_takeover in a response.',
        at: ['permessage-deflate/parameters.ts:acceptResponse'],
        tests: [
          TAKEN,
          'conformance/rfc-7692-sending › RFC 7692 §7.1: what the product obeys when it sends',
        ],
      },
    ],
  },
];

const WINDOWS: readonly Section[] = [
  {
    number: '7.1.2',
    title: 'Limiting the LZ77 sliding window size',
    statements: [
      {
        level: 'text',
        who: 'both',
        rule: 'A window has 2^8 to 2^15 bytes; without a parameter 2^15.',
        at: [
          'permessage-deflate/parameters.ts:MAX_WINDOW_BITS',
          'permessage-deflate/parameters.ts:readBits',
          'permessage-deflate/options.ts:checkWindowBits',
          'sans-io/message-inflater.ts:MAX_WINDOW',
        ],
        tests: [DECLINED, 'unit/permessage-deflate/options › a window of %p bits is valid'],
      },
    ],
  },
  {
    number: '7.1.2.1',
    title: 'server_max_window_bits',
    statements: [
      {
        level: 'MAY',
        who: 'client',
        rule: 'A client may limit the window of the server in an offer.',
        outcome: 'option',
        note: '`serverMaxWindowBits`',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'The value of server_max_window_bits in an offer is a decimal number from 8 to 15 without leading zeros.',
        at: ['permessage-deflate/parameters.ts:readBits'],
        tests: [DECLINED, OFFERS],
      },
      {
        level: 'text',
        who: 'server',
        rule: 'A server that accepts an offer with server_max_window_bits responds with this value or a smaller one.',
        differs: {
          here: 'a client reads the messages of a server that leaves the parameter out',
          why: 'failing would have no advantage',
        },
        at: [
          'permessage-deflate/parameters.ts:accept',
          'permessage-deflate/parameters.ts:isAllowed',
        ],
        tests: [ANSWERS, TAKEN, REFUSED],
      },
      {
        level: 'MUST',
        who: 'server',
        rule: 'The value of server_max_window_bits in a response is such a number too.',
        at: ['permessage-deflate/parameters.ts:readBits'],
        tests: [REFUSED, ANSWERS],
      },
      {
        level: 'MAY',
        who: 'server',
        rule: 'A response may have server_max_window_bits though the offer does not.',
        outcome: 'option',
        note: '`serverMaxWindowBits`',
        at: ['permessage-deflate/parameters.ts:accept'],
        tests: [ANSWERS],
      },
    ],
  },
  {
    number: '7.1.2.2',
    title: 'client_max_window_bits',
    statements: [
      {
        level: 'MAY',
        who: 'client',
        rule: 'A client may say in an offer that it can limit its window, and to what.',
        outcome: 'option',
        note: '`clientMaxWindowBits`; by default without a value',
        at: ['permessage-deflate/parameters.ts:makeOffer'],
        tests: [OFFERS],
      },
      {
        level: 'MUST',
        who: 'client',
        rule: 'A value of client_max_window_bits in an offer is a decimal number from 8 to 15 without leading zeros.',
        at: ['permessage-deflate/parameters.ts:readBits'],
        tests: [DECLINED],
      },
      {
        level: 'MAY',
        who: 'server',
        rule: 'If the offer has client_max_window_bits, a server may limit the window of the client in its response.',
        outcome: 'option',
        note: '`clientMaxWindowBits`; without it the value of the offer',
        differs: {
          here: 'an offer of a smaller window than `clientMaxWindowBits` is declined',
          why: 'as `ws`: the demand of the program cannot be met',
        },
        at: [
          'permessage-deflate/parameters.ts:clientBits',
          'permessage-deflate/parameters.ts:mayAccept',
        ],
        tests: [ANSWERS, DECLINED],
      },
      {
        level: 'MUST',
        who: 'server',
        rule: 'The value of client_max_window_bits in a response is such a number, and is not left out.',
        at: [
          'permessage-deflate/parameters.ts:readBits',
          'permessage-deflate/parameters.ts:isAllowed',
        ],
        tests: [REFUSED],
      },
      {
        level: 'MUST NOT',
        who: 'server',
        rule: 'A response has client_max_window_bits only if the offer has it.',
        at: [
          'permessage-deflate/parameters.ts:mayAccept',
          'permessage-deflate/parameters.ts:isAllowed',
        ],
        tests: [DECLINED, REFUSED],
      },
    ],
  },
];

/** The sections in front of the framing, and those of the parameters, which come behind it. */
export const NEGOTIATION: readonly Section[] = FRAMEWORK;
export const PARAMETER_SECTIONS: readonly Section[] = [...EXTENSION, ...CONTEXT, ...WINDOWS];
