/** RFC 6455 §6.2: bytes in, messages and control frames out; checked on bytes written by hand. */

import { describe, expect, test } from '@jest/globals';
import type { ProtocolError } from '../../../src/protocol/errors.js';
import type { Extension } from '../../../src/protocol/extension.js';
import type { FrameObserver } from '../../../src/protocol/frame-observer.js';
import {
  type MessageData,
  Receiver,
  type ReceiverOptions,
  type Role,
} from '../../../src/protocol/receiver.js';
import { closePayload, type FrameOptions, frame, KEY, OPCODE } from '../../support/frames.js';
import { ManualExtension } from '../../support/manual-extension.js';
import { byteByByte } from '../../support/random.js';

const { CONTINUATION, BINARY, CLOSE, PING } = OPCODE;
const DEFAULTS = { maxPayload: 0, maxFragments: 0, checkUtf8: true, oneAtATime: false };

/** Writes down in words what a receiver delivers. */
class Sink {
  readonly log: string[] = [];
  readonly messages: MessageData[] = [];
  frames: FrameObserver | undefined;
  onMessage(data: MessageData, isBinary: boolean): void {
    this.messages.push(data);
    const text = Buffer.isBuffer(data) ? String(data) : `[${data.join('|')}]`;
    this.log.push(`${isBinary ? 'binary' : 'text'} ${text}`);
  }
  onControl(opcode: number, payload: Buffer): void {
    this.log.push(`control ${opcode} ${payload}`.trimEnd());
  }
  onViolation(error: ProtocolError): void {
    this.log.push(`${error.code}: ${error.message}`);
  }
  onDecoded(): void {
    this.log.push('decoded');
  }
}

function open(
  options: Partial<ReceiverOptions> = {},
  extension?: Extension,
  role: Role = 'server',
) {
  const sink = new Sink();
  const receiver = new Receiver(role, { ...DEFAULTS, ...options }, extension, sink, sink);
  return { receiver, sink, log: sink.log };
}

/** The bytes of masked frames, as a client sends them. */
const bytesOf = (...frames: FrameOptions[]): Buffer =>
  Buffer.concat(frames.map((one) => frame({ mask: KEY, ...one })));

const HELLO: FrameOptions[] = [
  { fin: false, payload: 'Hel' },
  { opcode: PING, payload: 'p' },
  { opcode: CONTINUATION, payload: 'lo' },
];

