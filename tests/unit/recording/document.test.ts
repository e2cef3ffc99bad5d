/** The example of docs/recording.md is what a recorder writes. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { formatRecord, parseRecording } from '../../../src/recording/read.js';
import { Recorder } from '../../../src/recording/recorder.js';

const TEXT = readFileSync(join(__dirname, '../../../docs/recording.md'), 'utf8');

test('the bytes of the example give its records', () => {
  const [, example = ''] = /```json\n(\{"type":"recording"[\s\S]*?)```/.exec(TEXT) ?? [];
  const [first, connection, ...events] = parseRecording(example);
  if (first?.type !== 'recording' || connection?.type !== 'connection')
    throw new Error('no example');
  let now = 0;
  let written = '';
  const { software, startedAt } = first;
  const options = { software, startedAt: Date.parse(startedAt), now: () => now };
  const recorder = new Recorder((record) => {
    written += formatRecord(record);
  }, options);
  const { url, client, server } = connection;
  const recorded = recorder.connect({ url, client, server });
  for (const event of events) {
    if (event.type === 'recording' || event.type === 'connection') continue;
    now = event.time;
    if (event.type === 'end') recorded.end(event.from);
    else if (event.type === 'handshake')
      recorded.receive(event.from, Buffer.from(event.head, 'latin1'));
    else recorded.receive(event.from, Buffer.from(event.bytes, 'hex'));
  }
  expect(written).toBe(example);
  expect(events).toHaveLength(10);
});
