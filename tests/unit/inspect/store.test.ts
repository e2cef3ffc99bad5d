/** The records of the inspector: numbered, described, and within a limit. */

import { describe, expect, test } from '@jest/globals';
import { Store } from '../../../src/inspect/store.js';
import { Recorder } from '../../../src/recording/recorder.js';
import type { BytesRecord, FrameRecord } from '../../../src/recording/records.js';
import { Compressor } from '../../support/deflate.js';
import { frame, KEY, OPCODE } from '../../support/frames.js';
import { SAMPLE_KEY, upgradeRequest, upgradeResponse } from '../../support/requests.js';

const DEFLATE = 'permessage-deflate; client_max_window_bits';

/** A store with a connection whose handshake is over, and what records its bytes. */
function connected(limit?: number) {
  const store = new Store(limit);
  const recorder = new Recorder((record, frame) => store.add(record, frame));
  const tap = recorder.connect({ url: 'ws://localhost/' });
  const request = upgradeRequest({ add: [['Sec-WebSocket-Extensions', DEFLATE]] });
  tap.receive('client', Buffer.from(request));
  const response = upgradeResponse(SAMPLE_KEY, `Sec-WebSocket-Extensions: ${DEFLATE}=15`);
  tap.receive('server', Buffer.from(response));
  return { store, tap };
}

/** The first record that `connected` has not made. */
const NEXT = 4;

const START = { type: 'recording', version: 1, software: 'test', startedAt: '' } as const;

const bytes = (length: number): BytesRecord => ({
  type: 'bytes',
  connection: 1,
  time: 0,
  from: 'client',
  bytes: '00'.repeat(length),
});

function frames(store: Store): FrameRecord[] {
  return [...store.recording(START)].filter((one): one is FrameRecord => one.type === 'frame');
}

describe('a frame', () => {
  test('is described with its fields, key, payload and message', () => {
    const { store, tap } = connected();
    tap.receive('client', frame({ payload: 'Hello', mask: KEY }));
    const described = store.describe(NEXT);
    expect(described?.frame).toMatchObject({
      bytes: '818537fa213d7f9f4d5158',
      maskingKey: '37fa213d',
      maskedPayload: '7f9f4d5158',
      payload: '48656c6c6f',
      message: 'Hello',
      messageIsText: true,
    });
    expect(described?.frame?.fields.map(({ name }) => name)).toEqual([
      'FIN',
      'RSV1',
      'RSV2',
      'RSV3',
      'opcode',
      'MASK',
      'Payload len',
      'Masking-key',
    ]);
  });

  test('of a compressed message is described with the message, with context takeover too', async () => {
    const { store, tap } = connected();
    const compressor = new Compressor({ windowBits: 15, takeover: true });
    const payloads: Buffer[] = [];
    for (let i = 0; i < 3; i++) payloads.push(await compressor.message(Buffer.from('Hello Hello')));
    compressor.close();
    expect(payloads[2]?.length).toBeLessThan(payloads[0]?.length ?? 0);
    for (const payload of payloads) tap.receive('client', frame({ payload, rsv: 4, mask: KEY }));
    for (const index of [6, 4, 5]) {
      expect(store.describe(index)?.frame).toMatchObject({
        message: 'Hello Hello',
        messageIsText: true,
        violation: undefined,
      });
    }
  });

  test('that completes a fragmented message is described with all of it', () => {
    const { store, tap } = connected();
    tap.receive('server', frame({ payload: 'ab', fin: false }));
    tap.receive('server', frame({ opcode: OPCODE.PING, payload: 'p' }));
    tap.receive('server', frame({ opcode: OPCODE.CONTINUATION, payload: 'cd' }));
    const messages = [4, 5, 6].map((index) => store.describe(index)?.frame?.message);
    expect(messages).toEqual([undefined, undefined, 'abcd']);
    expect(store.describe(6)?.frame?.violation).toBeUndefined();
  });

  test('that breaks a rule because of the frames before is described with the violation', () => {
    const { store, tap } = connected();
    tap.receive('server', frame({ payload: 'ab', fin: false }));
    tap.receive('server', frame({ payload: 'cd' }));
    expect(store.describe(5)?.frame?.violation?.code).toBe('WS_ERR_INVALID_OPCODE');
  });

  test('with much in it is shown with the first bytes', () => {
    const { store, tap } = connected();
    const long = frame({ opcode: OPCODE.BINARY, payload: Buffer.alloc(200_000, 7) });
    tap.receive('server', long);
    const [shown] = store.slice(NEXT, 1);
    expect(shown).toMatchObject({ index: NEXT, wireLength: long.length });
    expect(shown?.record).toMatchObject({ bytes: long.toString('hex', 0, 4096) });
    expect(store.describe(NEXT)?.frame?.payload).toHaveLength(131_072);
    expect(frames(store)[0]?.bytes).toHaveLength(2 * long.length);
  });
});

