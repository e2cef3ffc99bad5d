/** One forwarded connection: a client, the target, and the bytes between them. */

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { resetSocket } from '../client/open-socket.js';
import { type Timer, time } from '../connection/time.js';
import { listHas } from '../handshake/fields.js';
import { CloseCode, writeClose } from '../protocol/close.js';
import { Opcode } from '../protocol/frame.js';
import { fieldValue, HeadCollector, isInformational, statusOf } from '../recording/http-head.js';
import type { ConnectionRecorder } from '../recording/recorder.js';
import type { Sender } from '../recording/records.js';
import { encodeFrame } from '../sans-io/encode-frame.js';
import { Direction } from './direction.js';
import type { Hold } from './messages.js';
import type { Target } from './target.js';

const NOTHING = Buffer.alloc(0);

/** How long both ends may take to close after `disconnect`, in milliseconds. */
const CLOSE_TIMEOUT = 1000;

/** What the relays of a proxy report to. */
export interface RelayEvents {
  readonly recorder: ConnectionRecorder;
  /** As in {@link Direction}. */
  held(from: Sender, bytes: Buffer): number;
  released(id: number, from: Sender, bytes: Buffer): void;
  isFull(): boolean;
  /** The target was connected to, or could not be: then with the error. */
  reached(error: Error | undefined): void;
  closed(): void;
}

/** The first bytes of a client. */
export interface Opening {
  readonly head: Buffer | undefined;
  readonly rest: Buffer;
}

/** Forwards between a client and the target. */
export class Relay {
  private readonly client: Socket;
  private readonly target: Target;
  private readonly events: RelayEvents;
  private server: Socket | undefined;
  private directions: Record<Sender, Direction> | undefined;
  private response: HeadCollector | undefined = new HeadCollector('server');
  private hold: Hold;
  /** The number of its sockets that are not closed. */
  private open = 0;
  /** The first direction whose end is recorded; `isOver` if nothing comes behind. */
  private ended: Sender | undefined;
  private isOver = false;
  private deadline: Timer | undefined;

  constructor(client: Socket, target: Target, hold: Hold, events: RelayEvents) {
    this.client = client;
    this.target = target;
    this.hold = hold;
    this.events = events;
  }

  /** Connects to the target, and sends it what the client has sent so far. */
  start(opening: Opening): void {
    const { client } = this;
    client.pause();
    client.on('error', (error) => this.failed('client', error));
    const server = this.target.connect((error) => {
      if (error === undefined) this.connected(server, opening);
      else this.unreachable(error, opening);
    });
    this.server = server;
    this.open = 2;
    for (const socket of [client, server]) socket.once('close', () => this.oneClosed());
  }

  setHold(hold: Hold): void {
    this.hold = hold;
    for (const direction of this.both) direction.hold(holds(hold, direction.from));
  }

  release(id: number, bytes: Buffer | undefined): boolean {
    return this.both.some((direction) => direction.release(id, bytes));
  }

  releaseAll(): void {
    for (const direction of this.both) direction.releaseAll();
  }

  /** Reads again what was not read because too much was held. */
  control(): void {
    for (const direction of this.both) direction.control();
  }

  /** @returns false if the connection to the target is not open */
  inject(from: Sender, bytes: Buffer): boolean {
    return this.directions?.[from].inject(bytes) ?? false;
  }

  /** Ends the connection on both sides, with a Close that says 1001, and after a second for good. */
  disconnect(): void {
    if (this.directions === undefined) this.destroy();
    for (const direction of this.both) direction.close(closeFrame(direction.from));
    this.deadline ??= time.setTimeout(() => this.destroy(), CLOSE_TIMEOUT);
  }

  /** Closes both sockets at once. */
  destroy(): void {
    this.client.destroy();
    this.server?.destroy();
  }

  private get both(): Direction[] {
    return this.directions === undefined ? [] : Object.values(this.directions);
  }

  private connected(server: Socket, opening: Opening): void {
    const { client } = this;
    this.events.reached(undefined);
    server.on('error', (error) => this.failed('server', error));
    const directions = {
      client: this.direction('client', client, server),
      server: this.direction('server', server, client),
    };
    this.directions = directions;
    this.setHold(this.hold);
    this.sendOpening(directions.client, server, opening);
    client.on('data', (chunk) => directions.client.receive(chunk));
    if (client.readableEnded) directions.client.end();
    else client.on('end', () => directions.client.end());
    server.on('data', (chunk) => this.receiveFromServer(directions.server, chunk));
    server.on('end', () => directions.server.end());
    if (client.destroyed) server.destroy();
    else directions.client.control(); // reads the client
  }

