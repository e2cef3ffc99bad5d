/** What rows are played on: a subject at one end of a wire, the test at the other. */

import type { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  closePayload,
  type FrameOptions,
  frame,
  KEY,
  OPCODE,
  type SeenFrame,
} from '../support/frames.js';
import { type HttpMessage, Inbox, until } from '../support/inbox.js';
import { keyOf, SAMPLE_KEY, upgradeResponse } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import { next, recordEvents } from '../support/websockets.js';
import type { Library, Untyped } from './subjects.js';

export { next, recordEvents };

export type Settings = Record<string, unknown>;

export interface Scene {
  /** the subject's */
  ws: Untyped;
  /** the subject's end of the wire */
  wire: Duplex;
  /** our end */
  peer: Duplex;
  inbox: Inbox;
  /** the events of `ws`, each as a text */
  events: string[];
}

export interface Accepted extends Scene {
  wss: Untyped;
  /** the response that accepted us */
  answer: HttpMessage;
}

export interface Requested extends Scene {
  request: HttpMessage;
}

const FIELDS = {
  host: 'server.example.com',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': SAMPLE_KEY,
  'sec-websocket-version': '13',
};

/** An opening handshake request as `node:http` hands it to a listener of 'upgrade'. */
export function requestOf(socket: Duplex, fields: Settings = {}): Untyped {
  const headers = { ...FIELDS, ...fields };
  return { method: 'GET', url: '/chat', httpVersion: '1.1', headers, socket };
}

/** A server's WebSocket; its peer is the test. */
export async function accepted(
  library: Library,
  scope: Scope,
  options: Settings = {},
  fields: Settings = {},
): Promise<Accepted> {
  const [peer, wire] = scope.wire();
  const inbox = new Inbox(peer);
  const wss = new library.WebSocketServer({ noServer: true, ...options });
  let ws: Untyped;
  let events: string[] = [];
  wss.handleUpgrade(requestOf(wire, fields), wire, Buffer.alloc(0), (client: Untyped) => {
    ws = scope.track(client);
    events = recordEvents(client);
  });
  const answer = await inbox.message();
  if (ws === undefined) throw new Error(`refused: ${answer.startLine} ${answer.body}`);
  return { ws, wss, wire, peer, inbox, events, answer };
}

/** A client that has sent its request; the server is the test. */
export async function requested(
  library: Library,
  scope: Scope,
  options: Settings = {},
  protocols: unknown = undefined,
  url = 'ws://server.example.com/chat',
): Promise<Requested> {
  const [wire, peer] = scope.wire();
  const inbox = new Inbox(peer);
  const createConnection = (): Duplex => wire;
  const ws = scope.track(new library(url, protocols, { createConnection, ...options }));
  const events = recordEvents(ws);
  return { ws, wire, peer, inbox, events, request: await inbox.message() };
}

/** What `http.request` and the connection are asked for, without connecting. */
export async function connectionOptions(
  library: Library,
  scope: Scope,
  url: string,
  options: Settings = {},
): Promise<Untyped> {
  const [wire] = scope.wire();
  let responseTo: Untyped;
  const createConnection = (given: Untyped): Untyped => {
    responseTo = given;
    return wire;
  };
  scope.track(new library(url, { createConnection, ...options }));
  await until(() => responseTo !== undefined, 'createConnection');
  return responseTo;
}

/** An open client; the server is the test, and has said so much in its answer. */
export async function connected(
  library: Library,
  scope: Scope,
  options: Settings = {},
  protocols: unknown = undefined,
  ...lines: string[]
): Promise<Requested> {
  const scene = await requested(library, scope, options, protocols);
  const open = next(scene.ws, 'open');
  scene.peer.write(upgradeResponse(keyOf(scene.request), ...lines));
  await open;
  return scene;
}

export const ROLES = ['server', 'client'] as const;
export type Role = (typeof ROLES)[number];

/** An open WebSocket in that role. */
export function opened(
  role: Role,
  library: Library,
  scope: Scope,
  options: Settings = {},
): Promise<Scene> {
  return role === 'server' ? accepted(library, scope, options) : connected(library, scope, options);
}

/** A frame for a server. */
export function masked(options: FrameOptions = {}): Buffer {
  return frame({ mask: KEY, ...options });
}

/** A frame as a peer of that role has to send it. */
export function to(role: Role, options: FrameOptions = {}): Buffer {
  return role === 'server' ? masked(options) : frame(options);
}

/** A Close frame for that role. */
export function closeTo(role: Role, code?: number, reason: Buffer | string = ''): Buffer {
  return to(role, { opcode: OPCODE.CLOSE, payload: closePayload(code, reason) });
}

/** The next frame, in words: `text Hello`, `close 1000 bye`. */
export async function frameSeen(inbox: Inbox): Promise<string> {
  return inWords(await inbox.frame());
}

