import { describe, expect, test } from '@jest/globals';
import { buildRequest, validateResponse } from '../../../src/handshake/client.js';
import { HandshakeError } from '../../../src/handshake/errors.js';
import { acceptFor } from '../../../src/handshake/fields.js';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const asked = { key, subprotocols: ['chat', 'superchat'], extensions: '' };
const good = {
  upgrade: 'WebSocket',
  connection: 'keep-alive, Upgrade',
  'sec-websocket-accept': acceptFor(key),
  'sec-websocket-protocol': 'superchat',
};

test('RFC 6455 §4.1: the fields of a request, in their order', () => {
  expect(buildRequest({ ...asked, extensions: 'x' }, 'http://a')).toEqual([
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', key],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Extensions', 'x'],
    ['Sec-WebSocket-Protocol', 'chat, superchat'],
    ['Origin', 'http://a'],
  ]);
});

test('RFC 6455 §4.1: a request that asks for nothing has the required fields only', () => {
  const names = (origin?: string) =>
    buildRequest({ key, subprotocols: [], extensions: '' }, origin).map(([name]) => name);
  const required = ['Sec-WebSocket-Version', 'Sec-WebSocket-Key', 'Connection', 'Upgrade'];
  expect([names(undefined), names('')]).toEqual([required, required]);
});

test('a response that answers the request is accepted with its subprotocol', () => {
  const agreement = { subprotocol: 'superchat', extensions: [] };
  expect(validateResponse({ headers: good }, asked)).toEqual(agreement);
  for (const httpVersion of ['1.1', '1.2', '2.0', '10.0']) {
    expect(validateResponse({ httpVersion, headers: good }, asked)).toEqual(agreement);
  }
});

test.each([
  ['upgrade', undefined, 'WS_ERR_INVALID_UPGRADE'],
  ['upgrade', 'h2c', 'WS_ERR_INVALID_UPGRADE'],
  ['connection', undefined, 'WS_ERR_INVALID_CONNECTION'],
  ['connection', 'Upgraded', 'WS_ERR_INVALID_CONNECTION'],
  ['sec-websocket-accept', undefined, 'WS_ERR_INVALID_ACCEPT'],
  ['sec-websocket-accept', acceptFor(key).toLowerCase(), 'WS_ERR_INVALID_ACCEPT'],
  ['sec-websocket-extensions', 'permessage-deflate', 'WS_ERR_UNREQUESTED_EXTENSIONS'],
  ['sec-websocket-protocol', 'Chat', 'WS_ERR_INVALID_SUBPROTOCOL'],
  ['sec-websocket-protocol', 'chat, superchat', 'WS_ERR_INVALID_SUBPROTOCOL'],
  ['sec-websocket-protocol', undefined, 'WS_ERR_MISSING_SUBPROTOCOL'],
])('%s: %s is refused with %s', (name, value, code) => {
  const verdict = validateResponse({ headers: { ...good, [name]: value } }, asked);
  expect(verdict).toBeInstanceOf(HandshakeError);
  expect(verdict).toMatchObject({ code });
});

test('a subprotocol that nobody asked for is refused', () => {
  const verdict = validateResponse({ headers: good }, { ...asked, subprotocols: [] });
  expect(verdict).toMatchObject({ code: 'WS_ERR_UNREQUESTED_SUBPROTOCOL' });
});

// RFC 6455 §4.1, §4.2.2: HTTP/1.1 or higher.
test.each(['0.9', '1.0'])('a status line of HTTP/%s is refused', (httpVersion) => {
  const verdict = validateResponse({ httpVersion, headers: good }, asked);
  expect(verdict).toMatchObject({ code: 'WS_ERR_INVALID_HTTP_VERSION', status: 101 });
});

test('a server that chooses no subprotocol is accepted if none was requested', () => {
  const headers = { ...good, 'sec-websocket-protocol': undefined };
  expect(validateResponse({ headers }, { ...asked, subprotocols: [] })).toEqual({
    subprotocol: '',
    extensions: [],
  });
});

describe('extensions in the response', () => {
  const requested = { ...asked, extensions: 'permessage-deflate; client_max_window_bits, x-other' };
  const answer = (field: string, request = requested) =>
    validateResponse({ headers: { ...good, 'sec-websocket-extensions': field } }, request);

  test('are accepted with their parameters if they were requested', () => {
    expect(answer('x-other; a=1')).toMatchObject({
      extensions: [{ name: 'x-other', parameters: [['a', '1']] }],
    });
    expect(answer('x-other, permessage-deflate')).toMatchObject({
      extensions: [{ name: 'x-other' }, { name: 'permessage-deflate' }],
    });
  });

  test.each([
    ['x-unknown', 'WS_ERR_UNREQUESTED_EXTENSION'],
    ['permessage-deflate, x-unknown', 'WS_ERR_UNREQUESTED_EXTENSION'],
    ['permessage-deflate; a=', 'WS_ERR_INVALID_EXTENSIONS'],
    ['', 'WS_ERR_INVALID_EXTENSIONS'],
    // RFC 7692 §5: a server takes one of the offers of an extension.
    ['permessage-deflate, permessage-deflate', 'WS_ERR_INVALID_EXTENSIONS'],
  ])('%j is refused with %s', (field, code) => {
    expect(answer(field)).toMatchObject({ code, status: 101 });
  });

  test('a request that is not a list of extensions requested none of them', () => {
    expect(answer('x', { ...asked, extensions: ';;' })).toMatchObject({
      code: 'WS_ERR_UNREQUESTED_EXTENSION',
    });
  });
});