  private direction(from: Sender, source: Socket, sink: Socket): Direction {
    const { recorder, held, released, isFull } = this.events;
    return new Direction(from, source, sink, {
      sent: (bytes, original) => {
        if (original === undefined) recorder.receive(from, bytes);
        else recorder.receiveEdited(from, bytes, original);
      },
      held: (bytes) => held(from, bytes),
      released: (id, bytes) => released(id, from, bytes),
      isFull,
      ended: () => this.recordEnd(from),
    });
  }

  private sendOpening(direction: Direction, server: Socket, { head, rest }: Opening): void {
    if (head !== undefined) {
      const given = head.toString('latin1');
      const bytes = Buffer.from(this.target.rewrite(given), 'latin1');
      server.write(bytes);
      if (bytes.equals(head)) this.events.recorder.receive('client', bytes);
      else this.events.recorder.receiveEdited('client', bytes, head);
      direction.isFramed = listHas(fieldValue(given, 'upgrade'), 'websocket');
    }
    if (rest.length > 0) direction.receive(rest);
  }

  private receiveFromServer(direction: Direction, chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) rest = this.receiveHead(direction, rest);
  }

  /** RFC 6455 §4.1: behind a response with status 101 there are frames. @returns what is behind a head */
  private receiveHead(direction: Direction, chunk: Buffer): Buffer {
    const { response } = this;
    const size = response?.add(chunk);
    const rest = size ? (response?.bytes.subarray(size) ?? NOTHING) : NOTHING;
    direction.receive(rest.length === 0 ? chunk : chunk.subarray(0, chunk.length - rest.length));
    if (response !== undefined && size !== 0) {
      const head = response.bytes.subarray(0, size);
      this.readStatus(direction, size === undefined ? 0 : statusOf(head.toString('latin1')));
    }
    return rest;
  }

  private readStatus(direction: Direction, status: number): void {
    const isInterim = isInformational(status);
    this.response = isInterim ? new HeadCollector('server') : undefined;
    if (isInterim) return;
    direction.isFramed = status === 101;
    if (this.directions !== undefined) this.directions.client.isFramed &&= status === 101;
  }

  /** RFC 9110 §15.6.3: the client gets 502, with the reason. */
  private unreachable(error: Error, { head, rest }: Opening): void {
    if (this.client.destroyed) return;
    const { recorder, reached } = this.events;
    reached(error);
    recorder.receive('client', head ?? rest);
    const body = `The inspector cannot connect to ${this.target.url}: ${error.message}\n`;
    const response = Buffer.from(
      'HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n' +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    recorder.receiveEdited('server', response, null);
    this.recordEnd('server', error);
    this.client.end(response);
    this.client.resume(); // to see its end
    this.client.on('end', () => this.client.destroy());
  }

  /** A socket failed, as with a reset: so does the other one. */
  private failed(from: Sender, error: Error): void {
    this.recordEnd(from, error);
    for (const direction of this.both) direction.drop();
    const other = from === 'client' ? this.server : this.client;
    if (other !== undefined && !other.destroyed) resetSocket(other);
  }

  /** Of a connection that the inspector or a client without an answer has cut off, no end was seen. */
  private recordRest(): void {
    if (this.isOver) return;
    const from = this.ended === 'client' ? 'server' : 'client';
    this.recordEnd(from, new Error('the connection was closed'));
  }

  private recordEnd(from: Sender, error?: Error): void {
    this.isOver ||= error !== undefined || (this.ended ?? from) !== from;
    this.ended ??= from;
    this.events.recorder.end(from, error);
  }

  private oneClosed(): void {
    this.open--;
    const { server, client } = this;
    if (this.open > 0) {
      if (client.destroyed && this.directions === undefined) server?.destroy();
      return;
    }
    time.clearTimeout(this.deadline);
    for (const direction of this.both) direction.drop();
    this.recordRest();
    this.events.closed();
  }
}

// RFC 6455 §7.4.1: 1001 is for an endpoint that goes away.
function closeFrame(from: Sender): Buffer {
  const payload = writeClose({ code: CloseCode.GOING_AWAY, reason: Buffer.alloc(0) });
  return encodeFrame({ opcode: Opcode.CLOSE, payload, masked: from === 'client' });
}

function holds(hold: Hold, from: Sender): boolean {
  return hold === 'both' || hold === from;
}
