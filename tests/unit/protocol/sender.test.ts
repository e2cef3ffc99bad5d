/** RFC 6455 §6.1: how messages and control frames become frames, and when these are written. */

import { describe, expect, test } from '@jest/globals';
import { Opcode } from '../../../src/protocol/frame.js';
import { MaskingKeys } from '../../../src/protocol/mask.js';
import { openEndpoint } from '../../support/endpoint.js';
import { frame, KEY, OPCODE } from '../../support/frames.js';
import { ManualExtension } from '../../support/manual-extension.js';

const CLOSE = { code: 1000, reason: Buffer.alloc(0) };
const ROLES = ['server', 'client'] as const;

/** A sender on a wire in memory; a client's masking keys are all `KEY`. */
function open(role: 'server' | 'client' = 'server', extension?: ManualExtension) {
  const keys = new MaskingKeys((bytes) => bytes.fill(KEY), 4);
  const opened = openEndpoint(role, { keys, extension });
  return { ...opened, sender: opened.endpoint.sender };
}

const written = ({ wire }: ReturnType<typeof open>): string =>
  Buffer.concat(wire.writes).toString('hex');

/** First byte and payload of each frame. */
const sent = ({ wire }: ReturnType<typeof open>): string[] =>
  wire.frames.map(({ fin, rsv, opcode, payload }) => {
    const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
    return `${first.toString(16).padStart(2, '0')} ${payload}`;
  });

describe('a message', () => {
  test('RFC 6455 §5.7: in one frame, unmasked', () => {
    const server = open();
    expect(server.sender.sendMessage('Hello', false, true, false, undefined)).toBe(true);
    expect(written(server)).toBe('810548656c6c6f');
  });

  test('RFC 6455 §5.7: in one frame, masked', () => {
    const client = open('client');
    client.sender.sendMessage('Hello', false, true, false, undefined);
    expect(written(client)).toBe('818537fa213d7f9f4d5158');
  });

  test('RFC 6455 §5.4: of several fragments has its opcode in the first and FIN in the last', () => {
    const server = open();
    for (const isBinary of [false, true]) {
      for (const fin of [false, false, true]) {
        server.sender.sendMessage('x', isBinary, fin, false, undefined);
      }
    }
    expect(sent(server)).toEqual(['01 x', '00 x', '80 x', '02 x', '00 x', '80 x']);
  });

  test('is in a message from the first fragment to the last one', () => {
    const { sender } = open();
    const states = [false, false, true].map((fin) => {
      sender.sendMessage('x', false, fin, false, undefined);
      return sender.isInMessage;
    });
    expect(states).toEqual([true, true, false]);
  });

  test('above 4 KiB goes by reference, and is written before the call returns', () => {
    const server = open();
    server.wire.isHeld = true;
    server.sender.sendMessage(Buffer.alloc(4096), true, true, false, undefined);
    expect(server.wire.writes).toHaveLength(0);
    server.sender.sendMessage(Buffer.alloc(4097), true, true, false, undefined);
    expect(server.wire.writes).toHaveLength(1);
  });

  test('waits for the end of the tick until 16 KiB are together', () => {
    const server = open();
    server.wire.isHeld = true;
    for (let i = 0; i < 3; i++) {
      server.sender.sendMessage(Buffer.alloc(4096), true, true, false, undefined);
      expect(server.wire.writes).toHaveLength(0);
    }
    server.sender.sendMessage(Buffer.alloc(4096), true, true, false, undefined);
    expect(server.wire.writes).toHaveLength(1);
  });

  test('has a callback that is called when its batch was written', () => {
    const server = open();
    const called: string[] = [];
    server.wire.isHeld = true;
    server.sender.sendMessage('a', false, true, false, () => called.push('a'));
    server.sender.sendMessage('b', false, true, false, undefined);
    server.sender.sendControl(Opcode.PING, Buffer.from('c'), () => called.push('c'));
    server.wire.flush();
    for (const callback of server.wire.callbacks) callback();
    expect(called).toEqual(['a', 'c']);
  });
});

