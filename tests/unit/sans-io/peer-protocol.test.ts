/** Both ends of a connection without I/O: messages, control frames, closing, failures, wrong calls. */

import { describe, expect, test } from '@jest/globals';
import {
  ClientProtocol,
  type ClientProtocolOptions,
  ServerProtocol,
} from '../../../src/sans-io/peer-protocol.js';
import { closePayload, type FrameOptions, frame, KEY, readFrames } from '../../support/frames.js';
import { inWords, ProtocolPair } from '../../support/protocol-pair.js';
import { byteByByte } from '../../support/random.js';

const asHex = (bytes: Buffer): string => bytes.toString('hex').replace(/..(?=.)/g, '$& ');

/** A client whose masking key is that of RFC 6455 §5.7. */
function clientWithKey(options: ClientProtocolOptions = {}): ClientProtocol {
  return new ClientProtocol({ ...options, generateMask: (key) => KEY.copy(key) });
}

/** A server that has received these frames of a client. */
function serverAfter(...frames: FrameOptions[]): ServerProtocol {
  const server = new ServerProtocol();
  server.receive(Buffer.concat(frames.map((one) => frame({ mask: KEY, ...one }))));
  return server;
}

const eventsOf = (protocol: ServerProtocol | ClientProtocol) => protocol.events().map(inWords);

describe('RFC 6455 §5.7', () => {
  test('a server sends unmasked frames', () => {
    const server = new ServerProtocol();
    server.send('Hello');
    server.send('Hel', { fin: false });
    server.send('lo');
    server.ping('Hello');
    expect(asHex(server.bytesToSend())).toBe(
      '81 05 48 65 6c 6c 6f 01 03 48 65 6c 80 02 6c 6f 89 05 48 65 6c 6c 6f',
    );
  });

  test('a client sends masked frames', () => {
    const client = clientWithKey();
    client.send('Hello');
    client.pong('Hello');
    expect(asHex(client.bytesToSend())).toBe(
      '81 85 37 fa 21 3d 7f 9f 4d 51 58 8a 85 37 fa 21 3d 7f 9f 4d 51 58',
    );
  });

  test('both receive them, byte by byte', () => {
    const client = new ClientProtocol();
    const bytes = Buffer.from('0103 48656c 8905 48656c6c6f 8002 6c6f'.replaceAll(' ', ''), 'hex');
    for (const byte of byteByByte(bytes)) client.receive(byte);
    expect(eventsOf(client)).toEqual(['ping Hello', 'text Hello']);
    const server = serverAfter({ opcode: 10, payload: 'Hello' }, { payload: 'Hello' });
    expect(eventsOf(server)).toEqual(['pong Hello', 'text Hello']);
  });
});

describe('messages', () => {
  test('of all kinds go both ways', () => {
    const pair = new ProtocolPair();
    pair.client.send('text');
    pair.client.send(Buffer.from('bytes'));
    pair.client.send('as bytes', { binary: true });
    pair.server.send(Buffer.from('as text'), { binary: false });
    pair.server.send('');
    pair.exchange();
    expect(pair.serverEvents).toEqual(['text text', 'binary bytes', 'binary as bytes']);
    expect(pair.clientEvents).toEqual(['text as text', 'text ']);
  });

  test('of 10 MB arrive whole, and the memory of both programs is left alone', () => {
    const pair = new ProtocolPair();
    const data = Buffer.alloc(10_000_000, 'x');
    pair.client.send(data);
    data.fill('y');
    const bytes = pair.client.bytesToSend();
    const before = Buffer.from(bytes);
    pair.server.receive(bytes);
    expect(bytes.equals(before)).toBe(true);
    const [event] = pair.server.events();
    expect(event).toMatchObject({ type: 'message', isBinary: true });
    expect(event?.type === 'message' && event.data.equals(Buffer.alloc(10_000_000, 'x'))).toBe(
      true,
    );
  });

  test('10,000 in one chunk are all there when the call returns', () => {
    const pair = new ProtocolPair();
    for (let i = 0; i < 10_000; i++) pair.client.send(String(i));
    pair.exchange();
    expect(pair.serverEvents).toHaveLength(10_000);
    expect(pair.serverEvents.at(-1)).toBe('text 9999');
  });

  test('events and bytes are returned once', () => {
    const server = serverAfter({ payload: 'a' });
    server.send('b');
    expect([server.events().length, server.bytesToSend().length]).toEqual([1, 3]);
    expect([server.events().length, server.bytesToSend().length]).toEqual([0, 0]);
  });

  test('an empty chunk changes nothing', () => {
    const server = new ServerProtocol();
    server.receive(Buffer.alloc(0));
    expect([server.events(), server.bytesToSend().length, server.state]).toEqual([[], 0, 'OPEN']);
  });
});

