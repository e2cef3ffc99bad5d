/** Export to HAR 1.2, and import of a browser's HAR. */

import { describe, expect, test } from '@jest/globals';
import { toHar } from '../../../src/recording/har.js';
import { fromHar, isHar } from '../../../src/recording/har-import.js';
import { Compressor } from '../../support/deflate.js';
import { closePayload } from '../../support/frames.js';
import { type ConnectionEvent, inShort, RecordedScene, START } from '../../support/recordings.js';

const FIRST = START / 1000;

async function scene(): Promise<RecordedScene> {
  const compressor = new Compressor({ windowBits: 15, takeover: true });
  const compressed = await compressor.message(Buffer.from('compressed'));
  compressor.close();
  return new RecordedScene()
    .open(
      'Sec-WebSocket-Extensions: permessage-deflate',
      'Cookie: a=1; b=x=y',
      'Set-Cookie: s=2; Path=/',
    )
    .client({ payload: 'Hello' })
    .client({ opcode: 9, payload: 'p' })
    .server({ rsv: 4, payload: compressed })
    .server({ fin: false, opcode: 2, payload: Buffer.from([1, 2]) })
    .server({ opcode: 0, payload: Buffer.from([3]) })
    .server({ opcode: 8, payload: closePayload(1000) })
    .end('server')
    .end('client');
}

describe('export', () => {
  test('has the messages exactly as Chrome writes them', async () => {
    const [entry] = toHar((await scene()).records).log.entries;
    expect(entry?._webSocketMessages).toStrictEqual([
      { type: 'send', time: FIRST + 0.003, opcode: 1, data: 'Hello' },
      { type: 'receive', time: FIRST + 0.005, opcode: 1, data: 'compressed' },
      { type: 'receive', time: FIRST + 0.007, opcode: 2, data: 'AQID' },
    ]);
  });

  test('has our frames beside them', async () => {
    const [entry] = toHar((await scene()).records).log.entries;
    expect(entry?._frames).toHaveLength(6);
    expect(entry?._frames[0]).toEqual({
      ...{ time: FIRST + 0.003, from: 'client', bytes: '818537fa213d7f9f4d5158' },
      ...{ fin: true, rsv1: false, rsv2: false, rsv3: false, masked: true },
      ...{ opcode: 1, opcodeName: 'text', payloadLength: 5, messageLength: 5, text: 'Hello' },
    });
  });

  test('has what HAR 1.2 demands of an entry', async () => {
    const har = toHar((await scene()).records);
    expect(har.log).toMatchObject({ version: '1.2', creator: { name: 'test', version: '1.2.3' } });
    const [entry] = har.log.entries;
    expect(entry).toMatchObject({
      startedDateTime: new Date(START + 1).toISOString(),
      time: 1,
      request: {
        method: 'GET',
        url: 'ws://server.example.com/chat?room=1',
        httpVersion: 'HTTP/1.1',
        queryString: [{ name: 'room', value: '1' }],
        cookies: [
          { name: 'a', value: '1' },
          { name: 'b', value: 'x=y' },
        ],
        headersSize: expect.any(Number),
        bodySize: 0,
      },
      response: {
        status: 101,
        statusText: 'Switching Protocols',
        cookies: [{ name: 's', value: '2' }],
        content: { size: 0, mimeType: 'x-unknown' },
        redirectURL: '',
        bodySize: 0,
      },
      cache: {},
      timings: { send: 0, wait: 1, receive: 0 },
      serverIPAddress: '127.0.0.1',
      connection: '1',
      _resourceType: 'websocket',
    });
    expect(entry?.request.headers[0]).toEqual({ name: 'Host', value: 'server.example.com' });
    const { timings, time } = entry ?? { timings: {}, time: -1 };
    const sum = Object.values(timings).filter((one) => one >= 0);
    expect(sum.reduce((a, b) => a + b, 0)).toBe(time);
  });

  test('has a refusal with its body, and a connection without a response', () => {
    const recorded = new RecordedScene();
    recorded.send('client', 'GET / HTTP/1.1\r\n\r\n');
    recorded.send(
      'server',
      'HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Type: text/plain\r\n\r\nabc',
    );
    recorded.connect({ url: 'no URL', server: undefined });
    const [refused, silent] = toHar(recorded.records).log.entries;
    expect(refused?.response).toMatchObject({
      ...{ status: 302, redirectURL: '/b', bodySize: 3 },
      content: { size: 3, mimeType: 'text/plain' },
    });
    expect(silent).toMatchObject({
      request: { method: 'GET', queryString: [] },
      response: { status: 0 },
    });
    expect(silent).not.toHaveProperty('serverIPAddress');
  });

  test('wants a whole recording', async () => {
    const [first, , ...rest] = (await scene()).records;
    expect(() => toHar([])).toThrow(/first record/);
    expect(() => toHar([first as NonNullable<typeof first>, ...rest])).toThrow(
      /Connection 1 has a record "handshake", but none before it/,
    );
  });
});