describe('what arrives', () => {
  test.each<[what: string, frames: FrameOptions[], log: string[]]>([
    ['a text', [{ payload: 'Hello' }], ['text Hello']],
    ['an empty text', [{}], ['text ']],
    ['an empty binary', [{ opcode: BINARY }], ['binary ']],
    ['fragments with a Ping between them', HELLO, ['control 9 p', 'text Hello']],
    [
      'fragments of binary',
      [
        { opcode: BINARY, fin: false, payload: 'a' },
        { opcode: CONTINUATION, payload: 'b' },
      ],
      ['binary ab'],
    ],
    ['a Close', [{ opcode: CLOSE, payload: closePayload(1000) }], ['control 8 \u0003\ufffd']],
    [
      'several messages, a small one between large ones',
      [{ payload: 'a'.repeat(100) }, { payload: 'b' }, { payload: 'c'.repeat(100) }],
      [`text ${'a'.repeat(100)}`, 'text b', `text ${'c'.repeat(100)}`],
    ],
  ])('%s is delivered, whole and byte by byte', (_what, frames, log) => {
    const [whole, cut] = [open(), open()];
    whole.receiver.push(bytesOf(...frames));
    for (const byte of byteByByte(bytesOf(...frames))) cut.receiver.push(byte);
    expect([whole.log, cut.log]).toEqual([log, log]);
  });

  test('unmasked is delivered to a client', () => {
    const { receiver, log } = open({}, undefined, 'client');
    receiver.push(frame({ payload: 'Hello' }));
    expect(log).toEqual(['text Hello']);
  });

  test.each<
    [what: string, frames: FrameOptions[], options: Partial<ReceiverOptions>, error: string]
  >([
    [
      'an unknown opcode',
      [{ opcode: 3 }],
      {},
      'WS_ERR_INVALID_OPCODE: Invalid WebSocket frame: invalid opcode 3',
    ],
    [
      'a control frame that is too long',
      [{ opcode: PING, lengthBits: 16, announce: 126 }],
      {},
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH: Invalid WebSocket frame: invalid payload length 126',
    ],
    [
      'a length that is not in its shortest form',
      [{ payload: 'x', lengthBits: 16 }],
      {},
      'WS_ERR_NON_MINIMAL_PAYLOAD_LENGTH: Invalid WebSocket frame: payload length 1 not in its shortest form',
    ],
    [
      'a message above the limit',
      [{ announce: 6 }],
      { maxPayload: 5 },
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: Max payload size exceeded',
    ],
    [
      'fragments above the limit together',
      [
        { fin: false, payload: 'abc' },
        { opcode: CONTINUATION, announce: 3 },
      ],
      { maxPayload: 5 },
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: Max payload size exceeded',
    ],
    [
      'too many fragments',
      [{ fin: false }, { opcode: CONTINUATION, fin: false }],
      { maxFragments: 1 },
      'WS_ERR_TOO_MANY_BUFFERED_PARTS: Too many message fragments',
    ],
    [
      'text that is not UTF-8',
      [{ payload: Buffer.from([0x61, 0xff]) }],
      {},
      'WS_ERR_INVALID_UTF8: Invalid WebSocket frame: invalid UTF-8 sequence',
    ],
    [
      'text that is not UTF-8, in its second fragment',
      [
        { fin: false, payload: 'a' },
        { opcode: CONTINUATION, fin: false, payload: Buffer.from([255]) },
      ],
      {},
      'WS_ERR_INVALID_UTF8: Invalid WebSocket frame: invalid UTF-8 sequence',
    ],
    [
      'text that ends inside of a character',
      [
        { fin: false, payload: 'a' },
        { opcode: CONTINUATION, payload: Buffer.from([0xe2, 0x82]) },
      ],
      {},
      'WS_ERR_INVALID_UTF8: Invalid WebSocket frame: invalid UTF-8 sequence',
    ],
  ])('%s is a violation; nothing behind it is read', (_what, frames, options, error) => {
    const { receiver, log } = open(options);
    receiver.push(bytesOf(...frames, { payload: 'late' }));
    receiver.push(bytesOf({ payload: 'later' }));
    expect([log, receiver.isDiscarding]).toEqual([[error], true]);
  });

  test('limits are those of one message: the next one begins anew', () => {
    const { receiver, log } = open({ maxPayload: 2, maxFragments: 2 });
    const message = [
      { fin: false, payload: 'a' },
      { opcode: CONTINUATION, payload: 'b' },
    ];
    receiver.push(bytesOf(...message, ...message, { payload: 'cd' }, ...message));
    expect(log).toEqual(['text ab', 'text ab', 'text cd', 'text ab']);
  });

  test('text is taken unchecked if that was asked for', () => {
    const { receiver, sink } = open({ checkUtf8: false });
    receiver.push(bytesOf({ payload: Buffer.from([255]) }));
    receiver.push(bytesOf({ fin: false, payload: Buffer.from([254]) }));
    receiver.push(bytesOf({ opcode: CONTINUATION, payload: Buffer.from([255]) }));
    expect(sink.messages).toEqual([Buffer.from([255]), Buffer.from([254, 255])]);
  });

  test('options that are replaced apply to the next frame', () => {
    const { receiver, log } = open();
    receiver.push(bytesOf({ payload: 'too long' }));
    receiver.options = { ...DEFAULTS, maxPayload: 4 };
    receiver.push(bytesOf({ payload: 'too long' }));
    expect(log).toEqual([
      'text too long',
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: Max payload size exceeded',
    ]);
  });
});

describe('the memory of a message', () => {
  test('a chunk that is one message is handed over as it is', () => {
    const { receiver, sink } = open({}, undefined, 'client');
    const payload = Buffer.alloc(100, 'x');
    receiver.push(frame({ payload }).subarray(0, 2));
    receiver.push(payload);
    expect(sink.messages[0]).toBe(payload);
  });

  test('up to 64 bytes are copied, more are a view on the chunk', () => {
    for (const [size, isView] of [
      [64, false],
      [65, true],
    ] as const) {
      const { receiver, sink } = open();
      const chunk = bytesOf({ opcode: BINARY, payload: Buffer.alloc(size) });
      receiver.push(chunk);
      const [message] = sink.messages as Buffer[];
      expect(message?.buffer === chunk.buffer).toBe(isView);
    }
  });

  test('a message that is detached takes no byte behind it away', () => {
    const { receiver, sink, log } = open();
    const long = 'x'.repeat(100);
    const cut = bytesOf({ payload: long }, { payload: 'second' }, { payload: 'y'.repeat(200) });
    const chunk = Buffer.from(new Uint8Array(cut).buffer);
    sink.onMessage = (data) => {
      log.push(String(data));
      if (log.length === 1)
        structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
    };
    receiver.push(chunk.subarray(0, cut.length - 50));
    receiver.push(cut.subarray(cut.length - 50));
    expect(log).toEqual([long, 'second', 'y'.repeat(200)]);
  });
});

