/** WebSockets in each state, and their methods as programs in JavaScript call them. */

import WebSocket from '../../src/index.js';
import { type Face, type Loose, onWire, type Role } from './faces.js';
import { readFrames, type SeenFrame } from './frames.js';
import { turns, until } from './inbox.js';
import { ManualWire } from './manual-wire.js';
import type { Scope } from './scope.js';

/** Arguments as programs in JavaScript give them. */
export type Call = (...args: unknown[]) => unknown;
export const methodOf = (ws: Face, name: 'send' | 'ping' | 'pong' | 'close'): Call =>
  (ws[name] as Call).bind(ws);

/** @returns what makes WebSockets that are closed when the test is over */
export function useSockets(scope: () => Scope) {
  /** A client that never gets an answer. */
  function connecting(): Face {
    const wire = new ManualWire();
    const ws = new WebSocket('ws://server.example.com/', { createConnection: () => wire });
    return scope().track(ws);
  }

  async function onManualWire(
    role: Role,
    settings: Loose = {},
  ): Promise<{ ws: Face; wire: ManualWire; frames: () => SeenFrame[] }> {
    const wire = new ManualWire();
    const ws = scope().track(onWire(wire, role, settings));
    await turns(1);
    return { ws, wire, frames: () => readFrames(wire.sent).frames };
  }

  async function closed(): Promise<Face> {
    const { ws, wire } = await onManualWire('server');
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    return ws;
  }

  return { connecting, onManualWire, closed };
}
