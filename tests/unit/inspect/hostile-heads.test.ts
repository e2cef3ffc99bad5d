/** Heads and frames that a peer makes so that they take long to read. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { describeRequest, describeResponse } from '../../../src/inspect/handshake-lines.js';
import { Store } from '../../../src/inspect/store.js';
import { frame, KEY } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { connectClient, inspected, RawTarget } from '../../support/inspected.js';
import { upgradeRequest, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

/** Far more than any of this takes, and far less than it took. */
const PATIENCE = 2_000;

function timed<Result>(work: () => Result): Result {
  const start = performance.now();
  const result = work();
  expect(performance.now() - start).toBeLessThan(PATIENCE);
  return result;
}

describe('a head of 64 KiB is explained at once', () => {
  test('with spaces inside of a value', () => {
    const lines = timed(() =>
      describeRequest(`GET / HTTP/1.1\r\nX: a${' '.repeat(60_000)}b\r\n\r\n`),
    );
    expect(lines).toHaveLength(2);
  });

  test('with thousands of fields that are compared with a long request', () => {
    const response = `HTTP/1.1 101 x\r\n${'Sec-WebSocket-Accept: b\r\n'.repeat(2_600)}\r\n`;
    const request = `GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`;
    const lines = timed(() => describeResponse(response, request));
    expect(lines).toHaveLength(2_601);
    expect(lines.at(-1)?.meaning).toMatch(/once more/);
  });
});

test('a request whose first line is 60 KiB long does not stop the inspector', async () => {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${target.port}` });
  const { socket } = await connectClient(scope(), through);
  const start = performance.now();
  const head = `GET ${'/a'.repeat(30_000)} X\r\n\r\n`;
  socket.write(head);
  const { inbox } = await target.next();
  expect((await inbox.take(head.length)).toString()).toBe(head);
  expect(performance.now() - start).toBeLessThan(PATIENCE);
});

test('thousands of informational responses are forwarded', async () => {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${target.port}` });
  const { socket, inbox } = await connectClient(scope(), through);
  socket.write(upgradeRequest());
  const server = await target.next();
  await server.inbox.message();
  const sent = 'HTTP/1.1 100 C\r\n\r\n'.repeat(20_000) + upgradeResponse('x');
  server.socket.write(sent);
  expect((await inbox.take(sent.length)).toString()).toBe(sent);
  await turns();
  await until(() => through.of('handshake').length === 20_002, 'the records');
});

test('a compressed frame is described without inflating it', () => {
  const deflated = deflateRawSync(Buffer.alloc(1024 * 1024 * 1024), { level: 1 });
  const bytes = frame({ rsv: 4, opcode: 1, payload: deflated, mask: KEY }).toString('hex');
  const store = new Store();
  const bits = { fin: true, rsv1: true, rsv2: false, rsv3: false, opcode: 1, opcodeName: 'text' };
  const place = { connection: 1, time: 0, from: 'client' } as const;
  store.add({ type: 'frame', ...place, bytes, ...bits, masked: true, payloadLength: 1 });
  const described = timed(() => store.describe(0));
  expect(described?.frame).toMatchObject({ rsv1: true, opcodeName: 'text' });
  expect(described?.frame?.message).toBeUndefined();
});