test('a piece of the next message survives when the message before it is detached later', () => {
  const { receiver, sink, log } = open({}, undefined, 'client');
  const bytes = Buffer.concat([
    frame({ payload: 'x'.repeat(100) }),
    frame({ payload: 'y'.repeat(20_000) }),
  ]);
  const chunk = Buffer.from(new Uint8Array(bytes.subarray(0, 10_000)).buffer);
  receiver.push(chunk);
  const [first] = sink.messages as Buffer[];
  expect(first?.buffer).toBe(chunk.buffer);
  structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
  receiver.push(bytes.subarray(10_000));
  expect(log[1]).toBe(`text ${'y'.repeat(20_000)}`);
});

describe('fragments where the program wants them', () => {
  test.each<[what: string, chunks: Buffer[], log: string[]]>([
    ['of a message in one frame', [bytesOf({ opcode: BINARY, payload: 'a' })], ['binary [a]']],
    ['of an empty message', [bytesOf({ opcode: BINARY })], ['binary []']],
    [
      'short and whole',
      [
        bytesOf(
          { opcode: BINARY, fin: false, payload: 'a' },
          { opcode: CONTINUATION, fin: false },
          { opcode: CONTINUATION, payload: 'b' },
        ),
      ],
      ['binary [a|b]'],
    ],
    [
      'cut by the chunks',
      byteByByte(
        bytesOf(
          { opcode: BINARY, fin: false, payload: 'abc' },
          { opcode: CONTINUATION, payload: 'def' },
        ),
      ),
      ['binary [abc|def]'],
    ],
    [
      'long',
      [
        bytesOf(
          { opcode: BINARY, fin: false, payload: 'a'.repeat(65) },
          { opcode: CONTINUATION, payload: 'b' },
        ),
      ],
      [`binary [${'a'.repeat(65)}|b]`],
    ],
    ['of a text: it is joined', [bytesOf(...HELLO)], ['control 9 p', 'text Hello']],
  ])('%s', (_what, chunks, log) => {
    const opened = open();
    opened.receiver.inFragments = true;
    for (const chunk of chunks) opened.receiver.push(chunk);
    expect(opened.log).toEqual(log);
  });
});

describe('one at a time', () => {
  test('each message and control frame suspends the receiver', () => {
    const { receiver, log } = open({ oneAtATime: true });
    receiver.push(bytesOf({ payload: 'a' }, { opcode: PING, payload: 'b' }, { payload: 'c' }));
    const seen = [[...log]];
    while (receiver.hasUnread) {
      receiver.resume();
      seen.push([...log]);
    }
    expect(seen.map((entries) => entries.length)).toEqual([1, 2, 3]);
    expect(receiver.isSuspended).toBe(true);
  });
});

