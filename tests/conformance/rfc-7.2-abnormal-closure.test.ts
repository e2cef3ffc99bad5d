/** RFC 6455 §7.1.5, §7.2: the end of a connection without a closing handshake, or in the middle of it. */
import { describe, expect, test } from '@jest/globals';
import { useClock } from '../support/clock.js';
import { type FrameOptions, OPCODE } from '../support/frames.js';
import { CLOSE_TIMEOUT, close, send, TEXT_AB } from './closing.js';
import { ROLES, Scene, type Settings, SUBJECTS } from './subject.js';

const { TEXT, CLOSE, PING } = OPCODE;

describe('RFC 6455 §7.1.5, §7.2: the wire ends without a closing handshake', () => {
  const before: [string, FrameOptions[], string[]][] = [
    ['at once', [], []],
    ['behind a message', [{ payload: 'ab' }], [TEXT_AB]],
    ['inside a message', [{ fin: false, payload: 'ab' }], []],
    ['inside a frame', [{ payload: 'ab', announce: 3 }], []],
    ['behind half a Close', [{ opcode: CLOSE, payload: '', announce: 2 }], []],
  ];
  for (const subject of SUBJECTS) {
    test.each(before)(
      `FIN %s is 1006 and answered with FIN (${subject})`,
      async (_what, frames, reported) => {
        const scene = new Scene(subject);
        await send(scene, ...frames);
        await scene.finish();
        expect(scene.events).toEqual([...reported, 'close 1006']);
        expect([scene.peer.sent, scene.peer.ended]).toEqual([[], true]);
      },
    );

    test(`FIN instead of a reply to our Close is 1006 (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.close(1000);
      await scene.settled();
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 1000']);
      expect(scene.events).toEqual(['close 1006']);
    });

    test(`an illegal frame instead of a reply fails, without a second Close (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.close(1000);
      await scene.settled();
      await send(scene, { opcode: 5 });
      expect([scene.peer.sent, scene.peer.ended]).toEqual([['close 1000'], true]);
      await scene.finish();
      expect(scene.events).toEqual(['error WS_ERR_INVALID_OPCODE', 'close 1006']);
    });

    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    test(`a reset is 1006, without 'error' (${subject})`, async () => {
      const scene = new Scene(subject);
      await send(scene, { payload: 'ab' });
      scene.wire.destroy(reset);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual([TEXT_AB, 'close 1006']);
    });

    test(`a reset instead of a reply is 1006, and callbacks learn of it (${subject})`, async () => {
      const scene = new Scene(subject);
      const errors: unknown[] = [];
      scene.wire.cork();
      scene.product.send('never', {}, (error) => errors.push(error));
      scene.product.close(1000);
      scene.wire.destroy(reset);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual(['close 1006']);
      expect([errors.length, errors[0] instanceof Error]).toEqual([1, true]);
    });

    test(`a reset after both Close frames passed keeps the code (${subject})`, async () => {
      const scene = new Scene(subject);
      await send(scene, close(4000, 'done'));
      scene.wire.destroy(reset);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual(['close 4000 done']);
    });
  }
});

describe('terminate() drops the connection', () => {
  for (const subject of SUBJECTS) {
    test(`nothing is sent, 1006 is reported once (${subject})`, async () => {
      const scene = new Scene(subject);
      await send(scene, { payload: 'ab' });
      scene.product.terminate();
      scene.product.terminate();
      await scene.until(() => scene.closed);
      scene.product.terminate();
      await scene.settled();
      expect([scene.peer.sent, scene.peer.ended]).toEqual([[], true]);
      expect(scene.events).toEqual([TEXT_AB, 'close 1006']);
      expect(scene.product.readyState).toBe(3);
    });

    const violation: FrameOptions = { opcode: 3 };
    test.each([
      ['a message', [{ payload: 'late' }]],
      ['a Ping', [{ opcode: PING, payload: 'late' }]],
      ['an illegal frame', [violation]],
      ['a Close', [close(1000)]],
    ])(
      `in a listener: %s in the rest of the chunk is not delivered (${subject})`,
      async (_what, rest) => {
        const scene = new Scene(subject);
        scene.product.once('message', () => scene.product.terminate());
        await send(scene, { payload: 'ab' }, ...rest);
        await scene.until(() => scene.closed);
        expect(scene.events).toEqual([TEXT_AB, 'close 1006']);
        expect([scene.peer.sent, scene.peer.ended]).toEqual([[], true]);
      },
    );

    test(`after both Close frames passed the code stays (${subject})`, async () => {
      const scene = new Scene(subject);
      await send(scene, close(4000, 'done'));
      scene.product.terminate();
      await scene.until(() => scene.closed);
      expect(scene.events).toEqual(['close 4000 done']);
    });
  }
});

describe('an application that paused', () => {
  const settings: Settings = { closeTimeout: CLOSE_TIMEOUT };
  const clock = useClock();

  for (const role of ROLES) {
    test(`gets everything, the Close last, when it goes on (${role})`, async () => {
      const scene = new Scene(role, settings);
      scene.product.pause();
      await send(scene, { opcode: TEXT, payload: 'ab' }, { payload: 'ab' }, close(1000));
      expect(scene.events).toEqual([]);
      scene.product.resume();
      await scene.settled();
      await scene.finish();
      expect(scene.events).toEqual([TEXT_AB, TEXT_AB, 'close 1000']);
    });

    test(`gets what had come when the wire was reset (${role})`, async () => {
      const scene = new Scene(role, settings);
      scene.product.once('message', () => scene.product.pause());
      await send(scene, { payload: 'ab' }, { payload: 'cd' });
      await send(scene, { payload: 'ef' });
      scene.wire.destroy(new Error('read ECONNRESET'));
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual([TEXT_AB, 'text 6364', 'text 6566', 'close 1006']);
    });

    test(`does not hold up the end after close(): what comes is dropped in time (${role})`, async () => {
      clock.stop();
      const scene = new Scene(role, settings);
      scene.product.pause();
      scene.product.close(1000);
      await scene.settled();
      clock.advance(CLOSE_TIMEOUT + 1);
      await scene.until(() => scene.closed);
      expect([scene.events, scene.peer.sent]).toEqual([['close 1006'], ['close 1000']]);
      expect(clock.timerCount).toBe(0);
    });

    test(`pause() in a listener holds the rest of the chunk back (${role})`, async () => {
      const scene = new Scene(role, settings);
      scene.product.once('message', () => scene.product.pause());
      await send(scene, { payload: 'ab' }, { payload: 'cd' }, close(1000));
      expect(scene.events).toEqual([TEXT_AB]);
      scene.product.resume();
      await scene.settled();
      await scene.finish();
      expect(scene.events).toEqual([TEXT_AB, 'text 6364', 'close 1000']);
    });
  }
});
