/** Programs written for `ws`, with nothing changed but the name of the package: messages. */

import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { portOf, turn, useCleanup } from './program-scene.js';

import WebSocket = require('../../src/index.js');

const { WebSocketServer } = WebSocket;
type WebSocketServer = WebSocket.WebSocketServer;

const { closing, client } = useCleanup();

describe('text and binary', () => {
  test('arrive as they were sent, and isBinary says which', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      ws.on('error', console.error);
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    await once(ws, 'open');
    const array = new Float32Array(5);
    for (let i = 0; i < array.length; ++i) array[i] = i / 2;
    ws.send(array);
    const [binary, isBinary] = (await once(ws, 'message')) as [Buffer, boolean];
    expect(isBinary).toBe(true);
    expect(binary).toEqual(Buffer.from(array.buffer));
    ws.send(JSON.stringify({ type: 'greeting', text: 'héllo' }));
    const [text, textIsBinary] = (await once(ws, 'message')) as [Buffer, boolean];
    expect(textIsBinary).toBe(false);
    expect(JSON.parse(text.toString())).toEqual({ type: 'greeting', text: 'héllo' });
  });

  test('in the way of browsers, with binaryType arraybuffer', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    ws.binaryType = 'arraybuffer';
    const received = await new Promise<unknown>((done) => {
      ws.onopen = () => ws.send(new Uint8Array([1, 2, 3]).buffer);
      ws.onmessage = ({ data }) => done(data);
    });
    expect([...new Uint8Array(received as ArrayBuffer)]).toEqual([1, 2, 3]);
  });

  test('a large file goes in fragments', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const file = Buffer.alloc(300_000, 'chunk of a file ');
    wss.on('connection', (ws) => {
      for (let offset = 0; offset < file.length; offset += 16_384) {
        const end = offset + 16_384;
        ws.send(file.subarray(offset, end), { fin: end >= file.length });
      }
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const [data] = (await once(ws, 'message')) as [Buffer];
    expect(data.equals(file)).toBe(true);
  });
});

describe('a broadcast', () => {
  async function chat(toSender: boolean): Promise<string[][]> {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', function connection(ws) {
      ws.on('error', console.error);
      ws.on('message', function incoming(data, isBinary) {
        wss.clients.forEach((client) => {
          if ((toSender || client !== ws) && client.readyState === WebSocket.OPEN) {
            client.send(data, { binary: isBinary });
          }
        });
      });
    });
    const port = await portOf(wss);
    const printed: string[][] = [[], [], []];
    const members = printed.map((lines) => {
      const ws = client(`ws://localhost:${port}`);
      ws.on('message', (data) => lines.push(String(data)));
      return ws;
    });
    await Promise.all(members.map((ws) => once(ws, 'open')));
    const [first, second] = members;
    first?.send('from the first');
    while (printed.flat().length < (toSender ? 3 : 2)) await turn();
    second?.send('from the second');
    while (printed.flat().length < (toSender ? 6 : 4)) await turn();
    return printed;
  }

  test('to all clients, the sender as well', async () => {
    const all = ['from the first', 'from the second'];
    expect(await chat(true)).toEqual([all, all, all]);
  });

  test('to all clients but the sender', async () => {
    expect(await chat(false)).toEqual([
      ['from the second'],
      ['from the first'],
      ['from the first', 'from the second'],
    ]);
  });
});

describe('a heartbeat', () => {
  interface Beating extends WebSocket {
    isAlive?: boolean;
  }

  /** What a program calls every 30 seconds. */
  function beat(wss: WebSocketServer): void {
    for (const ws of wss.clients as Set<Beating>) {
      if (ws.isAlive === false) {
        ws.terminate();
        continue;
      }
      ws.isAlive = false;
      ws.ping();
    }
  }

  test('keeps clients that answer and drops those that do not', async () => {
    function heartbeat(this: Beating): void {
      this.isAlive = true;
    }
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws: Beating) => {
      ws.isAlive = true;
      ws.on('error', console.error);
      ws.on('pong', heartbeat);
    });
    const port = await portOf(wss);
    const alive = client(`ws://localhost:${port}`);
    const dead = client(`ws://localhost:${port}`, undefined, { autoPong: false });
    await Promise.all([once(alive, 'open'), once(dead, 'open')]);
    while (wss.clients.size < 2) await turn();
    for (let i = 0; i < 3; i++) {
      const pinged = once(alive, 'ping');
      beat(wss);
      await pinged;
      while (![...wss.clients].some((ws: Beating) => ws.isAlive)) await turn();
    }
    while (dead.readyState !== WebSocket.CLOSED || wss.clients.size > 1) await turn();
    expect(alive.readyState).toBe(WebSocket.OPEN);
    expect(wss.clients.size).toBe(1);
  });

  test('of a client that ends the connection when no Ping comes', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    let timer: NodeJS.Timeout | undefined;
    function heartbeat(this: WebSocket): void {
      clearTimeout(timer);
      timer = setTimeout(() => this.terminate(), 20);
    }
    ws.on('open', heartbeat);
    ws.on('ping', heartbeat);
    ws.on('close', function clear() {
      clearTimeout(timer);
    });
    const [code] = await once(ws, 'close');
    expect(code).toBe(1006);
  });

  test('measures the round trip', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    await once(ws, 'open');
    ws.ping(Date.now().toString());
    const [data] = (await once(ws, 'pong')) as [Buffer];
    expect(Date.now() - Number(data.toString())).toBeLessThan(5000);
  });
});

describe('flow control', () => {
  test('a program that waits for bufferedAmount to fall', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    const total = 200;
    wss.on('connection', async (ws) => {
      for (let i = 0; i < total; i++) {
        ws.send(Buffer.alloc(10_000));
        while (ws.bufferedAmount > 50_000) await turn();
      }
      ws.close();
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    let count = 0;
    ws.on('message', () => count++);
    await once(ws, 'close');
    expect(count).toBe(total);
  });

  test('a program that pauses while it works', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      for (let i = 0; i < 20; i++) ws.send(`${i}`);
      ws.close();
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const done: string[] = [];
    ws.on('message', (data) => {
      ws.pause();
      setImmediate(() => {
        done.push(String(data));
        ws.resume();
      });
    });
    await once(ws, 'close');
    while (done.length < 20) await turn();
    expect(done).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  });

  test('a program that sends one after the other by callbacks', async () => {
    const wss = closing(new WebSocketServer({ port: 0 }));
    wss.on('connection', (ws) => {
      let i = 0;
      const next = (error?: Error): void => {
        if (error === undefined || error === null) {
          if (i < 50) ws.send(`${i++}`, next);
          else ws.close();
        }
      };
      next();
    });
    const ws = client(`ws://localhost:${await portOf(wss)}`);
    const received: string[] = [];
    ws.on('message', (data) => received.push(String(data)));
    await once(ws, 'close');
    expect(received).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });
});