describe('a Ping', () => {
  test('is answered with its payload, and reported', () => {
    const server = serverAfter({ opcode: 9, payload: 'x' }, { opcode: 9, payload: 'y' });
    expect(eventsOf(server)).toEqual(['ping x', 'ping y']);
    const { frames } = readFrames(server.bytesToSend());
    expect(frames.map(({ opcode, payload }) => `${opcode} ${payload}`)).toEqual(['10 x', '10 y']);
  });

  test('is left to the program with autoPong: false', () => {
    const server = new ServerProtocol({ autoPong: false });
    server.receive(frame({ opcode: 9, payload: 'x', mask: KEY }));
    expect([eventsOf(server), server.bytesToSend().length]).toEqual([['ping x'], 0]);
  });
});

describe('the closing handshake', () => {
  test('of a client, then of the wire', () => {
    const pair = new ProtocolPair();
    expect(pair.client.close(1000, 'bye')).toBe(true);
    pair.exchange();
    expect([pair.client.state, pair.server.state]).toEqual(['DONE', 'ENDED']);
    expect(pair.serverEvents).toEqual(['timer 30000', 'end']);
    expect(pair.clientEvents).toEqual(['timer 30000', 'timer 1000']);
    pair.client.end();
    pair.client.closed();
    pair.server.closed();
    pair.exchange();
    expect(pair.serverEvents.slice(2)).toEqual(['timer off', 'close 1000 bye, clean']);
    expect(pair.clientEvents.slice(2)).toEqual([
      ...['timer 30000', 'end', 'timer off'],
      'close 1000 bye, clean',
    ]);
    expect([pair.client.state, pair.server.state]).toEqual(['CLOSED', 'CLOSED']);
  });

  test('of a server ends its half of the wire after the Close of the client', () => {
    const pair = new ProtocolPair();
    pair.server.close();
    expect(asHex(pair.server.bytesToSend())).toBe('88 00');
    pair.server.receive(frame({ opcode: 8, mask: KEY }));
    expect(eventsOf(pair.server)).toEqual(['timer 30000', 'end']);
    pair.server.closed();
    expect(eventsOf(pair.server)).toEqual(['timer off', 'close 1005, clean']);
  });

  test('begins once', () => {
    const server = new ServerProtocol();
    expect([server.close(1000), server.close(1001)]).toEqual([true, false]);
    expect(asHex(server.bytesToSend())).toBe('88 02 03 e8');
  });

  test('messages of the peer arrive until its Close', () => {
    const pair = new ProtocolPair();
    pair.server.close(1000);
    pair.client.send('late');
    pair.exchange();
    expect(pair.serverEvents).toContain('text late');
  });

  test('after a Close nothing is sent', () => {
    const server = new ServerProtocol();
    server.close(1000);
    server.bytesToSend();
    expect([server.send('x'), server.ping(), server.pong('x')]).toEqual([false, false, false]);
    expect(() => server.ping(Buffer.alloc(126))).toThrow(RangeError);
    expect(server.bytesToSend()).toHaveLength(0);
  });

  test('frames behind the Close of the peer are ignored', () => {
    const close = { opcode: 8, payload: closePayload(1001) };
    const server = serverAfter(close, { payload: 'x' }, { opcode: 9 }, { rsv: 7 });
    server.receive(frame({ payload: 'y', mask: KEY }));
    expect(eventsOf(server)).toEqual(['timer 30000', 'end']);
    expect(asHex(server.bytesToSend())).toBe('88 02 03 e9');
  });

  test('that takes too long destroys the wire', () => {
    const client = new ClientProtocol({ closeTimeout: 500 });
    client.close(1000);
    expect(eventsOf(client)).toEqual(['timer 500']);
    client.timeout();
    expect(eventsOf(client)).toEqual(['destroy']);
    client.closed();
    expect(eventsOf(client)).toEqual(['close 1006']);
  });

  test('a timer that was stopped or expired has no effect', () => {
    const server = new ServerProtocol();
    server.timeout();
    server.close(1000);
    server.timeout();
    server.timeout();
    expect(eventsOf(server)).toEqual(['timer 30000', 'destroy']);
  });
});

describe('the end of the wire', () => {
  test('without a Close is 1006', () => {
    const server = new ServerProtocol();
    server.end();
    expect(eventsOf(server)).toEqual(['timer 30000', 'end']);
    server.closed();
    expect(eventsOf(server)).toEqual(['timer off', 'close 1006']);
  });

  test('in both directions at once asks for nothing more', () => {
    const server = new ServerProtocol();
    server.send('x');
    server.closed();
    expect(eventsOf(server)).toEqual(['close 1006']);
    expect([server.send('y'), server.close(), server.bytesToSend().length]).toEqual([
      ...[false, false, 0],
    ]);
  });

  test('after it, calls do nothing', () => {
    const server = new ServerProtocol();
    server.closed();
    server.events();
    server.receive(frame({ payload: 'x', mask: KEY }));
    server.end();
    server.closed();
    server.timeout();
    expect([server.events(), server.bytesToSend().length, server.state]).toEqual([[], 0, 'CLOSED']);
  });

  test('bytes after the end of the peer are ignored', () => {
    const server = new ServerProtocol();
    server.end();
    server.receive(frame({ payload: 'x', mask: KEY }));
    expect(eventsOf(server)).not.toContain('text x');
  });
});

