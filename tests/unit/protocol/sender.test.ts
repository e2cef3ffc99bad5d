/** RFC 6455 §5.1, §5.5: what the core holds by itself, whoever drives it. */

import { describe, expect, test } from '@jest/globals';
import { Endpoint, type EndpointOptions } from '../../../src/protocol/endpoint.js';
import { Opcode } from '../../../src/protocol/frame.js';
import type { Wire } from '../../../src/protocol/wire.js';
import { readFrames, type SeenFrame } from '../../support/frames.js';

const ignore = (): void => {};

/** An endpoint on a wire that keeps what is written. */
function endpoint(role: 'server' | 'client'): { endpoint: Endpoint; frames: () => SeenFrame[] } {
  const written: Buffer[] = [];
  const wire: Wire = {
    schedule: () => wire.flush(),
    flush() {
      const gather = endpoint.sender.takeBatch();
      if (gather === undefined) return true;
      for (const part of gather.takeParts()) written.push(Buffer.from(part));
      endpoint.written(gather, true);
      return true;
    },
    resumeToDiscard: ignore,
    continueReading: ignore,
    continueSending: ignore,
    end: ignore,
    destroy: ignore,
    armCloseTimer: ignore,
    disarm: ignore,
  };
  const options: EndpointOptions = {
    role,
    receiving: { maxPayload: 0, maxFragments: 0, checkUtf8: true, oneAtATime: false },
    extension: undefined,
    keys: undefined,
    autoPong: true,
    closeTimeout: 1000,
  };
  const application = {
    onMessage: ignore,
    onPing: ignore,
    onPong: ignore,
    onFailure: ignore,
    onDrain: ignore,
    onClosed: ignore,
  };
  const endpoint = new Endpoint(options, wire, application);
  return { endpoint, frames: () => readFrames(Buffer.concat(written)).frames };
}

const CLOSE = { code: 1000, reason: Buffer.alloc(0) };

describe.each(['server', 'client'] as const)('the sender of a %s', (role) => {
  test('sends no data behind a Close', () => {
    const { endpoint: end, frames } = endpoint(role);
    end.startClosingHandshake(CLOSE);
    expect(end.sender.sendMessage('late', false, true, false, undefined)).toBe(false);
    expect(end.sender.sendUnreadMessage(4, true, true, false, undefined)).toBeUndefined();
    expect(end.sender.sendFramed([Buffer.from('8104', 'hex'), 'late'], undefined)).toBe(false);
    expect(frames().map(({ opcode }) => opcode)).toEqual([Opcode.CLOSE]);
  });

  test('sends Pings and Pongs behind a Close', () => {
    const { endpoint: end, frames } = endpoint(role);
    end.startClosingHandshake(CLOSE);
    end.sender.sendControl(Opcode.PONG, Buffer.from('x'), undefined);
    expect(frames().map(({ opcode }) => opcode)).toEqual([Opcode.CLOSE, Opcode.PONG]);
  });

  test('masks as its role demands, whatever keys it was given', () => {
    const { endpoint: end, frames } = endpoint(role);
    end.sender.sendMessage('hi', false, true, false, undefined);
    end.sender.sendControl(Opcode.PING, Buffer.from('hi'), undefined);
    end.startClosingHandshake(CLOSE);
    const isMasked = frames().map(({ masked }) => masked);
    expect(isMasked).toEqual(Array(3).fill(role === 'client'));
  });

  test('sends control frames of up to 125 bytes', () => {
    const { endpoint: end, frames } = endpoint(role);
    end.sender.sendControl(Opcode.PING, Buffer.alloc(125), undefined);
    expect(() => end.sender.sendControl(Opcode.PONG, Buffer.alloc(126), undefined)).toThrow(
      RangeError,
    );
    expect(() => end.sender.sendUnreadControl(Opcode.PING, 126, undefined)).toThrow(RangeError);
    expect(frames().map(({ payload }) => payload.length)).toEqual([125]);
  });
});
