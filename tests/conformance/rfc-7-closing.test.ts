/** RFC 6455 §7.1: the closing handshake, in both roles and from both sides. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { useClock } from '../support/clock.js';
import { OPCODE } from '../support/frames.js';
import { CLOSE_TIMEOUT, close, send, TEXT_AB } from './closing.js';
import { peerBytes } from './rows.js';
import { Scene, SUBJECTS } from './subject.js';

const { CONTINUATION, PING } = OPCODE;

describe('RFC 6455 §7.1.2: the closing handshake that we start', () => {
  for (const subject of SUBJECTS) {
    test(`code and reason go out once, whatever is called (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.close(4001, 'first');
      scene.product.close(4002, 'second');
      await scene.settled();
      scene.product.close(4003, 'third');
      await send(scene, close(4001));
      scene.product.close();
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 4001']);
      expect(scene.peer.closing).toEqual({ code: 4001, reason: 'first' });
      expect(scene.events).toEqual(['close 4001']);
    });

    test(`without a code the Close is empty (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.close();
      await send(scene, close(1000));
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close']);
      expect(scene.events).toEqual(['close 1000']);
    });

    test(`messages sent before leave before, later ones not at all (${subject})`, async () => {
      const scene = new Scene(subject);
      const { product, peer } = scene;
      const errors: (string | undefined)[] = [];
      product.send('a', {}, (error) => errors.push(error?.message));
      product.send(Buffer.alloc(100_000), {}, (error) => errors.push(error?.message));
      product.close(1000);
      product.send('late', {}, (error) => errors.push(error?.message));
      await scene.settled();
      expect(peer.sent.map((sent) => sent.slice(0, 12))).toEqual([
        'text 61',
        'binary 10000',
        'close 1000',
      ]);
      expect(errors.length).toBe(3);
      expect(errors.filter((error) => error === undefined).length).toBe(2);
      expect(errors.find((error) => error !== undefined)).toMatch(
        /not open: readyState 2|nothing behind a Close/,
      );
      await send(scene, close(1000));
      await scene.finish();
      expect(scene.events).toEqual(['close 1000']);
    });

    test(`messages that come before the peer's Close are delivered (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.close(1000);
      await send(scene, { payload: 'ab' });
      await send(scene, { fin: false, payload: 'a' });
      await send(scene, { opcode: CONTINUATION, payload: 'b' }, close(1000), { payload: 'late' });
      await scene.finish();
      expect(scene.events).toEqual([TEXT_AB, TEXT_AB, 'close 1000']);
    });

    test(`both sides at once (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.peer.write([peerBytes(scene.role, [close(4000)])]);
      scene.product.close(1000);
      await scene.settled();
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 1000']);
      expect(scene.events).toEqual(['close 4000']);
      expect(scene.peer.reader.faults).toEqual([]);
    });

    test(`close() in the listener of a message; the rest of the chunk still comes (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.once('message', () => scene.product.close(1000));
      await send(scene, { payload: 'ab' }, { payload: 'ab' }, close(1000));
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 1000']);
      expect(scene.events).toEqual([TEXT_AB, TEXT_AB, 'close 1000']);
    });

    test(`close() after a violation sends nothing more (${subject})`, async () => {
      const scene = new Scene(subject);
      scene.product.once('error', () => scene.product.close(4000));
      await send(scene, { opcode: 3 });
      scene.product.close(4001);
      await scene.finish();
      expect(scene.peer.sent).toEqual(['close 1002']);
      expect(scene.events).toEqual(['error WS_ERR_INVALID_OPCODE', 'close 1006']);
    });
  }
});

describe('RFC 6455 §7.1.1: who ends TCP', () => {
  test('a server ends it when both Close frames passed, whoever sent the first', async () => {
    for (const first of ['peer', 'product']) {
      const scene = new Scene('server');
      if (first === 'product') scene.product.close(1000);
      await send(scene, close(1000));
      expect(scene.peer.ended).toBe(true);
      await scene.finish();
      expect(scene.events).toEqual(['close 1000']);
    }
  });

  test('a server that only sent its Close waits for the reply', async () => {
    const scene = new Scene('server');
    scene.product.close(1000);
    await scene.settled();
    expect([scene.peer.sent, scene.peer.ended]).toEqual([['close 1000'], false]);
    scene.product.terminate();
  });

  test('a client leaves it to the server', async () => {
    for (const first of ['peer', 'product']) {
      const scene = new Scene('client');
      if (first === 'product') scene.product.close(1000);
      await send(scene, close(1000));
      expect([scene.peer.ended, scene.events]).toEqual([false, []]);
      scene.peer.end();
      await scene.until(() => scene.closed && scene.peer.ended);
      expect([scene.peer.ended, scene.events]).toEqual([true, ['close 1000']]);
    }
  });
});

describe('RFC 6455 §7.1.1, §7.1.7: what the peer fails to do', () => {
  const clock = useClock();
  beforeEach(() => clock.stop());

  /** Lets `milliseconds` pass on the fake clock; is the wire ended, and what was reported? */
  async function pass(scene: Scene, milliseconds: number): Promise<[boolean, string[]]> {
    clock.advance(milliseconds);
    await scene.settled();
    return [scene.peer.ended, scene.events];
  }

  test('a client waits for the server to end TCP, but at most a second', async () => {
    const scene = new Scene('client');
    await send(scene, close(1000));
    expect(await pass(scene, 500)).toEqual([false, []]);
    const [ended] = await pass(scene, 501);
    expect(ended).toBe(true);
    await scene.finish();
    expect(scene.events).toEqual(['close 1000']);
    expect(clock.timerCount).toBe(0);
  });

  type Begin = (scene: Scene) => unknown;
  const silent: [string, Begin, string[]][] = [
    ['never answers our Close', ({ product }) => product.close(1000), ['close 1006']],
    ['never ends TCP after Close', (scene) => send(scene, close(1000)), ['close 1000']],
    [
      'never ends TCP after a violation',
      (scene) => send(scene, { opcode: 3 }),
      ['error WS_ERR_INVALID_OPCODE', 'close 1006'],
    ],
  ];
  const peers = silent.flatMap(([what, begin, reported]) =>
    SUBJECTS.map((subject) => ({ what, subject, begin, reported })),
  );
  test.each(peers)(
    'a peer that $what is dropped ($subject)',
    async ({ subject, begin, reported }) => {
      const scene = new Scene(subject, { closeTimeout: CLOSE_TIMEOUT });
      await begin(scene);
      await scene.settled();
      expect(scene.closed).toBe(false);
      const [ended, events] = await pass(scene, CLOSE_TIMEOUT + 1);
      expect(ended).toBe(true);
      // A client whose second is over gave TCP its end; then the close timeout runs once more.
      if (!scene.closed) await pass(scene, CLOSE_TIMEOUT + 1);
      expect(events).toEqual(reported);
      expect(scene.wire.destroyed).toBe(true);
      expect(clock.timerCount).toBe(0);
    },
  );

  test.each(SUBJECTS)('data and Pings do not lengthen the wait (%s)', async (subject) => {
    const scene = new Scene(subject, { closeTimeout: CLOSE_TIMEOUT });
    scene.product.close(1000);
    await scene.settled();
    for (let i = 0; i < 3; i++) {
      await pass(scene, CLOSE_TIMEOUT / 3 - 1);
      await send(scene, { payload: 'ab' }, { opcode: PING });
      expect(scene.closed).toBe(false);
    }
    await pass(scene, 10);
    expect(scene.events.at(-1)).toBe('close 1006');
    expect(scene.events.filter((event) => event === TEXT_AB).length).toBe(3);
  });

  test.each(SUBJECTS)('closeTimeout is the one that was asked for (%s)', async (subject) => {
    const scene = new Scene(subject, { closeTimeout: 50 });
    scene.product.close(1000);
    await scene.settled();
    expect(await pass(scene, 49)).toEqual([false, []]);
    expect(await pass(scene, 2)).toEqual([true, ['close 1006']]);
  });

  test.each(SUBJECTS)(
    'a closing handshake that ends in time leaves no timer (%s)',
    async (subject) => {
      const scene = new Scene(subject);
      scene.product.close(1000);
      await send(scene, close(1000));
      await scene.finish();
      expect(scene.events).toEqual(['close 1000']);
      expect(clock.timerCount).toBe(0);
    },
  );
});
