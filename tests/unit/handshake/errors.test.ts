/** RFC 6455 §4.1, §4.2.2: the table of reasons why an opening handshake fails, and its errors. */

import { expect, test } from '@jest/globals';
import { HandshakeError, REFUSALS, type Refusal } from '../../../src/handshake/errors.js';
import { WebSocketError } from '../../../src/protocol/errors.js';

const refusals = Object.keys(REFUSALS) as Refusal[];

test.each(refusals)('%s is an error with code, status and section', (name) => {
  const error = new HandshakeError(name, undefined, 'detail');
  expect(error).toBeInstanceOf(WebSocketError);
  expect(error.code).toMatch(/^WS_ERR_[A-Z_]+$/);
  expect(error.status === 0 || (error.status >= 400 && error.status < 600)).toBe(true);
  expect(error.rfc).toMatch(/^RFC \d{4} §\d/);
  expect(error.message).not.toContain('%');
});

test('a refused request has the status that the server answers', () => {
  expect(new HandshakeError('INVALID_METHOD')).toMatchObject({ status: 405 });
  expect(new HandshakeError('INVALID_VERSION')).toMatchObject({ status: 426 });
});

test('a refused response has the status that was received', () => {
  const error = new HandshakeError('UNEXPECTED_RESPONSE', 302, 302);
  expect([error.status, error.message]).toEqual([302, 'Unexpected server response: 302']);
});

test('an error may have a row of another table', () => {
  const row = { status: 0, code: 'WS_ERR_OTHER', rfc: 'RFC 1 §2', sentence: 'Refused: %' } as const;
  const error = new HandshakeError(row, 502, 'no');
  expect([error.code, error.status, error.rfc]).toEqual(['WS_ERR_OTHER', 502, 'RFC 1 §2']);
  expect(error.message).toBe('Refused: no');
});

test('an error is named after its class', () => {
  expect(String(new HandshakeError('INVALID_KEY'))).toMatch(/^HandshakeError: Missing or invalid/);
});

test('a refusal has the response, of which only Retry-After is enumerable', () => {
  const headers = { 'set-cookie': ['a=1'] };
  const body = Buffer.from('no');
  const detail = [429, 429] as const;
  const error = new HandshakeError('UNEXPECTED_RESPONSE', ...detail, {
    headers,
    body,
    retryAfter: 5,
  });
  expect([error.headers, error.body, error.retryAfter]).toEqual([headers, body, 5]);
  expect(Object.keys(error)).toEqual(['code', 'status', 'rfc', 'retryAfter']);
  const without = { headers, body, retryAfter: undefined };
  expect('retryAfter' in new HandshakeError('UNEXPECTED_RESPONSE', ...detail, without)).toBe(false);
});
