import type { AddressInfo, Server, Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach } from '@jest/globals';
import { type WireEnd, wirePair } from './duplex-pair.js';
import { turns, until } from './inbox.js';

/** What keeps a process alive and must not outlast a test. */
const HANDLES = ['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'Timeout', 'Immediate'];

function openHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => HANDLES.includes(name));
}

/** Anything that is a WebSocket as far as clearing up goes. */
interface Closable {
  readonly readyState: number;
  terminate(): void;
  on(event: 'error', listener: () => void): unknown;
}

/** Everything that one test opens, so that it is closed again whatever happens. */
export class Scope {
  #undo: (() => unknown)[] = [];

  /** Something to do when the test is over; the newest first. */
  later(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  /** A wire in memory: `[client, server]`. */
  wire(): [WireEnd, WireEnd] {
    const pair = wirePair();
    this.later(() => {
      for (const end of pair) end.destroy();
    });
    return pair;
  }

  /** Starts a server on a free port; its connections are dropped at the end. */
  async listen(server: Server, host = '127.0.0.1'): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    this.later(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    });
    await new Promise<void>((done) => server.listen(0, host, done));
    return (server.address() as AddressInfo).port;
  }

  /** A raw connection. */
  async connect(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    this.later(() => socket.destroy());
    await new Promise((done) => socket.once('connect', done));
    return socket;
  }

  /** A WebSocket that is closed at the latest when the test is over. */
  track<T extends Closable>(ws: T): T {
    ws.on('error', () => {});
    this.later(async () => {
      if (ws.readyState !== 3) ws.terminate();
      await until(() => ws.readyState === 3, 'a WebSocket to close');
    });
    return ws;
  }

  async close(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) await undo();
  }
}

/** The elements of `all` that are left when each of `some` has taken one. */
function without(all: string[], some: string[]): string[] {
  const left = [...all];
  for (const one of some) {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

/** Waits for handles that close late, so that the next test is not blamed for them. */
async function waitForLateHandles(gone: () => boolean): Promise<boolean> {
  return until(gone, 'handles that close late').then(
    () => true,
    () => false,
  );
}

let shared: (() => Scope) | undefined;

/**
 * A fresh scope for every test of the file; after each, nothing may be open that was not before. All
 * calls of a file share it: what one scope has opened would otherwise be a leak for another one.
 */
export function useScope(): () => Scope {
  shared ??= createScope();
  return shared;
}

function createScope(): () => Scope {
  let scope = new Scope();
  let before: string[] | undefined;
  const left = (): string[] =>
    without(openHandles(), before ?? []).filter((name) => name !== 'Immediate');
  beforeEach(() => {
    scope = new Scope();
    const now = openHandles();
    before = without(now, without(now, before ?? now)); // the least that was ever open
  });
  afterEach(async () => {
    await scope.close();
    await turns();
    const gone = (): boolean => left().length === 0;
    try {
      await until(gone, () => `handles to close: ${left().join(', ')}`, 1_000);
    } catch (error) {
      if (!(await waitForLateHandles(gone))) before = openHandles();
      throw error;
    }
  });
  return () => scope;
}
