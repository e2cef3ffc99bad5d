/**
 * R11: a listener that throws. The exception comes out unchanged where the wire's chunk was read;
 * nothing that was received is lost, nothing that was sent stays behind, and 'close' still comes.
 */
import { describe, expect, test } from '@jest/globals';
import { peerBytes } from '../conformance/rows.js';
import { ROLES, type Role, Scene } from '../conformance/subject.js';
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';

const { CONTINUATION, PING, PONG, CLOSE } = OPCODE;
const BOOM = new Error('thrown by a listener');
const A: FrameOptions = { payload: 'a' };
const B: FrameOptions = { payload: 'b' };
const BYE: FrameOptions = { opcode: CLOSE, payload: closePayload(1000) };

/** A scene whose wire flows, so that an injected chunk is read at once. */
async function flowing(role: Role): Promise<Scene> {
  const scene = new Scene(role);
  await scene.settled();
  return scene;
}

function throwAt(scene: Scene, event: string, times = 1): void {
  let left = times;
  scene.product.on(event, () => {
    if (left-- > 0) throw BOOM;
  });
}

/** What comes out of the wire when the product reads these frames in one chunk. */
function thrownBy(scene: Scene, ...frames: FrameOptions[]): unknown {
  try {
    scene.inject(peerBytes(scene.role, frames));
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('R11: an exception in a listener', () => {
  const frames: [string, FrameOptions, string[], string[]][] = [
    ['message', { payload: 'x' }, ['text 78'], []],
    ['message', { opcode: 2, payload: 'x' }, ['binary 78'], []],
    ['ping', { opcode: PING, payload: 'x' }, ['ping 78'], ['pong 78']],
    ['pong', { opcode: PONG, payload: 'x' }, ['pong 78'], []],
  ];
  for (const role of ROLES) {
    test.each(frames)(
      `of '%s' comes out unchanged; the rest follows (${role})`,
      async (event, frame, events, sent) => {
        const scene = await flowing(role);
        throwAt(scene, event);
        expect(thrownBy(scene, frame, A, { opcode: PING }, B)).toBe(BOOM);
        expect(scene.events).toEqual(events);
        await scene.settled();
        expect(scene.events).toEqual([...events, 'text 61', 'ping empty', 'text 62']);
        expect(scene.peer.sent).toEqual([...sent, 'pong empty']);
        await scene.feed([peerBytes(role, [A, BYE])]);
        await scene.finish();
        expect(scene.events.slice(-2)).toEqual(['text 61', 'close 1000']);
      },
    );

    test(`again and again: every message comes once (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'message', 50);
      for (let i = 0; i < 50; i++) expect(thrownBy(scene, A)).toBe(BOOM);
      await scene.feed([peerBytes(role, [B, BYE])]);
      await scene.finish();
      const fifty = Array.from({ length: 50 }, () => 'text 61');
      expect(scene.events).toEqual([...fifty, 'text 62', 'close 1000']);
    });

    test(`what comes in the meantime stays in order (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'message');
      expect(thrownBy(scene, { payload: 'x' }, A)).toBe(BOOM);
      scene.inject(peerBytes(role, [B, { fin: false, payload: 'c' }]));
      scene.inject(peerBytes(role, [{ opcode: CONTINUATION, payload: 'd' }, BYE]));
      await scene.settled();
      await scene.finish();
      const events = ['text 78', 'text 61', 'text 62', 'text 6364', 'close 1000'];
      expect(scene.events).toEqual(events);
    });

    test(`in a message whose frame the chunk's end cuts (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'message');
      const bytes = peerBytes(role, [{ payload: 'x' }, A]);
      expect(() => scene.inject(bytes.subarray(0, bytes.length - 1))).toThrow(BOOM);
      await scene.feed([bytes.subarray(bytes.length - 1)]);
      await scene.finish();
      expect(scene.events).toEqual(['text 78', 'text 61', 'close 1006']);
    });

    test(`what was sent before it leaves (${role})`, async () => {
      const scene = await flowing(role);
      scene.product.once('message', () => {
        scene.product.send('reply');
        throw BOOM;
      });
      expect(thrownBy(scene, A)).toBe(BOOM);
      // At the end of the chunk, as always: whoever catches the exception may end the process.
      expect(scene.peer.sent).toEqual(['text 7265706c79']);
      await scene.finish();
      expect(scene.events).toEqual(['text 61', 'close 1006']);
    });

    test(`behind it a violation is found all the same (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'message');
      expect(thrownBy(scene, A, { opcode: 3 }, B)).toBe(BOOM);
      await scene.settled();
      expect([scene.peer.sent, scene.peer.ended]).toEqual([['close 1002'], true]);
      await scene.finish();
      expect(scene.events).toEqual(['text 61', 'error WS_ERR_INVALID_OPCODE', 'close 1006']);
    });

    test(`behind it the end of the wire is noticed, after the rest (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'message');
      expect(thrownBy(scene, A, B)).toBe(BOOM);
      await scene.finish();
      expect(scene.events).toEqual(['text 61', 'text 62', 'close 1006']);
    });

    test(`terminate() before it: nothing more comes but 'close' (${role})`, async () => {
      const scene = await flowing(role);
      scene.product.once('message', () => {
        scene.product.terminate();
        throw BOOM;
      });
      expect(thrownBy(scene, A, B)).toBe(BOOM);
      await scene.until(() => scene.closed);
      expect(scene.events).toEqual(['text 61', 'close 1006']);
    });

    test(`pause() before it: the rest waits for resume() (${role})`, async () => {
      const scene = await flowing(role);
      scene.product.once('message', () => {
        scene.product.pause();
        throw BOOM;
      });
      expect(thrownBy(scene, A, B)).toBe(BOOM);
      await scene.settled();
      expect(scene.events).toEqual(['text 61']);
      scene.product.resume();
      await scene.settled();
      await scene.finish();
      expect(scene.events).toEqual(['text 61', 'text 62', 'close 1006']);
    });

    test(`of 'error': the peer learns the code, 'close' comes (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'error');
      expect(thrownBy(scene, A, { opcode: 3 }, B)).toBe(BOOM);
      await scene.settled();
      expect([scene.peer.sent, scene.peer.ended]).toEqual([['close 1002'], true]);
      await scene.finish();
      expect(scene.events).toEqual(['text 61', 'error WS_ERR_INVALID_OPCODE', 'close 1006']);
    });

    test(`of 'close': it comes once all the same (${role})`, async () => {
      const scene = await flowing(role);
      throwAt(scene, 'close');
      expect(() => scene.wire.emit('close')).toThrow(BOOM);
      scene.wire.destroy();
      await scene.settled();
      expect(scene.events).toEqual(['close 1006']);
      expect(scene.product.readyState).toBe(3);
    });
  }
});
