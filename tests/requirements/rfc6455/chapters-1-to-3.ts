/** RFC 6455 §1 to §3: introduction, conformance requirements, WebSocket URIs. */

import type { Section } from '../requirement.js';

export const CHAPTERS_1_TO_3: readonly Section[] = [
  {
    number: '1.3',
    title: 'Opening handshake',
    statements: [
      {
        lines: [417],
        level: 'text',
        who: 'server',
        rule: 'The accept value is a hash of the key and of a fixed GUID.',
        note: 'chapter 1 is informative; 4.2.2 has the rule',
        at: ['handshake/fields.ts:acceptFor'],
        tests: ['unit/handshake/fields › RFC 6455 §1.3: the accept value of the sample key'],
      },
      {
        lines: [419],
        level: 'text',
        who: 'client',
        rule: 'A response without the right accept value accepts nothing.',
        at: ['handshake/client.ts:validateResponse'],
        tests: ['handshake/client/refuse-no-accept.http'],
      },
    ],
  },
  {
    number: '1.9',
    title: 'Subprotocols',
    statements: [
      {
        lines: [627],
        level: 'text',
        who: 'application',
        rule: 'Client and server agree on a subprotocol by its name; the names are registered.',
        outcome: 'option',
        note: '`protocols` of a client, `handleProtocols` of a server',
        at: ['server/accept.ts:chooseSubprotocol', 'handshake/client.ts:validateSubprotocol'],
        tests: ['handshake/server/subprotocol-chosen-by-the-server.http'],
      },
    ],
  },
  {
    number: '2',
    title: 'Conformance requirements',
    statements: [
      {
        lines: [652, 653, 659],
        level: 'text',
        who: 'both',
        rule: 'What MUST, SHOULD, MAY and the other keywords mean (RFC 2119), also for the items of a list.',
        outcome: 'definition',
      },
      {
        lines: [673],
        level: 'MAY',
        who: 'both',
        rule: 'An algorithm may be done in any way that has the same result.',
        outcome: 'used',
        note: 'masking XORs words, not bytes',
        at: ['protocol/mask.ts:xorWords'],
        tests: ['unit/protocol/mask › XORs %d bytes with the key in turn, at every alignment'],
      },
    ],
  },
  {
    number: '2.1',
    title: 'Terminology and other conventions',
    statements: [
      {
        lines: [713],
        level: 'MAY',
        who: 'both',
        rule: 'Data may be sent later than asked for, to need fewer packets.',
        outcome: 'used',
        note: 'the first frame of a tick leaves at once, the others together at its end',
        at: ['connection/writer.ts:Writer.schedule'],
        tests: [
          'unit/connection/writes › the first frame of a tick is written at once, the others in one write at its end',
        ],
      },
    ],
  },
  {
    number: '3',
    title: 'WebSocket URIs',
    statements: [
      {
        lines: [743],
        level: 'OPTIONAL',
        who: 'client',
        rule: 'A URI may leave out its port: it is 80, for wss 443.',
        at: ['client/create-request.ts:createRequest'],
        tests: [
          'handshake/client/request-default-port.http',
          'handshake/client/request-secure-port.http',
        ],
      },
      {
        lines: [746],
        level: 'text',
        who: 'client',
        rule: 'The scheme wss, in any case, means TLS.',
        at: ['client/url.ts:readAddress'],
        tests: ['handshake/client/request-secure-on-port-80.http'],
      },
      {
        lines: [750],
        level: 'text',
        who: 'client',
        rule: 'The resource name is the path, "/" if it is empty, then the query if there is one.',
        at: ['client/url.ts:readAddress'],
        tests: [
          'handshake/client/request-no-path.http',
          'handshake/client/request-query-without-path.http',
        ],
      },
      {
        lines: [761],
        level: 'MUST NOT',
        who: 'client',
        rule: 'A URI has no fragment identifier.',
        at: ['client/url.ts:readAddress', 'standard/arguments.ts:parseUrl'],
        tests: [
          'unit/client/url › a fragment is refused',
          'handshake/client/redirect-with-fragment.http',
        ],
      },
      {
        lines: [762],
        level: 'MUST',
        who: 'client',
        rule: 'A "#" that begins no fragment is written as %23.',
        at: ['client/url.ts:readAddress'],
        tests: ['unit/client/url › an escaped # is none'],
      },
    ],
  },
];
