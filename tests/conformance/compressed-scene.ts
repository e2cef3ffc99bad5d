/** A scene whose two sides have agreed on permessage-deflate, in an opening handshake of their own. */
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { deflateRaw } from 'node:zlib';
import WebSocket from '../../src/index.js';
import { Compressor, Decompressor, type Direction } from '../support/deflate.js';
import { type WireEnd, wirePair } from '../support/duplex-pair.js';
import { type FrameOptions, OPCODE } from '../support/frames.js';
import { upgradeRequest, upgradeResponse } from '../support/requests.js';
import {
  type Cast,
  MAX_PAYLOAD,
  type Product,
  type Role,
  Scene,
  type Settings,
} from './subject.js';
import { settled, turn } from './turns.js';
import { peerFrame } from './wire-bytes.js';

export interface ServerResponse {
  /** what the server sends */
  server: Direction;
  /** what the client sends */
  client: Direction;
}

const PARAMETERS =
  /^(?:(?:server|client)_no_context_takeover|(?:server|client)_max_window_bits=(?:[89]|1[0-5]))$/;

/** RFC 7692 §7.1: what an answer of the server agrees on. An answer that breaks the grammar throws. */
export function agreementOf(answer: string): ServerResponse {
  const [name, ...parameters] = answer.split(';').map((part) => part.trim());
  const names = parameters.map((parameter) => parameter.replace(/=.*/, ''));
  const legal = parameters.every((parameter) => PARAMETERS.test(parameter));
  if (name !== 'permessage-deflate' || !legal || new Set(names).size < names.length) {
    throw new Error(`not an answer: ${answer}`);
  }
  const direction = (side: string): Direction => {
    const bits = parameters.find((parameter) => parameter.startsWith(`${side}_max_window_bits=`));
    const takeover = !parameters.includes(`${side}_no_context_takeover`);
    return { windowBits: Number(bits?.split('=')[1] ?? 15), takeover };
  };
  return { server: direction('server'), client: direction('client') };
}

export interface CompressedSettings extends Settings {
  /** the product's option; default true */
  perMessageDeflate?: boolean | object;
  /** what the peer offers when the product is the server */
  offer?: string;
  /** what the peer answers, to the product's offer, when the product is the client */
  answer?: string | ((offer: string) => string);
}

const FIELD = 'Sec-WebSocket-Extensions';

function fieldOf(head: string, name = FIELD): string {
  const lines = head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(name.toLowerCase()));
  return lines.map((line) => line.slice(name.length + 1).trim()).join(', ');
}

/** The head of the HTTP message that comes first; what comes behind it stays on the wire. */
function headOf(wire: WireEnd): Promise<string> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const take = (): void => {
      for (let chunk = wire.read(); chunk !== null; chunk = wire.read()) {
        bytes = Buffer.concat([bytes, chunk]);
      }
      const end = bytes.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      wire.removeListener('readable', take);
      if (bytes.length > end) wire.unshift(bytes.subarray(end));
      resolve(bytes.toString('latin1', 0, end));
    };
    wire.on('readable', take);
  });
}

type Upgrade = (request: IncomingMessage, head: Buffer) => void;

/** One HTTP server in memory for all scenes; it never listens. */
const http = createServer();
const upgrades = new WeakMap<Duplex, Upgrade>();
http.on('upgrade', (request: IncomingMessage, wire: Duplex, head: Buffer) => {
  upgrades.get(wire)?.(request, head);
});

interface Opened extends Cast {
  answer: string;
}

type FaceServer = { handleUpgrade(...args: [IncomingMessage, Duplex, Buffer, unknown]): void };
type FaceServerClass = new (options: object) => FaceServer;
const ProductServer = WebSocket.WebSocketServer as unknown as FaceServerClass;
type ClientClass = new (address: string, options: object) => Product;
const ProductClient = WebSocket as unknown as ClientClass;

