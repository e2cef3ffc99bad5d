/** §5.1 of the checklist: arguments and options of a client. */

import { createServer } from 'node:net';
import { URL } from 'node:url';
import { frame, OPCODE } from '../support/frames.js';
import { Inbox, until } from '../support/inbox.js';
import { keyOf } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import {
  attend,
  closed,
  connected,
  type Requested,
  requested,
  type Settings,
  said,
  thrown,
} from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

/** What `http.request` and the connection are asked for, without connecting. */
async function dialling(
  library: Library,
  scope: Scope,
  url: string,
  options: Settings = {},
): Promise<Untyped> {
  const [wire] = scope.wire();
  let asked: Untyped;
  const createConnection = (given: Untyped): Untyped => {
    asked = given;
    return wire;
  };
  scope.track(new library(url, { createConnection, ...options }));
  await until(() => asked !== undefined, 'createConnection');
  return asked;
}

const PROTOCOLS = 'SyntaxError: An invalid or duplicated subprotocol was specified';

/** A row for one way to give a URL that is none. Advice may follow the text of `ws`. */
const refused = (id: string, url: unknown, message: string): Row => ({
  id,
  it: `${String(url)} is refused`,
  run: (lib) => thrown(() => new lib(url)).split(';')[0],
  expected: `SyntaxError: ${message}`,
});

const SCHEMES =
  'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';

/** The fields of a request whose values do not change from run to run. */
const fieldsOf = ({ request }: Requested): [string, string][] =>
  request.fields.map(([name, value]) => [name, name === 'Sec-WebSocket-Key' ? '…' : value]);

/** The Host of a request. */
const hostOf = async (lib: Library, scope: Scope, url: string): Promise<unknown> =>
  (await requested(lib, scope, {}, undefined, url)).request.all('host');

