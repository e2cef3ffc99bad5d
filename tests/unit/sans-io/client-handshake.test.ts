/** Opening handshakes that a client starts, bytes for bytes. */

import { describe, expect, test } from '@jest/globals';
import { HandshakeError } from '../../../src/handshake/errors.js';
import {
  type ClientHandshakeOptions,
  startHandshake,
} from '../../../src/sans-io/client-handshake.js';
import { byteByByte } from '../../support/random.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const URL_OF_RFC = 'ws://server.example.com/chat';

const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
];

function response(...lines: string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function start(options: ClientHandshakeOptions = {}, url = URL_OF_RFC) {
  return startHandshake(url, { key: KEY, ...options });
}

/** The error of a response. */
function errorOf(bytes: Buffer, options?: ClientHandshakeOptions): Error {
  try {
    start(options).readResponse(bytes);
  } catch (error) {
    return error as Error;
  }
  throw new Error('accepted');
}

describe('RFC 6455 §1.3', () => {
  test('the request', () => {
    const subprotocols = ['chat', 'superchat'];
    const { request } = start({ subprotocols, origin: 'http://example.com' });
    const lines = request.toString().split('\r\n');
    expect(lines[0]).toBe('GET /chat HTTP/1.1');
    expect(lines.slice(1).sort()).toEqual([
      ...['', ''],
      'Connection: Upgrade',
      'Host: server.example.com',
      'Origin: http://example.com',
      `Sec-WebSocket-Key: ${KEY}`,
      'Sec-WebSocket-Protocol: chat, superchat',
      'Sec-WebSocket-Version: 13',
      'Upgrade: websocket',
    ]);
  });

  test('the response, wherever it is cut, with the frames behind it', () => {
    const handshake = start({ subprotocols: ['chat'] });
    const head = response(...ACCEPTED, 'Sec-WebSocket-Protocol: chat');
    const bytes = Buffer.concat([head, Buffer.from('8100', 'hex')]);
    let received = Buffer.alloc(0);
    for (const byte of byteByByte(bytes)) {
      received = Buffer.concat([received, byte]);
      const agreement = handshake.readResponse(received);
      if (received.length < head.length) expect(agreement).toBeUndefined();
      else expect(agreement?.rest).toEqual(bytes.subarray(head.length, received.length));
    }
    expect(handshake.readResponse(bytes)).toMatchObject({
      subprotocol: 'chat',
      extension: undefined,
    });
  });
});

describe('the request', () => {
  test.each([
    ['wss://a.example:443/', 'GET / HTTP/1.1', 'Host: a.example'],
    ['ws://a.example:8080/b?c=d', 'GET /b?c=d HTTP/1.1', 'Host: a.example:8080'],
    ['http://[::1]:80/', 'GET / HTTP/1.1', 'Host: [::1]'],
    ['ws+unix:/tmp/socket:/path', 'GET /path HTTP/1.1', 'Host: localhost'],
  ])('of %s', (url, line, host) => {
    const lines = start({}, url).request.toString().split('\r\n');
    expect([lines[0], lines[1]]).toEqual([line, host]);
  });

  test('has the credentials of the URL, and the fields of the program', () => {
    const options = { fields: [['Cookie', 'a=1']] as const };
    const { request } = start(options, 'ws://user:pa%20ss@a.example/');
    expect(request.toString()).toContain('\r\nAuthorization: Basic dXNlcjpwYSBzcw==\r\n');
    expect(request.toString()).toContain('\r\nCookie: a=1\r\n');
  });

  test('has a random key', () => {
    const keys = [1, 2].map(
      () => /Key: (\S+)/.exec(String(startHandshake(URL_OF_RFC).request))?.[1],
    );
    expect(keys[0]).toMatch(/^[+/0-9A-Za-z]{22}==$/);
    expect(keys[0]).not.toBe(keys[1]);
  });

  test('offers permessage-deflate', () => {
    const { request } = start({ perMessageDeflate: { clientMaxWindowBits: 10 } });
    expect(request.toString()).toContain(
      '\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\n',
    );
  });

  test.each<[string, () => unknown, ErrorConstructor, RegExp]>([
    ['no URL', () => start({}, 'localhost:80'), SyntaxError, /did you mean "ws:/],
    ['a fragment', () => start({}, 'ws://a/#b'), SyntaxError, /fragment/],
    ['a subprotocol', () => start({ subprotocols: ['a b'] }), SyntaxError, /'a b' was given/],
    ['a repetition', () => start({ subprotocols: ['a', 'a'] }), SyntaxError, /listed once/],
    ['a key', () => start({ key: 'x' }), TypeError, /16 bytes in base64.*: 'x' was given/],
    ['a line break', () => start({ fields: [['A', '\n']] }), TypeError, /line breaks/],
    ['an origin', () => start({ origin: 'a\r\nB: c' }), TypeError, /line breaks/],
    [
      'a window',
      () => start({ perMessageDeflate: { clientMaxWindowBits: 7 } }),
      RangeError,
      /clientMaxWindowBits/,
    ],
  ])('%s throws', (_what, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('the response', () => {
  const extension = 'Sec-WebSocket-Extensions: permessage-deflate';

  test('with permessage-deflate', () => {
    const agreement = start({ perMessageDeflate: true }).readResponse(
      response(...ACCEPTED, extension),
    );
    expect(agreement?.extension?.name).toBe('permessage-deflate');
  });

  test('may have informational responses before it', () => {
    const bytes = Buffer.concat([
      response('HTTP/1.1 103 Early Hints', 'Link: </a>'),
      response('HTTP/1.1 100 Continue'),
    ]);
    const handshake = start();
    expect(handshake.readResponse(bytes)).toBeUndefined();
    expect(handshake.readResponse(Buffer.concat([bytes, response(...ACCEPTED)]))).toBeDefined();
  });

  test.each<[string, string[], string, ClientHandshakeOptions?]>([
    ['Upgrade', ['Upgrade: h2c'], 'INVALID_UPGRADE', {}],
    ['Connection', ['Connection: close'], 'INVALID_CONNECTION', {}],
    ['accept', ['Sec-WebSocket-Accept: x'], 'INVALID_ACCEPT', {}],
    ['a subprotocol', ['Sec-WebSocket-Protocol: a'], 'UNREQUESTED_SUBPROTOCOL', {}],
    ['no subprotocol', [], 'MISSING_SUBPROTOCOL', { subprotocols: ['a'] }],
    ['an extension', [extension], 'UNREQUESTED_EXTENSIONS', {}],
    ['a parameter', [`${extension}; a=b`], 'INVALID_EXTENSIONS', { perMessageDeflate: true }],
  ])('that breaks a rule about %s', (_what, lines, code, options) => {
    const replaced = lines.map((line) => line.split(':')[0]);
    const others = ACCEPTED.filter((line) => !replaced.includes(line.split(':')[0] ?? ''));
    const error = errorOf(response(...others, ...lines), options);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ code: `WS_ERR_${code}`, status: 101 });
  });

  test('of HTTP/1.0', () => {
    const [, ...fields] = ACCEPTED;
    const error = errorOf(response('HTTP/1.0 101 Switching Protocols', ...fields));
    expect(error).toMatchObject({ code: 'WS_ERR_INVALID_HTTP_VERSION' });
  });

  test('that does not accept is an error with its fields and the body so far', () => {
    const head = response('HTTP/1.1 503 Busy', 'Retry-After: 2', 'X: y');
    const error = errorOf(Buffer.concat([head, Buffer.from('later')]));
    expect(error).toMatchObject({
      code: 'WS_ERR_UNEXPECTED_RESPONSE',
      message: 'Unexpected server response: 503',
      status: 503,
      retryAfter: 2000,
      headers: { x: 'y' },
      body: Buffer.from('later'),
    });
  });

  test.each([
    ['a banner', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /not a status line of HTTP: 'SSH-2.0/],
    ['another status', 'HTTP/1.1 999 ?\r\n\r\n', /not a status line/],
    ['a field', 'HTTP/1.1 101 x\r\nA\r\n\r\n', /not a header field/],
  ])('that is not HTTP: %s', (_what, text, message) => {
    const error = errorOf(Buffer.from(text));
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error.message).toMatch(message);
  });
});