describe('an extension', () => {
  test('encodes a message and marks its first frame only (RFC 7692 §6.1)', () => {
    const server = open('server', new ManualExtension());
    server.sender.sendMessage('one', false, false, true, undefined);
    server.sender.sendMessage('two', false, true, true, undefined);
    expect(sent(server)).toEqual(['41 ONE', '80 TWO']);
  });

  test('encodes nothing that the program does not want to compress', () => {
    const server = open('server', new ManualExtension());
    server.sender.sendMessage('one', false, true, false, undefined);
    expect(sent(server)).toEqual(['81 one']);
  });

  test.each([
    ['small', ['01 small', '80 large enough']],
    ['large enough', ['41 LARGE ENOUGH', '80 SMALL']],
  ])('is asked for the first fragment, which decides for the message: %s', (first, frames) => {
    const extension = new ManualExtension();
    extension.threshold = 10;
    const server = open('server', extension);
    const second = first === 'small' ? 'large enough' : 'small';
    server.sender.sendMessage(first, false, false, true, undefined);
    server.sender.sendMessage(second, false, true, first === 'small', undefined);
    expect(sent(server)).toEqual(frames);
  });

  test('delays what is sent behind a message that it encodes', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const server = open('server', extension);
    server.sender.sendMessage('one', false, true, true, undefined);
    server.sender.sendMessage('two', false, true, false, undefined);
    server.sender.sendControl(Opcode.PING, Buffer.from('three'), undefined);
    server.sender.sendClose(Buffer.alloc(0));
    expect(sent(server)).toEqual([]);
    extension.finish();
    expect(sent(server)).toEqual(['c1 ONE', '81 two', '89 three', '88 ']);
  });

  test('whose encoding fails ends the connection', () => {
    const server = open('server', new ManualExtension());
    server.sender.sendMessage('reject', false, true, true, undefined);
    expect(server.application.events).toEqual(['failure rejected']);
    expect(server.endpoint.state).toBe('FAILED');
  });
});

describe('a payload that is still being read', () => {
  test('is sent when it was read; what follows it waits', () => {
    const server = open();
    const frame = server.sender.sendUnreadMessage(3, true, true, false, undefined);
    const control = server.sender.sendUnreadControl(Opcode.PING, 4, undefined);
    server.sender.sendMessage('last', false, true, false, undefined);
    server.sender.resolve(control, Buffer.from('ping'));
    expect(sent(server)).toEqual([]);
    if (frame !== undefined) server.sender.resolve(frame, Buffer.from('one'));
    expect(sent(server)).toEqual(['82 one', '89 ping', '81 last']);
  });

  test.each([
    [true, '42 ONE'],
    [false, '02 one'],
  ])('is encoded as it was decided when it was sent: %s', (compress, expected) => {
    const server = open('server', new ManualExtension());
    const frame = server.sender.sendUnreadMessage(3, true, false, compress, undefined);
    if (frame !== undefined) server.sender.resolve(frame, Buffer.from('one'));
    expect(sent(server)).toEqual([expected]);
  });

  test('that cannot be read ends the connection', () => {
    const server = open();
    const frame = server.sender.sendUnreadMessage(3, true, true, false, undefined);
    if (frame !== undefined) server.sender.resolve(frame, new Error('cannot be read'));
    expect(server.application.events).toEqual(['failure cannot be read']);
  });

  test('may be dropped by a sender without a queue', () => {
    const [first, second] = [open(), open()];
    const frame = first.sender.sendUnreadControl(Opcode.PING, 1, undefined);
    expect(() => second.sender.resolve(frame, Buffer.from('x'))).not.toThrow();
  });
});

describe('frames that are made once for many connections', () => {
  const shared = frame({ payload: 'shared' });

  test('go by reference alone, and are copied behind others', () => {
    const server = open();
    server.wire.isHeld = true;
    server.sender.sendShared(shared, 6, undefined);
    expect(server.sender.takeBatch()?.takeParts()[0]).toBe(shared);
    server.sender.sendMessage('first', false, true, false, undefined);
    server.sender.sendShared(shared, 6, undefined);
    expect(server.sender.givenLength).toBe(11);
    server.wire.flush();
    expect(sent(server)).toEqual(['81 first', '81 shared']);
  });

  test('may be sent while nothing is in progress', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const server = open('server', extension);
    expect(server.sender.isIdle).toBe(true);
    server.sender.sendMessage('a', false, false, false, undefined);
    expect(server.sender.isIdle).toBe(false);
    server.sender.sendMessage('b', false, true, false, undefined);
    expect(server.sender.isIdle).toBe(true);
    server.sender.sendMessage('c', false, true, true, undefined);
    expect(server.sender.isIdle).toBe(false);
    extension.finish();
    expect(server.sender.isIdle).toBe(true);
    server.sender.sendClose(Buffer.alloc(0));
    expect(server.sender.isIdle).toBe(false);
  });
});

