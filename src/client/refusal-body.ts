/** Reads a response that refuses an opening handshake. */

import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { time } from '../connection/time.js';
import { HandshakeError, MAX_REFUSAL_BODY } from '../handshake/errors.js';
import { parseRetryAfter } from '../handshake/retry-after.js';

/** How long a body may take, in milliseconds: a server that stalls must not delay the error for long. */
const BODY_TIMEOUT = 1000;

/**
 * Reads the beginning of the body, and makes the error of the handshake.
 * @param timeout that of the handshake
 */
export function readRefusal(
  response: IncomingMessage,
  status: number,
  timeout: number,
  onRead: (error: HandshakeError) => void,
): void {
  const { headers } = response;
  readRefusalBody(response, timeout, (body) => {
    const retryAfter = parseRetryAfter(headers, time.wallClock());
    const refusal = { headers, body, retryAfter };
    onRead(new HandshakeError('UNEXPECTED_RESPONSE', status, status, refusal));
  });
}

/**
 * Reads until the body ends, until it has 4 KiB, or for a second.
 * @param timeout a shorter time, in milliseconds; 0 for none
 * @param onRead called once, with what was read
 */
function readRefusalBody(
  response: IncomingMessage,
  timeout: number,
  onRead: (body: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let missing = MAX_REFUSAL_BODY;
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    time.clearTimeout(timer);
    onRead(Buffer.concat(chunks));
  };
  const timer = time.setTimeout(
    finish,
    timeout === 0 ? BODY_TIMEOUT : Math.min(timeout, BODY_TIMEOUT),
  );
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk.subarray(0, missing));
    missing -= Math.min(missing, chunk.length);
    if (missing === 0) finish();
  });
  // A response that is cut off emits 'error' or 'close' only.
  for (const event of ['end', 'error', 'close']) response.on(event, finish);
}
