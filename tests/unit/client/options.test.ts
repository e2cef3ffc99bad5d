/** A client's options: how they are read, and that what the constructor was given counts. */

import type { ClientRequest } from 'node:http';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { readClientOptions } from '../../../src/client/options.js';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { frame, OPCODE } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { useWarnings } from '../../support/process-events.js';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);
const clock = useClock();
const connect = clientsIn(scope);

const HERE = 'ws://server.example.com/chat';
const UNKNOWN = 'WS6455_UNKNOWN_OPTION';

/** A client that opens only after its program changed the options. */
async function changed(options: Loose, change: (options: Loose) => void) {
  const rawConnection = connect(HERE, options);
  change(options);
  await rawConnection.answer(upgradeResponse);
  await settled(rawConnection.events);
  const { wire, inbox } = rawConnection
    .connections[0] as (typeof rawConnection.connections)[number]; // it is open
  return { ...rawConnection, wire, inbox };
}

describe('an option that is changed while connecting keeps its value', () => {
  test('maxPayload', async () => {
    const { events, wire } = await changed({ maxPayload: 3 }, (options) => {
      options['maxPayload'] = 0;
    });
    wire.write(frame({ payload: 'long' }));
    expect((await settled(events, 2))[1]).toBe('error Max payload size exceeded');
  });

  test('maxFragments', async () => {
    const { events, wire } = await changed({ maxFragments: 1 }, (options) => {
      options['maxFragments'] = 0;
    });
    wire.write(frame({ payload: 'a', fin: false }));
    wire.write(frame({ payload: 'b', opcode: OPCODE.CONTINUATION }));
    expect((await settled(events, 2))[1]).toBe('error Too many message fragments');
  });

  test('autoPong', async () => {
    const { events, wire, inbox } = await changed({}, (options) => {
      options['autoPong'] = false;
    });
    wire.write(frame({ opcode: OPCODE.PING, payload: 'x' }));
    await settled(events, 2);
    expect((await inbox.frame()).opcode).toBe(OPCODE.PONG);
  });

  test('skipUTF8Validation', async () => {
    const { events, wire } = await changed({}, (options) => {
      options['skipUTF8Validation'] = true;
    });
    wire.write(frame({ payload: Buffer.from([0xff]) }));
    expect((await settled(events, 2))[1]).toMatch(/invalid UTF-8/);
  });

  test('closeTimeout', async () => {
    clock.stop();
    const { ws, events } = await changed({ closeTimeout: 100 }, (options) => {
      options['closeTimeout'] = 1_000_000;
    });
    ws.close();
    clock.advance(100);
    expect((await settled(events, 2))[1]).toBe('close 1006');
  });

  test('generateMask', async () => {
    const generateMask = (mask: Buffer): void => {
      mask.fill(7);
    };
    const { ws, inbox } = await changed({ generateMask }, (options) => {
      delete options['generateMask'];
    });
    ws.send(Buffer.alloc(4));
    expect((await inbox.take(10)).subarray(2, 6)).toEqual(Buffer.alloc(4, 7));
  });

  test('what perMessageDeflate holds', async () => {
    const options = { perMessageDeflate: { clientMaxWindowBits: 10 } };
    const { events, answer } = connect(HERE, options);
    options.perMessageDeflate.clientMaxWindowBits = 15;
    const field = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12';
    await answer((key) => upgradeResponse(key, field));
    // RFC 7692 §7.1.2.2: 12 is more than the 10 that were offered.
    expect((await settled(events, 2))[0]).toBe('error Invalid Sec-WebSocket-Extensions header');
  });

  test('headers, subprotocols, followRedirects, maxRedirects and finishRequest', async () => {
    const protocols = ['a'];
    const headers: Loose = { 'X-Mine': '1' };
    const finishRequest = (request: ClientRequest): void => {
      request.setHeader('X-Finished', '1').end();
    };
    const options: Loose = { headers, finishRequest, followRedirects: true, maxRedirects: 1 };
    const { events, request, answer } = connect(HERE, options, protocols);
    headers['X-Mine'] = '2';
    protocols[0] = 'b';
    Object.assign(options, { followRedirects: false, finishRequest: null, maxRedirects: 0 });
    await answer(() => 'HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n');
    const { all } = await request(1);
    expect([all('x-mine'), all('x-finished'), all('sec-websocket-protocol')]).toEqual([
      ['1'],
      ['1'],
      ['a'],
    ]);
    expect(events).toEqual([]);
  });

  test('and the objects that were given are not changed', () => {
    const options = Object.freeze({
      headers: Object.freeze({ Cookie: 'a' }),
      perMessageDeflate: Object.freeze({}),
      protocols: Object.freeze(['a']),
    });
    expect(() => connect(HERE, options)).not.toThrow();
  });
});

