/** Bytes and files that were made to harm the program that reads them. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { connectionsOf, piecesOf } from '../../../src/recording/connections.js';
import { toHar } from '../../../src/recording/har.js';
import { fromHar } from '../../../src/recording/har-import.js';
import { frame, KEY } from '../../support/frames.js';
import { DEFLATE, RecordedScene, requestHead, responseHead } from '../../support/recordings.js';

/** A compressed message of 101 MiB that takes 100 KiB. */
function bomb(): Buffer {
  const deflated = deflateRawSync(Buffer.alloc(101 * 1024 * 1024), { level: 9 });
  return frame({ rsv: 4, opcode: 2, payload: deflated, mask: KEY });
}

describe('informational responses', () => {
  test('are recorded, however many come at once', () => {
    const scene = new RecordedScene();
    scene.connect();
    scene.send('client', requestHead());
    const early = 'HTTP/1.1 103 Early Hints\r\n\r\n';
    scene.send('server', early.repeat(20_000) + responseHead());
    scene.send('server', frame({ payload: 'x' }));
    const heads = scene.records.filter((one) => one.type === 'handshake' && one.from === 'server');
    expect(heads).toHaveLength(20_001);
    expect(scene.records.at(-1)).toMatchObject({ type: 'frame', text: 'x' });
  });
});

test('a recording is decoded again without inflating more than the limit', () => {
  const scene = new RecordedScene().open(DEFLATE);
  scene.send('client', bomb());
  const [connection] = connectionsOf(scene.records);
  for (const piece of connection === undefined ? [] : piecesOf(connection)) {
    if (piece.type === 'frame') expect(piece.frame.violation?.closeCode).toBe(1009);
  }
  expect(toHar(scene.records).log.entries[0]?._webSocketMessages).toEqual([]);
});

test('the HAR of a browser may have 130,000 messages of one connection', () => {
  const message = { type: 'send', time: 1_700_000_000, opcode: 1, data: 'x' };
  const entry = {
    _resourceType: 'websocket',
    startedDateTime: new Date(1_700_000_000_000).toISOString(),
    request: { url: 'ws://localhost/', headers: [] },
    response: { status: 101, headers: [] },
    _webSocketMessages: new Array(130_000).fill(message),
  };
  expect(fromHar({ log: { entries: [entry] } })).toHaveLength(130_004);
});
