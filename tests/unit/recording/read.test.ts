/** The text of a recording. */

import { describe, expect, test } from '@jest/globals';
import { formatRecord, isRecording, parseRecording } from '../../../src/recording/read.js';
import { closePayload } from '../../support/frames.js';
import { RecordedScene } from '../../support/recordings.js';

const FIRST =
  '{"type":"recording","version":1,"software":"a/1","startedAt":"2026-01-02T03:04:05.678Z"}';
const CONNECTION = '{"type":"connection","connection":1,"time":0,"url":"ws://a.example/"}';

function lines(...more: string[]): string {
  return [FIRST, CONNECTION, ...more].join('\n');
}

test('what is written is read again', () => {
  const scene = new RecordedScene()
    .open('X-Name: caf\xe9')
    .client({ payload: 'a' })
    .server({ opcode: 3 })
    .server({ opcode: 8, payload: closePayload(1000, 'bye') })
    .send('server', Buffer.from([0x81]))
    .end('server')
    .end('client', new Error('gone'));
  const text = scene.records.map(formatRecord).join('');
  expect(text.split('\n')).toHaveLength(scene.records.length + 1);
  expect(parseRecording(text)).toEqual(scene.records);
  expect(parseRecording(text.split('\n'))).toEqual(scene.records);
});

test('lines may end with CRLF, be empty, and begin with a byte order mark', () => {
  const text = `\ufeff${FIRST}\r\n\r\n${CONNECTION}\r\n`;
  expect(parseRecording(text).map(({ type }) => type)).toEqual(['recording', 'connection']);
});

test('records of an unknown type and unknown properties are skipped', () => {
  const text = lines(
    '{"type":"note","text":"by a later program"}',
    '{"type":"constructor"}',
    '{"type":"end","connection":1,"time":1,"from":"client","how":"end","later":1}',
  );
  expect(parseRecording(text).map(({ type }) => type)).toEqual(['recording', 'connection', 'end']);
});

describe('an error names the line and what is wrong', () => {
  const FRAME =
    '{"type":"frame","connection":1,"time":1,"from":"server","bytes":"8100","fin":true,"rsv1":false,' +
    '"rsv2":false,"rsv3":false,"opcode":1,"opcodeName":"text","masked":false,"payloadLength":0}';

  test.each([
    ['an empty text', '\n', /empty/],
    ['another first record', CONNECTION, /^Line 1 .*"recording": 'connection' was found/],
    ['no version', '{"type":"recording"}', /^Line 1 .*version.*undefined/],
    ['no date', FIRST.replace('2026-', 'x'), /^Line 1 .*startedAt/],
    ['a line that is cut off', lines(FRAME.slice(0, 50)), /^Line 3 .*not JSON, or cut off/],
    ['a list', lines('[]'), /^Line 3 .*a JSON object/],
    ['null', lines('null'), /^Line 3 .*null was found/],
    ['no type', lines('{}'), /^Line 3 .*type must be a text: it is undefined/],
    ['a second recording', lines(FIRST), /^Line 3 .*second recording/],
    ['no connection', lines('{"type":"end"}'), /^Line 3 .*connection of "end" must be a whole/],
    [
      'a wrong end',
      lines(FRAME.replace('"server"', '"proxy"')),
      /from .*"client" or "server": it is/,
    ],
    ['half a byte', lines(FRAME.replace('8100', '810')), /bytes .*hexadecimal digits: it is/],
    ['no digits', lines(FRAME.replace('8100', 'zz')), /bytes .*hexadecimal digits/],
    [
      'no FIN',
      lines(FRAME.replace('"fin":true,', '')),
      /fin of "frame" must be true or false: it is missing/,
    ],
    [
      'a head beyond Latin-1',
      lines('{"type":"handshake","connection":1,"time":1,"from":"client","head":"\\u20ac"}'),
      /head .*Latin-1/,
    ],
  ])('%s', (_what, text, message) => {
    expect(() => parseRecording(text)).toThrow(SyntaxError);
    expect(() => parseRecording(text)).toThrow(message);
  });

  test('a higher version is refused', () => {
    const text = FIRST.replace('"version":1', '"version":2');
    expect(() => parseRecording(text)).toThrow(RangeError);
    expect(() => parseRecording(text)).toThrow(/has version 2 .* up to version 1/);
  });
});

test.each([
  [FIRST, true],
  [` { "type" : "recording" }`, true],
  ['{"log":{}}', false],
  ['81 05', false],
])('whether a text is a recording: %s', (text, expected) => {
  expect(isRecording(text)).toBe(expected);
});

test('20,000 lines are read in a short time', () => {
  const scene = new RecordedScene().open().server({ payload: 'Hello' });
  const line = formatRecord(scene.frames[0] as (typeof scene.frames)[0]); // there is one
  const text = `${FIRST}\n${CONNECTION}\n${line.repeat(20_000)}`;
  const before = performance.now();
  expect(parseRecording(text)).toHaveLength(20_002);
  expect(performance.now() - before).toBeLessThan(10_000);
});