table([
  refused('W1', 'nonsense', 'Invalid URL: nonsense'),
  refused('W1', '', 'Invalid URL: '),
  refused('W1', undefined, 'Invalid URL: undefined'),
  refused('W1', '//host', 'Invalid URL: //host'),
  refused('W1', 'ws://host:99999', 'Invalid URL: ws://host:99999'),
  refused('W2', 'localhost:3000', SCHEMES),
  refused('W2', 'ftp://localhost', SCHEMES),
  refused('W2', 'file:///etc/hosts', SCHEMES),
  refused('W3', 'ws+unix:', "The URL's pathname is empty"),
  refused('W4', 'ws://localhost/#a', 'The URL contains a fragment identifier'),
  {
    id: 'W1',
    it: 'no argument at all is refused',
    run: (lib) => thrown(() => new lib()).split(';')[0],
    expected: 'SyntaxError: Invalid URL: undefined',
  },
  {
    id: 'W4',
    it: 'an empty fragment passes',
    run: async (lib, scope) => {
      try {
        return (await requested(lib, scope, {}, [], 'ws://localhost/a#')).request.startLine;
      } catch (error) {
        return said(error);
      }
    },
    expected: 'GET /a HTTP/1.1',
    differs: {
      expected: 'SyntaxError: The URL contains a fragment identifier',
      why: 'RFC 6455 §3: fragment identifiers MUST NOT be used',
    },
  },
  {
    id: 'W5',
    it: 'another protocolVersion is a RangeError, told before the URL is looked at',
    run: (lib) => [
      thrown(() => new lib('nonsense', { protocolVersion: 7 })),
      thrown(() => new lib('ws://localhost', { protocolVersion: 1000 })),
    ],
    expected: [
      'RangeError: Unsupported protocol version: 7 (supported versions: 8, 13)',
      'RangeError: Unsupported protocol version: 1000 (supported versions: 8, 13)',
    ],
    differs: {
      expected: [
        'RangeError: Unsupported protocol version: 7 (supported versions: 13)',
        'RangeError: Unsupported protocol version: 1000 (supported versions: 13)',
      ],
      why: '§15: version 8 is not supported',
    },
  },
  {
    id: 'W6 12.8.0 eco.behaviour-15',
    it: 'subprotocols that are no tokens, empty, or there twice',
    run: (lib) =>
      ['', [''], 'a b', 'a,b', 'ä', ['a', 'a'], [1], [null], null, 5, true].map((protocols) =>
        thrown(() => new lib('ws://localhost', protocols)),
      ),
    expected: Array(11).fill(PROTOCOLS),
  },
  {
    id: 'W10 W6',
    it: 'option protocols is judged in the same way',
    run: (lib) =>
      ['a b', ['a', 'a'], [''], null].map((protocols) =>
        thrown(() => new lib('ws://localhost', { protocols })),
      ),
    expected: Array(4).fill(PROTOCOLS),
  },
  {
    id: 'W10',
    it: 'subprotocols by argument or by option; the argument wins',
    run: async (lib, scope) => {
      const [wire] = scope.wire();
      const seen: unknown[] = [];
      for (const [argument, options] of [
        ['a', {}],
        [['a', 'b'], {}],
        [[], {}],
        [undefined, { protocols: 'c' }],
        [undefined, { protocols: ['c', 'd'] }],
        ['a', { protocols: 'c' }],
        [[], { protocols: 'c' }],
      ]) {
        const { request } = await requested(lib, scope, options as Settings, argument);
        seen.push(request.all('sec-websocket-protocol'));
      }
      wire.destroy();
      return seen;
    },
    expected: [['a'], ['a,b'], [], ['c'], ['c,d'], ['a'], []],
    differs: {
      expected: [['a'], ['a, b'], [], ['c'], ['c, d'], ['a'], []],
      why: '§15: with the blank, as in RFC 6455 §1.3, which Deno insists on',
    },
  },
  {
    id: 'W10',
    it: 'an object in second place holds the options',
    run: async (lib, scope) => {
      const [wire, peer] = scope.wire();
      const options = { createConnection: () => wire, origin: 'http://a', protocols: ['x'] };
      scope.track(new lib('ws://localhost/', options));
      const request = await new Inbox(peer).message();
      return [request.all('origin'), request.all('sec-websocket-protocol')];
    },
    expected: [['http://a'], ['x']],
  },
  {
    id: 'W11',
    it: 'protocolVersion 8 is written in the request, with Sec-WebSocket-Origin',
    run: async (lib, scope) => {
      const options = { protocolVersion: 8, origin: 'http://a' };
      try {
        const { request } = await requested(lib, scope, options);
        return [request.all('sec-websocket-version'), request.all('sec-websocket-origin')];
      } catch (error) {
        return (error as Error).name;
      }
    },
    expected: [['8'], ['http://a']],
    differs: { expected: 'RangeError', why: '§15: version 8 is not supported' },
  },
  {
    id: 'W13 W12 W16',
    it: 'the request, field by field',
    run: async (lib, scope) => {
      const options = { headers: { 'X-Mine': 'a', Cookie: ['a=1', 'b=2'] }, origin: 'http://a' };
      const scene = await requested(lib, scope, options, ['a']);
      return [scene.request.startLine, fieldsOf(scene)];
    },
    expected: [
      'GET /chat HTTP/1.1',
      [
        ['X-Mine', 'a'],
        ['Cookie', 'a=1; b=2'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', '…'],
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'],
        ['Sec-WebSocket-Protocol', 'a'],
        ['Origin', 'http://a'],
        ['Host', 'server.example.com'],
      ],
    ],
  },
  {
    id: 'W13',
    it: 'the fields of the handshake are not overridden by headers',
    run: async (lib, scope) => {
      const headers = {
        'Sec-WebSocket-Version': '7',
        'Sec-WebSocket-Key': 'mine',
        Connection: 'close',
        Upgrade: 'h2c',
      };
      const { request } = await requested(lib, scope, { headers });
      return [
        request.all('sec-websocket-version'),
        keyOf(request).length,
        request.all('connection'),
        request.all('upgrade'),
      ];
    },
    expected: [['13'], 24, ['Upgrade'], ['websocket']],
  },
  {
    id: 'W13',
    it: 'Host and Origin may be given among the headers',
    run: async (lib, scope) => {
      const headers = { Host: 'other.example', Origin: 'http://b' };
      const { request } = await requested(lib, scope, { headers });
      return [request.all('host'), request.all('origin')];
    },
    expected: [['other.example'], ['http://b']],
  },
  {
    id: 'W14',
    it: 'handshakeTimeout ends a handshake that takes too long',
    run: async (lib, scope) => {
      const port = await scope.listen(createServer());
      const ws = scope.track(new lib(`ws://127.0.0.1:${port}`, { handshakeTimeout: 20 }));
      const events = attend(ws);
      await closed(ws);
      return events;
    },
    expected: ['error Opening handshake has timed out', 'close 1006'],
  },
  {
    id: 'W16',
    it: 'perMessageDeflate: false offers nothing; an object says what to offer',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const perMessageDeflate of [
        undefined,
        true,
        false,
        {},
        { clientMaxWindowBits: 10, serverMaxWindowBits: 9, serverNoContextTakeover: true },
      ]) {
        const options = perMessageDeflate === undefined ? {} : { perMessageDeflate };
        const { request } = await requested(lib, scope, options);
        seen.push(...request.all('sec-websocket-extensions'), '|');
      }
      return seen.join(' ');
    },
    expected: [
      'permessage-deflate; client_max_window_bits |',
      'permessage-deflate; client_max_window_bits |',
      '|',
      'permessage-deflate; client_max_window_bits |',
      'permessage-deflate; server_no_context_takeover; server_max_window_bits=9;',
      'client_max_window_bits=10 |',
    ].join(' '),
  },
  {
    id: 'W18 12.8.4',
    it: 'generateMask fills the four bytes of each masking key',
    run: async (lib, scope) => {
      let count = 0;
      const lengths: unknown[] = [];
      const generateMask = (mask: Buffer): void => {
        lengths.push([Buffer.isBuffer(mask), mask.length]);
        mask.fill(++count);
      };
      const { ws, inbox } = await connected(lib, scope, { generateMask });
      ws.send('abc');
      ws.ping();
      return [String(await hex(inbox, 9)), String(await hex(inbox, 6)), lengths];
    },
    expected: [
      '818301010101606362',
      '898002020202',
      [
        [true, 4],
        [true, 4],
      ],
    ],
  },
  {
    id: 'W18',
    it: 'a key of zeroes leaves the payload as it is',
    run: async (lib, scope) => {
      const generateMask = (mask: Buffer): void => {
        mask.fill(0);
      };
      const { ws, inbox } = await connected(lib, scope, { generateMask });
      ws.send('abc');
      return hex(inbox, 9);
    },
    expected: '818300000000616263',
  },
  {
    id: 'W19 12.8.13',
    it: 'finishRequest finishes the request before it is sent',
    run: async (lib, scope) => {
      let same: unknown;
      const finishRequest = (request: Untyped, ws: Untyped): void => {
        same = ws instanceof lib;
        request.setHeader('X-Late', 'yes');
        setImmediate(() => request.end());
      };
      const { request } = await requested(lib, scope, { finishRequest });
      return [same, request.all('x-late')];
    },
    expected: [true, ['yes']],
  },
  {
    id: 'W20 12.8.17',
    it: 'createConnection is asked for the connection, with host and port',
    run: async (lib, scope) => {
      const { host, port } = await dialling(lib, scope, 'ws://server.example.com:8080/a');
      return [host, Number(port)];
    },
    expected: ['server.example.com', 8080],
  },
  {
    id: 'W21 W20',
    it: 'the port is 80 or 443, or defaultPort',
    run: async (lib, scope) => [
      Number((await dialling(lib, scope, 'ws://a.example')).port),
      Number((await dialling(lib, scope, 'wss://a.example')).port),
      (await dialling(lib, scope, 'ws://a.example', { defaultPort: 9 })).defaultPort,
    ],
    expected: [80, 443, 9],
  },
  {
    id: 'W22',
    it: 'what says where to go comes from the URL, whatever the options say',
    run: async (lib, scope) => {
      const options = {
        socketPath: '/nowhere',
        hostname: 'nowhere',
        protocol: 'ftp:',
        timeout: 1,
        method: 'POST',
        host: 'nowhere',
        path: '/nowhere',
        port: 1,
      };
      const { request } = await requested(lib, scope, options);
      const asked = await dialling(lib, scope, 'ws://a.example:7/b', options);
      const { socketPath, hostname, timeout, host, port } = asked;
      return [request.startLine, request.all('host'), socketPath, hostname, timeout, host, port];
    },
    expected: [
      'GET /chat HTTP/1.1',
      ['server.example.com'],
      undefined,
      undefined,
      undefined,
      'a.example',
      '7',
    ],
  },
  {
    id: 'W31 12.8.14',
    it: 'url is the URL as it is used: http is ws',
    run: async (lib, scope) => {
      const urls: unknown[] = [];
      for (const url of [
        'ws://server.example.com',
        'http://server.example.com/a?b=c',
        'ws://user:secret@server.example.com:80/',
        new URL('ws://server.example.com/u'),
      ]) {
        urls.push((await requested(lib, scope, {}, undefined, url as string)).ws.url);
      }
      return urls;
    },
    expected: [
      'ws://server.example.com/',
      'ws://server.example.com/a?b=c',
      'ws://user:secret@server.example.com/',
      'ws://server.example.com/u',
    ],
  },
  {
    id: 'W31 12.8.14',
    it: 'a URL object is not changed, and https is wss',
    run: async (lib, scope) => {
      const url = new URL('https://server.example.com/');
      const [wire] = scope.wire();
      const ws = scope.track(new lib(url, { createConnection: () => wire }));
      return [url.href, ws.url];
    },
    expected: ['https://server.example.com/', 'wss://server.example.com/'],
  },
  {
    id: 'W31',
    it: 'credentials of the URL become Basic, percent-decoded; they go over option auth',
    run: async (lib, scope) => {
      const at = (user: string): string => `ws://${user}@server.example.com/`;
      const seen: unknown[] = [];
      for (const [url, options] of [
        [at('user:secret'), {}],
        [at('us%40er:a%2Fb'), {}],
        [at('user'), {}],
        [at('user:secret'), { auth: 'other:one' }],
        ['ws://server.example.com/', { auth: 'other:one' }],
      ] as [string, Settings][]) {
        const { request } = await requested(lib, scope, options, undefined, url);
        const [basic = ''] = request.all('authorization');
        seen.push(Buffer.from(basic.replace('Basic ', ''), 'base64').toString());
      }
      return seen;
    },
    expected: ['user:secret', 'us@er:a/b', 'user:', 'user:secret', 'other:one'],
  },
  {
    id: 'W31',
    it: 'Host has the port only when it is not the default, and brackets for IPv6',
    run: async (lib, scope) => [
      await hostOf(lib, scope, 'ws://a.example:80/'),
      await hostOf(lib, scope, 'ws://a.example:8080/'),
      await hostOf(lib, scope, 'ws://[::1]/'),
      await hostOf(lib, scope, 'ws://[::1]:81/'),
    ],
    expected: [['a.example'], ['a.example:8080'], ['[::1]'], ['[::1]:81']],
  },
  {
    id: 'W20 W31',
    it: 'the brackets of an IPv6 address are not part of host',
    run: async (lib, scope) => (await dialling(lib, scope, 'ws://[::1]:8080')).host,
    expected: '::1',
  },
  {
    id: 'W31 12.8.9',
    it: 'ws+unix: the path of a socket, then the path of the request',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const url of [
        'ws+unix:/tmp/a.sock',
        'ws+unix:/tmp/a.sock:/b?c=d',
        'ws+unix:///tmp/a.sock:/b',
        'ws+unix:/tmp/a.sock:/b:c',
        'ws+unix:relative.sock:/b',
      ]) {
        const { socketPath, path } = await dialling(lib, scope, url);
        const { request } = await requested(lib, scope, {}, undefined, url);
        seen.push([socketPath, path, request.startLine.split(' ')[1], request.all('host')[0]]);
      }
      return seen;
    },
    expected: [
      ['/tmp/a.sock', '/tmp/a.sock', '/', 'localhost'],
      ['/tmp/a.sock', '/tmp/a.sock', '/b?c=d', 'localhost'],
      ['/tmp/a.sock', '/tmp/a.sock', '/b', 'localhost'],
      ['/tmp/a.sock', '/tmp/a.sock', '/b:c', 'localhost'],
      ['relative.sock', 'relative.sock', '/b', 'localhost'],
    ],
  },
  {
    id: 'U8 eco.private-3',
    it: 'null instead of an address, with options, makes a WebSocket that is not connected',
    run: (lib) => {
      const ws = new lib(null, undefined, { isServer: false });
      return [ws.readyState, ws.url, ws.protocol, ws.extensions];
    },
    expected: [0, undefined, '', ''],
  },
  {
    id: 'U8',
    it: 'and without options',
    run: (lib) => thrown(() => new lib(null)).split(':')[0],
    expected: 'TypeError',
    differs: { expected: 'nothing', why: '§15: as its types always said' },
  },
  {
    id: 'W17',
    it: 'options that are undefined are the defaults',
    run: async (lib, scope) => {
      const { ws, peer, inbox } = await connected(lib, scope, {
        maxPayload: undefined,
        skipUTF8Validation: undefined,
        headers: undefined,
        origin: undefined,
        agent: undefined,
        followRedirects: undefined,
        handshakeTimeout: undefined,
        generateMask: undefined,
      });
      peer.write(frame({ opcode: OPCODE.TEXT, payload: 'fine' }));
      ws.send('too');
      return (await inbox.frame()).payload.toString();
    },
    expected: 'too',
  },
]);

async function hex(inbox: Untyped, length: number): Promise<string> {
  return (await inbox.take(length)).toString('hex');
}
