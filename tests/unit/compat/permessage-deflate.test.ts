/** The ws-shaped PerMessageDeflate: what a program that drives it by itself can rely on. */

import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const { PerMessageDeflate, Receiver } = WebSocket;
const scope = useScope();

/** An end that has agreed with the other one on nothing special. */
function agreed(isServer: boolean, maxPayload?: number) {
  const deflate = new PerMessageDeflate({ isServer, maxPayload });
  deflate.accept([{}]);
  return deflate;
}

type Result = Buffer | Error | undefined;

test('a callback that throws holds up nothing behind it', async () => {
  const caught = uncaught(scope());
  const deflate = agreed(true);
  const seen: Result[] = [];
  deflate.compress('one', true, () => {
    throw new Error('thrown by the program');
  });
  deflate.compress('two', true, (_error, data) => seen.push(data));
  await until(() => seen.length === 1 && caught.length === 1, 'both callbacks');
  expect(caught).toEqual([new Error('thrown by the program')]);
});

test('fragments that are longer than maxPayload are refused before the message ends', async () => {
  const deflate = agreed(false, 100);
  const seen: Result[] = [];
  for (let i = 0; i < 3; i++) {
    deflate.decompress(Buffer.alloc(50), false, (error, data) => seen.push(error ?? data));
  }
  await until(() => seen.length === 3, 'three callbacks');
  expect(seen.map(String)).toEqual(['', '', 'ProtocolError: Max payload size exceeded']);
});

test('cleanup() calls the callbacks of pending work, once', async () => {
  const deflate = agreed(true);
  const seen: Result[] = [];
  deflate.compress(Buffer.alloc(100_000), true, (error, data) => seen.push(error ?? data));
  deflate.compress('behind', true, (error, data) => seen.push(error ?? data));
  deflate.cleanup();
  expect(seen.map(String)).toEqual(
    Array(2).fill('Error: The deflate stream was closed while data was being processed'),
  );
  let later: Result;
  deflate.compress('later', true, (error, data) => {
    later = error ?? data;
  });
  await until(() => later !== undefined, 'what came after');
  expect(later).toBeInstanceOf(Buffer);
  expect(seen).toHaveLength(2);
});

test('neither compress() nor decompress() comes before accept()', () => {
  const deflate = new PerMessageDeflate();
  for (const name of ['compress', 'decompress'] as const) {
    expect(() => deflate[name](Buffer.alloc(1), true, () => {})).toThrow(
      'accept() must come before',
    );
  }
});

test('a Receiver says once what was wrong with a compressed message', async () => {
  const extensions = { 'permessage-deflate': agreed(true) };
  const receiver = new Receiver({ isServer: true, extensions });
  const errors: Error[] = [];
  receiver.on('error', (error) => errors.push(error));
  receiver.write(Buffer.from('c1810000000006', 'hex'));
  await until(() => errors.length > 0, 'an error');
  expect(errors.map(String)).toEqual([
    'ProtocolError: Invalid compressed message: invalid block type',
  ]);
});
