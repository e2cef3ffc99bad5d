/** Who ended a connection, and why: the table of first events. */

import { expect, test } from '@jest/globals';
import { CLOSING_TABLE, type ClosingInput } from '../../../src/protocol/close.js';
import { originOf } from '../../../src/protocol/close-origin.js';
import { ProtocolError, type Violation } from '../../../src/protocol/errors.js';

test.each<[ClosingInput, string, string]>([
  ['CLOSE_CALLED', 'us', 'close'],
  ['CLOSE_RECEIVED', 'peer', 'close'],
  ['VIOLATION', 'peer', 'violation'],
  ['TERMINATED', 'us', 'terminate'],
  ['WIRE_ENDED', 'wire', 'end'],
  ['WIRE_CLOSED', 'wire', 'end'],
])('%s is by %s, cause %s', (input, by, cause) => {
  expect(originOf(input, undefined)).toEqual({ by, cause });
});

test.each<[Violation, string, string]>([
  ['EXPECTED_MASK', 'peer', 'violation'],
  ['INVALID_UTF8', 'peer', 'violation'],
  ['UNSUPPORTED_MESSAGE_LENGTH', 'limit', 'maxPayload'],
  ['TOO_MANY_FRAGMENTS', 'limit', 'maxFragments'],
  ['MESSAGE_RATE', 'limit', 'messageRate'],
  ['FIRST_MESSAGE_TIMEOUT', 'timeout', 'firstMessageTimeout'],
  ['CANNOT_DECODE', 'us', 'failure'],
])('the violation %s is by %s, cause %s', (violation, by, cause) => {
  expect(originOf('VIOLATION', new ProtocolError(violation))).toEqual({ by, cause });
});

test('every event that an open connection knows has an origin; the others have none', () => {
  for (const input of Object.keys(CLOSING_TABLE.OPEN) as ClosingInput[]) {
    expect(originOf(input, undefined)).toBeDefined();
  }
  expect(originOf('TIMED_OUT', undefined)).toBeUndefined();
});
