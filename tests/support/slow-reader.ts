/** A connection whose peer reads only when the test says so. */

import { OPCODE, readFrames, type SeenFrame } from './frames.js';
import { turns, until } from './inbox.js';
import { ManualWire } from './manual-wire.js';
import type { Scope } from './scope.js';
import { type Loose, onWire, type Role, type WebSocketInstance } from './websockets.js';

/** What a message costs that waits, beside its payload: as the option `maxBufferedAmount` says. */
export const COST = 128;

/** The payload of the message that fills the buffer of the socket. */
export const FILLING = 1000;

export interface SlowReader {
  readonly wire: ManualWire;
  readonly ws: WebSocketInstance;
  /** The arguments of each 'drop'. */
  readonly drops: [messages: number, bytes: number][];
  /** The frames that were written, without the filling message. */
  frames(): SeenFrame[];
  /** Their payloads as text: '' for control frames. */
  texts(): string[];
  /** The peer reads everything that was written. */
  readAll(): Promise<void>;
}

/** The buffer of the socket is full: what is sent now waits. */
export function slowReader(scope: Scope, role: Role, settings: Loose): SlowReader {
  const wire = new ManualWire({ hold: true, highWaterMark: FILLING });
  const ws = onWire(wire, role, settings);
  ws.on('error', () => {});
  const drops: [number, number][] = [];
  ws.on('drop', (messages, bytes) => drops.push([messages, bytes]));
  scope.later(async () => {
    wire.hold = false;
    ws.terminate();
    await until(() => ws.readyState === 3, 'the end');
  });
  ws.send(Buffer.alloc(FILLING));
  const frames = (): SeenFrame[] => readFrames(wire.sent).frames.slice(1);
  return {
    wire,
    ws,
    drops,
    frames,
    texts: () =>
      frames().map(({ opcode, payload }) => (opcode > OPCODE.BINARY ? '' : `${payload}`)),
    readAll: () => readAll(wire),
  };
}

async function readAll(wire: ManualWire): Promise<void> {
  while (wire.held > 0) {
    wire.release();
    await turns(2);
  }
}
