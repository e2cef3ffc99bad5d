/** A protocol without I/O at one end, a WebSocket of the library at the other. */

import type { Duplex } from 'node:stream';
import { describe, expect, jest, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { startHandshake } from '../../../src/sans-io/client-handshake.js';
import { ClientProtocol, ServerProtocol } from '../../../src/sans-io/peer-protocol.js';
import { answerHandshake, type HandshakeAgreement } from '../../../src/sans-io/server-handshake.js';
import { inShort } from '../../conformance/wire-bytes.js';
import { TIMEOUT, withSeeds } from '../../fuzz/seeds.js';
import { until } from '../../support/inbox.js';
import type { SeededRandom } from '../../support/random.js';
import { type Scope, useScope } from '../../support/scope.js';
import {
  type ClientOptions,
  memoryServer,
  next,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

jest.setTimeout(TIMEOUT);

const scope = useScope();

type Deflate = boolean | { serverNoContextTakeover: boolean; clientNoContextTakeover: boolean };

/** A protocol on a wire. */
class Peer {
  readonly protocol: ServerProtocol | ClientProtocol;
  readonly messages: string[] = [];
  close: string | undefined;
  private readonly wire: Duplex;

  constructor(role: 'server' | 'client', wire: Duplex, { extension, rest }: HandshakeAgreement) {
    this.wire = wire;
    const options = { extension, onReady: () => this.run(() => {}) };
    this.protocol = role === 'server' ? new ServerProtocol(options) : new ClientProtocol(options);
    wire.on('data', (bytes) => this.run(() => this.protocol.receive(bytes)));
    wire.on('end', () => this.run(() => this.protocol.end()));
    wire.on('close', () => this.run(() => this.protocol.closed()));
    this.run(() => this.protocol.receive(rest));
  }

  run(call: () => unknown): void {
    call();
    for (const event of this.protocol.events()) {
      if (event.type === 'message') this.messages.push(inWords(event.data, event.isBinary));
      else if (event.type === 'end') this.wire.end(this.protocol.bytesToSend());
      else if (event.type === 'destroy') this.wire.destroy();
      else if (event.type === 'close') this.close = `${event.code} ${event.reason}`;
    }
    const bytes = this.protocol.bytesToSend();
    if (bytes.length > 0) this.wire.write(bytes);
  }
}

interface Pair {
  readonly peer: Peer;
  readonly ws: WebSocketInstance;
}

function inWords(data: Buffer, isBinary: boolean): string {
  return `${isBinary ? 'binary' : 'text'} ${inShort(data)}`;
}

/** Collects what comes until it is enough for `read`. */
function readHandshake<T>(wire: Duplex, read: (bytes: Buffer) => T | undefined): Promise<T> {
  let received = Buffer.alloc(0);
  return new Promise((done) => {
    const onData = (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const result = read(received);
      if (result === undefined) return;
      wire.off('data', onData);
      done(result);
    };
    wire.on('data', onData);
  });
}

/** A client of the library, and a server by hand. */
async function besideClient(within: Scope, perMessageDeflate: Deflate): Promise<Pair> {
  const [near, far] = within.wire();
  const options = { createConnection: () => near, perMessageDeflate } as unknown as ClientOptions;
  const ws = within.track(new WebSocket('ws://server.example.com/', 'chat', options));
  const opened = next(ws, 'open');
  const chooseSubprotocol = () => 'chat';
  const answer = await readHandshake(far, (bytes) =>
    answerHandshake(bytes, { perMessageDeflate, chooseSubprotocol }),
  );
  if (answer.error !== undefined) throw answer.error;
  far.write(answer.response);
  const peer = new Peer('server', far, answer);
  await opened;
  return { peer, ws };
}

/** A server of the library, and a client by hand. */
async function besideServer(within: Scope, perMessageDeflate: Deflate): Promise<Pair> {
  const { http } = memoryServer(within);
  const wss = serve(within, { server: http, perMessageDeflate });
  const connection = next<[WebSocketInstance]>(wss, 'connection');
  const [near, far] = within.wire();
  http.emit('connection', far);
  const handshake = startHandshake('ws://server.example.com/', {
    perMessageDeflate,
    subprotocols: ['chat'],
  });
  near.write(handshake.request);
  const agreement = await readHandshake(near, (bytes) => handshake.readResponse(bytes));
  const peer = new Peer('client', near, agreement);
  const [ws] = await connection;
  return { peer, ws };
}

function randomMessage(random: SeededRandom): Buffer | string {
  const size = random.pick([0, 1, 100, 125, 126, 5000, 40_000, 70_000]);
  if (random.next() < 0.5) return 'Hello, hello é '.repeat(size / 10);
  return random.next() < 0.5 ? random.bytes(Math.min(size, 5000)) : Buffer.alloc(size * 5, 7);
}

function describeData(data: Buffer | string): string {
  return inWords(Buffer.from(data), typeof data !== 'string');
}

const WITHOUT_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true };

describe.each([
  ['a server beside a client of the library', besideClient],
  ['a client beside a server of the library', besideServer],
])('%s', (_who, connect) => {
  test.each<[string, Deflate, string]>([
    ['without compression', false, ''],
    ['with compression', true, 'permessage-deflate'],
    ['without takeover', WITHOUT_TAKEOVER, 'permessage-deflate'],
  ])('%s: messages both ways, then a Close', (_how, deflate, extensions) =>
    withSeeds(12, async (random) => {
      const { peer, ws } = await connect(scope(), deflate);
      expect([ws.protocol, ws.extensions]).toEqual(['chat', extensions]);
      const [fromPeer, fromSocket, received]: [string[], string[], string[]] = [[], [], []];
      ws.on('message', (data, isBinary) => received.push(inWords(data as Buffer, isBinary)));
      for (let count = random.integer(1, 10); count > 0; count--) {
        const [one, other] = [randomMessage(random), randomMessage(random)];
        fromPeer.push(describeData(one));
        fromSocket.push(describeData(other));
        peer.run(() => peer.protocol.send(one));
        ws.send(other);
      }
      await until(
        () => received.length === fromPeer.length && peer.messages.length === fromSocket.length,
        'all messages',
      );
      expect(received).toEqual(fromPeer);
      expect(peer.messages).toEqual(fromSocket);
      const code = random.pick([1000, 1001, 3000, 4999]);
      const closed = next<[number, Buffer]>(ws, 'close');
      if (random.next() < 0.5) peer.run(() => peer.protocol.close(code, 'bye'));
      else ws.close(code, 'bye');
      const [seen, reason] = await closed;
      await until(() => peer.close !== undefined, 'the close of the peer');
      expect([`${seen} ${reason}`, peer.close]).toEqual([`${code} bye`, `${code} bye`]);
      expect(ws.closeInfo?.wasClean).toBe(true);
    }),
  );
});