describe('a violation', () => {
  test('is answered by a Close with the reason, reported, and ends the wire', () => {
    const server = serverAfter({ payload: 'a' }, { rsv: 2 }, { payload: 'b' });
    expect(eventsOf(server)).toEqual([
      ...['text a', 'timer 30000', 'end'],
      'error WS_ERR_UNEXPECTED_RSV_2_3',
    ]);
    const [close] = readFrames(server.bytesToSend()).frames;
    expect(close?.payload.readUInt16BE()).toBe(1002);
    expect(close?.payload.toString('utf8', 2)).toMatch(/RSV2 and RSV3 must be clear/);
    server.closed();
    expect(eventsOf(server)).toEqual(['timer off', 'close 1006']);
  });

  test.each<[string, object, FrameOptions[], string]>([
    ['maxPayload', { maxPayload: 3 }, [{ payload: 'four' }], 'UNSUPPORTED_MESSAGE_LENGTH'],
    [
      'maxFragments',
      { maxFragments: 1 },
      [{ fin: false }, { opcode: 0 }],
      'TOO_MANY_BUFFERED_PARTS',
    ],
    ['UTF-8', {}, [{ payload: Buffer.from([0xff]) }], 'INVALID_UTF8'],
    ['the mask', {}, [{ payload: 'x', mask: undefined }], 'EXPECTED_MASK'],
  ])('%s', (_what, options, frames, code) => {
    const server = new ServerProtocol(options);
    server.receive(Buffer.concat(frames.map((one) => frame({ mask: KEY, ...one }))));
    expect(eventsOf(server)).toContain(`error WS_ERR_${code}`);
  });

  test('0 is no limit', () => {
    const server = new ServerProtocol({ maxPayload: 0, maxFragments: 0 });
    server.receive(frame({ payload: 'x', mask: KEY }));
    expect(eventsOf(server)).toEqual(['text x']);
  });
});

describe('generateMask', () => {
  test('its exception leaves the call, and the connection as it was', () => {
    let isBroken = true;
    const client = new ClientProtocol({
      generateMask: (key) => {
        if (isBroken) throw new Error('no entropy');
        KEY.copy(key);
      },
    });
    expect(() => client.send('Hello')).toThrow('no entropy');
    expect(() => client.close(1000)).toThrow('no entropy');
    isBroken = false;
    expect(client.send('Hello')).toBe(true);
    expect(asHex(client.bytesToSend())).toBe('81 85 37 fa 21 3d 7f 9f 4d 51 58');
  });

  test('its exception in an automatic Pong fails the connection', () => {
    const client = new ClientProtocol({
      generateMask: () => {
        throw new Error('no entropy');
      },
    });
    client.receive(frame({ opcode: 9 }));
    expect(eventsOf(client)).toEqual(['destroy', 'error no entropy', 'ping ']);
  });
});

describe('a wrong call', () => {
  const server = new ServerProtocol();

  test.each<[string, () => unknown, ErrorConstructor, RegExp]>([
    ['a reason without code', () => server.close(undefined, 'x'), RangeError, /no reason without/],
    ['1005', () => server.close(1005), RangeError, /3000 to 4999: 1005 was given/],
    ['1006', () => server.close(1006), RangeError, /1006 was given/],
    ['2000', () => server.close(2000), RangeError, /2000 was given/],
    ['a code as text', () => server.close('1000' as never), RangeError, /'1000' was given/],
    ['a long reason', () => server.close(1000, 'é'.repeat(62)), RangeError, /124 were given/],
    ['a long Ping', () => server.ping(Buffer.alloc(126)), RangeError, /125 bytes/],
    ['a number', () => server.send(5 as never), TypeError, /a Uint8Array: 5 was given/],
    ['no bytes', () => server.receive({} as never), TypeError, /a Uint8Array: {} was given/],
    ['text', () => server.receive('81 00' as never), TypeError, /'81 00' was given/],
    ['a limit', () => new ServerProtocol({ maxPayload: -1 }), RangeError, /maxPayload/],
    [
      'a time',
      () => new ServerProtocol({ closeTimeout: '1s' as never }),
      TypeError,
      /closeTimeout/,
    ],
    ['a callback', () => new ClientProtocol({ onReady: 1 as never }), TypeError, /onReady/],
  ])('%s throws, and changes nothing', (_what, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
    expect([server.state, server.events(), server.bytesToSend().length]).toEqual(['OPEN', [], 0]);
  });
});
