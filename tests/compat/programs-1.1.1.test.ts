/** Programs written for `ws` 1.1.1, with nothing changed but the name of the package. */

import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { message, portOf, turn, useCleanup } from './program-scene.js';

import WebSocket = require('../../src/index.js');

type WebSocketServer = WebSocket.WebSocketServer;

const { closing, client } = useCleanup();

describe('programs written for ws 1.1.1', () => {
  /** The server: what was `port: 3000` is a free port. */
  function echoServer(errors: unknown[] = []): WebSocketServer {
    const WebSocketServer = WebSocket.Server;
    const wss = new WebSocketServer({ port: 0 });

    wss.on('connection', (ws) =>
      ws.on('message', (message) =>
        ws.send(`ECHO: ${message}`, (err) => {
          if (err) console.log(`[SERVER] error: ${err}`);
          errors.push(err ?? undefined);
        }),
      ),
    );
    return closing(wss);
  }

  test('a client that sends in ws.onopen', async () => {
    const errors: unknown[] = [];
    const port = await portOf(echoServer(errors));
    const received = await new Promise((done) => {
      const ws = client(`ws://localhost:${port}/test`);
      ws.onopen = () => {
        ws.send('Hello!');
      };
      ws.onmessage = (msg) => done(msg.data);
    });
    expect(received).toBe('ECHO: Hello!');
    expect(errors).toEqual([undefined]);
  });

  test('a client that is typed line by line at a console', async () => {
    const port = await portOf(echoServer());
    const printed: unknown[] = [];
    const ws = client(`ws://localhost:${port}/test`);
    await turn();
    ws.onmessage = (msg) => printed.push(msg.data);
    while (ws.readyState !== WebSocket.OPEN) await turn();
    ws.send('Hello!');
    while (printed.length < 1) await turn();
    ws.send('Hello again!');
    while (printed.length < 2) await turn();
    expect(printed).toEqual(['ECHO: Hello!', 'ECHO: Hello again!']);
  });

  test('a client that listens only after it was open', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    await once(ws, 'open');
    ws.send('Hello!');
    const received = await new Promise((done) => {
      ws.onmessage = (msg) => done(msg.data);
    });
    expect(received).toBe('ECHO: Hello!');
  });

  test('a client that uses on()', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    const received = await new Promise((done) => {
      ws.on('open', () => ws.send('Hello!'));
      ws.on('message', (data) => done(`${data}`));
    });
    expect(received).toBe('ECHO: Hello!');
  });

  test('a client that uses addEventListener', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    const received = await new Promise((done) => {
      ws.addEventListener('open', () => ws.send('Hello!'));
      ws.addEventListener('message', (event) => done(event.data));
    });
    expect(received).toBe('ECHO: Hello!');
  });

  test('a client that sends before it is open: send throws, the client goes on', async () => {
    const port = await portOf(echoServer());
    const ws = client(`ws://localhost:${port}/test`);
    const error = new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    expect(() => ws.send('Hello!')).toThrow(error);
    expect(() => ws.send('Hello!', () => {})).toThrow(error);
    ws.onopen = () => ws.send('Hello!');
    expect(await message(ws)).toBe('ECHO: Hello!');
  });

  test('several clients, many messages, each gets its own', async () => {
    const port = await portOf(echoServer());
    const clients = ['a', 'b', 'c'].map((name) => ({
      name,
      ws: client(`ws://localhost:${port}/${name}`),
      printed: [] as unknown[],
    }));
    for (const { name, ws, printed } of clients) {
      ws.onmessage = (msg) => printed.push(msg.data);
      ws.onopen = () => {
        for (let i = 0; i < 20; i++) ws.send(`${name}${i}`);
      };
    }
    while (clients.some(({ printed }) => printed.length < 20)) await turn();
    for (const { name, printed } of clients) {
      expect(printed).toEqual(Array.from({ length: 20 }, (_, i) => `ECHO: ${name}${i}`));
    }
  });

  test("a server that learns from the callback that the message can't be sent", async () => {
    const wss = closing(new WebSocket.Server({ port: 0 }));
    const told = new Promise<string>((done) => {
      wss.on('connection', (ws) => {
        ws.on('close', () => ws.send('too late', (err) => done(String(err?.message))));
      });
    });
    const ws = client(`ws://localhost:${await portOf(wss)}/`);
    await once(ws, 'open');
    ws.close();
    expect(await told).toBe('WebSocket is not open: readyState 3 (CLOSED)');
  });
});
