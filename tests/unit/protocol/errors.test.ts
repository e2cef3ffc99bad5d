import { expect, test } from '@jest/globals';
import { HandshakeError, REFUSALS, type Refusal } from '../../../src/handshake/errors.js';
import { isCloseCode, MAX_CLOSE_REASON } from '../../../src/protocol/close.js';
import {
  ProtocolError,
  VIOLATIONS,
  type Violation,
  WebSocketError,
} from '../../../src/protocol/errors.js';

const violations = Object.keys(VIOLATIONS) as Violation[];
const refusals = Object.keys(REFUSALS) as Refusal[];

test.each(violations)(
  '%s is an error with code, close code and section, fit for a Close',
  (name) => {
    const error = new ProtocolError(name, 18_446_744_073_709_552_000);
    expect(error).toBeInstanceOf(RangeError);
    expect(error.code).toBe(VIOLATIONS[name].code);
    expect(isCloseCode(error.closeCode)).toBe(true);
    expect(error.rfc).toMatch(/^RFC \d{4} §\d/);
    expect(error.message).not.toContain('%');
    expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(MAX_CLOSE_REASON);
  },
);

test.each(refusals)('%s is an error with code, status and section', (name) => {
  const error = new HandshakeError(name, undefined, 'detail');
  expect(error).toBeInstanceOf(WebSocketError);
  expect(error.code).toMatch(/^WS_ERR_[A-Z_]+$/);
  expect(error.status === 0 || (error.status >= 400 && error.status < 600)).toBe(true);
  expect(error.rfc).toMatch(/^RFC \d{4} §\d/);
  expect(error.message).not.toContain('%');
});

test('errors are named after their class', () => {
  expect(new ProtocolError('EXPECTED_FIN').name).toBe('ProtocolError');
  expect(new HandshakeError('INVALID_KEY').name).toBe('HandshakeError');
});
