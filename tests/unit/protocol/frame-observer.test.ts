/** What an observer sees of the frames that are sent. RFC 6455 §5.2. */

import { describe, expect, test } from '@jest/globals';
import { FIN, Opcode } from '../../../src/protocol/frame.js';
import {
  type FrameObserver,
  observeFrame,
  observeFramed,
} from '../../../src/protocol/frame-observer.js';
import { frame, KEY, OPCODE } from '../../support/frames.js';

function recorder() {
  const seen: unknown[][] = [];
  const observer: FrameObserver = {
    onReceived: () => {},
    onSent: (...args) => seen.push(args),
  };
  return { seen, observer };
}

describe('a frame from its parts', () => {
  test.each([
    ['text is measured in bytes', FIN | Opcode.TEXT, 'é', 2, undefined],
    ['binary data has no payload here', FIN | Opcode.BINARY, Buffer.from('ab'), 2, undefined],
    ['a control frame has', FIN | Opcode.PING, Buffer.from('p'), 1, Buffer.from('p')],
  ])('%s', (_what, firstByte, payload, length, shown) => {
    const { seen, observer } = recorder();
    observeFrame(observer, firstByte, payload, 9, true);
    expect(seen).toEqual([[firstByte, length, 9, true, shown]]);
  });
});

describe('frames as bytes', () => {
  test('are reported one by one, with their bits', () => {
    const { seen, observer } = recorder();
    const bytes = Buffer.concat([
      frame({ payload: 'a', fin: false, rsv: 4 }),
      frame({ opcode: OPCODE.CONTINUATION, payload: 'x'.repeat(300), mask: KEY }),
    ]);
    observeFramed(observer, bytes);
    expect(seen).toEqual([
      [0x41, 1, 1, false, undefined],
      [0x80, 300, 300, true, undefined],
    ]);
  });

  test('may have been longer before they were encoded', () => {
    const { seen, observer } = recorder();
    observeFramed(observer, frame({ payload: 'a' }), 700);
    expect(seen).toEqual([[0x81, 1, 700, false, undefined]]);
  });

  test('what is no whole header is left out', () => {
    const { seen, observer } = recorder();
    observeFramed(observer, Buffer.from([0x81]));
    expect(seen).toEqual([]);
  });
});
