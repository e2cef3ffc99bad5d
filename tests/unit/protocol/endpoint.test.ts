/** RFC 6455 §5.5, §7: Ping and Pong, the closing handshake and failures, on a wire in memory. */

import { describe, expect, test } from '@jest/globals';
import { MaskingKeys } from '../../../src/protocol/mask.js';
import { type Opened, openEndpoint } from '../../support/endpoint.js';
import { closePayload, type FrameOptions, frame, KEY, OPCODE } from '../../support/frames.js';
import { ManualExtension } from '../../support/manual-extension.js';

const { CLOSE, PING, PONG } = OPCODE;
const NORMAL = { code: 1000, reason: Buffer.from('done') };

/** The peer of a server sends frames in one chunk. */
function receive({ endpoint }: Opened, ...frames: FrameOptions[]): void {
  endpoint.receiver.push(Buffer.concat(frames.map((one) => frame({ mask: KEY, ...one }))));
}

/** Opcode and payload of each frame that was written; a Close with its code. */
const sent = ({ wire }: Opened): string[] =>
  wire.frames.map(({ opcode, payload }) => {
    if (opcode === CLOSE && payload.length > 0) {
      return `CLOSE ${payload.readUInt16BE(0)} ${payload.subarray(2)}`.trimEnd();
    }
    return `${{ [CLOSE]: 'CLOSE', [PING]: 'PING', [PONG]: 'PONG' }[opcode] ?? 'DATA'} ${payload}`.trimEnd();
  });

describe('Ping and Pong', () => {
  test('RFC 6455 §5.5.2: a Ping is answered with its payload, then reported', () => {
    const server = openEndpoint('server');
    receive(server, { opcode: PING, payload: 'one' }, { opcode: PONG, payload: 'two' });
    expect(sent(server)).toEqual(['PONG one']);
    expect(server.application.events).toEqual(['ping one', 'pong two']);
  });

  test('a Ping is only reported if the program answers itself', () => {
    const server = openEndpoint('server', { autoPong: false });
    receive(server, { opcode: PING, payload: 'one' });
    expect([sent(server), server.application.events]).toEqual([[], ['ping one']]);
  });

  test('RFC 6455 §5.5.3: behind a full buffer only the most recent Ping is answered', () => {
    const server = openEndpoint('server');
    server.wire.isFull = true;
    server.endpoint.sender.sendMessage('x', false, true, false, undefined);
    receive(server, { opcode: PING, payload: 'one' }, { opcode: PING, payload: 'two' });
    expect(sent(server)).toEqual(['DATA x']);
    server.wire.isFull = false;
    server.endpoint.drained();
    server.endpoint.drained();
    expect(sent(server)).toEqual(['DATA x', 'PONG two']);
  });

  test('a Pong that waited is not sent behind the Close of the peer', () => {
    const server = openEndpoint('server');
    server.wire.isFull = true;
    server.endpoint.sender.sendMessage('x', false, true, false, undefined);
    receive(server, { opcode: PING, payload: 'one' }, { opcode: CLOSE });
    server.endpoint.drained();
    expect(sent(server)).toEqual(['DATA x', 'CLOSE']);
  });

  test('RFC 6455 §5.5.2: a Ping is answered behind our own Close, too', () => {
    const server = openEndpoint('server');
    server.wire.isHeld = true;
    server.endpoint.sender.sendMessage('x', false, true, false, undefined);
    server.endpoint.startClosingHandshake(NORMAL);
    expect(server.endpoint.state).toBe('CLOSE_SENT');
    receive(server, { opcode: PING, payload: 'one' });
    server.wire.flush();
    expect(sent(server)).toEqual(['DATA x', 'CLOSE 1000 done', 'PONG one']);
  });

  test('a Ping is answered while our Close waits for a message', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const server = openEndpoint('server', { extension });
    server.endpoint.sender.sendMessage('x', false, true, true, undefined);
    server.endpoint.startClosingHandshake(NORMAL);
    expect(server.endpoint.state).toBe('CLOSE_QUEUED');
    receive(server, { opcode: PING, payload: 'one' });
    expect(sent(server)).toEqual(['PONG one']);
  });

  test('a Ping that comes from a listener after the end is not answered', () => {
    const server = openEndpoint('server');
    server.endpoint.terminate();
    server.endpoint.onControl(PING, Buffer.from('late'));
    expect(sent(server)).toEqual([]);
  });
});

