/** What a recorder makes of the bytes of connections. */

import { describe, expect, test } from '@jest/globals';
import { time } from '../../../src/connection/time.js';
import { Recorder } from '../../../src/recording/recorder.js';
import type { RecordingRecord } from '../../../src/recording/records.js';
import { useClock } from '../../support/clock.js';
import { Compressor } from '../../support/deflate.js';
import { closePayload, frame, KEY } from '../../support/frames.js';
import {
  DEFLATE,
  inShort,
  RecordedScene,
  requestHead,
  responseHead,
  START,
} from '../../support/recordings.js';

const RSV1 = 4;

test('the first records begin the recording and the connection', () => {
  const scene = new RecordedScene();
  scene.time = 12.3456;
  scene.connect({ url: 'wss://a.example/', client: '[::1]:5000', server: undefined });
  scene.connect();
  expect(scene.records.slice(0, 2)).toEqual([
    {
      type: 'recording',
      version: 1,
      software: 'test/1.2.3',
      startedAt: new Date(START).toISOString(),
    },
    {
      type: 'connection',
      connection: 1,
      time: 12.346,
      url: 'wss://a.example/',
      client: '[::1]:5000',
    },
  ]);
  expect(scene.records[2]).toMatchObject({ connection: 2 });
});

describe('the clock', () => {
  const clock = useClock();

  test('is that of the library', () => {
    clock.stop();
    const records: RecordingRecord[] = [];
    const recorder = new Recorder((record) => records.push(record));
    clock.advance(5);
    recorder.connect({ url: 'ws://a.example/' });
    const startedAt = new Date(time.wallClock() - 5).toISOString();
    expect(records).toMatchObject([{ software: 'ws6455', startedAt }, { time: 5 }]);
  });
});

describe('wrong options throw', () => {
  test.each([
    ['a limit', { maxPayload: -1 }, RangeError],
    ['no number', { maxPayload: 'much' as never }, TypeError],
  ])('%s', (_what, options, ErrorClass) => {
    expect(() => new Recorder(() => {}, options)).toThrow(ErrorClass);
  });
});