describe('frames that the program made', () => {
  test('are written as they are, strings as UTF-8', () => {
    const server = open();
    expect(server.sender.sendFramed([Buffer.from('8102', 'hex'), 'hi'], undefined)).toBe(true);
    expect(written(server)).toBe('81026869');
  });

  test('count with their headers; large ones are written at once', () => {
    const server = open();
    server.wire.isHeld = true;
    server.sender.sendFramed([Buffer.alloc(4), Buffer.alloc(2000)], undefined);
    expect([server.sender.givenLength, server.wire.writes.length]).toEqual([2004, 0]);
    server.sender.sendFramed([Buffer.alloc(4), Buffer.alloc(5000)], undefined);
    expect([server.sender.givenLength, server.wire.writes.length]).toEqual([0, 1]);
  });

  test('may be none: the callback is called all the same', () => {
    const server = open();
    let calls = 0;
    server.sender.sendFramed([], () => calls++);
    for (const callback of server.wire.callbacks) callback();
    expect([calls, server.wire.writes]).toEqual([1, [Buffer.alloc(0)]]);
  });
});

test('what the program gave and was not written is counted: payloads of messages only', () => {
  const extension = new ManualExtension();
  const server = open('server', extension);
  server.wire.isHeld = true;
  expect([server.sender.givenLength, server.sender.queuedLength]).toEqual([0, 0]);
  server.sender.sendMessage('12345', false, true, false, undefined);
  server.sender.sendControl(Opcode.PING, Buffer.from('ping'), undefined);
  expect([server.sender.givenLength, server.sender.queuedLength]).toEqual([5, 0]);
  extension.isSlow = true;
  server.sender.sendMessage('1234567', false, true, true, undefined);
  server.sender.sendControl(Opcode.PING, Buffer.from('ping'), undefined);
  expect([server.sender.givenLength, server.sender.queuedLength]).toEqual([12, 11]);
  server.wire.flush();
  expect([server.sender.givenLength, server.sender.queuedLength]).toEqual([7, 11]);
});

test('a Pong overtakes the frames that wait', () => {
  const extension = new ManualExtension();
  extension.isSlow = true;
  const server = open('server', extension);
  server.sender.sendMessage('one', false, true, true, undefined);
  server.sender.sendControlNow(OPCODE.PONG, Buffer.from('now'));
  extension.finish();
  expect(sent(server)).toEqual(['8a now', 'c1 ONE']);
});

describe('when the wire is gone', () => {
  test('nothing more is sent, and the frames that wait are handed over', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const server = open('server', extension);
    server.sender.sendMessage('one', false, true, true, undefined);
    server.sender.stop();
    extension.finish();
    server.sender.continue();
    expect(server.sender.sendMessage('two', false, true, false, undefined)).toBe(false);
    expect(server.sender.takeUnsent().map(({ byteLength }) => byteLength)).toEqual([3]);
    expect([sent(server), extension.calls]).toEqual([[], ['encode one first fin', 'dropEncoding']]);
  });

  test('a sender without a queue has nothing to hand over', () => {
    const { sender } = open();
    sender.stop();
    sender.continue();
    expect(sender.takeUnsent()).toEqual([]);
  });
});

test('after many frames in a row the sender asks for another turn, and continues there', () => {
  const extension = new ManualExtension();
  extension.isSlow = true;
  const server = open('server', extension);
  for (let i = 0; i < 300; i++) server.sender.sendMessage('x', false, true, i === 0, undefined);
  extension.finish();
  expect(server.wire.calls).toEqual(['continueSending']);
  while (server.sender.queuedLength > 0) server.sender.continue();
  expect(server.wire.frames).toHaveLength(300);
});

