/** The upload of docs/recipes.md: both programs in processes of their own, and each one against the test. */

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { MIB } from '../../support/memory.js';
import { runProcess } from '../../support/recipe-process.js';
import { programOf, runHere, serveHere, toPort } from '../../support/recipes.js';
import { useScope } from '../../support/scope.js';
import { next, recordEvents, serve, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const UPLOAD = 'Upload with progress and backpressure';
const [SERVER, CLIENT] = [programOf(UPLOAD), programOf(UPLOAD, 1)];
const CHUNK = 64 * 1024;

describe('client and server', () => {
  test('2 MiB arrive unchanged, with progress', async () => {
    const bytes = randomBytes(2 * MIB);
    const server = runProcess(scope(), SERVER);
    const program = toPort(CLIENT, await server.port());
    const launch = { files: { 'large.bin': bytes }, args: ['large.bin'] };
    const client = runProcess(scope(), program, launch);
    expect([await client.ended(), client.output.stderr]).toEqual([0, '']);
    const progress = Array.from({ length: 32 }, (_, i) => `${(i + 1) * CHUNK} of ${2 * MIB} bytes`);
    expect(client.output.stdout.split('\n')).toEqual([...progress, 'stored', '']);
    const names = readdirSync(server.folder).filter((name) => name.endsWith('.upload'));
    expect(names).toHaveLength(1);
    expect(readFileSync(join(server.folder, names[0] ?? '')).equals(bytes)).toBe(true);
    expect(server.output).toEqual({ stdout: '', stderr: '' });
  });

  test('a file that cannot be read is an error', async () => {
    const server = runProcess(scope(), SERVER);
    const program = toPort(CLIENT, await server.port());
    const client = runProcess(scope(), program, { args: ['missing.bin'] });
    expect(await client.ended()).toBe(0);
    expect(client.output.stderr).toMatch(/^ENOENT: .*missing\.bin/);
    expect(client.output.stdout).toMatch(/^not stored: \d+\n$/);
  });
});

/** A file that stores a chunk when the test says so. */
class SlowFile extends Writable {
  bytesWritten = 0;
  /** The writes that wait. */
  readonly waiting: ((error?: Error) => void)[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.waiting.push((error) => {
      if (error === undefined) this.bytesWritten += chunk.length;
      done(error);
    });
  }
}

describe('the server', () => {
  async function start() {
    const files: SlowFile[] = [];
    const createWriteStream = (): SlowFile => {
      const file = new SlowFile();
      files.push(file);
      return file;
    };
    const { port } = await serveHere(scope(), SERVER, {
      modules: { 'node:fs': { createWriteStream } },
    });
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}/`));
    const events = recordEvents(client);
    await next(client, 'open');
    await until(() => files.length > 0, 'the file');
    return { client, events, file: files[0] as SlowFile }; // just seen
  }

  /** Waits until the file has a chunk to store, and stores it. */
  async function store(file: SlowFile, error?: Error): Promise<void> {
    await until(() => file.waiting.length > 0, 'a write');
    file.waiting.shift()?.(error);
  }

  test('reads the next chunk when the last one is stored', async () => {
    const { client, events, file } = await start();
    for (let i = 0; i < 20; i++) client.send(Buffer.alloc(1_000));
    client.send('end');
    for (let i = 1; i <= 20; i++) {
      await until(() => file.waiting.length > 0, 'a write');
      await turns();
      expect([file.waiting.length, file.writableLength]).toEqual([1, 1_000]);
      await store(file);
      await until(() => events.at(-1) === `message ${i * 1_000}`, 'the progress');
    }
    await until(() => events.at(-1) === 'close 1000', 'the end');
    expect(file.writableFinished).toBe(true);
  });

  test('says that the disk is full', async () => {
    const { client, events, file } = await start();
    client.send(Buffer.alloc(1_000));
    await store(file, Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
    await until(
      () => events.at(-1) === 'close 1011 ENOSPC',
      () => events.join(', '),
    );
  });

  test('closes the file of a client that is gone', async () => {
    const { client, file } = await start();
    client.send(Buffer.alloc(1_000));
    await store(file);
    await next(client, 'message');
    client.terminate();
    await until(() => file.destroyed, 'the file to be closed');
    expect(file.writableFinished).toBe(false);
  });
});

describe('the client', () => {
  /** Uploads so many chunks to a server of the test that reads nothing yet. */
  async function start(chunks: number) {
    const server = serve(scope(), { port: 0, host: '127.0.0.1' });
    const accepted: WebSocketInstance[] = [];
    server.on('connection', (ws) => {
      ws.on('error', () => {});
      ws.pause();
      accepted.push(ws);
    });
    await next(server, 'listening');
    const sent: number[] = [];
    class Measured extends WebSocket {
      override send(...args: [WebSocket.BufferLike, ...never[]]): void {
        super.send(...args);
        sent.push(this.bufferedAmount);
      }
    }
    const createReadStream = () => Readable.from(Array(chunks).fill(Buffer.alloc(CHUNK)));
    const statSync = () => ({ size: chunks * CHUNK });
    const { port } = server.address() as WebSocket.AddressInfo;
    const { printed } = runHere(toPort(CLIENT, port), {
      library: Measured,
      modules: { 'node:fs': { createReadStream, statSync } },
    });
    await until(() => accepted.length > 0, 'the client');
    return { ws: accepted[0] as WebSocketInstance, sent, printed }; // just seen
  }

  /** Waits until the client sends nothing more, because the buffers of the sockets are full. */
  async function untilItWaits(sent: number[]): Promise<void> {
    for (let before = -1; before < sent.length; await turns(200)) before = sent.length;
  }

  test('waits for a server that does not read, with one chunk in memory', async () => {
    const chunks = 400; // more than the buffers of the sockets hold
    const { ws, sent, printed } = await start(chunks);
    await untilItWaits(sent);
    expect(sent.length).toBeLessThan(chunks);
    ws.on('message', (_data, isBinary) => {
      if (!isBinary) ws.close(1000);
    });
    ws.resume();
    await until(() => printed.length > 0, 'the end', 15_000);
    expect(printed).toEqual(['stored']);
    expect(sent).toHaveLength(chunks + 1);
    expect(Math.max(...sent)).toBeLessThanOrEqual(CHUNK);
  });

  test('stops when the server closes', async () => {
    const { ws, sent, printed } = await start(400);
    await untilItWaits(sent);
    ws.close(1011, 'ENOSPC');
    ws.resume();
    await until(() => printed.length > 0, 'the end');
    expect(printed).toEqual(['not stored: 1011']);
    expect(sent.length).toBeLessThan(400);
  });
});
