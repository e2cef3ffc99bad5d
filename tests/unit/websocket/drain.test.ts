/** `send` says when to wait, and 'drain' when to go on: the backpressure of a stream. */

import { Blob } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { connectPair, onWire, ROLES } from '../../support/websockets.js';

const scope = useScope();

describe.each(ROLES)('a %s', (role) => {
  function openConnection(hold: boolean) {
    const wire = new ManualWire({ hold, highWaterMark: 1000 });
    const ws = onWire(wire, role);
    scope().later(async () => {
      wire.hold = false;
      ws.terminate();
      await until(() => ws.readyState === 3, 'the end');
    });
    let drains = 0;
    ws.on('drain', () => drains++);
    return { wire, ws, drains: () => drains };
  }

  test('returns true as long as the wire takes its data, and never drains', async () => {
    const { ws, drains } = openConnection(false);
    for (let i = 0; i < 50; i++) {
      expect(ws.send(Buffer.alloc(500))).toBe(true);
      await turns(1);
    }
    expect(drains()).toBe(0);
  });

  test('returns false when the wire is full, and drains once when it is empty again', async () => {
    const { wire, ws, drains } = openConnection(true);
    expect(ws.send(Buffer.alloc(5000))).toBe(false);
    expect(ws.send('more')).toBe(false);
    await turns();
    expect(drains()).toBe(0);
    while (wire.held > 0) {
      wire.release();
      await turns(1);
    }
    expect(drains()).toBe(1);
    wire.hold = false;
    expect(ws.send('again')).toBe(true);
    await turns();
    expect(drains()).toBe(1);
  });

  test('does not drain if send never returned false', async () => {
    const { wire, ws, drains } = openConnection(true);
    ws.ping(Buffer.alloc(100));
    ws.send('small');
    await turns(1);
    while (wire.held > 0) {
      wire.release();
      await turns(1);
    }
    expect(drains()).toBe(0);
  });

  test('returns false for a Blob that is being read, and drains when all of it left', async () => {
    const { ws, drains } = openConnection(false);
    expect(ws.send(new Blob([Buffer.alloc(100_000)]))).toBe(false);
    await until(() => drains() === 1, "'drain'");
    expect(ws.bufferedAmount).toBe(0);
    expect(ws.send('again')).toBe(true);
  });

  test('returns false when it is closing, and does not drain', async () => {
    const { ws, drains } = openConnection(false);
    ws.close();
    expect(ws.send('late')).toBe(false);
    await turns();
    expect(drains()).toBe(0);
  });
});

test('a sender that waits for each drain has little in memory, and everything arrives', async () => {
  const { ws, client } = await connectPair(
    scope(),
    { perMessageDeflate: { threshold: 0 } },
    { perMessageDeflate: true },
  );
  const payload = Buffer.alloc(50_000, 'some text, and more of it; ');
  let received = 0;
  client.on('message', ({ length }: Buffer) => {
    received += length;
  });
  let most = 0;
  let left = 200;
  const pump = (): void => {
    while (left > 0) {
      left--;
      const mayGoOn = ws.send(payload);
      most = Math.max(most, ws.bufferedAmount);
      if (!mayGoOn) return;
    }
  };
  ws.on('drain', pump);
  pump();
  await until(() => received === 200 * payload.length, 'all of it', 10_000);
  expect(most).toBeLessThan(200_000);
});