describe('true and false values', () => {
  test.each([1, 'yes', {}])('followRedirects: %p follows', async (followRedirects) => {
    const { answer, request } = connect(HERE, { followRedirects });
    await answer(() => 'HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n');
    expect((await request(1)).startLine).toContain('/b');
  });

  test.each([false, null, 0, '', undefined])('finishRequest: %p is none', async (finishRequest) => {
    const { request } = connect(HERE, { finishRequest });
    expect((await request()).startLine).toBe('GET /chat HTTP/1.1');
  });

  test.each([
    [undefined, true],
    [true, true],
    [1, true],
    ['yes', true],
    [{}, true],
    [false, false],
    [null, false],
    [0, false],
    ['', false],
  ])('perMessageDeflate: %p, offered: %p', async (perMessageDeflate, offered) => {
    const { request } = connect(HERE, { perMessageDeflate });
    expect((await request()).all('sec-websocket-extensions')).toHaveLength(offered ? 1 : 0);
  });

  test.each([1, 'yes', true])('skipUTF8Validation: %p skips it', async (skipUTF8Validation) => {
    const { events, wire } = await changed({ skipUTF8Validation }, () => {});
    wire.write(frame({ payload: Buffer.from([0xff]) }));
    expect((await settled(events, 2))[1]).toMatch(/^message/);
  });

  test.each([false, null, 0, ''])('autoPong: %p answers no Ping', async (autoPong) => {
    const { events, wire, inbox } = await changed({ autoPong }, () => {});
    wire.write(frame({ opcode: OPCODE.PING }));
    await settled(events, 2);
    expect(inbox.peek()).toHaveLength(0);
  });

  test.each([null, undefined, 0, '', false, {}])('headers: %p has none', async (headers) => {
    const { request } = connect(HERE, { headers });
    expect((await request()).all('host')).toEqual(['server.example.com']);
  });
});

describe('numbers', () => {
  test.each(['100', 100, '1e2', 100.5])('handshakeTimeout: %p', async (handshakeTimeout) => {
    clock.stop();
    const { events, request } = connect(HERE, { handshakeTimeout });
    await request();
    clock.advance(99);
    await turns();
    expect(events).toEqual([]);
    clock.advance(2);
    expect((await settled(events, 2))[0]).toBe('error Opening handshake has timed out');
  });

  test.each([null, undefined])('handshakeTimeout: %p is 30 s', async (handshakeTimeout) => {
    clock.stop();
    const { events, request } = connect(HERE, { handshakeTimeout });
    await request();
    clock.advance(29_999);
    await turns();
    expect(events).toEqual([]);
    clock.advance(1);
    expect((await settled(events, 2))[0]).toBe('error Opening handshake has timed out');
  });

  test.each([0, '0'])('handshakeTimeout: %p is no limit', async (value) => {
    clock.stop();
    await connect(HERE, { handshakeTimeout: value }).request();
    expect(clock.timerCount).toBe(0);
  });

  test.each([
    [null, 10],
    [undefined, 10],
    ['1', 1],
    [0, 0],
  ])('maxRedirects: %p follows %i', async (maxRedirects, most) => {
    const { events, connections, answer } = connect(HERE, { followRedirects: true, maxRedirects });
    for (let i = 0; i <= most; i++) {
      await answer(() => 'HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n', i);
    }
    expect((await settled(events, 2))[0]).toBe('error Maximum redirects exceeded');
    expect(connections).toHaveLength(most + 1);
  });

  test.each<[string, unknown, typeof TypeError]>([
    ['handshakeTimeout', '10s', TypeError],
    ['handshakeTimeout', true, TypeError],
    ['handshakeTimeout', Number.NaN, RangeError],
    ['handshakeTimeout', -1, RangeError],
    ['maxRedirects', 'many', TypeError],
    ['maxRedirects', Number.NaN, RangeError],
    ['maxPayload', '1mb', TypeError],
    ['maxPayload', -1, RangeError],
    ['closeTimeout', Number.NaN, RangeError],
    ['maxFragments', {}, TypeError],
  ])('%s: %p is refused', (name, value, Class) => {
    expect(() => connect(HERE, { [name]: value })).toThrow(Class);
    expect(() => connect(HERE, { [name]: value })).toThrow(`The option ${name} must be`);
  });
});

test.each(['createConnection', 'finishRequest', 'generateMask'])(
  '%s must be a function, or false',
  (name) => {
    const message = `The option ${name} must be a function: 'x' was given`;
    expect(() => connect(HERE, { [name]: 'x' })).toThrow(new TypeError(message));
    for (const none of [null, undefined, false, 0]) {
      expect(() => readClientOptions({ [name]: none })).not.toThrow();
    }
  },
);

