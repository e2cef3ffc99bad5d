/** CloseError and AbortError: what they say. */

import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { AbortError } from '../../../src/websocket/abort-error.js';
import { CloseError } from '../../../src/websocket/close-error.js';

const INFO = {
  wasClean: false,
  by: 'peer',
  cause: 'close',
  messages: { sent: 0, received: 0 },
  closed: 0,
} as const;

test('CloseError has the Close of the peer, and closeInfo', () => {
  const closeInfo = { ...INFO, received: { code: 4000, reason: 'over' } };
  const error = new CloseError(closeInfo);
  expect(error).toBeInstanceOf(WebSocket.WebSocketError);
  expect(String(error)).toBe('CloseError: The connection was closed with 4000: over');
  expect(error).toMatchObject({ code: 'WS_ERR_CLOSED', closeCode: 4000, reason: 'over' });
  expect([error.closeInfo, error.cause, 'cause' in error]).toEqual([closeInfo, undefined, false]);
});

test('CloseError without a Close says who ended the connection and why', () => {
  const closeInfo = { ...INFO, by: 'timeout', cause: 'heartbeat' } as const;
  const error = new CloseError(closeInfo);
  expect([error.closeCode, error.reason]).toEqual([1006, '']);
  expect(error.message).toMatch(/without a Close of the peer \(by timeout: heartbeat\)/);
});

test('CloseError has the error of the connection as its cause, not enumerable', () => {
  const cause = new Error('reset');
  const error = new CloseError({ ...INFO, by: 'wire', cause: 'error', error: cause });
  expect(error.cause).toBe(cause);
  expect(Object.keys(error)).not.toContain('cause');
});

test('AbortError is like that of Node', () => {
  const error = new AbortError(AbortSignal.abort('enough'));
  expect(String(error)).toBe('AbortError: The operation was aborted');
  expect([error.code, error.cause]).toEqual(['ABORT_ERR', 'enough']);
});
