/** The socket of one page: it gets records as fast as it reads, and sends commands. */

import { Buffer } from 'node:buffer';
import { toError } from '../connection/callbacks.js';
import { CloseCode } from '../protocol/close.js';
import type { WebSocket } from '../websocket/websocket.js';
import type { BrokenMessage, Hold, PageCommand, PageMessage } from './messages.js';
import type { ForwardingServer } from './proxy.js';
import type { Store } from './store.js';

/** No records are sent while the page has not read more bytes than this. */
const MAX_BUFFERED = 1024 * 1024;

/** A page that leaves so many bytes unread is gone, or stuck. It may connect again. */
const MAX_UNREAD = 256 * 1024 * 1024;

/** The maximum number of records in one message. */
const MAX_RECORDS = 1000;

const HOLDS: readonly Hold[] = ['none', 'client', 'server', 'both'];

/** What the commands of a page are about. */
export interface Controlled {
  readonly store: Store;
  readonly proxy: ForwardingServer;
  breakRule(rule: string, at: 'own' | 'target'): Promise<BrokenMessage>;
  changed(): void;
}

/** The connection of one page. */
export class ControlSession {
  private readonly socket: WebSocket;
  private readonly controlled: Controlled;
  /** The number of the record to send next. */
  private next: number;

  constructor(socket: WebSocket, controlled: Controlled) {
    this.socket = socket;
    this.controlled = controlled;
    this.next = controlled.store.first;
    socket.on('message', (data) => this.receive(String(data)));
    socket.on('drain', () => this.sendRecords());
    socket.on('error', ignore); // 'close' follows
  }

  send(message: PageMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** As {@link send}, for a message of several pages. */
  sendText(text: string): void {
    if (!this.isOpen) return;
    if (this.socket.bufferedAmount > MAX_UNREAD) this.socket.terminate();
    else this.socket.send(text);
  }

  /** RFC 6455 §7.4.1: 1001 for an endpoint that goes away. */
  close(): void {
    this.socket.close(CloseCode.GOING_AWAY);
  }

  /** Sends the records that the page does not have, until it has enough to read. */
  sendRecords(): void {
    const { store } = this.controlled;
    // Nothing is buffered for a page that has gone: all records would be written for nobody.
    while (this.isOpen && this.next < store.next && this.socket.bufferedAmount < MAX_BUFFERED) {
      const records = store.slice(this.next, MAX_RECORDS);
      this.send({ type: 'records', records });
      this.next = (records.at(-1)?.index ?? store.next - 1) + 1;
    }
  }

  private get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  private receive(text: string): void {
    let command = '';
    try {
      const given = JSON.parse(text) as PageCommand | null;
      if (given === null) throw new Error('A command is an object with a type');
      command = String(given.type);
      this.carryOut(given);
    } catch (thrown) {
      this.fail(command, thrown);
    }
  }

  private fail(command: string, thrown: unknown): void {
    this.send({ type: 'failed', command, error: toError(thrown).message });
  }

  /** @throws Error with a sentence for the user */
  private carryOut(command: PageCommand): void {
    const { store, proxy } = this.controlled;
    if (command.type === 'describe') this.describe(command.index);
    else if (command.type === 'hold') this.hold(command.hold);
    else if (command.type === 'release') this.release(command.id, command.bytes);
    else if (command.type === 'release-all') proxy.releaseAll();
    else if (command.type === 'inject') this.inject(command);
    else if (command.type === 'disconnect') {
      check(proxy.disconnect(command.connection), notOpen(command.connection));
    } else if (command.type === 'clear') {
      store.clear();
      this.controlled.changed();
    } else if (command.type === 'break') this.break(command.rule, command.at);
    else throw new Error(`There is no such command: ${JSON.stringify(command)}`);
  }

  private hold(hold: Hold): void {
    check(HOLDS.includes(hold), `Frames are held for one of ${HOLDS.join(', ')}`);
    this.controlled.proxy.setHold(hold);
  }

  private release(id: number, digits: string | undefined): void {
    const bytes = digits === undefined ? undefined : read(digits);
    check(this.controlled.proxy.release(id, bytes), `No frame ${id} is held`);
  }

  private describe(index: number): void {
    const described = this.controlled.store.describe(index);
    if (described === undefined) throw new Error(`There is no record ${index} to describe`);
    this.send(described);
  }

  private inject({ connection, from, bytes }: PageCommand & { readonly type: 'inject' }): void {
    check(from === 'client' || from === 'server', 'Bytes come from "client" or "server"');
    check(this.controlled.proxy.inject(connection, from, read(bytes)), notOpen(connection));
  }

  private break(rule: string, at: 'own' | 'target'): void {
    this.controlled.breakRule(rule, at).then(
      (message) => this.send(message),
      (thrown: unknown) => this.fail('break', thrown),
    );
  }
}

function check(isRight: boolean, sentence: string): void {
  if (!isRight) throw new Error(sentence);
}

function notOpen(connection: number): string {
  return `Connection ${connection} is not open`;
}

function read(digits: string): Buffer {
  const isRight = typeof digits === 'string' && /^(?:[0-9a-f]{2})*$/i.test(digits);
  check(isRight, 'Bytes are pairs of hexadecimal digits');
  return Buffer.from(digits, 'hex');
}

function ignore(): void {}
