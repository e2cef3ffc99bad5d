/** Sending a Blob: its bytes come later, its place among the frames does not change. */

import { Blob } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import {
  frameFor,
  onWire,
  ROLES,
  recordEvents,
  type WebSocketInstance,
} from '../../support/websockets.js';

type Noted = (error?: Error | null) => void;

function openConnection(role: (typeof ROLES)[number]) {
  const wire = new ManualWire();
  const ws = onWire(wire, role);
  const calls: string[] = [];
  const note =
    (name: string): Noted =>
    (error) =>
      calls.push(error ? `${name}: ${error.message}` : name);
  return { wire, ws, calls, note, events: recordEvents(ws) };
}

function payloads(wire: ManualWire): string[] {
  return readFrames(wire.sent).frames.map(({ opcode, payload }) =>
    opcode === OPCODE.CLOSE ? 'close' : `${opcode} ${payload}`,
  );
}

/** A Blob whose bytes come when the test says so. */
class SlowBlob extends Blob {
  give: (bytes: ArrayBuffer) => void = () => {};
  refuse: (error: unknown) => void = () => {};

  override arrayBuffer(): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      this.give = resolve;
      this.refuse = reject;
    });
  }
}

describe.each(ROLES)('a %s', (role) => {
  test('sends a Blob in its place, behind what came before and before what came after', async () => {
    const { wire, ws, calls, note } = openConnection(role);
    const slow = new SlowBlob(['two']);
    ws.send('one', note('one'));
    ws.send(slow as Blob, note('two'));
    ws.send('three', note('three'));
    ws.send(new Blob(['four']), { binary: false }, note('four'));
    ws.close(1000);
    await turns();
    expect(payloads(wire)).toEqual(['1 one']);
    expect(ws.bufferedAmount).toBe('two'.length + 'three'.length + 'four'.length);
    slow.give(await new Blob(['two']).arrayBuffer());
    await until(() => calls.length === 4, 'four callbacks');
    expect(payloads(wire)).toEqual(['1 one', '2 two', '1 three', '1 four', 'close']);
    expect(calls).toEqual(['one', 'two', 'three', 'four']);
    expect(ws.bufferedAmount).toBe(0);
    ws.terminate();
  });

  test('sends a Ping behind a Blob that is being read, and answers Pings before it', async () => {
    const { wire, ws } = openConnection(role);
    const slow = new SlowBlob(['late']);
    ws.send(slow as Blob);
    ws.ping('ours');
    wire.arrive(frameFor(role, { opcode: OPCODE.PING, payload: 'theirs' }));
    await turns();
    expect(payloads(wire)).toEqual(['10 theirs']);
    slow.give(await new Blob(['late']).arrayBuffer());
    await until(() => payloads(wire).length === 3, 'all frames');
    expect(payloads(wire)).toEqual(['10 theirs', '2 late', '9 ours']);
    ws.terminate();
  });

  test('sends a Blob as the payload of a Ping, if it is not too long', async () => {
    const { wire, ws } = openConnection(role);
    expect(() => ws.ping(new Blob(['x'.repeat(126)]))).toThrow(RangeError);
    ws.ping(new Blob(['p']));
    await until(() => wire.sent.length > 0, 'the Ping');
    expect(payloads(wire)).toEqual(['9 p']);
    ws.terminate();
  });

  test('fails if a Blob cannot be read: its callback and those behind it get the error', async () => {
    const { wire, ws, calls, note, events } = openConnection(role);
    const slow = new SlowBlob(['x']);
    ws.send(slow as Blob, note('blob'));
    ws.send('behind', note('behind'));
    await turns(1);
    slow.refuse(new Error('gone'));
    await until(() => calls.length === 2, 'two callbacks');
    expect(calls).toEqual(['blob: gone', 'behind: gone']);
    await turns();
    expect(events).toEqual(['error gone', 'close 1006']);
    expect(wire.sent).toHaveLength(0);
  });

  test('calls the callbacks of Blobs that were being read when the connection broke', async () => {
    const { wire, ws, calls, note, events } = openConnection(role);
    const slow = new SlowBlob(['x']);
    ws.send(slow as Blob, note('blob'));
    ws.send('behind', note('behind'));
    wire.destroy();
    await until(() => calls.length === 2, 'two callbacks');
    slow.give(new ArrayBuffer(1));
    await turns();
    expect(calls).toEqual([
      'blob: The socket was closed while the blob was being read',
      'behind: The socket was closed while the blob was being read',
    ]);
    expect(events).toEqual(['close 1006']);
    expect((ws as WebSocketInstance).bufferedAmount).toBe(0);
  });
});
