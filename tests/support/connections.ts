/** WebSockets in each state, on a wire that the test controls, and their frames as texts. */

import { expect } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { closePayload, OPCODE, readFrames, type SeenFrame } from './frames.js';
import { turns, until } from './inbox.js';
import { ManualWire, type ManualWireOptions } from './manual-wire.js';
import type { Scope } from './scope.js';
import {
  frameFor,
  type Loose,
  onWire,
  type Role,
  recordEvents,
  type WebSocketInstance,
} from './websockets.js';

export interface OpenConnection {
  wire: ManualWire;
  ws: WebSocketInstance;
  events: string[];
}

/** @returns what opens a WebSocket, ready to read; it is closed when the test is over */
export function useConnections(
  scope: () => Scope,
): (role?: Role, settings?: Loose, options?: ManualWireOptions) => Promise<OpenConnection> {
  return async (role = 'server', settings = {}, options = {}) => {
    const wire = new ManualWire(options);
    const ws = onWire(wire, role, settings);
    scope().later(async () => {
      wire.hold = false;
      if (ws.readyState !== 3) ws.terminate();
      await until(() => ws.readyState === 3, 'a WebSocket to close');
    });
    await turns(1);
    return { wire, ws, events: recordEvents(ws) };
  };
}

export const text = (role: Role, payload: string): Buffer => frameFor(role, { payload });
export const ping = (role: Role, payload: string): Buffer =>
  frameFor(role, { payload, opcode: OPCODE.PING });
export const close = (role: Role, code?: number, reason?: string): Buffer =>
  frameFor(role, { payload: closePayload(code, reason), opcode: OPCODE.CLOSE });

export function framesOf(wire: ManualWire): SeenFrame[] {
  const { frames, rest } = readFrames(wire.sent);
  expect(rest).toHaveLength(0);
  return frames;
}

/** The frames on a wire in words. */
export function said(wire: ManualWire): string[] {
  const names = new Map(Object.entries(OPCODE).map(([name, value]) => [value as number, name]));
  return framesOf(wire).map(({ opcode, payload }) => {
    const name = (names.get(opcode) ?? '?').toLowerCase();
    if (opcode !== OPCODE.CLOSE) return `${name} ${payload}`.trim();
    return payload.length < 2 ? 'close' : `close ${payload.readUInt16BE(0)}`;
  });
}

/** Notes what callbacks get, by name. */
export function recordCalls(): {
  calls: string[];
  note: (name: string) => (error?: Error | null) => void;
} {
  const calls: string[] = [];
  const note = (name: string) => (error?: Error | null) => {
    calls.push(error ? `${name}: ${error.message}` : name);
  };
  return { calls, note };
}

/** Arguments as programs in JavaScript give them. */
export type Call = (...args: unknown[]) => unknown;
export const methodOf = (ws: WebSocketInstance, name: 'send' | 'ping' | 'pong' | 'close'): Call =>
  (ws[name] as Call).bind(ws);

/** @returns what makes WebSockets in each state; they are closed when the test is over */
export function useSockets(scope: () => Scope) {
  /** A client that never gets an answer. */
  function connecting(): WebSocketInstance {
    const wire = new ManualWire();
    const ws = new WebSocket('ws://server.example.com/', { createConnection: () => wire });
    return scope().track(ws);
  }

  async function onManualWire(
    role: Role,
    settings: Loose = {},
  ): Promise<{ ws: WebSocketInstance; wire: ManualWire; frames: () => SeenFrame[] }> {
    const wire = new ManualWire();
    const ws = scope().track(onWire(wire, role, settings));
    await turns(1);
    return { ws, wire, frames: () => readFrames(wire.sent).frames };
  }

  async function closed(): Promise<WebSocketInstance> {
    const { ws, wire } = await onManualWire('server');
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    return ws;
  }

  return { connecting, onManualWire, closed };
}
