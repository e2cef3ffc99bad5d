/** Connections that end while zlib works: D8 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { CompressedScene } from '../../conformance/compressed-scene.js';
import { ROLES } from '../../conformance/subject.js';
import { turn } from '../../conformance/turns.js';
import { inShort } from '../../conformance/wire-bytes.js';
import { OPCODE } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { deflated, LARGE, letters, useCompressed, zeros } from './scene.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const scope = useScope();
const open = useCompressed(scope);
const { CONTINUATION, BINARY } = OPCODE;

describe.each(ROLES)('D8: as a %s, aborts', (role) => {
  const always = { perMessageDeflate: { threshold: 0 } };
  const ends: [string, (scene: CompressedScene) => void][] = [
    ['terminate()', ({ product }) => product.terminate()],
    ['the wire destroyed', ({ wire }) => wire.destroy()],
    ['the wire broken', ({ wire }) => wire.destroy(new Error('broken'))],
    ['the peer gone', ({ peer }) => peer.wire.destroy()],
  ];

  test.each(ends)('%s while inflating: one end, and nothing behind it', async (_name, end) => {
    for (let i = 0; i < 8; i++) {
      const scene = await open(role);
      scene.inject(scene.frame({ opcode: BINARY, rsv: 4, payload: LARGE }));
      scene.inject(scene.frame({ payload: 'behind' }));
      for (let j = i; j > 0; j--) await turn();
      end(scene);
      await scene.until(() => scene.closed);
      await scene.settled();
      expect(scene.events.filter((event) => /^(close|error)/.test(event))).toEqual(['close 1006']);
      expect(scene.events.at(-1)).toBe('close 1006');
    }
  });

  const waiting = [300_000, 300_000, 300_000, 2 * MIB].map((size) => letters(1, size));

  test('the wire gone while inflating, then terminate(): the end comes all the same', async () => {
    const scene = await open(role);
    scene.inject(scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(60 * MIB) }));
    scene.wire.destroy();
    await turns();
    expect(scene.events).toEqual([]);
    scene.product.terminate();
    await scene.until(() => scene.closed);
    expect(scene.events).toEqual(['close 1006']);
    await scene.settled();
  });

  test('what was sent before the peer ended arrives, also if something waits behind it', async () => {
    const scene = await open(role, always);
    const called: string[] = [];
    const note = (name: string) => (error?: Error) => called.push(error ? `${name} failed` : name);
    scene.product.send(letters(1, 200_000), { compress: false }, note('plain'));
    scene.product.send(letters(2, 900_000), {}, note('compressed'));
    scene.peer.wire.end();
    await scene.until(() => scene.closed && called.length === 2);
    expect(called).toEqual(['plain', 'compressed failed']);
    expect(scene.peer.reader.heard).toHaveLength(1);
    await scene.settled();
  });

  test.each(ends)('%s while deflating: each callback once', async (_name, end) => {
    for (let i = 0; i < 8; i++) {
      const scene = await open(role, always);
      const called: string[] = [];
      for (const [j, message] of waiting.entries()) {
        const note = (error?: Error): unknown => called.push(`${j} ${error ? 'failed' : 'sent'}`);
        scene.product.send(message, {}, note);
      }
      for (let j = i; j > 0; j--) await turn();
      end(scene);
      await scene.until(() => scene.closed && called.length >= 4);
      await scene.settled();
      expect(called.map((call) => call.split(' ')[0])).toEqual(['0', '1', '2', '3']);
      expect(called.at(-1)).toBe('3 failed');
      expect(scene.events).toEqual(['close 1006']);
      expect(scene.product.bufferedAmount).toBe(0);
    }
  });

  test('terminate() in the listener of a compressed message: no event comes any more', async () => {
    const scene = await open(role);
    scene.product.once('message', () => scene.product.terminate());
    const one = scene.frame({ rsv: 4, payload: deflated('one') });
    const large = scene.frame({ rsv: 4, payload: LARGE });
    scene.peer.write([Buffer.concat([one, large, one])]);
    await scene.until(() => scene.closed);
    await scene.settled();
    expect(scene.events).toEqual([`text ${inShort(Buffer.from('one'))}`, 'close 1006']);
  });

  test('the wire ends behind any byte of a compressed message', async () => {
    const payload = deflated('a text in a few frames');
    const third = Math.ceil(payload.length / 3);
    const parts = [0, 1, 2].map((i) => payload.subarray(i * third, (i + 1) * third));
    for (let length = 0; ; length++) {
      const scene = await CompressedScene.open(role);
      const frames = parts.map((part, i) => {
        const rest = { fin: i === 2, payload: part };
        return scene.frame(i === 0 ? { rsv: 4, ...rest } : { opcode: CONTINUATION, ...rest });
      });
      const bytes = Buffer.concat(frames);
      scene.peer.write([bytes.subarray(0, length)]);
      await scene.finish();
      const whole = length >= bytes.length;
      const message = `text ${inShort(Buffer.from('a text in a few frames'))}`;
      expect([length, scene.events]).toEqual([length, [...(whole ? [message] : []), 'close 1006']]);
      if (whole) break;
    }
  });
});
