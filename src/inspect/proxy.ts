/** Accepts connections: requests for the page go to its HTTP server, all others to the target. */

import { Buffer } from 'node:buffer';
import { createServer, type Server, type Socket } from 'node:net';
import { formatEndpoint } from '../connection/ip-address.js';
import { type Timer, time } from '../connection/time.js';
import { fieldValue, HeadCollector } from '../recording/http-head.js';
import type { ConnectionDetails, ConnectionRecorder } from '../recording/recorder.js';
import type { Sender } from '../recording/records.js';
import { ENTRY_COST } from './direction.js';
import { type HeldMessage, type Hold, PAGE_PREFIX } from './messages.js';
import { type Opening, Relay } from './relay.js';
import type { Target } from './target.js';

/** How long a client may take to send the head of its request, in milliseconds. */
const HEAD_TIMEOUT = 20_000;

/** How long connections may take to close with the proxy, in milliseconds. */
const CLOSE_TIMEOUT = 1500;

/** With so many bytes in held frames of all connections, no further frame is read. A new page gets them all. */
const MAX_HELD = 32 * 1024 * 1024;

/** What a proxy reports to. */
export interface ProxyEvents {
  /** A connection to forward begins. */
  record(details: ConnectionDetails): ConnectionRecorder;
  /** Takes a connection for the page; its first bytes can be read off the socket. */
  servePage(socket: Socket): void;
  held(message: HeldMessage): void;
  /** The number of connections or the state of the target has changed. */
  changed(): void;
}

/** A TCP server in front of a target. */
export class ForwardingServer {
  readonly server: Server;
  /** The frames that are held, by their numbers. */
  readonly held = new Map<number, HeldMessage>();
  hold: Hold = 'none';
  /** Whether the last connection to the target was made. */
  targetState: 'unknown' | 'reachable' | 'unreachable' = 'unknown';
  targetError: string | undefined;
  private readonly target: Target | undefined;
  private readonly events: ProxyEvents;
  private readonly relays = new Map<number, Relay>();
  private readonly sockets = new Set<Socket>();
  private lastId = 0;
  /** What the held frames cost, in bytes. */
  private heldCost = 0;