// RFC 6455 §4.1: the request MUST contain a Host field.
describe('an opening handshake without Host', () => {
  test.each([
    ['setHost', { setHost: false }],
    ['setHost', { setHost: null }],
    ['setHost', { setHost: 0, headers: { 'X-Host': 'a' } }],
    ['setDefaultHeaders', { setDefaultHeaders: false }],
    ['setHost', { setHost: false, headers: { Host: '' } }],
  ])('cannot be asked for: %s', (name, options) => {
    expect(() => connect(HERE, options)).toThrow(TypeError);
    expect(() => connect(HERE, options)).toThrow(`The option ${name} must not be false unless`);
  });

  test.each<[string, Loose, string]>([
    ['headers has it', { setHost: false, headers: { hOST: 'mine' } }, 'mine'],
    [
      'finishRequest sets it',
      {
        setHost: false,
        finishRequest: (request: ClientRequest) => request.setHeader('Host', 'mine').end(),
      },
      'mine',
    ],
    [
      'finishRequest does not set it',
      { setHost: false, finishRequest: (request: ClientRequest) => request.end() },
      'server.example.com',
    ],
    [
      'setHost overrides setDefaultHeaders',
      { setHost: true, setDefaultHeaders: false },
      'server.example.com',
    ],
    ['setHost is undefined', { setHost: undefined }, 'server.example.com'],
  ])('is never sent: %s', async (_, options, host) => {
    expect((await connect(HERE, options).request()).all('host')).toEqual([host]);
  });

  test('nor where a redirect to another host takes the own one off', async () => {
    const options = { setHost: false, headers: { Host: 'mine' }, followRedirects: true };
    const { answer, request } = connect(HERE, options);
    await answer(
      () => 'HTTP/1.1 302 x\r\nLocation: ws://other.example.com/\r\nContent-Length: 0\r\n\r\n',
    );
    expect((await request(1)).all('host')).toEqual(['other.example.com']);
  });
});

describe('what options can be', () => {
  test.each<[string, unknown]>([
    ['an object without a prototype', Object.assign(Object.create(null), { origin: 'x' })],
    ['an object of another realm', runInNewContext("({ origin: 'x' })")],
    ['a frozen object', Object.freeze({ origin: 'x' })],
  ])('%s', async (_, options) => {
    expect(readClientOptions(options)).toMatchObject({ origin: 'x' });
    const { request } = connect(HERE, { headers: options, protocols: runInNewContext("['a']") });
    const { all } = await request();
    expect([all('origin'), all('sec-websocket-protocol')]).toEqual([['x'], ['a']]);
  });

  test('inherited properties are no options, as for ws', () => {
    expect(readClientOptions(Object.create({ origin: 'x' }))).not.toHaveProperty('origin');
  });

  test.each([null, undefined, 5, 'x', true, () => {}])('%p means none', (options) => {
    expect(() => readClientOptions(options)).not.toThrow();
    expect(() => {
      scope().track(new WebSocket('ws+unix:/nowhere.sock', [], options as object));
    }).not.toThrow();
  });

  test.each([null, ''])('%p is no subprotocol', (protocols) => {
    expect(() => new WebSocket(HERE, protocols as string)).toThrow(SyntaxError);
  });
});

describe('unknown names', () => {
  test('are warned of', async () => {
    readClientOptions({ handshakeTimeOut: 1, pingInterval: 1 });
    await turns();
    expect(warnings(UNKNOWN)).toEqual([
      'WebSocket has no option handshakeTimeOut; did you mean handshakeTimeout?',
      'WebSocket has no option pingInterval',
    ]);
  });

  test('the options of ws, of node:http, node:https, node:tls and node:net are known', async () => {
    const names = `protocols isServer protocolVersion origin headers handshakeTimeout followRedirects
      maxRedirects generateMask finishRequest perMessageDeflate maxPayload skipUTF8Validation
      allowSynchronousEvents autoPong closeTimeout maxBufferedChunks maxFragments
      maxPendingAutoPongs agent auth family hints host hostname localAddress localPort lookup path
      port socketPath signal timeout ca cert key pfx passphrase ciphers servername
      rejectUnauthorized checkServerIdentity minVersion maxVersion secureContext session ALPNProtocols
      keepAlive noDelay autoSelectFamily maxHeaderSize insecureHTTPParser joinDuplicateHeaders`;
    const options = Object.fromEntries(names.split(/\s+/).map((name) => [name, undefined]));
    readClientOptions(options);
    await turns();
    expect(warnings(UNKNOWN)).toEqual([]);
  });
});