describe('with an extension', () => {
  const encoded = (payload: string): FrameOptions => ({ rsv: 4, payload });
  const encodedFragments: FrameOptions[] = [
    { rsv: 4, fin: false, payload: 'HEL' },
    { opcode: CONTINUATION, payload: 'LO' },
  ];

  test('a message with its reserved bit is decoded; another is not', () => {
    const { receiver, log } = open({ maxPayload: 9 }, new ManualExtension());
    receiver.push(bytesOf(encoded('HELLO'), { payload: 'HELLO' }, ...encodedFragments));
    expect(log).toEqual(['text hello', 'text HELLO', 'text hello']);
  });

  test('an encoded message in fragments is one fragment when it is decoded', () => {
    const { receiver, log } = open({}, new ManualExtension());
    receiver.inFragments = true;
    const [first = {}, second = {}] = encodedFragments;
    receiver.push(bytesOf({ ...first, opcode: BINARY }, second));
    expect(log).toEqual(['binary [hello]']);
  });

  test('decoded text must be UTF-8', () => {
    const extension = new ManualExtension();
    extension.decode = () => Buffer.from([255]);
    const { receiver, log } = open({}, extension);
    receiver.push(bytesOf(encoded('x')));
    expect(log).toEqual(['WS_ERR_INVALID_UTF8: Invalid WebSocket frame: invalid UTF-8 sequence']);
  });

  test('what it rejects is a violation', () => {
    const extension = new ManualExtension();
    const { receiver, log } = open({}, extension);
    receiver.push(bytesOf(encoded('REJECT'), { payload: 'late' }));
    expect(log).toEqual(['Z_DATA_ERROR: Invalid compressed message: rejected']);
    expect(extension.calls).toEqual(['decode REJECT 0', 'dropDecoding']);
  });

  test('everything behind a message waits until it is decoded', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const { receiver, log } = open({}, extension);
    receiver.push(bytesOf(encoded('HELLO'), { payload: 'behind' }));
    receiver.push(bytesOf({ opcode: PING }));
    expect([log, receiver.isDecoding, receiver.hasUnread]).toEqual([[], true, true]);
    extension.finish();
    expect([log, receiver.isDecoding, receiver.hasUnread]).toEqual([['decoded'], false, true]);
    receiver.resume();
    expect(log).toEqual(['decoded', 'text hello', 'text behind', 'control 9']);
    expect(receiver.hasUnread).toBe(false);
  });

  test('a decoded message waits while the receiver is suspended', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const { receiver, log } = open({}, extension);
    receiver.push(bytesOf(encoded('HELLO')));
    receiver.suspend();
    extension.finish();
    receiver.push(bytesOf({ payload: 'next' }));
    expect(log).toEqual(['decoded']);
    receiver.resume();
    expect(log).toEqual(['decoded', 'text hello', 'text next']);
  });

  test('much decoding in a row suspends the receiver; it resumes with a new budget', () => {
    const { receiver, log } = open({}, new ManualExtension());
    receiver.push(bytesOf(...Array.from({ length: 100 }, () => encoded('X'))));
    const first = log.length;
    expect([first < 100, receiver.isSuspended]).toEqual([true, true]);
    receiver.resume();
    expect(log).toHaveLength(100);
  });
});

test('other sinks get what is delivered from then on', () => {
  const { receiver, log } = open({}, new ManualExtension());
  const other = new Sink();
  receiver.push(bytesOf({ payload: 'a' }));
  receiver.redirect(other, other);
  receiver.push(bytesOf({ payload: 'b' }, { opcode: PING }));
  expect([log, other.log]).toEqual([['text a'], ['text b', 'control 9']]);
});

describe('an observer of frames', () => {
  function observed(onFrame: (receiver: Receiver) => void = () => {}) {
    const { receiver, sink, log } = open();
    sink.frames = {
      onReceived({ opcode, fin, length }, payload) {
        log.push(`frame ${opcode} ${fin ? 'FIN' : '-'} ${length} ${payload}`);
        onFrame(receiver);
      },
      onSent() {},
    };
    return { receiver, log };
  }

  test('sees each frame before what it carries is delivered', () => {
    const { receiver, log } = observed();
    receiver.push(bytesOf(...HELLO));
    expect(log).toEqual([
      'frame 1 - 3 undefined',
      'frame 9 FIN 1 p',
      'control 9 p',
      'frame 0 FIN 2 undefined',
      'text Hello',
    ]);
  });

  test('sees the header before the payload has come', () => {
    const { receiver, log } = observed();
    receiver.push(bytesOf({ payload: 'Hello' }).subarray(0, 6));
    expect(log).toEqual(['frame 1 FIN 5 undefined']);
  });

  test('does not see frames that break a rule', () => {
    const { receiver, log } = observed();
    receiver.push(frame({ payload: 'unmasked' }));
    expect(log).toEqual(['WS_ERR_EXPECTED_MASK: Invalid WebSocket frame: MASK must be set']);
  });

  test.each<[what: string, frame: FrameOptions]>([
    ['a data frame', { payload: 'Hello' }],
    ['an empty data frame', {}],
    ['a control frame', { opcode: PING, payload: 'p' }],
  ])('may end the connection at %s: then that is not delivered', (_what, first) => {
    const { receiver, log } = observed((own) => own.discard());
    receiver.push(bytesOf(first, { payload: 'next' }));
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^frame/);
  });
});
