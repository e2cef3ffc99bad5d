/** What a row of the list says about a record. */

import { expect, test } from '@jest/globals';
import { meaningOfCloseCode } from '../../../../src/cli/text.js';
import { closePayload, frame, KEY, OPCODE } from '../../../support/frames.js';
import { loadPageModule } from '../../../support/page-module.js';
import { RecordedScene } from '../../../support/recordings.js';

interface Describe {
  nameOfCloseCode(code: number): string;
  previewOf(record: object): string;
  sizesOf(entry: { readonly record: object; readonly wireLength?: number }): string;
  bytes(count: number): string;
}

const { nameOfCloseCode, previewOf, sizesOf, bytes } = loadPageModule<Describe>('describe.js');

const previewsOf = (scene: RecordedScene) => scene.frames.map(previewOf);

test('the page and the command use the same words for a close code', () => {
  const codes = Array.from({ length: 5001 }, (_, code) => code);
  expect(codes.filter((code) => nameOfCloseCode(code) !== meaningOfCloseCode(code))).toEqual([]);
});

test('binary data is shown unmasked, with each form of the length', () => {
  const scene = new RecordedScene().open();
  for (const length of [3, 126, 65_536]) {
    const payload = Buffer.alloc(length, 7);
    scene.client({ opcode: OPCODE.BINARY, payload }).server({ opcode: OPCODE.BINARY, payload });
  }
  const [short, long] = ['07 07 07', `${'07 '.repeat(24)}…`];
  expect(previewsOf(scene)).toEqual([short, short, long, long, long, long]);
});

test('text, an empty message, a Close with a reason, and one without a code', () => {
  const close = { opcode: OPCODE.CLOSE, payload: closePayload(1001, 'restart') };
  const scene = new RecordedScene().open().client({ payload: 'Hello' }).server(close);
  scene.server({ opcode: OPCODE.BINARY }).client({ opcode: OPCODE.CLOSE });
  expect(previewsOf(scene)).toEqual([
    'Hello',
    '1001 going away: restart',
    'empty',
    '1005 no code was sent',
  ]);
});

test('bytes outside of frames are text if they are ASCII', () => {
  const preview = (digits: string) => previewOf({ type: 'bytes', bytes: digits });
  expect(preview(Buffer.from('Hello').toString('hex'))).toBe('Hello');
  expect(preview('00ff')).toBe('00 ff');
  expect(preview('')).toBe('a held frame was dropped');
});

test('the size on the wire, and of a message that has another one', () => {
  const digits = frame({ payload: 'Hello', mask: KEY }).toString('hex');
  const record = { type: 'frame', bytes: digits, payloadLength: 5, messageLength: 5 };
  expect(sizesOf({ record })).toBe('11 B');
  expect(sizesOf({ record: { ...record, messageLength: 70_000 } })).toBe('11 ⇒ 68.4 KiB');
  expect(sizesOf({ record, wireLength: 20_000_000 })).toBe(bytes(20_000_000));
  expect(sizesOf({ record: { type: 'end' } })).toBe('');
});
