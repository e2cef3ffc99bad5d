import { describe, expect, test } from '@jest/globals';
import { closingStep, isCloseCode, readClose, writeClose } from '../../../src/protocol/close.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { closePayload } from '../../support/frames.js';

test('RFC 6455 §7.4: which codes may stand in a Close frame', () => {
  const allowed = Array.from({ length: 65_536 }, (_, code) => code).filter(isCloseCode);
  const expected = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  for (let code = 3000; code <= 4999; code++) expected.push(code);
  expect(allowed).toEqual(expected);
});

describe('readClose', () => {
  test('an empty payload says 1005', () => {
    expect(readClose(Buffer.alloc(0), true)).toMatchObject({ code: 1005 });
  });

  test('code and reason are read, and the reason does not pin the chunk', () => {
    const chunk = Buffer.concat([Buffer.alloc(60_000), closePayload(1001, 'zurück')]);
    const close = readClose(chunk.subarray(60_000), true);
    if (close instanceof ProtocolError) throw close;
    expect([close.code, close.reason.toString()]).toEqual([1001, 'zurück']);
    expect(close.reason.buffer).not.toBe(chunk.buffer);
  });

  test('a code that must not be sent is INVALID_CLOSE_CODE, 1002', () => {
    expect(readClose(closePayload(1005), true)).toMatchObject({
      code: 'WS_ERR_INVALID_CLOSE_CODE',
      closeCode: 1002,
    });
  });

  test('a reason that is not UTF-8 is INVALID_UTF8, 1007; unchecked it passes', () => {
    const payload = closePayload(1000, Buffer.from([0xc0, 0x80]));
    expect(readClose(payload, true)).toMatchObject({ code: 'WS_ERR_INVALID_UTF8' });
    expect(readClose(payload, false)).toMatchObject({ code: 1000 });
  });
});

test('writeClose is the inverse of readClose', () => {
  for (const payload of [closePayload(), closePayload(1000), closePayload(4999, 'weiß')]) {
    const close = readClose(payload, true);
    if (close instanceof ProtocolError) throw close;
    expect(writeClose(close)).toEqual(payload);
  }
});

test('RFC 6455 §7.4.1: a Close with 1005 is written without a code', () => {
  expect(writeClose({ code: 1005, reason: Buffer.from('unsaid') })).toHaveLength(0);
});

test.each([1000.5, -1, Number.NaN, 999, 1015, 2999, 5000])('%d is no close code', (code) => {
  expect(isCloseCode(code)).toBe(false);
});

describe('closingStep', () => {
  test('RFC 6455 §7.1.1: behind both Close frames a server ends TCP, a client waits', () => {
    for (const [state, input] of [
      ['CLOSE_SENT', 'CLOSE_RECEIVED'],
      ['PEER_CLOSED', 'CLOSE_WRITTEN'],
    ] as const) {
      expect(closingStep(state, input, 'server')).toMatchObject({ to: 'ENDED' });
      expect(closingStep(state, input, 'server')?.actions).toContain('end');
      expect(closingStep(state, input, 'client')).toMatchObject({ to: 'DONE' });
      expect(closingStep(state, input, 'client')?.actions).toContain('linger');
    }
  });

  test('is the same for both roles elsewhere', () => {
    const step = closingStep('OPEN', 'CLOSE_RECEIVED', 'server');
    expect(step).toEqual({ to: 'PEER_CLOSED', actions: ['discard', 'arm', 'send'] });
    expect(closingStep('OPEN', 'CLOSE_RECEIVED', 'client')).toBe(step);
  });

  test('changes nothing where a row does not name the input', () => {
    expect(closingStep('OPEN', 'TIMED_OUT', 'server')).toBeUndefined();
    expect(closingStep('CLOSED', 'WIRE_CLOSED', 'client')).toBeUndefined();
  });
});