  /** @param target undefined if only the page is served */
  constructor(target: Target | undefined, events: ProxyEvents) {
    this.target = target;
    this.events = events;
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.accept(socket),
    );
  }

  /** How many connections are forwarded. */
  get open(): number {
    return this.relays.size;
  }

  setHold(hold: Hold): void {
    this.hold = hold;
    for (const relay of this.relays.values()) relay.setHold(hold);
    this.events.changed();
  }

  /** See {@link Relay}. @returns false if there is no such frame */
  release(id: number, bytes: Buffer | undefined): boolean {
    const { connection } = this.held.get(id) ?? {};
    return this.relays.get(connection ?? 0)?.release(id, bytes) ?? false;
  }

  releaseAll(): void {
    for (const relay of this.relays.values()) relay.releaseAll();
  }

  /** @returns false if there is no such connection */
  inject(connection: number, from: Sender, bytes: Buffer): boolean {
    return this.relays.get(connection)?.inject(from, bytes) ?? false;
  }

  /** Closes a connection; the result is as that of `inject`. */
  disconnect(connection: number): boolean {
    const relay = this.relays.get(connection);
    relay?.disconnect();
    return relay !== undefined;
  }

  /** Stops listening, and ends all connections. Resolves when all are closed. */
  close(): Promise<void> {
    for (const relay of this.relays.values()) relay.disconnect();
    const timer = time.setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, CLOSE_TIMEOUT);
    return new Promise((resolve) => {
      this.server.close(() => {
        time.clearTimeout(timer);
        resolve();
      });
    });
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const collector = new HeadCollector('client');
    const timer = time.setTimeout(() => socket.destroy(), HEAD_TIMEOUT);
    const onData = (chunk: Buffer): void => {
      const size = collector.add(chunk);
      const { bytes } = collector;
      if (size === undefined) dispatch({ head: undefined, rest: bytes });
      else if (size > 0) dispatch({ head: bytes.subarray(0, size), rest: bytes.subarray(size) });
    };
    const onEnd = (): void => dispatch({ head: undefined, rest: collector.bytes });
    const dispatch = (opening: Opening): void => {
      stopWaiting();
      this.dispatch(socket, opening);
    };
    const stopWaiting = (): void => this.stopWaiting(socket, timer, onData, onEnd);
    socket.on('data', onData).on('end', onEnd).on('error', ignore).once('close', stopWaiting);
  }

  private stopWaiting(
    socket: Socket,
    timer: Timer,
    onData: (chunk: Buffer) => void,
    onEnd: () => void,
  ): void {
    time.clearTimeout(timer);
    socket.off('data', onData).off('end', onEnd);
  }

  private dispatch(socket: Socket, opening: Opening): void {
    const { head, rest } = opening;
    const isForPage = head !== undefined && asksForPage(head.toString('latin1'));
    if (isForPage || this.target === undefined) this.passToPage(socket, opening);
    else if (head === undefined && rest.length === 0) socket.end();
    else this.forward(socket, this.target, opening);
  }

  private passToPage(socket: Socket, { head, rest }: Opening): void {
    socket.pause();
    socket.unshift(head === undefined ? rest : Buffer.concat([head, rest]));
    this.events.servePage(socket);
    time.nextTick(() => socket.resume());
  }

  private forward(client: Socket, target: Target, opening: Opening): void {
    const url = urlOf(target, opening.head);
    const recorder = this.events.record({
      url,
      client: formatEndpoint(client.remoteAddress, client.remotePort),
      server: target.address.url.host,
    });
    const connection = recorder.number;
    const relay = new Relay(client, target, this.hold, {
      recorder,
      held: (from, bytes) => this.addHeld(connection, from, bytes),
      released: (id, from, bytes) => this.removeHeld(id, connection, from, bytes),
      isFull: () => this.heldCost > MAX_HELD,
      reached: (error) => this.setTargetState(error),
      closed: () => {
        this.relays.delete(connection);
        this.events.changed();
      },
    });
    this.relays.set(connection, relay);
    this.events.changed();
    relay.start(opening);
  }

  private addHeld(connection: number, from: Sender, bytes: Buffer): number {
    const id = ++this.lastId;
    const message = { type: 'held', id, connection, from, bytes: bytes.toString('hex') } as const;
    this.held.set(id, message);
    this.heldCost += costOf(message);
    this.events.held(message);
    return id;
  }

  private removeHeld(id: number, connection: number, from: Sender, bytes: Buffer): void {
    const message = this.held.get(id);
    if (message !== undefined) this.forget(message);
    this.events.held({ type: 'released', id, connection, from, bytes: bytes.toString('hex') });
  }

  private forget(message: HeldMessage): void {
    const wasFull = this.heldCost > MAX_HELD;
    this.held.delete(message.id);
    this.heldCost -= costOf(message);
    if (!wasFull || this.heldCost > MAX_HELD) return;
    for (const relay of this.relays.values()) relay.control();
  }

  private setTargetState(error: Error | undefined): void {
    this.targetState = error === undefined ? 'reachable' : 'unreachable';
    this.targetError = error?.message;
    this.events.changed();
  }
}

function costOf({ bytes }: HeldMessage): number {
  return ENTRY_COST + bytes.length / 2;
}

/** Whether a request is for the page: at `/` without an upgrade, or below the prefix. */
function asksForPage(head: string): boolean {
  const [, method, path = ''] = /^(\S+) ([^\s?]+)(?:\?\S*)? HTTP\//.exec(head) ?? [];
  if (path.startsWith(PAGE_PREFIX)) return true;
  const isOfPage = path === '/' || path === '/favicon.ico';
  return isOfPage && /^(GET|HEAD)$/.test(method ?? '') && fieldValue(head, 'upgrade') === undefined;
}

/** The URL that the target is connected with. */
function urlOf(target: Target, head: Buffer | undefined): string {
  const { url, secure, socketPath } = target.address;
  if (socketPath !== undefined || head === undefined) return url.href;
  const [, path] = /^\S+ (\/\S*) HTTP/.exec(target.rewrite(head.toString('latin1'))) ?? [];
  return path === undefined ? url.href : `${secure ? 'wss' : 'ws'}://${url.host}${path}`;
}

/** 'close' follows. */
function ignore(): void {}