describe('the closing handshake', () => {
  test('RFC 6455 §5.5.1: the Close of the peer is echoed; the server ends TCP', () => {
    const server = openEndpoint('server');
    receive(server, { opcode: CLOSE, payload: closePayload(1001, 'bye') });
    expect(sent(server)).toEqual(['CLOSE 1001 bye']);
    expect(server.wire.calls).toEqual(['resumeToDiscard', 'armCloseTimer 30000', 'end']);
    server.endpoint.wireClosed();
    expect(server.application.events).toEqual(['closed 1001 bye']);
    expect([server.endpoint.wasClean, server.wire.isArmed]).toEqual([true, false]);
  });

  test.each([
    [30_000, 1000],
    [200, 200],
  ])('with a close timeout of %i ms a client waits %i ms for the server', (closeTimeout, wait) => {
    const client = openEndpoint('client', { closeTimeout });
    client.endpoint.receiver.push(frame({ opcode: CLOSE }));
    expect(client.wire.calls.at(-1)).toBe(`armCloseTimer ${wait}`);
    client.endpoint.timedOut();
    expect(client.wire.calls.slice(-2)).toEqual([`armCloseTimer ${closeTimeout}`, 'end']);
    client.endpoint.timedOut();
    expect(client.wire.calls.at(-1)).toBe('destroy');
  });

  test('RFC 6455 §7.1.2: our Close is sent once, and the code of the peer is reported', () => {
    const server = openEndpoint('server');
    server.endpoint.startClosingHandshake(NORMAL);
    server.endpoint.startClosingHandshake({ code: 4000, reason: Buffer.alloc(0) });
    receive(server, { opcode: CLOSE, payload: closePayload(4321) });
    server.endpoint.wireClosed();
    expect(sent(server)).toEqual(['CLOSE 1000 done']);
    expect(server.application.events).toEqual(['closed 4321']);
  });

  test('the Close that was sent is ours, whatever the peer sends then', () => {
    const [closing, broken] = [openEndpoint('server'), openEndpoint('server')];
    for (const { endpoint } of [closing, broken]) endpoint.startClosingHandshake(NORMAL);
    receive(closing, { opcode: CLOSE, payload: closePayload(4321) });
    receive(broken, { opcode: 3 });
    for (const { endpoint } of [closing, broken]) expect(endpoint.sent).toBe(NORMAL);
    expect(closing.endpoint.received?.code).toBe(4321);
  });

  test('RFC 6455 §7.1.5: without a Close of the peer 1006 is reported', () => {
    const server = openEndpoint('server');
    server.endpoint.startClosingHandshake(NORMAL);
    server.endpoint.wireEnded();
    server.endpoint.wireClosed();
    expect(server.wire.calls).toContain('end');
    expect(server.application.events).toEqual(['closed 1006']);
    expect(server.endpoint.wasClean).toBe(false);
  });

  test('a masking key that cannot be drawn leaves the connection open', () => {
    const keys = new MaskingKeys(() => {
      throw new Error('no entropy');
    }, 4);
    const client = openEndpoint('client', { keys });
    expect(() => client.endpoint.startClosingHandshake(NORMAL)).toThrow('no entropy');
    expect([client.endpoint.state, client.endpoint.sent]).toEqual(['OPEN', undefined]);
  });

  test('an answer without a masking key ends the connection without a Close', () => {
    const keys = new MaskingKeys(() => {
      throw new Error('no entropy');
    }, 4);
    const client = openEndpoint('client', { keys });
    client.endpoint.receiver.push(
      Buffer.concat([frame({ opcode: PING }), frame({ opcode: CLOSE })]),
    );
    expect([sent(client), client.wire.calls]).toEqual([[], ['resumeToDiscard', 'destroy']]);
    expect(client.application.events).toEqual(['failure no entropy', 'ping ']);
    const other = openEndpoint('client', { keys });
    other.endpoint.receiver.push(frame({ opcode: CLOSE }));
    expect([sent(other), other.endpoint.state]).toEqual([[], 'FAILED']);
  });
});