describe('a handshake', () => {
  test('is recorded byte for byte, and frames follow it', () => {
    const scene = new RecordedScene().open('X-Name: caf\xe9').client({ payload: 'Hello' });
    expect(scene.events.slice(0, 2)).toEqual([
      {
        ...{ type: 'handshake', connection: 1, time: 1, from: 'client' },
        head: requestHead('X-Name: caf\xe9'),
      },
      {
        ...{ type: 'handshake', connection: 1, time: 2, from: 'server' },
        head: responseHead('X-Name: caf\xe9'),
      },
    ]);
    expect(scene.events[2]).toEqual({
      ...{ type: 'frame', connection: 1, time: 3, from: 'client' },
      bytes: '818537fa213d7f9f4d5158',
      ...{ fin: true, rsv1: false, rsv2: false, rsv3: false, masked: true },
      ...{ opcode: 1, opcodeName: 'text', payloadLength: 5, messageLength: 5, text: 'Hello' },
    });
  });

  test('frames of the client may come before the response is complete', () => {
    const scene = new RecordedScene().send(
      'client',
      Buffer.concat([Buffer.from(requestHead()), frame({ mask: KEY, payload: 'early' })]),
    );
    const response = responseHead();
    scene.send('server', response.slice(0, 20)).client({ payload: 'second' });
    expect(inShort(scene.events)).toEqual(['> GET /chat?room=1 HTTP/1.1']);
    scene.send('server', response.slice(20));
    expect(inShort(scene.events).slice(1)).toEqual([
      '< HTTP/1.1 101 Switching Protocols',
      '> text early',
      '> text second',
    ]);
  });

  test('an informational response comes before the final one', () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const scene = new RecordedScene().send('client', requestHead());
    scene.send('server', early + responseHead()).server({ payload: 'a' });
    expect(inShort(scene.events).slice(1)).toEqual([
      '< HTTP/1.1 103 Early Hints',
      '< HTTP/1.1 101 Switching Protocols',
      '< text a',
    ]);
  });

  test('after a refusal all is bytes', () => {
    const scene = new RecordedScene()
      .send('client', requestHead())
      .send('server', 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno')
      .client({ payload: 'Hello' });
    scene.end('client');
    expect(inShort(scene.events).slice(1)).toEqual([
      '< HTTP/1.1 401 Unauthorized',
      '< bytes no',
      '> bytes \x81\x857\xfa!=\x7f\x9fMQX',
      '> end',
    ]);
  });

  test.each([
    ['a client', 'client', '\x16\x03\x01\x02', ['> bytes \x16\x03\x01\x02']],
    ['a server', 'server', 'SSH-2.0', ['> GET /chat?room=1 HTTP/1.1', '< bytes SSH-2.0']],
  ] as const)(
    '%s that does not speak HTTP is recorded as bytes at once',
    (_who, from, bytes, all) => {
      const scene = new RecordedScene();
      if (from === 'server') scene.send('client', requestHead());
      scene.send(from, bytes);
      expect(inShort(scene.events)).toEqual(all);
      scene.send(from, 'more');
      expect(inShort(scene.events).at(-1)).toMatch(/bytes more$/);
    },
  );

  test('a response to a request that is not complete begins no frames', () => {
    const scene = new RecordedScene().send('client', 'GET / HT').send('server', responseHead());
    scene.server({ payload: 'a' }).send('client', 'TP/1.1\r\n\r\n');
    expect(inShort(scene.events)).toEqual([
      '< HTTP/1.1 101 Switching Protocols',
      '> bytes GET / HT',
      '< bytes \x81\x01a',
      '> bytes TP/1.1\r\n\r\n',
    ]);
  });

  test('a head that is too long is bytes', () => {
    const scene = new RecordedScene().send('client', `GET / HTTP/1.1\r\nA: ${'a'.repeat(70_000)}`);
    expect(scene.events).toMatchObject([{ type: 'bytes' }]);
  });

  test('an incomplete head is bytes at the end', () => {
    const scene = new RecordedScene().send('client', 'GET / HTTP/1.1\r\nHost');
    expect(scene.events).toEqual([]);
    expect(inShort(scene.end('client').events)).toEqual([
      '> bytes GET / HTTP/1.1\r\nHost',
      '> end',
    ]);
  });
});

describe('bytes that are cut anywhere', () => {
  test('give the same records', async () => {
    const compressor = new Compressor({ windowBits: 15, takeover: true });
    const compressed = await compressor.message(Buffer.from('compressed'));
    compressor.close();
    const client = Buffer.concat([
      Buffer.from(requestHead(DEFLATE)),
      frame({ mask: KEY, payload: 'Hello' }),
      frame({ mask: KEY, fin: false, payload: 'He' }),
      frame({ mask: KEY, opcode: 9, payload: 'p' }),
      frame({ mask: KEY, opcode: 0, payload: 'llo' }),
      frame({ mask: KEY, payload: 'x'.repeat(300) }),
    ]);
    const server = Buffer.concat([
      Buffer.from(responseHead(DEFLATE)),
      frame({ rsv: RSV1, payload: compressed }),
      frame({ opcode: 8, payload: closePayload(1000, 'bye') }),
      Buffer.from([0x81]),
    ]);
    const record = (size: number) => {
      const scene = new RecordedScene();
      for (const [from, bytes] of [
        ['client', client],
        ['server', server],
      ] as const) {
        for (let i = 0; i < bytes.length; i += size) {
          scene.connection.receive(from, bytes.subarray(i, i + size));
        }
      }
      return scene.end('server').end('client').events;
    };
    const ofSide = (size: number, side: string) =>
      inShort(record(size)).filter((line) => line.startsWith(side));
    for (const size of [1, 2, 3, 7, 50]) {
      expect(ofSide(size, '>')).toEqual(ofSide(10_000, '>'));
      expect(ofSide(size, '<')).toEqual(ofSide(10_000, '<'));
    }
    expect(ofSide(1, '<')).toEqual([
      '< HTTP/1.1 101 Switching Protocols',
      '< text compressed',
      '< close 1000 bye',
      '< bytes \x81',
      '< end',
    ]);
  });
});

