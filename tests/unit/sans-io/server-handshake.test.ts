/** Opening handshakes that a server answers, bytes for bytes. */

import { describe, expect, test } from '@jest/globals';
import {
  type AcceptedHandshake,
  answerHandshake,
  type RefusedHandshake,
  type ServerHandshakeOptions,
} from '../../../src/sans-io/server-handshake.js';
import { byteByByte } from '../../support/random.js';

/** The request of RFC 6455 §1.3, with other fields where a test needs them. */
function request(changes: Record<string, string | undefined> = {}, line?: string): Buffer {
  const fields: Record<string, string | undefined> = {
    Host: 'server.example.com',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    Origin: 'http://example.com',
    'Sec-WebSocket-Version': '13',
    ...changes,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return Buffer.from([line ?? 'GET /chat?room=1 HTTP/1.1', ...lines, '', ''].join('\r\n'));
}

function accepted(bytes: Buffer, options?: ServerHandshakeOptions): AcceptedHandshake {
  const answer = answerHandshake(bytes, options);
  if (answer === undefined || answer.error) throw new Error(`refused: ${answer?.error}`);
  return answer;
}

function refused(bytes: Buffer | string): RefusedHandshake {
  const answer = answerHandshake(Buffer.from(bytes));
  if (answer?.error === undefined) throw new Error('accepted');
  return answer;
}

describe('RFC 6455 §1.3', () => {
  const ANSWER =
    'HTTP/1.1 101 Switching Protocols\r\n' +
    'Upgrade: websocket\r\n' +
    'Connection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';

  test('the handshake is accepted', () => {
    const answer = accepted(request());
    expect(answer.response.toString()).toBe(`${ANSWER}\r\n`);
    expect(answer).toMatchObject({ status: 101, subprotocol: '', extension: undefined });
    expect(answer.request).toMatchObject({
      method: 'GET',
      url: '/chat?room=1',
      httpVersion: '1.1',
      headers: { origin: 'http://example.com' },
    });
    expect(answer.rest).toHaveLength(0);
  });

  test('with a subprotocol', () => {
    const bytes = request({ 'Sec-WebSocket-Protocol': 'chat, superchat' });
    const seen: string[][] = [];
    const chooseSubprotocol = (requested: Set<string>) => {
      seen.push([...requested]);
      return 'chat';
    };
    const answer = accepted(bytes, { chooseSubprotocol });
    expect(answer.response.toString()).toBe(`${ANSWER}Sec-WebSocket-Protocol: chat\r\n\r\n`);
    expect([answer.subprotocol, seen]).toEqual(['chat', [['chat', 'superchat']]]);
  });

  test('is read wherever it is cut, with the frames behind it', () => {
    const bytes = Buffer.concat([request(), Buffer.from('8180', 'hex')]);
    let received = Buffer.alloc(0);
    const statuses = byteByByte(bytes).map((byte) => {
      received = Buffer.concat([received, byte]);
      return answerHandshake(received)?.status;
    });
    expect(statuses).toEqual([...Array(bytes.length - 3).fill(undefined), 101, 101, 101]);
    expect(accepted(bytes).rest).toEqual(Buffer.from('8180', 'hex'));
  });
});

describe('the options', () => {
  test('a subprotocol is used only if it is chosen', () => {
    const bytes = request({ 'Sec-WebSocket-Protocol': 'a, b' });
    for (const choice of [undefined, '']) {
      const answer = accepted(bytes, { chooseSubprotocol: () => choice });
      expect([answer.subprotocol, String(answer.response)]).toEqual([
        '',
        expect.not.stringContaining('Protocol:'),
      ]);
    }
    expect(accepted(bytes).subprotocol).toBe('');
    expect(() => accepted(bytes, { chooseSubprotocol: () => 'c' })).toThrow(/it returned 'c'/);
  });

  test('without a request for one, none is chosen', () => {
    const chooseSubprotocol = () => {
      throw new Error('not called');
    };
    expect(accepted(request(), { chooseSubprotocol }).subprotocol).toBe('');
  });

  test('permessage-deflate is used if it is offered and wanted', () => {
    const bytes = request({
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    });
    const field = (options?: ServerHandshakeOptions, from = bytes) =>
      /Extensions: (.*)\r/.exec(String(accepted(from, options).response))?.[1];
    expect(field()).toBeUndefined();
    expect(field({ perMessageDeflate: true })).toBe('permessage-deflate');
    expect(field({ perMessageDeflate: true }, request())).toBeUndefined();
    expect(field({ perMessageDeflate: { serverNoContextTakeover: true } })).toBe(
      'permessage-deflate; server_no_context_takeover',
    );
    expect(accepted(bytes, { perMessageDeflate: true }).extension?.name).toBe('permessage-deflate');
  });

  test('fields are added to the response', () => {
    const fields = [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ] as const;
    const { response } = accepted(request(), { fields });
    expect(response.toString()).toMatch(/\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n$/);
  });

  test.each<[string, ServerHandshakeOptions, ErrorConstructor, RegExp]>([
    ['a line break', { fields: [['X', 'a\r\nb']] }, TypeError, /without line breaks/],
    ['not Latin-1', { fields: [['X', '€']] }, TypeError, /Latin-1/],
    [
      'a window',
      { perMessageDeflate: { serverMaxWindowBits: 16 } },
      RangeError,
      /serverMaxWindowBits/,
    ],
    ['no function', { chooseSubprotocol: 'a' as never }, TypeError, /chooseSubprotocol/],
  ])('%s throws', (_what, options, error, message) => {
    expect(() => answerHandshake(request(), options)).toThrow(error);
    expect(() => answerHandshake(request(), options)).toThrow(message);
  });
});

describe('a request that is refused', () => {
  test.each<[string, Buffer, number, string]>([
    ['a method', request({}, 'POST / HTTP/1.1'), 405, 'WS_ERR_INVALID_METHOD'],
    ['HTTP/1.0', request({}, 'GET / HTTP/1.0'), 505, 'WS_ERR_INVALID_HTTP_VERSION'],
    ['a target', request({}, 'GET * HTTP/1.1'), 400, 'WS_ERR_INVALID_REQUEST_TARGET'],
    ['no Host', request({ Host: undefined }), 400, 'WS_ERR_INVALID_HOST'],
    ['two Hosts', request({ host: 'b' }), 400, 'WS_ERR_INVALID_HOST'],
    ['no Upgrade', request({ Upgrade: undefined }), 400, 'WS_ERR_INVALID_UPGRADE'],
    ['Connection', request({ Connection: 'close' }), 400, 'WS_ERR_INVALID_CONNECTION'],
    ['a key', request({ 'Sec-WebSocket-Key': 'short' }), 400, 'WS_ERR_INVALID_KEY'],
    [
      'two keys',
      request({ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }),
      400,
      'WS_ERR_INVALID_KEY',
    ],
    ['a version', request({ 'Sec-WebSocket-Version': '8' }), 426, 'WS_ERR_INVALID_VERSION'],
    ['a body', request({ 'Content-Length': '1' }), 400, 'WS_ERR_UNEXPECTED_BODY'],
    [
      'subprotocols',
      request({ 'Sec-WebSocket-Protocol': 'a,a' }),
      400,
      'WS_ERR_INVALID_SUBPROTOCOLS',
    ],
    ['extensions', request({ 'Sec-WebSocket-Extensions': ';' }), 400, 'WS_ERR_INVALID_EXTENSIONS'],
  ])('%s', (_what, bytes, status, code) => {
    const answer = refused(bytes);
    expect(answer).toMatchObject({ status, error: { code, name: 'HandshakeError' } });
    expect(answer.request?.rawHeaders.length).toBeGreaterThan(0);
    const [head = '', body = ''] = answer.response.toString().split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z ]+\r\n`));
    expect(head).toContain(`\r\nContent-Length: ${body.length}`);
    expect(body).toBe(`${answer.error.message}\n`);
  });

  test('names the version and the method that are understood', () => {
    const version = refused(request({ 'Sec-WebSocket-Version': '8' })).response.toString();
    expect(version).toContain('\r\nSec-WebSocket-Version: 13\r\n');
    expect(refused(request({}, 'POST / HTTP/1.1')).response.toString()).toContain('\r\nAllow: GET');
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n', /not a request line of HTTP: 'hello'/],
    ['a space too many', 'GET  / HTTP/1.1\r\n\r\n', /not a request line/],
    ['a line without a colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n', /not a header field: "Host"/],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', /not a header field/],
    ['a folded line', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n', /not a header field: " c"/],
    ['a line feed alone', 'GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n', /not a header field/],
    ['too much', `GET / HTTP/1.1\r\nA: ${'b'.repeat(17_000)}`, /more than 16384 bytes/],
    ['too much, complete', `GET / HTTP/1.1\r\nA: ${'b'.repeat(17_000)}\r\n\r\n`, /more than 16384/],
  ])('because it is not HTTP: %s', (_what, text, message) => {
    const answer = refused(text);
    expect(answer.error).toBeInstanceOf(SyntaxError);
    expect(answer.error.message).toMatch(message);
    expect(answer).toMatchObject({ status: 400, request: undefined });
    expect(answer.response.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test('the response repeats nothing that is not ASCII', () => {
    const { response } = refused(
      Buffer.from('GET / HTTP/1.1\r\n\u00e9<: \u00e9\r\n\r\n', 'latin1'),
    );
    expect(response.toString('latin1')).toMatch(/^[\r\n\x20-\x7e]*$/);
  });

  test('fields named as members of objects are fields', () => {
    const answer = accepted(request({ __proto__: undefined, constructor: 'x', toString: 'y' }));
    expect(answer.request.headers).toMatchObject({ constructor: 'x', tostring: 'y' });
  });
});

test('what is not bytes throws', () => {
  expect(() => answerHandshake('GET' as never)).toThrow(TypeError);
});