describe('a failure', () => {
  test('RFC 6455 §7.1.7: a violation sends its close code and ends the connection', () => {
    const server = openEndpoint('server');
    receive(server, { opcode: 3 }, { payload: 'late' });
    expect(sent(server)).toEqual(['CLOSE 1002 Invalid WebSocket frame: invalid opcode 3']);
    expect(server.wire.calls).toContain('end');
    expect(server.application.events).toEqual(['failure WS_ERR_INVALID_OPCODE']);
    expect(server.endpoint.violation).toMatchObject({ code: 'WS_ERR_INVALID_OPCODE' });
  });

  test('behind our own Close no second Close is sent', () => {
    const server = openEndpoint('server');
    server.endpoint.startClosingHandshake(NORMAL);
    receive(server, { opcode: 3 });
    expect(sent(server)).toEqual(['CLOSE 1000 done']);
    expect(server.application.events).toEqual(['failure WS_ERR_INVALID_OPCODE']);
  });

  test.each([
    ['a code that is not allowed', closePayload(1005), 'WS_ERR_INVALID_CLOSE_CODE', 1002],
    [
      'a reason that is not UTF-8',
      closePayload(1000, Buffer.from([255])),
      'WS_ERR_INVALID_UTF8',
      1007,
    ],
  ])('%s in the Close of the peer', (_what, payload, error, code) => {
    const server = openEndpoint('server');
    receive(server, { opcode: CLOSE, payload });
    expect(sent(server)[0]).toMatch(`CLOSE ${code}`);
    server.endpoint.wireClosed();
    expect(server.application.events).toEqual([`failure ${error}`, 'closed 1006']);
  });

  test('an unchecked reason is taken as it is', () => {
    const receiving = { maxPayload: 0, maxFragments: 0, checkUtf8: false, oneAtATime: false };
    const server = openEndpoint('server', { receiving });
    receive(server, { opcode: CLOSE, payload: closePayload(1000, Buffer.from([255])) });
    expect(server.endpoint.received?.code).toBe(1000);
  });

  test('a message that cannot be sent ends the connection, and is reported once', () => {
    const server = openEndpoint('server');
    server.endpoint.onSenderFailed(new Error('first'));
    server.endpoint.onSenderFailed(new Error('second'));
    server.endpoint.wireClosed();
    server.endpoint.onSenderFailed(new Error('third'));
    expect(server.wire.calls).toContain('destroy');
    expect(server.application.events).toEqual(['failure first', 'closed 1006']);
    expect(server.endpoint.failure?.message).toBe('third');
  });
});

describe('when more may be sent', () => {
  test('a full buffer says wait, and the drain is reported once', () => {
    const server = openEndpoint('server');
    expect(server.endpoint.canSendMore()).toBe(true);
    server.wire.isFull = true;
    server.endpoint.sender.sendMessage('x', false, true, false, undefined);
    expect(server.endpoint.canSendMore()).toBe(false);
    server.endpoint.drained();
    server.endpoint.drained();
    expect(server.application.events).toEqual(['full', 'drain']);
  });

  test('no one who was not told to wait is told of a drain', () => {
    const server = openEndpoint('server');
    server.endpoint.drained();
    expect(server.application.events).toEqual([]);
  });

  test('64 KiB that wait to be encoded say wait, until none waits', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const server = openEndpoint('server', { extension });
    server.endpoint.sender.sendMessage(Buffer.alloc(65_535, 'x'), true, true, true, undefined);
    expect(server.endpoint.canSendMore()).toBe(true);
    server.endpoint.sender.sendMessage('x', true, true, true, undefined);
    expect(server.endpoint.canSendMore()).toBe(false);
    extension.finish();
    expect(server.application.events).toEqual(['full']);
    extension.finish();
    expect(server.application.events).toEqual(['full', 'drain']);
  });

  test('a queue that is empty says nothing while the buffer is full', () => {
    const extension = new ManualExtension();
    extension.isSlow = true;
    const server = openEndpoint('server', { extension });
    server.endpoint.sender.sendMessage('x', true, true, true, undefined);
    server.wire.isFull = true;
    server.endpoint.sender.sendControlNow(OPCODE.PONG, Buffer.alloc(0));
    expect(server.endpoint.canSendMore()).toBe(false);
    extension.finish();
    expect(server.application.events).toEqual(['full']);
    server.endpoint.drained();
    expect(server.application.events).toEqual(['full', 'drain']);
  });

  test('a connection that closes reports no drain', () => {
    const server = openEndpoint('server');
    server.wire.isFull = true;
    server.endpoint.sender.sendMessage('x', false, true, false, undefined);
    server.endpoint.canSendMore();
    server.endpoint.startClosingHandshake(NORMAL);
    server.endpoint.drained();
    expect(server.application.events).toEqual(['full']);
  });
});

