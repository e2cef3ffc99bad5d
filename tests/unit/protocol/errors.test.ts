import { expect, test } from '@jest/globals';
import { isCloseCode, MAX_CLOSE_REASON } from '../../../src/protocol/close.js';
import {
  completeSentence,
  ProtocolError,
  VIOLATIONS,
  type Violation,
  WebSocketError,
} from '../../../src/protocol/errors.js';

const violations = Object.keys(VIOLATIONS) as Violation[];

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

test('errors are named after their class', () => {
  expect(new ProtocolError('EXPECTED_FIN').name).toBe('ProtocolError');
  expect(new WebSocketError('text', 'WS_ERR_X').name).toBe('WebSocketError');
});

test('what was wrong stands in the sentence, or the sentence stands alone', () => {
  expect(new ProtocolError('INVALID_OPCODE', 3).message).toMatch(/invalid opcode 3$/);
  expect(completeSentence('Length %', 0)).toBe('Length 0');
  expect(completeSentence('No detail: %', undefined)).toBe('No detail: %');
});

test('a WebSocketError has a message and a code', () => {
  const error = new WebSocketError('what was wrong', 'WS_ERR_X');
  expect([error.message, error.code, error instanceof Error]).toEqual([
    'what was wrong',
    'WS_ERR_X',
    true,
  ]);
});
