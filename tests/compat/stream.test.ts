/** `createWebSocketStream`. */

import { OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { keyOf, upgradeResponse } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import {
  accepted,
  closed,
  closeTo,
  connectedPair,
  frameSeen,
  framesSeen,
  masked,
  requested,
  type Scene,
  type Settings,
  said,
} from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { table } from './table.js';

interface Streaming extends Scene {
  stream: Untyped;
  /** its events */
  told: string[];
}

/** A stream over a server's WebSocket, whose peer is the test. */
async function streaming(lib: Library, scope: Scope, options?: Settings): Promise<Streaming> {
  const scene = await accepted(lib, scope);
  const stream = lib.createWebSocketStream(scene.ws, options);
  const told: string[] = [];
  for (const name of ['end', 'finish', 'close']) stream.on(name, () => told.push(name));
  stream.on('error', (error: Error) => told.push(said(error)));
  scope.later(() => stream.destroy());
  return { ...scene, stream, told };
}

table([
  {
    id: 'Z.options V7.1',
    it: 'a Duplex; options go to it, but for those that are forced',
    run: async (lib, scope) => {
      const { stream } = await streaming(lib, scope, {
        highWaterMark: 5,
        autoDestroy: true,
        emitClose: true,
        objectMode: true,
        writableObjectMode: true,
      });
      return [
        stream.constructor.name,
        stream.readableHighWaterMark,
        stream.readableObjectMode,
        stream.writableObjectMode,
        stream._readableState.autoDestroy,
      ];
    },
    expected: ['Duplex', 5, false, false, false],
  },
  {
    id: 'Z.write',
    it: 'one write is one binary message',
    run: async (lib, scope) => {
      const { stream, inbox } = await streaming(lib, scope);
      stream.write('hé');
      stream.write(Buffer.from('b'));
      return framesSeen(inbox, 2);
    },
    expected: ['binary hé', 'binary b'],
  },
  {
    id: 'Z.write',
    it: 'decodeStrings: false keeps strings, so they are text',
    run: async (lib, scope) => {
      const { stream, inbox } = await streaming(lib, scope, { decodeStrings: false });
      stream.write('a');
      stream.write(Buffer.from('b'));
      return framesSeen(inbox, 2);
    },
    expected: ['text a', 'binary b'],
  },
  {
    id: 'Z.read',
    it: 'messages are read as bytes',
    run: async (lib, scope) => {
      const { stream, peer } = await streaming(lib, scope);
      const chunks: unknown[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(Buffer.isBuffer(chunk), String(chunk)));
      peer.write(masked({ payload: 'a' }));
      await until(() => chunks.length === 2, 'a chunk');
      peer.write(masked({ opcode: OPCODE.BINARY, payload: 'b' }));
      await until(() => chunks.length === 4, 'a chunk');
      return chunks;
    },
    expected: [true, 'a', true, 'b'],
  },
  {
    id: 'Z.read',
    it: 'readableObjectMode: text as strings, binary as Buffers',
    run: async (lib, scope) => {
      const { stream, peer } = await streaming(lib, scope, { readableObjectMode: true });
      const chunks: unknown[] = [];
      stream.on('data', (chunk: unknown) => chunks.push(chunk));
      peer.write(masked({ payload: 'a' }));
      peer.write(masked({ opcode: OPCODE.BINARY, payload: 'b' }));
      await until(() => chunks.length === 2, 'two chunks');
      return chunks.map((chunk) => (Buffer.isBuffer(chunk) ? ['Buffer', String(chunk)] : chunk));
    },
    expected: ['a', ['Buffer', 'b']],
  },
  {
    id: 'Z.pause',
    it: 'a reader that is full pauses the WebSocket; reading resumes it',
    run: async (lib, scope) => {
      const { ws, stream, peer } = await streaming(lib, scope, { readableHighWaterMark: 4 });
      const seen = [ws.isPaused];
      peer.write(masked({ payload: 'abcdefgh' }));
      await until(() => stream.readableLength === 8, 'bytes');
      seen.push(ws.isPaused);
      stream.read();
      await until(() => !ws.isPaused, 'resume');
      return [...seen, ws.isPaused];
    },
    expected: [false, true, false],
  },
  {
    id: 'Z.end',
    it: 'end() sends what was written, then an empty Close',
    run: async (lib, scope) => {
      const { ws, stream, peer, inbox, told } = await streaming(lib, scope);
      stream.resume();
      stream.write('a');
      stream.end('b');
      const frames = await framesSeen(inbox, 3);
      const early = told.includes('finish');
      peer.write(closeTo('server'));
      peer.end();
      await until(() => told.includes('close'), "'close'");
      return [frames, early, [...told].sort(), ws.readyState];
    },
    expected: [['binary a', 'binary b', 'close'], false, ['close', 'end', 'finish'], 3],
  },
  {
    id: 'Z.close',
    it: "the peer's Close ends the stream",
    run: async (lib, scope) => {
      const { stream, peer, told } = await streaming(lib, scope);
      const chunks: string[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(String(chunk)));
      peer.write(Buffer.concat([masked({ payload: 'last' }), closeTo('server', 1000)]));
      peer.end();
      await until(() => told.includes('end'), "'end'");
      const half = stream.destroyed;
      stream.end();
      await until(() => told.includes('close'), "'close'");
      return [chunks, half, told, stream.destroyed];
    },
    expected: [['last'], false, ['end', 'finish', 'close'], true],
  },
  {
    id: 'Z.destroy',
    it: 'destroy() terminates the WebSocket, then emits close',
    run: async (lib, scope) => {
      const { ws, stream, events, told } = await streaming(lib, scope);
      stream.destroy(new Error('enough'));
      await until(() => told.includes('close'), "'close'");
      return [told, events, ws.readyState];
    },
    expected: [['Error: enough', 'close'], ['close 1006'], 3],
  },
  {
    id: 'Z.destroy',
    it: 'an error of the WebSocket is one of the stream, which does not terminate it',
    run: async (lib, scope) => {
      const { stream, peer, inbox, told } = await streaming(lib, scope);
      stream.resume();
      peer.write(masked({ rsv: 1 }));
      const close = (await frameSeen(inbox)).slice(0, 10);
      peer.end();
      await until(() => told.includes('close'), "'close'");
      return [close, told.filter((each) => each !== 'end' && each !== 'finish')];
    },
    expected: [
      'close 1002',
      ['RangeError: Invalid WebSocket frame: RSV2 and RSV3 must be clear', 'close'],
    ],
  },
  {
    id: 'Z.connecting',
    it: 'while connecting writes wait for open',
    run: async (lib, scope) => {
      const { ws, peer, inbox, request } = await requested(lib, scope);
      const stream = lib.createWebSocketStream(ws);
      scope.later(() => stream.destroy());
      stream.on('error', () => {});
      let written = 0;
      stream.write('a', () => written++);
      stream.write('b', () => written++);
      await turns();
      const before = written;
      peer.write(upgradeResponse(keyOf(request)));
      const frames = await framesSeen(inbox, 2);
      await until(() => written === 2, 'callbacks');
      return [before, frames];
    },
    expected: [0, ['binary a', 'binary b']],
  },
  {
    id: 'Z.connecting',
    it: 'end() while connecting closes once it is open',
    run: async (lib, scope) => {
      const { ws, peer, inbox, request } = await requested(lib, scope);
      const stream = lib.createWebSocketStream(ws);
      scope.later(() => stream.destroy());
      stream.end('a');
      peer.write(upgradeResponse(keyOf(request)));
      return framesSeen(inbox, 2);
    },
    expected: ['binary a', 'close'],
  },
  {
    id: 'Z.connecting',
    it: 'a handshake that fails is an error of the stream',
    run: async (lib, scope) => {
      const { ws, peer } = await requested(lib, scope);
      const stream = lib.createWebSocketStream(ws);
      const told: string[] = [];
      stream.on('error', (error: Error) => told.push(said(error)));
      stream.on('close', () => told.push('close'));
      peer.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
      await until(() => told.includes('close'), "'close'");
      return told;
    },
    expected: ['Error: Unexpected server response: 404', 'close'],
  },
  {
    id: 'Z.pipe',
    it: 'one stream can be piped into another, and all of it arrives',
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope, { perMessageDeflate: true });
      const echo = lib.createWebSocketStream(ws);
      echo.on('error', () => {}).pipe(echo);
      const stream = lib.createWebSocketStream(client);
      let length = 0;
      stream.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length === 500_000) stream.end();
      });
      for (let i = 0; i < 10; i++) stream.write(Buffer.alloc(50_000));
      await closed(client);
      return length;
    },
    expected: 500_000,
  },
]);