test('the first request to wait is reported, until there is room again', () => {
  const { endpoint, wire, application } = openEndpoint('server');
  for (let i = 0; i < 2; i++) {
    wire.isFull = true;
    endpoint.sender.sendMessage('x', false, true, false, undefined);
    endpoint.canSendMore();
    endpoint.canSendMore();
    endpoint.drained();
  }
  expect(application.events).toEqual(['full', 'drain', 'full', 'drain']);
});

test('the wire continues to read when a message was decoded that took its time', () => {
  const extension = new ManualExtension();
  extension.isSlow = true;
  const server = openEndpoint('server', { extension });
  receive(server, { rsv: 4, payload: 'HELLO' }, { payload: 'behind' });
  expect(server.application.events).toEqual([]);
  extension.finish();
  expect(server.wire.calls).toEqual(['continueReading']);
  server.endpoint.receiver.resume();
  expect(server.application.events).toEqual(['text hello', 'text behind']);
});

test('RFC 6455 §5.1: a client without keys of its own masks with random ones', () => {
  const client = openEndpoint('client');
  for (let i = 0; i < 2; i++) client.endpoint.sender.sendMessage('', false, true, false, undefined);
  const [first, second] = client.wire.writes.map((bytes) => bytes.subarray(2).toString('hex'));
  expect([first?.length, second?.length]).toEqual([8, 8]);
  expect(first).not.toBe(second);
});

describe('an error of this end', () => {
  const error = new Error('of the program');

  test('fails the connection with 1011, without details, and is reported once', () => {
    const server = openEndpoint('server');
    expect(server.endpoint.fail(error, 'rejection')).toBe(true);
    expect(server.endpoint.fail(error, 'rejection')).toBe(false);
    receive(server, { payload: 'later' });
    expect(sent(server)).toEqual(['CLOSE 1011']);
    expect(server.application.events).toEqual(['failure of the program']);
    expect(server.endpoint).toMatchObject({
      state: 'FAILED',
      failure: error,
      origin: { by: 'us', cause: 'rejection' },
    });
  });

  test('after our Close leaves that Close and its origin', () => {
    const server = openEndpoint('server');
    server.endpoint.startClosingHandshake(NORMAL);
    expect(server.endpoint.fail(error, 'failure')).toBe(true);
    expect(sent(server)).toEqual(['CLOSE 1000 done']);
    expect(server.endpoint.origin).toEqual({ by: 'us', cause: 'close' });
  });

  test('while our Close waits fails the connection as well', () => {
    const server = openEndpoint('server');
    server.wire.isBlocked = true;
    server.endpoint.startClosingHandshake(NORMAL);
    expect(server.endpoint.fail(error, 'failure')).toBe(true);
    expect(server.application.events).toEqual(['failure of the program']);
  });

  test('after the Close of the peer changes nothing', () => {
    const server = openEndpoint('server');
    receive(server, { opcode: CLOSE });
    expect(server.endpoint.fail(error, 'failure')).toBe(false);
    expect([server.application.events, server.endpoint.failure]).toEqual([[], undefined]);
  });
});

test('the origin of a closing handshake may be named by who starts it', () => {
  const origin = { by: 'timeout', cause: 'idleTimeout' } as const;
  const server = openEndpoint('server');
  server.endpoint.startClosingHandshake(NORMAL, origin);
  receive(server, { opcode: CLOSE });
  expect(server.endpoint.origin).toEqual(origin);
});
