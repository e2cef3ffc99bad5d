/** RFC 6455 §5.5.1, §7: the closing handshake, in both roles and from both sides. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { useClock } from '../support/clock.js';
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';
import { broken, peerBytes, table } from './rows.js';
import { ROLES, type Role, Scene, type Settings } from './subject.js';

const { CONTINUATION, TEXT, CLOSE, PING } = OPCODE;
const CLOSE_TIMEOUT = 30_000;
const TEXT_AB = '6162';

const close = (code?: number, reason: Buffer | string = ''): FrameOptions => ({
  opcode: CLOSE,
  payload: closePayload(code, reason),
});

/** The peer sends `frames` in one chunk; waits until nothing moves any more. */
function send(scene: Scene, ...frames: FrameOptions[]): Promise<void> {
  return scene.feed([peerBytes(scene.role, frames)]);
}

describe('RFC 6455 §7.4: codes that may come in a Close', () => {
  const accepted = [
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
    ...[3000, 3001, 3999, 4000, 4998, 4999],
  ];
  const refused = [
    ...[0, 1, 256, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999],
    ...[5000, 5001, 32_768, 65_535],
  ];
  for (const role of ROLES) {
    test.each(accepted)(`F12: %i is sent back and told (${role})`, async (code) => {
      const scene = new Scene(role);
      await send(scene, close(code, 'Auf Wiedersehen ✓'));
      expect(scene.peer.closing).toEqual({ code, reason: 'Auf Wiedersehen ✓' });
      expect(scene.peer.ended).toBe(role === 'server');
      await scene.finish();
      expect(scene.events).toEqual([`close ${code} Auf Wiedersehen ✓`]);
      expect(scene.peer.frames.length).toBe(1);
      expect(scene.peer.reader.faults).toEqual([]);
    });
  }
  table(
    refused.map((code) => ({
      name: `F12: ${code} fails with 1002`,
      send: [close(code, 'bye')],
      ...broken('WS_ERR_INVALID_CLOSE_CODE'),
    })),
  );
  table([
    {
      name: 'F12: a Close of one byte fails with 1002',
      send: [{ opcode: CLOSE, payload: Buffer.from([3]) }],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
    {
      name: 'F12: a Close of 126 bytes fails with 1002',
      send: [close(1000, 'x'.repeat(124))],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
    {
      name: 'F12: a reason that is not UTF-8 fails with 1007',
      send: [close(1000, Buffer.from('ff', 'hex'))],
      ...broken('WS_ERR_INVALID_UTF8', 1007),
    },
  ]);

  for (const role of ROLES) {
    test(`F12: a Close without a code is answered without one and told as 1005 (${role})`, async () => {
      const scene = new Scene(role);
      await send(scene, close());
      expect(scene.peer.said).toEqual(['close']);
      await scene.finish();
      expect(scene.events).toEqual(['close 1005']);
    });

    test(`F12: a reason of 123 bytes passes (${role})`, async () => {
      const scene = new Scene(role);
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
  for (const role of ROLES) {
    test.each(behind)(`F13: %s in the same chunk (${role})`, async (_what, frames) => {
      const scene = new Scene(role);
      await send(scene, { payload: 'ab' }, close(1000), ...frames);
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 1000']);
      expect(scene.events).toEqual([`text ${TEXT_AB}`, 'close 1000']);
    });

    test.each(behind)(`F13: %s in a later chunk (${role})`, async (_what, frames) => {
      const scene = new Scene(role);
      scene.peer.write([peerBytes(role, [close(4321)])]);
      await send(scene, ...frames);
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 4321']);
      expect(scene.events).toEqual(['close 4321']);
    });

    test(`F13: a Close inside a message ends it undelivered (${role})`, async () => {
      const scene = new Scene(role);
      const rest = { opcode: CONTINUATION, payload: 'cd' };
      await send(scene, { fin: false, payload: 'ab' }, close(1000), rest);
      await scene.finish();
      expect(scene.events).toEqual(['close 1000']);
    });
  }
});

describe('RFC 6455 §7.1.2: the closing handshake that we start', () => {
  for (const role of ROLES) {
    test(`code and reason go out once, whatever is called (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.close(4001, 'first');
      scene.product.close(4002, 'second');
      await scene.settled();
      scene.product.close(4003, 'third');
      await send(scene, close(4001));
      scene.product.close();
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 4001']);
      expect(scene.peer.closing).toEqual({ code: 4001, reason: 'first' });
      expect(scene.events).toEqual(['close 4001']);
    });

    test(`without a code the Close is empty (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.close();
      await send(scene, close(1000));
      await scene.finish();
      expect(scene.peer.said).toEqual(['close']);
      expect(scene.events).toEqual(['close 1000']);
    });

    test(`F14: messages sent before leave before, later ones not at all (${role})`, async () => {
      const scene = new Scene(role);
      const { product, peer } = scene;
      const errors: (string | undefined)[] = [];
      product.send('a', {}, (error) => errors.push(error?.message));
      product.send(Buffer.alloc(100_000), {}, (error) => errors.push(error?.message));
      product.close(1000);
      product.send('late', {}, (error) => errors.push(error?.message));
      await scene.settled();
      expect(peer.said.map((said) => said.slice(0, 12))).toEqual([
        'text 61',
        'binary 10000',
        'close 1000',
      ]);
      expect(errors.length).toBe(3);
      expect(errors.filter((error) => error === undefined).length).toBe(2);
      expect(errors.find((error) => error !== undefined)).toMatch(/not open: readyState 2/);
      await send(scene, close(1000));
      await scene.finish();
      expect(scene.events).toEqual(['close 1000']);
    });

    test(`messages that come before the peer's Close are delivered (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.close(1000);
      await send(scene, { payload: 'ab' });
      await send(scene, { fin: false, payload: 'a' });
      await send(scene, { opcode: CONTINUATION, payload: 'b' }, close(1000), { payload: 'late' });
      await scene.finish();
      expect(scene.events).toEqual([`text ${TEXT_AB}`, `text ${TEXT_AB}`, 'close 1000']);
    });

    test(`F14: both sides at once (${role})`, async () => {
      const scene = new Scene(role);
      scene.peer.write([peerBytes(role, [close(4000)])]);
      scene.product.close(1000);
      await scene.settled();
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 1000']);
      expect(scene.events).toEqual(['close 4000']);
      expect(scene.peer.reader.faults).toEqual([]);
    });

    test(`F14: close() in the listener of a message; the rest of the chunk still comes (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.once('message', () => scene.product.close(1000));
      await send(scene, { payload: 'ab' }, { payload: 'ab' }, close(1000));
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 1000']);
      expect(scene.events).toEqual([`text ${TEXT_AB}`, `text ${TEXT_AB}`, 'close 1000']);
    });

    test(`F14: close() after a violation sends nothing more (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.once('error', () => scene.product.close(4000));
      await send(scene, { opcode: 3 });
      scene.product.close(4001);
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 1002']);
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
    expect([scene.peer.said, scene.peer.ended]).toEqual([['close 1000'], false]);
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

  /** Lets `milliseconds` pass on the fake clock; is the wire ended, and what was told? */
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

  const silent: [string, Role, (scene: Scene) => Promise<void>, string[]][] = [
    [
      'never answers our Close',
      'server',
      async ({ product }) => product.close(1000),
      ['close 1006'],
    ],
    [
      'never answers our Close',
      'client',
      async ({ product }) => product.close(1000),
      ['close 1006'],
    ],
    ['never ends TCP after Close', 'server', (scene) => send(scene, close(1000)), ['close 1000']],
    ['never ends TCP after Close', 'client', (scene) => send(scene, close(1000)), ['close 1000']],
    [
      'never ends TCP after a violation',
      'server',
      (scene) => send(scene, { opcode: 3 }),
      ['error WS_ERR_INVALID_OPCODE', 'close 1006'],
    ],
    [
      'never ends TCP after a violation',
      'client',
      (scene) => send(scene, { opcode: 3 }),
      ['error WS_ERR_INVALID_OPCODE', 'close 1006'],
    ],
  ];
  test.each(silent)('F14: a peer that %s is dropped (%s)', async (_what, role, begin, told) => {
    const scene = new Scene(role, { closeTimeout: CLOSE_TIMEOUT });
    await begin(scene);
    await scene.settled();
    expect(scene.closed).toBe(false);
    const [ended, events] = await pass(scene, CLOSE_TIMEOUT + 1);
    expect(ended).toBe(true);
    // A client whose second is over gave TCP its end; then the close timeout runs once more.
    if (!scene.closed) await pass(scene, CLOSE_TIMEOUT + 1);
    expect(events).toEqual(told);
    expect(scene.wire.destroyed).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  test.each(ROLES)('F14: data and Pings do not lengthen the wait (%s)', async (role) => {
    const scene = new Scene(role, { closeTimeout: CLOSE_TIMEOUT });
    scene.product.close(1000);
    await scene.settled();
    for (let i = 0; i < 3; i++) {
      await pass(scene, CLOSE_TIMEOUT / 3 - 1);
      await send(scene, { payload: 'ab' }, { opcode: PING });
      expect(scene.closed).toBe(false);
    }
    await pass(scene, 10);
    expect(scene.events.at(-1)).toBe('close 1006');
    expect(scene.events.filter((event) => event === `text ${TEXT_AB}`).length).toBe(3);
  });

  test.each(ROLES)('closeTimeout is the one that was asked for (%s)', async (role) => {
    const scene = new Scene(role, { closeTimeout: 50 });
    scene.product.close(1000);
    await scene.settled();
    expect(await pass(scene, 49)).toEqual([false, []]);
    expect(await pass(scene, 2)).toEqual([true, ['close 1006']]);
  });

  test.each(ROLES)('a closing handshake that ends in time leaves no timer (%s)', async (role) => {
    const scene = new Scene(role);
    scene.product.close(1000);
    await send(scene, close(1000));
    await scene.finish();
    expect(scene.events).toEqual(['close 1000']);
    expect(clock.timerCount).toBe(0);
  });
});

describe('RFC 6455 §7.1.5, §7.2: the wire ends without a closing handshake', () => {
  const before: [string, FrameOptions[], string[]][] = [
    ['at once', [], []],
    ['behind a message', [{ payload: 'ab' }], [`text ${TEXT_AB}`]],
    ['inside a message', [{ fin: false, payload: 'ab' }], []],
    ['inside a frame', [{ payload: 'ab', announce: 3 }], []],
    ['behind half a Close', [{ opcode: CLOSE, payload: '', announce: 2 }], []],
  ];
  for (const role of ROLES) {
    test.each(before)(
      `F14: FIN %s is 1006 and answered with FIN (${role})`,
      async (_what, frames, told) => {
        const scene = new Scene(role);
        await send(scene, ...frames);
        await scene.finish();
        expect(scene.events).toEqual([...told, 'close 1006']);
        expect([scene.peer.said, scene.peer.ended]).toEqual([[], true]);
      },
    );

    test(`F14: FIN instead of a reply to our Close is 1006 (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.close(1000);
      await scene.settled();
      await scene.finish();
      expect(scene.peer.said).toEqual(['close 1000']);
      expect(scene.events).toEqual(['close 1006']);
    });

    test(`F14: an illegal frame instead of a reply fails, without a second Close (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.close(1000);
      await scene.settled();
      await send(scene, { opcode: 5 });
      expect([scene.peer.said, scene.peer.ended]).toEqual([['close 1000'], true]);
      await scene.finish();
      expect(scene.events).toEqual(['error WS_ERR_INVALID_OPCODE', 'close 1006']);
    });

    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    test(`F14: a reset is 1006, without 'error' (${role})`, async () => {
      const scene = new Scene(role);
      await send(scene, { payload: 'ab' });
      scene.wire.destroy(reset);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual([`text ${TEXT_AB}`, 'close 1006']);
    });

    test(`F14: a reset instead of a reply is 1006, and callbacks learn of it (${role})`, async () => {
      const scene = new Scene(role);
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

    test(`F14: a reset after both Close frames passed keeps the code (${role})`, async () => {
      const scene = new Scene(role);
      await send(scene, close(4000, 'done'));
      scene.wire.destroy(reset);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual(['close 4000 done']);
    });
  }
});

describe('terminate() drops the connection', () => {
  for (const role of ROLES) {
    test(`nothing is sent, 1006 is told once (${role})`, async () => {
      const scene = new Scene(role);
      await send(scene, { payload: 'ab' });
      scene.product.terminate();
      scene.product.terminate();
      await scene.until(() => scene.closed);
      scene.product.terminate();
      await scene.settled();
      expect([scene.peer.said, scene.peer.ended]).toEqual([[], true]);
      expect(scene.events).toEqual([`text ${TEXT_AB}`, 'close 1006']);
      expect(scene.product.readyState).toBe(3);
    });

    const violation: FrameOptions = { opcode: 3 };
    test.each([
      ['a message', [{ payload: 'late' }]],
      ['a Ping', [{ opcode: PING, payload: 'late' }]],
      ['an illegal frame', [violation]],
      ['a Close', [close(1000)]],
    ])(
      `in a listener: %s in the rest of the chunk is not delivered (${role})`,
      async (_what, rest) => {
        const scene = new Scene(role);
        scene.product.once('message', () => scene.product.terminate());
        await send(scene, { payload: 'ab' }, ...rest);
        await scene.until(() => scene.closed);
        expect(scene.events).toEqual([`text ${TEXT_AB}`, 'close 1006']);
        expect([scene.peer.said, scene.peer.ended]).toEqual([[], true]);
      },
    );

    test(`after both Close frames passed the code stays (${role})`, async () => {
      const scene = new Scene(role);
      await send(scene, close(4000, 'done'));
      scene.product.terminate();
      await scene.until(() => scene.closed);
      expect(scene.events).toEqual(['close 4000 done']);
    });
  }
});

describe('F14: an application that paused', () => {
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
      expect(scene.events).toEqual([`text ${TEXT_AB}`, `text ${TEXT_AB}`, 'close 1000']);
    });

    test(`gets what had come when the wire was reset (${role})`, async () => {
      const scene = new Scene(role, settings);
      scene.product.once('message', () => scene.product.pause());
      await send(scene, { payload: 'ab' }, { payload: 'cd' });
      await send(scene, { payload: 'ef' });
      scene.wire.destroy(new Error('read ECONNRESET'));
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events).toEqual([`text ${TEXT_AB}`, 'text 6364', 'text 6566', 'close 1006']);
    });

    test(`does not hold up the end after close(): what comes is dropped in time (${role})`, async () => {
      clock.stop();
      const scene = new Scene(role, settings);
      scene.product.pause();
      scene.product.close(1000);
      await scene.settled();
      clock.advance(CLOSE_TIMEOUT + 1);
      await scene.until(() => scene.closed);
      expect([scene.events, scene.peer.said]).toEqual([['close 1006'], ['close 1000']]);
      expect(clock.timerCount).toBe(0);
    });

    test(`pause() in a listener holds the rest of the chunk back (${role})`, async () => {
      const scene = new Scene(role, settings);
      scene.product.once('message', () => scene.product.pause());
      await send(scene, { payload: 'ab' }, { payload: 'cd' }, close(1000));
      expect(scene.events).toEqual([`text ${TEXT_AB}`]);
      scene.product.resume();
      await scene.settled();
      await scene.finish();
      expect(scene.events).toEqual([`text ${TEXT_AB}`, 'text 6364', 'close 1000']);
    });
  }
});
