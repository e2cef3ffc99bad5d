/** The order of messages that are compressed. */

import { describe, expect, test } from '@jest/globals';
import type { CompressedScene } from '../../conformance/compressed-scene.js';
import { ROLES } from '../../conformance/subject.js';
import { turn } from '../../conformance/turns.js';
import { inShort } from '../../conformance/wire-bytes.js';
import { closePayload, OPCODE } from '../../support/frames.js';
import { useScope } from '../../support/scope.js';
import { letters, useCompressed } from './scene.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const scope = useScope();
const open = useCompressed(scope);
const { TEXT, BINARY, CLOSE, PING } = OPCODE;

describe.each(ROLES)('as a %s, what leaves', (role) => {
  const always = { perMessageDeflate: { threshold: 0 } };
  const opcodes = ({ peer }: CompressedScene): number[] => peer.frames.map(({ opcode }) => opcode);

  /** Sends and notes the callbacks: the number of the message, and whether it failed. */
  function sender({ product }: CompressedScene) {
    const called: string[] = [];
    let count = 0;
    const send = (data: Buffer | string, options: { compress?: boolean } = {}): void => {
      const number = count++;
      product.send(data, options, (error) => called.push(`${number} ${error ? 'failed' : 'sent'}`));
    };
    return { called, send };
  }

  test('messages large and small, compressed or not, stay in order, callbacks too', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    const messages = Array.from({ length: 24 }, (_, i) => letters(i + 1, i % 3 ? 60 : 700_000));
    for (const [i, message] of messages.entries()) send(message, { compress: i % 4 !== 1 });
    const waiting = scene.product.bufferedAmount;
    await scene.until(() => called.length === messages.length);
    const seen = scene.peer.reader.heard.map(({ payload }) => inShort(payload));
    expect(seen).toEqual(messages.map(inShort));
    expect(called).toEqual(messages.map((_, i) => `${i} sent`));
    // All but what is already on the wire: the first message was not done when send() returned.
    expect(waiting).toBeGreaterThanOrEqual(700_000);
    expect(scene.product.bufferedAmount).toBe(0);
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('bufferedAmount counts what waits for compression', async () => {
    const scene = await open(role, always);
    for (let i = 0; i < 3; i++) scene.product.send(letters(i + 1, MIB));
    expect(scene.product.bufferedAmount).toBeGreaterThanOrEqual(3 * MIB);
    await scene.until(() => scene.peer.reader.heard.length === 3);
    await scene.settled();
    expect(scene.product.bufferedAmount).toBe(0);
  });

  test('what waits for a large message costs the same each, however much there is', async () => {
    const scene = await open(role, always);
    let called = 0;
    scene.product.send(letters(1, MIB));
    for (let i = 0; i < 100_000; i++) {
      scene.product.send('x', { compress: false }, () => called++);
    }
    const before = process.cpuUsage();
    await scene.until(() => called === 100_000);
    const { user, system } = process.cpuUsage(before);
    expect(called).toBe(100_000);
    // Linear: about 500 ms. A queue that moved its rest with each message took 8 s and more.
    expect((user + system) / 1000).toBeLessThan(2500);
  });

  test('compressing a large message leaves the event loop free', async () => {
    const scene = await open(role, always);
    let count = 0;
    scene.product.send(letters(1, 8 * MIB));
    const deadline = Date.now() + 10_000;
    for (; scene.peer.frames.length === 0 && Date.now() < deadline; count++) await turn();
    expect(count).toBeGreaterThan(20);
    expect(scene.peer.reader.heard.length).toBe(1);
  });

  test('bytes that are changed behind send() when the message was large', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    const message = letters(1, MIB);
    send(message);
    await scene.until(() => called.length === 1);
    message.fill(0);
    expect(scene.peer.reader.heard.map(({ payload }) => inShort(payload))).toEqual([
      inShort(letters(1, MIB)),
    ]);
  });

  test('a Close may not pass data that waits for compression; data behind it is refused', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    send(letters(1, MIB));
    send('small');
    scene.product.close(1000, 'enough');
    send('too late');
    await scene.until(() => scene.peer.close !== undefined);
    expect(opcodes(scene)).toEqual([BINARY, TEXT, CLOSE]);
    await scene.until(() => called.length === 3);
    expect([...called].sort()).toEqual(['0 sent', '1 sent', '2 failed']);
    await scene.feed([scene.frame({ opcode: CLOSE, payload: closePayload(1000) })]);
    await scene.finish();
    expect(scene.events).toEqual(['close 1000']);
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('a Ping may pass it, no data may', async () => {
    const scene = await open(role, always);
    scene.product.send(letters(1, MIB));
    scene.product.ping('p');
    scene.product.send('small', { compress: false });
    await scene.until(() => scene.peer.frames.length === 3);
    expect(opcodes(scene).filter((opcode) => opcode !== PING)).toEqual([BINARY, TEXT]);
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('fragments that wait for compression are not mixed with other data', async () => {
    const scene = await open(role, always);
    const { product } = scene;
    const half = letters(1, 500_000);
    product.send(half, { fin: false });
    product.ping('p');
    product.send(half, { fin: true });
    product.send('next');
    await scene.until(() => scene.peer.reader.heard.length === 3);
    const messages = scene.peer.reader.heard.filter(({ opcode }) => opcode !== PING);
    expect(messages.map(({ payload }) => inShort(payload))).toEqual(
      [Buffer.concat([half, half]), Buffer.from('next')].map(inShort),
    );
    expect(scene.peer.reader.faults).toEqual([]);
  });

  test('the peer’s Close in the meantime: no data behind our own, each callback once', async () => {
    const scene = await open(role, always);
    const { send, called } = sender(scene);
    for (let i = 0; i < 5; i++) send(letters(i + 1, 400_000));
    await scene.feed([scene.frame({ opcode: CLOSE, payload: closePayload(1001) })]);
    await scene.until(() => scene.peer.close !== undefined);
    await scene.finish();
    await scene.settled();
    expect(called.map((call) => call.split(' ')[0])).toEqual(['0', '1', '2', '3', '4']);
    expect(scene.peer.reader.faults).toEqual([]);
    expect(scene.events).toEqual(['close 1001']);
  });
});
