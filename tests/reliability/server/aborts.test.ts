/** Clients that go away during the handshake: H15 of THREATS.md. */

import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { EchoServer } from '../../support/echo-server.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import type { RawClient } from '../../support/raw-client.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { recordEvents, type WebSocketInstance } from '../../support/websockets.js';
import { expectAccepted, text, useServer } from './scene.js';

const scope = useScope();
const { ownServer } = useServer(scope);

describe('H15: aborts', () => {
  const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('Hello'), text('again')]);
  const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const aborts: [string, (client: RawClient) => void][] = [
    ['FIN', ({ wire }) => wire.end()],
    ['FIN and gone', ({ wire }) => wire.destroy()],
    ['an error of the socket', ({ far }) => far.destroy(reset())],
    ['a socket destroyed', ({ far }) => far.destroy()],
  ];
  test.each(aborts)('H15: %s after every byte of handshake and frames', async (_name, abort) => {
    const server = new EchoServer(scope());
    const clients: RawClient[] = [];
    for (let length = 0; length <= bytes.length; length++) {
      const client = server.connect(bytes.subarray(0, length));
      clients.push(client);
      if (length % 2 === 0) await turns(1);
      abort(client);
    }
    await until(
      () => clients.every(({ inbox }) => inbox.ended),
      'the server to close the connection',
    );
    for (const { wire } of clients) wire.destroy();
    await until(() => clients.every(({ far }) => far.destroyed), 'the sockets to be gone');
    await server.empty();
    expect(server.accepted.length).toBeLessThanOrEqual(bytes.length + 1);
    await expectAccepted(server.connect(upgradeRequest()));
  });

  test('H15: RST over TCP after every byte of handshake and frames', async () => {
    const { wss, port, connections } = await ownServer();
    let closes = 0;
    wss.on('connection', (ws: WebSocketInstance) => ws.on('close', () => (closes += 1)));
    const sockets: Socket[] = [];
    for (let length = 0; length <= bytes.length; length++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('error', () => {});
      sockets.push(socket);
      socket.once('connect', () => {
        if (length === 0) socket.resetAndDestroy();
        else socket.write(bytes.subarray(0, length), () => socket.resetAndDestroy());
      });
    }
    await until(() => sockets.every((socket) => socket.closed), 'every reset');
    const socket = await scope().connect(port);
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest());
    await expectAccepted({ inbox });
    await until(
      () => closes === connections() - 1,
      () => `${closes} of ${connections() - 1} closes`,
    );
    expect(wss.clients.size).toBe(1);
  });

  test('H15: RST, FIN and a cut under TLS at every stage', async () => {
    const pem = (name: string): string =>
      readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');
    const https = createHttpsServer({ cert: pem('cert'), key: pem('key') });
    https.on('tlsClientError', () => {});
    const wss = new WebSocket.WebSocketServer({ server: https });
    const events: string[][] = [];
    wss.on('connection', (ws: WebSocketInstance) => events.push(recordEvents(ws)));
    const port = await scope().listen(https);
    // A relay in the middle, so that the wire can be cut below TLS.
    let up: Socket | undefined;
    const relay = createServer((down) => {
      const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
      upstream.on('error', () => {});
      down.on('close', () => upstream.resume()); // to its end
      down.on('error', () => {});
      down.pipe(upstream).pipe(down);
      up = upstream;
    });
    const relayPort = await scope().listen(relay);
    const cuts: ((socket: Socket) => void)[] = [
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.destroy(),
      (socket) => socket.end(),
    ];
    let accepted = 0;
    for (const cut of cuts) {
      for (const length of [-1, 0, 1, 60, bytes.length - 30, bytes.length - 5, bytes.length]) {
        const secure = connectTls({
          port: relayPort,
          host: '127.0.0.1',
          rejectUnauthorized: false,
        });
        secure.on('error', () => {});
        const met = length < 0 ? 'connect' : 'secureConnect';
        await new Promise((done) => secure.once(met, done));
        if (length > 0) await new Promise((done) => secure.write(bytes.subarray(0, length), done));
        await until(() => up !== undefined, 'the relay');
        if (length >= bytes.length - 5) accepted += 1;
        await until(() => events.length === accepted, 'the server to accept');
        await turns();
        if (up !== undefined) cut(up);
        up = undefined;
        secure.destroy();
      }
    }
    await until(
      () => events.every((delivered) => delivered.includes('close 1006')) && wss.clients.size === 0,
      () => `every 'close'; events: ${JSON.stringify(events)}`,
    );
    const count = (): Promise<number> =>
      new Promise((done) => https.getConnections((_error, open) => done(open)));
    let open = -1;
    await until(
      () => {
        void count().then((now) => {
          open = now;
        });
        return open === 0;
      },
      () => `${open} connections to close`,
    );
    expect(
      events.every((delivered) => delivered.filter((e) => e.startsWith('close')).length === 1),
    ).toBe(true);
  });

  test.each(aborts)('H15: %s while verifyClient is pending', async (_name, abort) => {
    const answers: ((ok: boolean, code?: number) => void)[] = [];
    const server = new EchoServer(scope(), {
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => answers.push(answer),
    });
    for (const ok of [true, false]) {
      const client = server.connect(upgradeRequest());
      await until(() => answers.length === (ok ? 1 : 2), 'verifyClient to be asked');
      abort(client);
      await turns();
      answers.at(-1)?.(ok, 403);
      await turns();
      client.wire.destroy();
      await until(() => client.far.destroyed, 'the socket to be gone');
    }
    await server.empty();
  });

  test.each(aborts)('H15: %s before handleUpgrade', async (_name, abort) => {
    const server = new EchoServer(scope(), { noServer: true });
    const upgrades: [IncomingMessage, Duplex, Buffer][] = [];
    server.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => {}); // until handleUpgrade, the socket is the application's
      upgrades.push([request, socket, head]);
    });
    for (const parts of [{}, { set: { 'Sec-WebSocket-Version': '1' } }]) {
      const client = server.connect(upgradeRequest(parts));
      await until(() => upgrades.length > 0, 'the upgrade');
      abort(client);
      await turns();
      const [upgrade] = upgrades.splice(0);
      if (upgrade === undefined) throw new Error('no upgrade');
      server.wss.handleUpgrade(...upgrade, (ws, request) => server.accept(ws, request));
      await turns();
      client.wire.destroy();
      await until(() => client.far.destroyed, 'the socket to be gone');
    }
    await server.empty();
  });

  // CVE-2022-41940: an 'error' of the raw socket without a listener ends the process.
  test('H15: the raw socket is never without an error listener until it closes', async () => {
    const seen: [string, number][] = [];
    let socket: Duplex | undefined;
    const look = (when: string): void => {
      seen.push([when, socket?.listenerCount('error') ?? -1]);
    };
    const server = new EchoServer(scope(), {
      noServer: true,
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => {
        look('verifyClient');
        setImmediate(() => {
          look('before the answer');
          answer(true);
        });
      },
      handleProtocols: () => {
        look('handleProtocols');
        return 'a';
      },
    });
    server.wss.on('headers', () => look('headers'));
    server.http.on('upgrade', (request: IncomingMessage, raw: Duplex, head: Buffer) => {
      socket = raw;
      server.wss.handleUpgrade(request, raw, head, (ws) => {
        look('callback');
        server.accept(ws, request);
      });
      look('behind handleUpgrade');
    });
    const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a']];
    const client = server.connect(upgradeRequest({ add }));
    await expectAccepted(client);
    look('open');
    client.far.destroy(reset());
    await server.empty();
    for (const [when, count] of seen) expect([when, count > 0]).toEqual([when, true]);
    expect(seen).toHaveLength(7);

    seen.length = 0;
    const refused = server.connect(upgradeRequest({ set: { 'Sec-WebSocket-Key': 'x' } }));
    await until(() => seen.length === 1, 'the refusal');
    if (!refused.far.destroyed) look('refused');
    refused.far.destroy(reset());
    await refused.inbox.rest();
    for (const [when, count] of seen) expect([when, count > 0]).toEqual([when, true]);
  });
});