async function openServer(options: object, offer: string): Promise<Opened> {
  const [far, wire] = wirePair();
  const server = new ProductServer({ noServer: true, ...options });
  const opened = new Promise<Product>((resolve) => {
    upgrades.set(wire, (request, head) => server.handleUpgrade(request, wire, head, resolve));
  });
  http.emit('connection', wire);
  far.write(upgradeRequest({ add: [[FIELD, offer]] }));
  const answer = fieldOf(await headOf(far));
  return { product: await opened, wire, far, answer };
}

async function openClient(options: object, answerTo: (offer: string) => string): Promise<Opened> {
  const [wire, far] = wirePair();
  const createConnection = (): Duplex => wire;
  const product = new ProductClient('ws://server.example.com/', { createConnection, ...options });
  const opened = new Promise((resolve, reject) => {
    product.once('open', resolve);
    product.once('error', reject);
  });
  const request = await headOf(far);
  const answer = answerTo(fieldOf(request));
  const key = fieldOf(request, 'Sec-WebSocket-Key');
  far.write(upgradeResponse(key, `${FIELD}: ${answer}`));
  await opened;
  product.removeAllListeners('error');
  return { product, wire, far, answer };
}

/** Waits until what the pool of threads was given before, if it is short, is done. */
export async function poolTurn(): Promise<void> {
  const job = (): Promise<unknown> => new Promise((done) => deflateRaw('', done));
  await Promise.all(Array.from({ length: 8 }, job));
}

const PATIENCE = 10_000;

export class CompressedScene extends Scene {
  readonly agreement: ServerResponse;
  readonly answer: string;
  readonly #compressor: Compressor;

  private constructor(role: Role, opened: Opened) {
    const agreement = agreementOf(opened.answer);
    const [ours, theirs] =
      role === 'server'
        ? [agreement.server, agreement.client]
        : [agreement.client, agreement.server];
    const decompressor = new Decompressor(ours);
    super(role, {}, { ...opened, inflate: (payload) => decompressor.message(payload) });
    this.agreement = agreement;
    this.answer = opened.answer;
    this.#compressor = new Compressor(theirs);
  }

  /** Without settings nothing is agreed beside the extension itself. */
  static async open(role: Role, settings: CompressedSettings = {}): Promise<CompressedScene> {
    const { offer = 'permessage-deflate', answer = 'permessage-deflate', ...rest } = settings;
    const { perMessageDeflate = true, maxPayload = MAX_PAYLOAD, ...others } = rest;
    const options = { perMessageDeflate, maxPayload, closeTimeout: 30_000, ...others };
    const answerTo = typeof answer === 'string' ? () => answer : answer;
    const opening = role === 'server' ? openServer(options, offer) : openClient(options, answerTo);
    return new CompressedScene(role, await opening);
  }

  /** The payload as the peer compresses it: in the order in which it is sent. */
  compress(payload: Buffer | string): Promise<Buffer> {
    return this.#compressor.message(Buffer.from(payload));
  }

  /** A compressed message in one frame. */
  async compressed(payload: Buffer | string, opcode: number = OPCODE.TEXT): Promise<Buffer> {
    return this.frame({ opcode, rsv: 4, payload: await this.compress(payload) });
  }

  /** A frame as the peer sends it. */
  frame(options: FrameOptions): Buffer {
    return peerFrame(this.role, options);
  }

  /** The pool of threads does not tell when it is idle: this waits by the clock. */
  override async until(done: () => boolean): Promise<boolean> {
    for (const deadline = Date.now() + PATIENCE; !done(); await turn()) {
      if (Date.now() > deadline) return false;
    }
    return true;
  }

  override async settled(): Promise<void> {
    for (let before = Number.NaN; before !== this.progress(); ) {
      before = this.progress();
      for (let i = 0; i < 3; i++) {
        await poolTurn();
        await settled(this.progress);
      }
    }
  }

  override async finish(): Promise<void> {
    await super.finish();
    this.release();
  }

  /** Gives back what the peer compresses with. */
  release(): void {
    this.#compressor.close();
  }
}
