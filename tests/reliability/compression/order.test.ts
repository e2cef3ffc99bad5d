/** The order of messages that are inflated: D7 and R11 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import type { CompressedScene } from '../../conformance/compressed-scene.js';
import { ROLES } from '../../conformance/subject.js';
import { turn } from '../../conformance/turns.js';
import { inShort } from '../../conformance/wire-bytes.js';
import { closePayload, OPCODE } from '../../support/frames.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { codeOf, deflated, letters, useCompressed } from './scene.js';

const scope = useScope();
const open = useCompressed(scope);
const { BINARY, CLOSE, PING } = OPCODE;

describe.each(ROLES)('D7: as a %s, order', (role) => {
  const large = letters(7, 2_000_000);

  /** A large message, and whatever comes right behind it. */
  async function behindLarge(scene: CompressedScene, ...behind: Buffer[]): Promise<void> {
    const first = scene.frame({ opcode: BINARY, rsv: 4, payload: deflated(large) });
    scene.peer.write([Buffer.concat([first, ...behind])]);
  }
  const delivered = `binary ${inShort(large)}`;

  test('what comes behind a message that is being inflated waits for it', async () => {
    const scene = await open(role);
    await behindLarge(
      scene,
      scene.frame({ payload: 'plain' }),
      scene.frame({ opcode: PING, payload: 'p' }),
      scene.frame({ rsv: 4, payload: deflated('small') }),
      scene.frame({ opcode: OPCODE.PONG, payload: 'q' }),
      scene.frame({ opcode: CLOSE, payload: closePayload(1000, 'bye') }),
    );
    await scene.until(() => scene.peer.close !== undefined);
    await scene.finish();
    const [plain, small] = [Buffer.from('plain'), Buffer.from('small')].map(inShort);
    expect(scene.events).toEqual([
      delivered,
      `text ${plain}`,
      'ping 70',
      `text ${small}`,
      'pong 71',
      'close 1000 bye',
    ]);
    expect(scene.peer.sent).toEqual(['pong 70', 'close 1000']);
  });

  test('an illegal frame behind it fails the connection behind it', async () => {
    const scene = await open(role);
    await behindLarge(
      scene,
      scene.frame({ opcode: 3 }),
      scene.frame({ payload: 'never delivered' }),
    );
    await scene.until(() => scene.peer.ended);
    await scene.finish();
    expect(scene.events).toEqual([delivered, 'error WS_ERR_INVALID_OPCODE', 'close 1006']);
    expect(codeOf(scene)).toBe(1002);
  });

  test('the end of the wire behind it does not swallow it', async () => {
    const scene = await open(role);
    await behindLarge(scene, scene.frame({ payload: 'plain' }));
    scene.peer.end();
    await scene.until(() => scene.closed);
    expect(scene.events).toEqual([
      delivered,
      `text ${inShort(Buffer.from('plain'))}`,
      'close 1006',
    ]);
  });

  test('a Close in the next chunk, and the end of the wire, do not swallow it either', async () => {
    const scene = await open(role);
    await behindLarge(scene);
    await turn();
    scene.peer.write([scene.frame({ opcode: CLOSE, payload: closePayload(1000) })]);
    scene.peer.end();
    await scene.until(() => scene.closed);
    expect(scene.events).toEqual([delivered, 'close 1000']);
  });

  test('large ones and small ones, one after the other, without a pause', async () => {
    const scene = await open(role);
    const messages = Array.from({ length: 30 }, (_, i) => letters(i + 1, i % 3 ? 50 : 600_000));
    const frames = messages.map((message, i) =>
      scene.frame(i % 4 ? { rsv: 4, payload: deflated(message) } : { payload: message }),
    );
    scene.peer.write([Buffer.concat(frames)]);
    await scene.until(() => scene.events.length >= messages.length);
    expect(scene.events).toEqual(messages.map((message) => `text ${inShort(message)}`));
  });

  test('a thousand compressed messages in one chunk', async () => {
    const scene = await open(role);
    const messages = Array.from({ length: 1000 }, (_, i) => `message number ${i}`);
    const frames = await messages.reduce(async (before, message) => {
      const all = await before;
      return [...all, await scene.compressed(message)];
    }, Promise.resolve<Buffer[]>([]));
    scene.peer.write([Buffer.concat(frames)]);
    await scene.until(() => scene.events.length >= messages.length);
    expect(scene.events).toEqual(
      messages.map((message) => `text ${inShort(Buffer.from(message))}`),
    );
  });

  test('R11: a listener that throws at it: it comes out, and the rest follows', async () => {
    const scene = await open(role);
    const caught = uncaught(scope());
    const mine = new Error('mine');
    scene.product.once('message', () => {
      throw mine;
    });
    await behindLarge(
      scene,
      scene.frame({ rsv: 4, payload: deflated('small') }),
      scene.frame({ opcode: CLOSE, payload: closePayload(1000) }),
    );
    await scene.until(() => scene.peer.close !== undefined);
    await scene.finish();
    expect(caught).toEqual([mine]);
    expect(scene.events).toEqual([
      delivered,
      `text ${inShort(Buffer.from('small'))}`,
      'close 1000',
    ]);
  });

  test('pause() holds a message that is being inflated back', async () => {
    const scene = await open(role);
    await behindLarge(scene, scene.frame({ payload: 'plain' }));
    await turn();
    scene.product.pause();
    await scene.settled();
    await scene.settled();
    const before = scene.events.length;
    await scene.settled();
    expect(scene.events.length).toBe(before);
    scene.product.resume();
    await scene.until(() => scene.events.length === 2);
    expect(scene.events).toEqual([delivered, `text ${inShort(Buffer.from('plain'))}`]);
  });

  test('one event per turn where that was asked for', async () => {
    const scene = await open(role, { allowSynchronousEvents: false });
    const frames = Array.from({ length: 9 }, (_, i) =>
      scene.frame(
        i === 4 ? { rsv: 4, payload: deflated(large) } : { rsv: 4, payload: deflated(`${i}`) },
      ),
    );
    let inThisTurn = 0;
    let most = 0;
    scene.product.on('message', () => {
      most = Math.max(most, ++inThisTurn);
      setImmediate(() => {
        inThisTurn = 0;
      });
    });
    scene.peer.write([Buffer.concat(frames)]);
    await scene.until(() => scene.events.length === 9);
    expect([scene.events.length, most]).toEqual([9, 1]);
  });
});