describe('a masking key that cannot be drawn', () => {
  const keys = new MaskingKeys(() => {
    throw new Error('no entropy');
  }, 4);

  test('is thrown to the caller who sends, and nothing has changed', () => {
    const { endpoint, wire } = openEndpoint('client', { keys });
    expect(() => endpoint.sender.sendMessage('x', false, true, false, undefined)).toThrow(
      'no entropy',
    );
    expect([wire.writes, endpoint.state, endpoint.sender.isIdle]).toEqual([[], 'OPEN', true]);
  });

  test('fails the connection where no caller waits for it', () => {
    const { endpoint, application } = openEndpoint('client', { keys });
    expect(endpoint.sender.hasKey()).toBe(false);
    expect([endpoint.state, application.events]).toEqual(['FAILED', ['failure no entropy']]);
  });
});

describe.each(ROLES)('the sender of a %s', (role) => {
  test('sends no data behind a Close', () => {
    const opened = open(role);
    opened.endpoint.startClosingHandshake(CLOSE);
    const { sender } = opened;
    expect(sender.sendMessage('late', false, true, false, undefined)).toBe(false);
    expect(sender.sendUnreadMessage(4, true, true, false, undefined)).toBeUndefined();
    expect(sender.sendFramed([Buffer.from('8104', 'hex'), 'late'], undefined)).toBe(false);
    expect(opened.wire.frames.map(({ opcode }) => opcode)).toEqual([OPCODE.CLOSE]);
  });

  test('sends Pings and Pongs behind a Close', () => {
    const opened = open(role);
    opened.endpoint.startClosingHandshake(CLOSE);
    opened.sender.sendControl(Opcode.PONG, Buffer.from('x'), undefined);
    const opcodes = opened.wire.frames.map(({ opcode }) => opcode);
    expect(opcodes).toEqual([OPCODE.CLOSE, OPCODE.PONG]);
  });

  test('writes a Close at once', () => {
    const opened = open(role);
    opened.wire.isHeld = true;
    opened.sender.sendMessage('before', false, true, false, undefined);
    opened.sender.sendClose(Buffer.alloc(0));
    expect(opened.wire.writes).toHaveLength(1);
  });

  test('masks as its role demands, whatever keys it was given', () => {
    const opened = open(role);
    opened.sender.sendMessage('hi', false, true, false, undefined);
    opened.sender.sendControl(Opcode.PING, Buffer.from('hi'), undefined);
    opened.endpoint.startClosingHandshake(CLOSE);
    const isMasked = opened.wire.frames.map(({ masked }) => masked);
    expect([opened.sender.masks, isMasked]).toEqual([
      role === 'client',
      Array(3).fill(role === 'client'),
    ]);
  });

  test('sends control frames of up to 125 bytes', () => {
    const { sender, wire } = open(role);
    sender.sendControl(Opcode.PING, Buffer.alloc(125), undefined);
    expect(() => sender.sendControl(Opcode.PONG, Buffer.alloc(126), undefined)).toThrow(RangeError);
    expect(() => sender.sendUnreadControl(Opcode.PING, 126, undefined)).toThrow(RangeError);
    expect(wire.frames.map(({ payload }) => payload.length)).toEqual([125]);
  });
});

test('an observer sees each frame after it was given to the wire, however it was made', () => {
  const { sender, application, wire } = open();
  const seen: unknown[] = [];
  application.frames = {
    onReceived: () => {},
    onSent: (first, length, given, masked, payload) =>
      seen.push([first, length, given, masked, payload?.toString(), wire.writes.length]),
  };
  sender.sendMessage('Hello', false, true, false, undefined);
  sender.sendControl(Opcode.PING, Buffer.from('p'), undefined);
  sender.sendShared(frame({ payload: 'all' }), 30, undefined);
  sender.sendFramed([frame({ payload: 'own' })], undefined);
  expect(seen).toEqual([
    [0x81, 5, 5, false, undefined, 1],
    [0x89, 1, 1, false, 'p', 2],
    [0x81, 3, 30, false, undefined, 3],
    [0x81, 3, 3, false, undefined, 4],
  ]);
});