describe('compressed messages', () => {
  test.each([true, false])('are inflated; context takeover: %s', async (takeover) => {
    const compressor = new Compressor({ windowBits: 15, takeover });
    const text = 'a text that comes again and again';
    const scene = new RecordedScene().open(DEFLATE);
    for (const from of ['client', 'server'] as const) {
      for (let i = 0; i < 3; i++) {
        const payload = await compressor.message(Buffer.from(text));
        const mask = from === 'client' ? KEY : undefined;
        scene.send(from, frame({ rsv: RSV1, payload, mask }));
      }
      if (takeover) break; // the compressor of one direction
    }
    compressor.close();
    const [first, second] = scene.frames;
    expect(scene.frames.map(({ text }) => text)).toEqual(scene.frames.map(() => text));
    expect(first).toMatchObject({ rsv1: true, messageLength: text.length });
    expect((second?.payloadLength ?? 0) < text.length / 2).toBe(takeover);
  });

  test('without the extension RSV1 breaks a rule', () => {
    const scene = new RecordedScene().open().server({ rsv: RSV1, payload: 'a' });
    expect(inShort(scene.frames)).toEqual(['< text a WS_ERR_UNEXPECTED_RSV_1']);
  });
});

describe('wrong frames', () => {
  test('are recorded with the first rule that they break, and decoding goes on', () => {
    const scene = new RecordedScene()
      .open()
      .client({ mask: undefined, payload: 'unmasked' })
      .server({ opcode: 3 })
      .server({ opcode: 8, payload: Buffer.from([3]) })
      .server({ payload: Buffer.from([0xff]) })
      .server({ payload: 'fine' });
    expect(inShort(scene.frames)).toEqual([
      '> text unmasked WS_ERR_EXPECTED_MASK',
      '< reserved WS_ERR_INVALID_OPCODE',
      '< close WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      '< text WS_ERR_INVALID_UTF8',
      '< text fine',
    ]);
  });

  test('behind a frame that is too long the bytes are recorded as they come', () => {
    const scene = new RecordedScene({ maxPayload: 1000 }).open();
    const long = frame({ payload: 'x'.repeat(3000) });
    scene.send('server', Buffer.concat([frame({ payload: 'a' }), long.subarray(0, 9)]));
    scene.send('server', long.subarray(9, 20)).end('server');
    const [, , first, rest, more, end] = scene.events;
    expect([first?.type, rest?.type, more?.type, end?.type]).toEqual([
      'frame',
      'bytes',
      'bytes',
      'end',
    ]);
    expect(rest).toMatchObject({
      bytes: long.toString('hex', 0, 9),
      violation: { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', closeCode: 1009 },
    });
    scene.client({ payload: 'the other direction' });
    expect(inShort(scene.frames).at(-1)).toBe('> text the other direction');
  });

  test('a client that sends too much before the response is recorded as bytes', () => {
    const scene = new RecordedScene({ maxPayload: 10 }).send('client', requestHead());
    scene.client({ payload: 'x'.repeat(20) });
    expect(scene.events.map(({ type }) => type)).toEqual(['handshake', 'bytes']);
  });

  test('an incomplete frame names the rule that it breaks', () => {
    const scene = new RecordedScene().open();
    scene.send('server', Buffer.from('f105', 'hex')).end('server');
    expect(scene.events[2]).toMatchObject({
      type: 'bytes',
      bytes: 'f105',
      violation: { code: 'WS_ERR_UNEXPECTED_RSV_2_3' },
    });
  });
});

describe('the preview of a text', () => {
  const LONG = 'é'.repeat(200);
  test.each([
    ['of a message has at most 160 characters', { payload: LONG }, LONG.slice(0, 160)],
    ['does not cut a character', { payload: `${'a'.repeat(159)}😀` }, 'a'.repeat(159)],
    ['of a Ping is its payload', { opcode: 9, payload: 'now' }, 'now'],
    [
      'of a Ping that is not UTF-8 is missing',
      { opcode: 9, payload: Buffer.from([255]) },
      undefined,
    ],
    ['of binary data is missing', { opcode: 2, payload: 'abc' }, undefined],
    ['of a fragment is missing', { fin: false, payload: 'abc' }, undefined],
  ])('%s', (_what, options, text) => {
    const [record] = new RecordedScene().open().server(options).frames;
    expect(record?.text).toBe(text);
  });

  test('the length of the message counts bytes', () => {
    const scene = new RecordedScene().open().server({ fin: false, payload: 'é' });
    scene.server({ opcode: 0, payload: 'é' });
    expect(scene.frames.map(({ messageLength }) => messageLength)).toEqual([undefined, 4]);
  });
});

describe('the round trip of a Pong', () => {
  test('is the time since its Ping, in both directions', () => {
    const scene = new RecordedScene().open().client({ opcode: 9, payload: 'a' });
    scene.server({ opcode: 9, payload: 'a' });
    scene.time = 20.5;
    scene.server({ opcode: 10, payload: 'a' }).client({ opcode: 10, payload: 'a' });
    expect(scene.frames.map(({ roundTrip }) => roundTrip)).toEqual([
      undefined,
      undefined,
      18.5,
      18.5,
    ]);
  });

  test('an answer to the newest Ping settles those before it; an unsolicited Pong has none', () => {
    const scene = new RecordedScene().open();
    for (const payload of ['a', 'b']) scene.client({ opcode: 9, payload });
    for (const payload of ['x', 'b', 'a']) scene.server({ opcode: 10, payload });
    expect(scene.frames.slice(2).map(({ roundTrip }) => roundTrip)).toEqual([
      undefined,
      2,
      undefined,
    ]);
  });

  test('a peer that answers no Ping fills no memory', () => {
    const scene = new RecordedScene().open();
    for (let i = 0; i < 1000; i++) scene.client({ opcode: 9, payload: String(i) });
    scene.server({ opcode: 10, payload: '0' }).server({ opcode: 10, payload: '999' });
    expect(scene.frames.slice(-2).map(({ roundTrip }) => roundTrip)).toEqual([undefined, 2]);
  });
});

describe('what the recording program changes', () => {
  test('a head, a frame, a frame of its own and a dropped one', () => {
    const scene = new RecordedScene();
    const { connection } = scene;
    connection.receiveEdited('client', Buffer.from(requestHead()), Buffer.from('GET / HTTP/1.1'));
    scene.send('server', responseHead());
    connection.receiveEdited('client', frame({ mask: KEY, rsv: 2 }), frame({ mask: KEY }));
    connection.receiveEdited('server', frame(), null);
    connection.receiveEdited('server', Buffer.alloc(0), frame({ payload: 'a' }));
    scene.server({ payload: 'b' });
    expect(scene.events.map((event) => ('edited' in event ? event.edited : 'end'))).toEqual([
      { original: 'GET / HTTP/1.1' },
      undefined,
      { original: '818037fa213d' },
      { original: null },
      { original: '810161' },
      undefined,
    ]);
    expect(scene.events[4]).toMatchObject({ type: 'bytes', bytes: '' });
  });
});

test('an error is recorded with its message', () => {
  const scene = new RecordedScene().open().end('client', new Error('read ECONNRESET'));
  expect(inShort(scene.events).at(-1)).toBe('> error read ECONNRESET');
});

describe('speed', () => {
  test('30,000 frames take a second or two, not minutes', () => {
    const chunk = Buffer.concat(Array(1000).fill(frame({ mask: KEY, payload: 'Hello' })));
    let frames = 0;
    const recorder = new Recorder((record) => {
      if (record.type === 'frame') frames++;
    });
    const connection = recorder.connect({ url: 'ws://a.example/' });
    connection.receive('client', Buffer.from(requestHead()));
    connection.receive('server', Buffer.from(responseHead()));
    const before = performance.now();
    for (let i = 0; i < 30; i++) connection.receive('client', chunk);
    expect(frames).toBe(30_000);
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  test('a large message in small chunks is copied a few times only', () => {
    const bytes = frame({ payload: Buffer.alloc(8_000_000, 'x') });
    const scene = new RecordedScene().open();
    const before = performance.now();
    for (let i = 0; i < bytes.length; i += 1000) {
      scene.connection.receive('server', bytes.subarray(i, i + 1000));
    }
    expect(scene.frames).toMatchObject([{ payloadLength: 8_000_000, messageLength: 8_000_000 }]);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