/** As Chrome 131 writes it, without the parts that nothing here reads. */
const CHROME = {
  log: {
    version: '1.2',
    creator: { name: 'WebInspector', version: '537.36' },
    pages: [],
    entries: [
      { startedDateTime: '2026-01-02T03:04:00.000Z', request: { url: 'https://a.example/' } },
      {
        _resourceType: 'websocket',
        _webSocketMessages: [
          { type: 'send', time: 1767323045.75, opcode: 1, data: 'Hello' },
          { type: 'receive', time: 1767323045.8001, opcode: 2, data: 'AQID' },
          { type: 'error', time: 1767323046, opcode: -1, data: 'failed' },
        ],
        cache: {},
        connection: '443',
        request: {
          method: 'GET',
          url: 'wss://a.example/chat?x=1',
          httpVersion: 'HTTP/1.1',
          headers: [
            { name: ':authority', value: 'a.example' },
            { name: 'Upgrade', value: 'websocket' },
            { name: 'Sec-WebSocket-Key', value: 'dGhlIHNhbXBsZSBub25jZQ==' },
          ],
        },
        response: {
          status: 101,
          statusText: 'Switching Protocols',
          headers: [{ name: 'Sec-WebSocket-Accept', value: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' }],
        },
        serverIPAddress: '[2001:db8::1]',
        startedDateTime: '2026-01-02T03:04:05.000Z',
        time: 900,
        timings: { blocked: 1, wait: 20.5 },
      },
    ],
  },
};

const events = (records: readonly { type: string }[]) => records.slice(2) as ConnectionEvent[];

describe('import of a browser', () => {
  test('makes records of messages, with rebuilt frames', () => {
    const records = fromHar(JSON.stringify(CHROME));
    expect(records.slice(0, 2)).toEqual([
      {
        ...{ type: 'recording', version: 1, software: 'WebInspector/537.36' },
        startedAt: '2026-01-02T03:04:05.000Z',
      },
      {
        ...{ type: 'connection', connection: 1, time: 0, url: 'wss://a.example/chat?x=1' },
        server: '[2001:db8::1]:443',
      },
    ]);
    expect(inShort(events(records))).toEqual([
      '> GET /chat?x=1 HTTP/1.1',
      '< HTTP/1.1 101 Switching Protocols',
      '> text Hello',
      '< binary',
    ]);
    expect(events(records)).toMatchObject([
      { head: expect.not.stringContaining(':authority') },
      { time: 20.5 },
      { time: 750, bytes: '818537fa213d7f9f4d5158', masked: true },
      { time: 800.1, bytes: '8203010203', masked: false, payloadLength: 3 },
    ]);
  });

  test('gives the same records each time', () => {
    expect(fromHar(CHROME)).toEqual(fromHar(CHROME));
  });

  test('gives the same messages when it is exported again', () => {
    const [entry] = toHar(fromHar(CHROME)).log.entries;
    const { _webSocketMessages: messages } = CHROME.log.entries[1] ?? {};
    expect(entry?._webSocketMessages).toEqual(messages?.slice(0, 2));
  });

  test('a connection over HTTP/2 becomes one of HTTP/1.1', () => {
    const [, entry] = CHROME.log.entries;
    const overHttp2 = { ...entry, response: { status: 200, headers: [] }, serverIPAddress: '' };
    const records = fromHar({ log: { entries: [overHttp2] } });
    expect(inShort(events(records))[1]).toBe('< HTTP/1.1 101 Switching Protocols');
    expect(records[1]).not.toHaveProperty('server');
  });

  test('a refused and a failed connection have no frames', () => {
    const entry = { _resourceType: 'websocket', startedDateTime: '2026-01-02T03:04:05Z' };
    const request = { url: 'ws://a.example/', headers: [] };
    const refused = { ...entry, request, response: { status: 403, statusText: 'Forbidden' } };
    const failed = { ...entry, request, response: { status: 0 } };
    const records = fromHar({ log: { entries: [refused, failed] } });
    const seen = records.filter(({ type }) => type === 'handshake') as ConnectionEvent[];
    expect(inShort(seen)).toEqual([
      '> GET / HTTP/1.1',
      '< HTTP/1.1 403 Forbidden',
      '> GET / HTTP/1.1',
    ]);
  });

  test.each([
    ['no JSON', '{"log":', /not JSON, or cut off/],
    ['no HAR', '{}', /"entries"/],
    ['null', null, /"entries"/],
    ['no WebSocket', { log: { entries: [{}] } }, /no WebSocket/],
    ['no time', { log: { entries: [{ _webSocketMessages: [] }] } }, /startedDateTime .*undefined/],
  ])('%s is refused', (_what, har, message) => {
    expect(() => fromHar(har)).toThrow(SyntaxError);
    expect(() => fromHar(har)).toThrow(message);
  });

  test.each([
    ['{ "log": {', true],
    ['{"type":"recording"}', false],
  ])('whether a text is a HAR: %s', (text, expected) => {
    expect(isHar(text)).toBe(expected);
  });
});

test('a HAR of ours has every frame when it is imported again', async () => {
  const { records, frames } = await scene();
  const again = fromHar(JSON.stringify(toHar(records))).filter(({ type }) => type === 'frame');
  expect(again).toEqual(frames.map((frame) => ({ ...frame, time: frame.time - 1 })));
});
