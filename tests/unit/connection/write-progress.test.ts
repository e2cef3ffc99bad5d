/** Whether a slow peer takes bytes: what 'timeout' of a net.Socket tells, and what any Duplex does. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { elapsed, sweep } from '../../../src/connection/sweep.js';
import { WriteProgress } from '../../../src/connection/write-progress.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';

const clock = useClock();
const LIMIT = 800; // the socket is asked each 100 ms

beforeEach(() => clock.stop());

function wireWithBacklog(): ManualWire {
  const wire = new ManualWire({ hold: true, highWaterMark: 10 });
  Object.assign(wire, { _writev: undefined });
  for (let i = 0; i < 3; i++) wire.write(Buffer.alloc(100));
  return wire;
}

/** Milliseconds since there was progress. */
function ageOf(progress: WriteProgress): number {
  const now = sweep.awakeTime();
  return elapsed(progress.check(now), now);
}

describe('a Duplex without a timer', () => {
  test('has made progress when fewer bytes wait, and when none do', async () => {
    const wire = wireWithBacklog();
    const progress = new WriteProgress(wire, LIMIT);
    clock.advance(500);
    expect(ageOf(progress)).toBe(500);
    wire.release();
    await turns(1);
    expect(ageOf(progress)).toBe(0);
    clock.advance(500);
    wire.write(Buffer.alloc(100)); // more waits, and nothing has left
    expect(ageOf(progress)).toBe(500);
    while (wire.held > 0) {
      wire.release();
      await turns(1);
    }
    wire.write(Buffer.alloc(1000)); // it was empty in between
    expect(ageOf(progress)).toBe(0);
    progress.stop();
    expect([wire.listenerCount('drain'), wire.listenerCount('timeout')]).toEqual([0, 0]);
  });
});

describe('a socket with a timer', () => {
  function timed(): { wire: ManualWire; periods: number[]; progress: WriteProgress } {
    const periods: number[] = [];
    const wire = wireWithBacklog();
    Object.assign(wire, { setTimeout: (milliseconds: number) => periods.push(milliseconds) });
    return { wire, periods, progress: new WriteProgress(wire, LIMIT) };
  }

  /** Node says that nothing happened since the last call of `setTimeout`. */
  function silence(wire: ManualWire, count: number): void {
    for (let i = 0; i < count; i++) {
      clock.advance(100);
      wire.emit('timeout');
    }
  }

  test('has made none as long as each period ends with a timeout', () => {
    const { wire, periods, progress } = timed();
    silence(wire, 8);
    expect([ageOf(progress), new Set(periods)]).toEqual([800, new Set([100])]);
  });

  test('has made some when a period had no timeout', () => {
    const { wire, progress } = timed();
    silence(wire, 3);
    clock.advance(100); // Node started its timer anew, without an event
    silence(wire, 4);
    expect(ageOf(progress)).toBe(400);
    clock.advance(200);
    expect(ageOf(progress)).toBe(0);
  });

  test('starts its timer again that somebody stopped, and ends it with the backlog', () => {
    const { wire, periods, progress } = timed();
    clock.advance(500);
    expect([ageOf(progress), periods]).toEqual([0, [100, 100]]);
    silence(wire, 4);
    expect(ageOf(progress)).toBe(400);
    Object.defineProperty(wire, 'writableLength', { value: 0 });
    silence(wire, 1);
    expect([periods.at(-1), wire.listenerCount('timeout')]).toEqual([0, 0]);
  });
});
