import { expect, test } from '@jest/globals';
import { buildRequest, judgeResponse } from '../../../src/handshake/client.js';
import { acceptFor } from '../../../src/handshake/fields.js';
import { HandshakeError } from '../../../src/protocol/errors.js';

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

test('a response that answers the request is accepted with its subprotocol', () => {
  expect(judgeResponse(good, asked)).toEqual({ subprotocol: 'superchat', extensions: [] });
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
  const verdict = judgeResponse({ ...good, [name]: value }, asked);
  expect(verdict).toBeInstanceOf(HandshakeError);
  expect(verdict).toMatchObject({ code });
});

test('a subprotocol that nobody asked for is refused', () => {
  const verdict = judgeResponse(good, { ...asked, subprotocols: [] });
  expect(verdict).toMatchObject({ code: 'WS_ERR_UNREQUESTED_SUBPROTOCOL' });
});
