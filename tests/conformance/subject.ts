/** The product on one end of a wire in memory, and on the other end a peer written by hand. */
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import WebSocket from '../../src/index.js';
import { type WireEnd, wirePair } from '../support/duplex-pair.js';
import { OPCODE, type SeenFrame } from '../support/frames.js';
import { BareEndpoint } from './bare-endpoint.js';
import { type Inflate, StrictReader } from './strict-reader.js';
import { settled, until } from './turns.js';
import { inShort } from './wire-bytes.js';

export type Role = 'server' | 'client';
export const ROLES: readonly Role[] = ['server', 'client'];

/** What is tested: a WebSocket in a role, or the bare `Endpoint` of the protocol. */
export type Subject = Role | 'server endpoint' | 'client endpoint';
export const SUBJECTS: readonly Subject[] = [...ROLES, 'server endpoint', 'client endpoint'];

export function roleOf(subject: Subject): Role {
  return subject === 'server' || subject === 'server endpoint' ? 'server' : 'client';
}

export interface SendOptions {
  binary?: boolean;
  fin?: boolean;
  compress?: boolean;
}

/** What the tests use of the product. */
export interface Product extends EventEmitter {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Buffer | string, options?: SendOptions, done?: (error?: Error) => void): unknown;
  ping(data?: Buffer | string): void;
  pong(data?: Buffer | string): void;
  close(code?: number, reason?: Buffer | string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

interface Unconnected extends Product {
  setSocket(wire: Duplex, head: Buffer, options: object): void;
}

type ProductClass = new (address: null, protocols: undefined, options: object) => Unconnected;
const ProductSocket = WebSocket as unknown as ProductClass;

export const MAX_PAYLOAD = 100 * 1024 * 1024;

export interface Settings {
  maxPayload?: number;
  maxFragments?: number;
  allowSynchronousEvents?: boolean;
  closeTimeout?: number;
  autoPong?: boolean;
  skipUTF8Validation?: boolean;
  generateMask?: (key: Buffer) => void;
  head?: Buffer;
}

/** Puts the product, in the given role, on `wire`, as after the opening handshake. */
export function productOn(wire: Duplex, role: Role, settings: Settings = {}): Product {
  const { autoPong = true, closeTimeout = 30_000, head = Buffer.alloc(0), ...limits } = settings;
  const isServer = role === 'server';
  const product = new ProductSocket(null, undefined, { isServer, autoPong, closeTimeout });
  product.setSocket(wire, head, {
    allowSynchronousEvents: true,
    maxPayload: MAX_PAYLOAD,
    maxFragments: 131_072,
    maxBufferedChunks: 0,
    maxPendingAutoPongs: 0,
    skipUTF8Validation: false,
    ...limits,
  });
  return product;
}

/** The code of an error, else its message. */
function nameOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}

/** Writes down, in words, everything that the product reports to its application. */
export function listen(product: Product): string[] {
  const events: string[] = [];
  product.on('message', (data: Buffer, isBinary: boolean) => {
    events.push(`${isBinary ? 'binary' : 'text'} ${inShort(data)}`);
  });
  product.on('ping', (data: Buffer) => events.push(`ping ${inShort(data)}`));
  product.on('pong', (data: Buffer) => events.push(`pong ${inShort(data)}`));
  product.on('error', (error: unknown) => events.push(`error ${nameOf(error)}`));
  product.on('close', (code: number, reason: Buffer) => {
    events.push(reason.length === 0 ? `close ${code}` : `close ${code} ${reason}`);
  });
  return events;
}

/** A frame in words, like an event. */
export function inWords(frame: SeenFrame): string {
  const { opcode, payload, fin } = frame;
  if (opcode === OPCODE.CLOSE) {
    if (payload.length === 0) return 'close';
    return `close ${payload.readUInt16BE(0)}`;
  }
  const name = Object.entries(OPCODE).find(([, value]) => value === opcode)?.[0] ?? `${opcode}`;
  return `${name.toLowerCase()}${fin ? '' : ' (no FIN)'} ${inShort(payload)}`;
}

/** The other end of the wire. */
export class Peer {
  readonly reader: StrictReader;
  /** the product has ended its side */
  ended = false;
  /** bytes received */
  received = 0;

  constructor(
    readonly wire: WireEnd,
    role: Role,
    inflate?: Inflate,
  ) {
    this.reader = new StrictReader(role === 'client', inflate);
    wire.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      this.reader.push(chunk);
    });
    wire.on('end', () => {
      this.ended = true;
    });
    wire.on('error', () => {
      this.ended = true;
    });
  }

  get frames(): SeenFrame[] {
    return this.reader.frames;
  }

  get sent(): string[] {
    return this.frames.map(inWords);
  }

  /** the first Close frame */
  get close(): SeenFrame | undefined {
    return this.frames.find(({ opcode }) => opcode === OPCODE.CLOSE);
  }

  /** code and reason of the first Close frame; 1005 = without a code */
  get closing(): { code: number; reason: string } | undefined {
    const payload = this.close?.payload;
    if (payload === undefined) return undefined;
    if (payload.length < 2) return { code: 1005, reason: '' };
    return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
  }

  write(chunks: readonly Buffer[]): void {
    if (this.wire.writable) for (const chunk of chunks) this.wire.write(chunk);
  }

  end(): void {
    if (this.wire.writable) this.wire.end();
  }
}

/** The product on its end of a wire, and the other end. */
export interface Cast {
  product: Product;
  /** the product's end */
  wire: WireEnd;
  far: WireEnd;
  /** how the peer reads compressed messages, if they were agreed on */
  inflate?: Inflate;
}

function castOf(subject: Subject, settings: Settings): Cast {
  const role = roleOf(subject);
  const [clientEnd, serverEnd] = wirePair();
  const [wire, far] = role === 'server' ? [serverEnd, clientEnd] : [clientEnd, serverEnd];
  const product =
    subject === role
      ? productOn(wire, role, settings)
      : new BareEndpoint(wire, role, settings, MAX_PAYLOAD);
  return { product, wire, far };
}

/** A product, its peer, and what it reported to the application. */
export class Scene {
  readonly product: Product;
  readonly peer: Peer;
  /** the product's end of the wire */
  readonly wire: WireEnd;
  readonly events: string[];
  readonly role: Role;

  constructor(subject: Subject, settings: Settings = {}, cast: Cast = castOf(subject, settings)) {
    this.role = roleOf(subject);
    this.wire = cast.wire;
    this.peer = new Peer(cast.far, this.role, cast.inflate);
    this.product = cast.product;
    this.events = listen(this.product);
  }

  get closed(): boolean {
    return this.events.some((event) => event.startsWith('close '));
  }

  /** Grows with everything that moves on the wire or is reported. */
  readonly progress = (): number =>
    this.peer.received + this.events.length - this.peer.wire.writableLength;

  until(done: () => boolean): Promise<boolean> {
    return until(done, this.progress);
  }

  settled(): Promise<void> {
    return settled(this.progress);
  }

  /** Writes the chunks and waits until nothing moves any more. */
  async feed(chunks: readonly Buffer[]): Promise<void> {
    this.peer.write(chunks);
    await this.settled();
  }

  /** Hands the product a chunk at once, past the wire's own queue. What a listener throws comes out. */
  inject(chunk: Buffer): void {
    if (!this.wire.destroyed) this.wire.push(Buffer.from(chunk));
  }

  /** The peer ends its side; waits for the product's 'close'. */
  async finish(): Promise<void> {
    this.peer.end();
    await this.until(() => this.closed && this.peer.ended);
    this.product.terminate();
    await this.settled();
  }
}