test('a handshake is described line by line, the response with the request', () => {
  const { store } = connected();
  expect(store.describe(2)?.lines?.[0]?.text).toBe('GET /chat HTTP/1.1');
  expect(store.describe(3)?.lines?.[3]?.meaning).toContain('which is the value');
});

test('other records have no more to say; records that are not there are not described', () => {
  const { store } = connected();
  expect(store.describe(0)).toEqual({ type: 'described', index: 0 });
  expect([store.describe(-1), store.describe(99), store.describe(0.5)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

describe('the limit', () => {
  test('drops the oldest records, and keeps the numbers of the others', () => {
    const store = new Store(10_000);
    for (let i = 0; i < 5000; i++) store.add({ ...bytes(100), time: i });
    expect(store.size).toBeLessThanOrEqual(10_000);
    expect(store.next).toBe(5000);
    expect(store.dropped).toBe(store.first);
    const times = [...store.recording(START)].map((record) => 'time' in record && record.time);
    expect(times[1]).toBe(store.first);
    expect(times.at(-1)).toBe(4999);
    expect(store.slice(0, 2).map(({ index }) => index)).toEqual([store.first, store.first + 1]);
  });

  test('keeps the newest record, however long it is', () => {
    const store = new Store(1000);
    store.add(bytes(1));
    store.add(bytes(5000));
    expect([...store.recording(START)]).toEqual([START, bytes(5000)]);
  });

  test('counts inflated messages', async () => {
    const { store, tap } = connected();
    const before = store.size;
    const compressor = new Compressor({ windowBits: 15, takeover: false });
    const payload = await compressor.message(Buffer.alloc(10_000_000, 'a'));
    compressor.close();
    tap.receive('client', frame({ payload, rsv: 4, mask: KEY }));
    expect(frames(store)[0]).toMatchObject({ messageLength: 10_000_000 });
    expect(store.size - before).toBeGreaterThan(65_536);
    expect(store.size - before).toBeLessThan(100_000);
  });

  test('is for one message to the page too', () => {
    const store = new Store();
    for (let i = 0; i < 1000; i++) store.add(bytes(5000));
    expect(store.slice(0, 1000).length).toBeLessThan(200);
  });
});

test('clear drops all records, and goes on counting', () => {
  const { store, tap } = connected();
  store.clear();
  expect([store.first, store.next, store.dropped]).toEqual([4, 4, 0]);
  tap.receive('server', frame({ payload: 'x' }));
  expect(store.slice(0, 9).map(({ index }) => index)).toEqual([NEXT]);
  expect(store.describe(NEXT)?.frame?.message).toBe('x');
});

test('a recording of what is left has the beginnings of its connections', () => {
  const { store, tap } = connected(3000);
  for (let i = 0; i < 20; i++) tap.receive('server', frame({ payload: `message ${i}` }));
  expect(store.first).toBeGreaterThan(NEXT);
  const types = [...store.recording(START)].map((record) => record.type);
  expect(types.slice(0, 5)).toEqual(['recording', 'connection', 'handshake', 'handshake', 'frame']);
  expect(types.filter((type) => type === 'handshake')).toHaveLength(2);
});

test('a connection that has ended is forgotten with its records', () => {
  const { store, tap } = connected();
  tap.end('client');
  tap.end('server');
  store.clear();
  expect([...store.recording(START)]).toEqual([START]);
});
