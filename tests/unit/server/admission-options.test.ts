/** The options of who gets in: mistakes throw when the server or the route is made. */

import { BlockList } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import type { Loose, ServerOptions } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

const make = (options: Loose) =>
  new WebSocket.WebSocketServer({ noServer: true, ...options } as ServerOptions);

const WRONG: [options: Loose, error: typeof Error, message: RegExp][] = [
  [{ maxConnections: -1 }, RangeError, /maxConnections must be a number of connections.*-1/],
  [{ maxConnections: 'many' }, TypeError, /maxConnections/],
  [{ maxConnectionsPerAddress: NaN }, RangeError, /maxConnectionsPerAddress/],
  [{ maxPendingHandshakes: {} }, TypeError, /maxPendingHandshakes must be a number of handshakes/],
  [{ handshakeTimeout: -1 }, RangeError, /handshakeTimeout must be a number of milliseconds/],
  [{ handshakeTimeout: '10s' }, TypeError, /units are not understood/],
  [{ trustProxy: true }, TypeError, /trustProxy must be a number of proxies/],
  [{ trustProxy: 1.5 }, RangeError, /trustProxy must be a whole number of proxies: 1.5/],
  [{ trustProxy: Infinity }, RangeError, /trustProxy must be a whole number/],
  [{ blockList: ['192.0.2.1'] }, TypeError, /blockList must be a net.BlockList/],
  [{ handshakeRate: 50 }, TypeError, /handshakeRate must be an object \{ perSecond, burst \}.*50/],
  [{ handshakeRate: { perSecond: 50 } }, TypeError, /handshakeRate must be an object/],
  [{ handshakeRate: { perSecond: 0, burst: 1 } }, RangeError, /perSecond above 0/],
  [{ handshakeRate: { perSecond: NaN, burst: 1 } }, RangeError, /perSecond above 0/],
  [{ handshakeRate: { perSecond: Infinity, burst: 1 } }, RangeError, /perSecond above 0/],
  [{ handshakeRate: { perSecond: 1, burst: 0.5 } }, RangeError, /a burst of 1 or more/],
  [{ handshakeRatePerAddress: true }, TypeError, /handshakeRatePerAddress must be an object/],
  [{ hosts: 'example.com' }, TypeError, /hosts must be a list.*did you mean \['example.com'\]/],
  [{ hosts: ['http://example.com'] }, TypeError, /hosts takes hosts such as.*'http:/],
  [{ hosts: [/example/] }, TypeError, /hosts takes hosts such as.*\/example\//],
  [{ origins: 'http://a' }, TypeError, /origins must be 'same'.*did you mean \['http:\/\/a'\]/],
  [{ origins: true }, TypeError, /origins must be 'same', '\*', a list or a function: true/],
  [{ origins: ['*'] }, TypeError, /origins takes origins such as.*'\*'/],
  [{ origins: ['http://a/'] }, TypeError, /origins takes origins such as/],
  [{ origins: [null] }, TypeError, /origins takes origins such as/],
  [{ authenticate: true }, TypeError, /authenticate must be a function/],
  [{ address: '127.0.0.1' }, TypeError, /address must be a function/],
];

const RIGHT: Loose[] = [
  { maxConnections: '100' },
  { maxConnections: Infinity, maxConnectionsPerAddress: 0, maxPendingHandshakes: undefined },
  { blockList: new BlockList(), trustProxy: '2' },
  { handshakeRate: { perSecond: 0.1, burst: 1.5 } },
  { hosts: [], origins: [] },
  { hosts: ['example.com', '*.example.com', '[::1]:80'], origins: 'same' },
  { origins: '*' },
  { origins: ['null', 'example.com', /a/, 'app://x'] },
  { origins: () => true, authenticate: async () => ({}), address: () => '' },
  { origins: null, hosts: null, authenticate: null, handshakeRate: null, trustProxy: null },
];

describe('the constructor', () => {
  test.each(WRONG)('throws for %p', (options, ErrorClass, message) => {
    expect(() => make(options)).toThrow(ErrorClass);
    expect(() => make(options)).toThrow(message);
  });

  test.each(RIGHT)('takes %p', (options) => {
    expect(() => make(options)).not.toThrow();
  });

  test('knows every option', async () => {
    make(Object.assign({}, ...RIGHT, { handshakeTimeout: 1, handshakeRatePerAddress: null }));
    await new Promise((go) => setImmediate(go));
    expect(warnings('WS6455_UNKNOWN_OPTION')).toEqual([]);
  });
});

describe('route()', () => {
  const listener = () => {};
  const route = (path: unknown, options: unknown = {}) => {
    const server = make({});
    return server.route(path as string, options as object, listener);
  };

  test.each(['', 'chat', '/chat?a', '/chat#a', '*', '/ch*', '/*/chat', '/chat/**', undefined, /a/])(
    'throws for the path %p',
    (path) => {
      expect(() => route(path)).toThrow(TypeError);
      expect(() => route(path)).toThrow(/The path of a route must begin with a slash/);
    },
  );

  test.each(['/', '/*', '/chat', '/chat/', '/rooms/*', '/a/b/*', '/%C3%BC'])('takes %s', (path) => {
    const server = make({});
    expect(server.route(path, {}, listener)).toBe(server);
    expect(() => server.route(path, {}, listener)).toThrow(
      `There is a route with the path ${path} already`,
    );
  });

  test.each([
    'port',
    'server',
    'noServer',
    'path',
    'host',
    'backlog',
    'clientTracking',
    'blockList',
    'maxConnections',
    'maxConnectionsPerAddress',
    'maxPendingHandshakes',
    'handshakeRate',
    'handshakeRatePerAddress',
    'address',
    'trustProxy',
  ])('throws for the option %s, which is of the whole server', (name) => {
    expect(() => route('/chat', { [name]: undefined })).toThrow(
      `A route cannot have the option ${name}, which is of the whole server`,
    );
  });

  test('checks its options as the constructor does', () => {
    expect(() => route('/', { origins: ['*'] })).toThrow(TypeError);
    expect(() => route('/', { maxPayload: -1 })).toThrow(RangeError);
    expect(() => route('/', { handleProtocols: ['a'] })).toThrow(TypeError);
    expect(() => route('/', { WebSocket: {} })).toThrow(TypeError);
    expect(() => route('/', 8080)).toThrow(TypeError);
  });

  test('needs a listener, and adds no route without one', () => {
    const server = make({});
    expect(() => server.route('/chat', {}, undefined as never)).toThrow(
      'The listener of a route must be a function: undefined was given',
    );
    expect(() => server.route('/chat', {} as never)).toThrow(
      'The listener of a route must be a function: {} was given',
    );
    expect(() => server.route('/chat', {}, listener)).not.toThrow();
  });

  test('warns of an unknown option', async () => {
    route('/chat', { orgins: 'same' });
    await new Promise((go) => setImmediate(go));
    expect(warnings('WS6455_UNKNOWN_OPTION')).toEqual([
      'A route has no option orgins; did you mean origins?',
    ]);
  });
});
