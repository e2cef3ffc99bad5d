/** What connect prints of messages of any length and content. */

import { Buffer } from 'node:buffer';
import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { Arguments } from '../../../src/cli/arguments.js';
import type { Io } from '../../../src/cli/command.js';
import { PipeDisplay } from '../../../src/cli/display.js';
import { hex } from '../../../src/cli/text.js';

test('the digits of 30 MB are written without ending the process', () => {
  const text = hex(Buffer.alloc(30_000_000, 0xab));
  expect(text.length).toBe(3 * 30_000_000 - 1);
  expect(text.slice(3 * 65_536 - 4, 3 * 65_536 + 4)).toBe(' ab ab a');
});

test.each([
  [true, '\\x1b[31mA\n'],
  [false, '\x1b[31mA\n'],
])('a message that is not typed for, on a terminal: %p', (isTTY, expected) => {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const io = { stdout, stderr: new PassThrough(), env: {} } as unknown as Io;
  new PipeDisplay(new Arguments([], new Map()), io).onMessage(Buffer.from('\x1b[31mA'), false);
  expect(String(stdout.read())).toBe(expected);
});
