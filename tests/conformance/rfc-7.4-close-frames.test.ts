/** RFC 6455 §5.5.1, §7.4: what may stand in a Close, and what comes behind it. */
import { describe, expect, test } from '@jest/globals';
import { type FrameOptions, OPCODE } from '../support/frames.js';
import { close, send, TEXT_AB } from './closing.js';
import { broken, peerBytes, table } from './rows.js';
import { Scene, SUBJECTS } from './subject.js';

const { CONTINUATION, CLOSE, PING } = OPCODE;

describe('RFC 6455 §7.4: codes that may come in a Close', () => {
  const accepted = [
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
    ...[3000, 3001, 3999, 4000, 4998, 4999],
  ];
  const refused = [
    ...[0, 1, 256, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999],
    ...[5000, 5001, 32_768, 65_535],
  ];
  for (const subject of SUBJECTS) {
    test.each(accepted)(`%i is sent back and reported (${subject})`, async (code) => {
      const scene = new Scene(subject);
      await send(scene, close(code, 'Auf Wiedersehen ✓'));
      expect(scene.peer.closing).toEqual({ code, reason: 'Auf Wiedersehen ✓' });
      expect(scene.peer.ended).toBe(scene.role === 'server');
      await scene.finish();
      expect(scene.events).toEqual([`close ${code} Auf Wiedersehen ✓`]);
      expect(scene.peer.frames.length).toBe(1);
      expect(scene.peer.reader.faults).toEqual([]);
    });
  }
  table(
    refused.map((code) => ({
      name: `${code} fails with 1002`,
      send: [close(code, 'bye')],
      ...broken('WS_ERR_INVALID_CLOSE_CODE'),
    })),
  );
  table([
    {
      name: 'a Close of one byte fails with 1002',
      send: [{ opcode: CLOSE, payload: Buffer.from([3]) }],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
    {
      name: 'a Close of 126 bytes fails with 1002',
      send: [close(1000, 'x'.repeat(124))],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
    {
      name: 'a reason that is not UTF-8 fails with 1007',
      send: [close(1000, Buffer.from('ff', 'hex'))],
      ...broken('WS_ERR_INVALID_UTF8', 1007),
    },
  ]);

  for (const subject of SUBJECTS) {
    test(`a Close without a code is answered without one and reported as 1005 (${subject})`, async () => {
      const scene = new Scene(subject);
      await send(scene, close());
      expect(scene.peer.sent).toEqual(['close']);
      await scene.finish();
      expect(scene.events).toEqual(['close 1005']);
    });

    test(`a reason of 123 bytes passes (${subject})`, async () => {
      const scene = new Scene(subject);
      const reason = 'r'.repeat(123);
      await send(scene, close(1001, reason));
      expect(scene.peer.closing).toEqual({ code: 1001, reason });
      await scene.finish();
      expect(scene.events).toEqual([`close 1001 ${reason}`]);
    });
  }
});

describe('RFC 6455 §5.5.1: nothing that comes behind a Close is looked at', () => {
  const behind: [string, FrameOptions[]][] = [
    ['text', [{ payload: 'late' }]],
    ['a Ping', [{ opcode: PING, payload: 'late' }]],
    ['a second Close', [close(1001)]],
    ['a reserved opcode', [{ opcode: 3 }]],
    ['reserved bits', [{ rsv: 7, payload: 'late' }]],
    ['a continuation', [{ opcode: CONTINUATION, payload: 'late' }]],
    ['half a frame', [{ announce: 1000 }]],
    ['a length over every limit', [{ announce: 2n ** 63n }]],
    ['1 MiB', [{ payload: Buffer.alloc(1 << 20, 0x61) }]],
  ];
  for (const subject of SUBJECTS) {
    test.each(behind)(`%s in the same chunk (${subject})`, async (_what, frames) => {
      const scene = new Scene(subject);
      await send(scene, { payload: 'ab' }, close(1000), ...frames);
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 1000']);
      expect(scene.events).toEqual([TEXT_AB, 'close 1000']);
    });

    test.each(behind)(`%s in a later chunk (${subject})`, async (_what, frames) => {
      const scene = new Scene(subject);
      scene.peer.write([peerBytes(scene.role, [close(4321)])]);
      await send(scene, ...frames);
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 4321']);
      expect(scene.events).toEqual(['close 4321']);
    });

    test(`a Close inside a message ends it undelivered (${subject})`, async () => {
      const scene = new Scene(subject);
      const rest = { opcode: CONTINUATION, payload: 'cd' };
      await send(scene, { fin: false, payload: 'ab' }, close(1000), rest);
      await scene.finish();
      expect(scene.events).toEqual(['close 1000']);
    });
  }
});
