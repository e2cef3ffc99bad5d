/**
 * Calls the hooks of one connection. `open`, each `message` and `close` wait for the one before: what
 * arrives meanwhile waits in the inbox of the WebSocket, which stops reading when it is full.
 */

import type { Buffer } from 'node:buffer';
import { isThenable, toError, warnOfError } from '../connection/callbacks.js';
import type { Connection } from '../connection/connection.js';
import { CloseCode } from '../protocol/close.js';
import { type Consumer, DEFAULT_MARKS, type Delivered, Inbox } from '../websocket/inbox.js';
import type { Session } from '../websocket/session.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';
import type { ConnectionHooks, PeerHook } from './connection-hooks.js';
import type { CloseDetails } from './interface.js';
import { Message } from './message.js';
import { Peer, type PeerGroup } from './peer.js';
import type { Accepted } from './upgrade-decision.js';
import { WSError } from './ws-error.js';

export class PeerSession implements Consumer {
  readonly peer: Peer;
  private readonly hooks: ConnectionHooks;
  private readonly socket: WebSocket;
  private readonly inbox: Inbox;
  private readonly isConcurrent: boolean;
  /** A hook is running that others wait for. */
  private isBusy = true;
  /** How the connection ended, until `close` is called. */
  private ending: CloseDetails | undefined;

  constructor(socket: WebSocket, accepted: Accepted, group: PeerGroup, isConcurrent: boolean) {
    this.socket = socket;
    this.hooks = accepted.hooks;
    this.isConcurrent = isConcurrent;
    this.peer = new Peer(socket, accepted, group, (error) => this.onError(error));
    this.inbox = Inbox.of(socket, sessionOf(socket) as Session); // it was accepted just now
    this.inbox.open(this, DEFAULT_MARKS);
    this.listen();
  }

  /** Calls `open`. */
  start(): void {
    this.thenNext(this.call('open'));
  }

  onMessage(data: Delivered, isBinary: boolean): boolean {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.thenNext(this.give(data, isBinary));
    return true;
  }

  /** The listener of 'close' has the code. */
  onClosed(): void {}

  private listen(): void {
    const { hooks, socket } = this;
    socket.on('close', (code: number, reason: Buffer) => this.onClose(code, reason));
    // Without the hook, the server reports the error: 'socketError'.
    if (hooks.has('error')) socket.on('error', (error: Error) => this.onError(error));
    if (hooks.has('drain')) this.listenToDrain();
    if (hooks.has('ping')) socket.on('ping', (data: Buffer) => this.call('ping', data));
    if (hooks.has('pong')) socket.on('pong', (data: Buffer) => this.call('pong', data));
  }

  /** The event 'drain' is for `send`. This hook is also for peers that only receive what is published. */
  private listenToDrain(): void {
    const { connection } = sessionOf(this.socket) as Session; // it is open
    const { endpoint, limit, socket } = connection as Connection;
    const onDrain = () => this.call('drain');
    if (limit !== undefined) this.socket.on('drain', onDrain);
    else socket.on('drain', () => endpoint.canSendMore() && onDrain());
  }

  private onClose(code: number, reason: Buffer): void {
    this.ending = { code, reason: reason.toString() };
    if (this.isBusy) return;
    this.isBusy = true;
    this.next();
  }

  /** Gives the messages that wait, then the end. */
  private next(): void {
    for (let message = this.inbox.take(); message; message = this.inbox.take()) {
      const running = this.give(message.data, message.isBinary);
      if (running === undefined) continue;
      running.then(() => this.next());
      return;
    }
    this.isBusy = false;
    const { ending } = this;
    this.ending = undefined;
    if (ending !== undefined) this.call('close', ending);
  }

  private thenNext(running: Promise<void> | undefined): void {
    if (running === undefined) this.next();
    else running.then(() => this.next());
  }

  /** @returns a promise that others wait for */
  private give(data: Delivered, isBinary: boolean): Promise<void> | undefined {
    const running = this.call('message', new Message(data, isBinary, this.peer));
    return this.isConcurrent ? undefined : running;
  }

  /** @returns a promise of the end of the hook; undefined if it has ended. Failures go to `error` */
  private call(name: PeerHook, detail?: unknown): Promise<void> | undefined {
    try {
      const result = this.hooks.call(name, this.peer, detail);
      if (!isThenable(result)) return undefined;
      return Promise.resolve(result).then(ignore, (reason) => this.onError(reason));
    } catch (error) {
      this.onError(error);
      return undefined;
    }
  }

  /** An error of the connection or of a hook. Without the hook `error` it costs the connection. */
  private onError(thrown: unknown): void {
    if (!this.hooks.has('error')) {
      warnOfError('A hook of a connection failed, and there is no hook `error`', toError(thrown));
      this.socket.close(CloseCode.INTERNAL_ERROR);
      return;
    }
    const onFailure = (error: unknown): void =>
      warnOfError('The hook `error` of a connection failed', toError(error));
    try {
      const result = this.hooks.call('error', this.peer, new WSError(thrown));
      if (isThenable(result)) Promise.resolve(result).then(ignore, onFailure);
    } catch (error) {
      onFailure(error);
    }
  }
}

function ignore(): void {}
