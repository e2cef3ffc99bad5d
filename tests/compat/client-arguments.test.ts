/** The arguments of a client: URL, subprotocols, options. */

import { URL } from 'node:url';
import { frame, OPCODE } from '../support/frames.js';
import { Inbox } from '../support/inbox.js';
import type { Scope } from '../support/scope.js';
import { connected, connectionOptions, requested, type Settings, said, thrown } from './scene.js';
import type { Library } from './subjects.js';
import { type Row, table } from './table.js';

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
    it: 'another protocolVersion is a RangeError, before the URL is checked',
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
      why: 'version 8 is not supported',
    },
  },
  {
    id: 'W6 V8.0 B15',
    it: 'subprotocols that are no tokens, empty, or there twice',
    run: (lib) =>
      ['', [''], 'a b', 'a,b', 'ä', ['a', 'a'], [1], [null], null, 5, true].map((protocols) =>
        thrown(() => new lib('ws://localhost', protocols)),
      ),
    expected: Array(11).fill(PROTOCOLS),
  },
  {
    id: 'W10 W6',
    it: 'option protocols is checked in the same way',
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
      why: 'with the blank, as in RFC 6455 §1.3, which Deno insists on',
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
    differs: { expected: 'RangeError', why: 'version 8 is not supported' },
  },
  {
    id: 'W31 V8.14',
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
    id: 'W31 V8.14',
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
    run: async (lib, scope) => (await connectionOptions(lib, scope, 'ws://[::1]:8080')).host,
    expected: '::1',
  },
  {
    id: 'W31 V8.9',
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
        const { socketPath, path } = await connectionOptions(lib, scope, url);
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
    id: 'U8 private-3',
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
    differs: { expected: 'nothing', why: 'as its types always said' },
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