/** A frame in words. */
export function inWords({ fin, rsv, opcode, payload }: SeenFrame): string {
  const names = ['continuation', 'text', 'binary', '', '', '', '', '', 'close', 'ping', 'pong'];
  const kind = `${names[opcode]}${rsv === 0 ? '' : ` rsv ${rsv}`}${fin ? '' : ' more'}`;
  if (opcode !== OPCODE.CLOSE) return `${kind} ${payload}`.trim();
  if (payload.length === 0) return kind;
  return `${kind} ${payload.readUInt16BE(0)} ${payload.subarray(2)}`.trim();
}

/** The next frames, in words. */
export async function framesSeen(inbox: Inbox, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) seen.push(await frameSeen(inbox));
  return seen;
}

/** What was thrown, as `TypeError: message`; `nothing` if nothing was. */
export function thrown(step: () => unknown): string {
  try {
    step();
    return 'nothing';
  } catch (error) {
    return said(error);
  }
}

/** An error in words. */
export function said(error: unknown): string {
  if (error === undefined || error === null) return 'no error';
  const { message } = error as Error;
  let proto: unknown = error;
  while (!NAMED.has((proto as Error).constructor.name)) proto = Object.getPrototypeOf(proto);
  return `${(proto as Error).constructor.name}: ${message}`;
}

/** The classes that a program can name; the subjects' own count as what they extend. */
const NAMED = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'Object']);

/** Whatever a callback is called with, said in words. */
export function answered(step: (callback: (error?: unknown) => void) => void): Promise<string> {
  return new Promise((done) => step((error) => done(said(error))));
}

/** Waits until `ws` is closed. */
export async function closed(ws: Untyped): Promise<void> {
  await until(() => ws.readyState === 3, "a WebSocket's end");
}

/** All events of a client that must fail, up to its 'close'. */
export async function failing(scene: Scene): Promise<string[]> {
  await until(() => scene.events.some((event) => event.startsWith('close')), "'close'");
  return scene.events;
}

/** An http server in memory: what comes back for these bytes, and the subject on it. */
export async function responseTo(
  library: Library,
  scope: Scope,
  options: Settings,
  bytes: string,
  prepare: (wss: Untyped) => void = () => {},
): Promise<HttpMessage> {
  const http = createServer();
  const wss = new library.WebSocketServer({ server: http, ...options });
  wss.on('connection', (ws: Untyped) => scope.track(ws));
  prepare(wss);
  const inbox = rawConnection(scope, http);
  inbox.stream.write(bytes);
  return inbox.message();
}

/** Our end of a new connection to an http server. */
export function rawConnection(scope: Scope, http: EventEmitter): Inbox {
  const [peer, wire] = scope.wire();
  const inbox = new Inbox(peer);
  http.emit('connection', wire);
  return inbox;
}

/** A server on a port of its own, closed when the test is over. */
export async function listening(
  library: Library,
  scope: Scope,
  options: Settings = {},
): Promise<{ wss: Untyped; port: number }> {
  const wss = new library.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  const all = new Set<Untyped>();
  wss.on('connection', (ws: Untyped) => {
    all.add(ws);
    ws.on('close', () => all.delete(ws));
  });
  scope.later(async () => {
    for (const ws of all) ws.terminate();
    await until(() => all.size === 0, 'the WebSockets of a server to close');
    await new Promise<void>((done) => wss.close(() => done()));
  });
  await next(wss, 'listening');
  return { wss, port: (wss.address() as AddressInfo).port };
}

/**
 * A wire whose writes arrive in a later turn, as those of a socket do: `ws` is not made for an
 * answer that comes within its own write.
 */
function slowWire(scope: Scope): [Duplex, Duplex] {
  const ends = scope.wire();
  for (const end of ends) {
    const write = end._write.bind(end);
    end._write = (...args) => void setImmediate(write, ...args);
  }
  return ends;
}

/** A client and a server of the same subject, connected in memory. */
export async function connectedPair(
  library: Library,
  scope: Scope,
  serverOptions: Settings = {},
  clientOptions: Settings = {},
  protocols: unknown = undefined,
): Promise<{ wss: Untyped; ws: Untyped; client: Untyped; request: Untyped }> {
  const http = createServer();
  const wss = new library.WebSocketServer({ server: http, ...serverOptions });
  const connection = next<[Untyped, Untyped]>(wss, 'connection');
  const createConnection = (): Duplex => {
    const [peer, wire] = slowWire(scope);
    http.emit('connection', wire);
    return peer;
  };
  const options = { createConnection, ...clientOptions };
  const client = scope.track(new library('ws://server.example.com/', protocols, options));
  const open = next(client, 'open');
  const [ws, request] = await connection;
  scope.track(ws);
  await open;
  return { wss, ws, client, request };
}
