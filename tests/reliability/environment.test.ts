/** Rows R15, R16, R18 and D9 of THREATS.md: TLS, proxies, wrong calls, and text that was compressed. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { CompressedScene } from '../conformance/compressed-scene.js';
import { OPCODE } from '../support/frames.js';
import { Inbox, turns, until } from '../support/inbox.js';
import { ManualWire } from '../support/manual-wire.js';
import { byteByByte } from '../support/random.js';
import { keyOf, upgradeRequest, upgradeResponse } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import {
  type ClientOptions,
  frameFor,
  onWire,
  ROLES,
  recordEvents,
  type WebSocketInstance,
} from '../support/websockets.js';

const scope = useScope();

const pem = (name: string): string =>
  readFileSync(join(__dirname, `../support/tls/localhost-${name}.pem`), 'utf8');

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('R15: over %s', (version) => {
  async function openServer(): Promise<{ port: number; events: string[][] }> {
    const options = {
      cert: pem('cert'),
      key: pem('key'),
      minVersion: version,
      maxVersion: version,
    };
    const https = createHttpsServer(options);
    https.on('tlsClientError', () => {});
    const wss = new WebSocket.WebSocketServer({ server: https });
    const events: string[][] = [];
    wss.on('connection', (ws: WebSocketInstance) => {
      events.push(recordEvents(ws));
      ws.on('message', (data) => ws.send(String(data)));
    });
    return { port: await scope().listen(https), events };
  }

  async function dial(port: number): Promise<{ socket: TLSSocket; inbox: Inbox }> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.setNoDelay(true);
    socket.on('error', () => {});
    scope().later(() => socket.destroy());
    await new Promise((done) => socket.once('secureConnect', done));
    return { socket, inbox: new Inbox(socket) };
  }

  async function expectServes(port: number): Promise<void> {
    const { socket, inbox } = await dial(port);
    socket.write(upgradeRequest());
    expect((await inbox.message()).status).toBe(101);
    socket.destroy();
  }

  test('one byte in each record is a handshake and a message like any other', async () => {
    const { port, events } = await openServer();
    const { socket, inbox } = await dial(port);
    const bytes = Buffer.concat([
      Buffer.from(upgradeRequest()),
      frameFor('server', { payload: 'hello' }),
    ]);
    for (const byte of byteByByte(bytes)) socket.write(byte);
    expect((await inbox.message()).status).toBe(101);
    expect((await inbox.frame()).payload.toString()).toBe('hello');
    expect(events).toEqual([['message hello']]);
  });

  test.each([
    ['bytes that are no TLS', Buffer.from(upgradeRequest())],
    ['noise', Buffer.alloc(20_000, 0x16)],
  ])('%s are dropped, and others are served', async (_name, bytes) => {
    const { port, events } = await openServer();
    const socket = connectTcp({ port, host: '127.0.0.1' });
    scope().later(() => socket.destroy());
    const inbox = new Inbox(socket);
    socket.write(bytes);
    await until(() => inbox.closed, 'the server to hang up');
    await expectServes(port);
    expect(events.length).toBe(1);
  });

  test('garbage below an open connection closes it once', async () => {
    const { port, events } = await openServer();
    const raw = connectTcp({ port, host: '127.0.0.1' });
    scope().later(() => raw.destroy());
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    socket.on('error', () => {});
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest());
    expect((await inbox.message()).status).toBe(101);
    await until(() => events.length === 1, "'connection'");
    raw.write(Buffer.alloc(100, 0x17));
    await until(() => events[0]?.length === 1, "'close'");
    await turns();
    expect(events).toEqual([['close 1006']]);
    await expectServes(port);
  });

  test('renegotiation again and again leaves the process and others alone', async () => {
    const { port, events } = await openServer();
    const { socket, inbox } = await dial(port);
    socket.write(upgradeRequest());
    expect((await inbox.message()).status).toBe(101);
    const closed = new Promise((done) => socket.once('close', done));
    for (let i = 0; i < 10 && !socket.destroyed; i++) {
      const renegotiated = new Promise((done) => {
        if (socket.renegotiate({}, done) === false) done(undefined);
      });
      await Promise.race([closed, renegotiated]);
    }
    await expectServes(port);
    socket.destroy();
    await until(() => events.every((told) => told.length > 0), "'close' of both");
    for (const told of events) expect(told).toEqual(['close 1006']);
  });
});

describe('R16: through a proxy', () => {
  const SECRET = 'proxy-password';

  /** An agent whose connections go through a proxy in memory, which answers CONNECT like this. */
  function agentOf(answer: string): { agent: Agent; inboxes: Inbox[]; far: Duplex[] } {
    const inboxes: Inbox[] = [];
    const far: Duplex[] = [];
    const agent = new Agent();
    const createConnection = (
      _options: object,
      done: (error: Error | null, socket?: Duplex) => void,
    ) => {
      const [near, proxy] = scope().wire();
      inboxes.push(new Inbox(proxy));
      far.push(proxy);
      near.write(
        `CONNECT server.example.com:80 HTTP/1.1\r\nProxy-Authorization: Basic ${SECRET}\r\n\r\n`,
      );
      near.once('readable', () => {
        const response: Buffer = near.read();
        const end = response.indexOf('\r\n\r\n') + 4;
        if (!response.toString().startsWith('HTTP/1.1 200')) {
          near.destroy();
          done(new Error(`proxy: ${response.toString('latin1', 0, response.indexOf('\r\n'))}`));
          return;
        }
        if (end < response.length) near.unshift(response.subarray(end));
        done(null, near);
      });
      proxy.write(answer);
    };
    Object.assign(agent, { createConnection });
    scope().later(() => agent.destroy());
    return { agent, inboxes, far };
  }

  function dial(agent: Agent): { ws: WebSocketInstance; events: string[] } {
    const options = { agent, perMessageDeflate: false } as ClientOptions;
    const ws = scope().track(new WebSocket('ws://server.example.com/', options));
    return { ws, events: recordEvents(ws) };
  }

  test.each(['407 Proxy Authentication Required', '502 Bad Gateway'])(
    'a proxy that answers %s is an error, once, and no credentials are in it',
    async (status) => {
      const { agent } = agentOf(`HTTP/1.1 ${status}\r\n\r\n`);
      const { events } = dial(agent);
      await until(() => events.includes('close 1006'), "'close'");
      await turns();
      expect(events.length).toBe(2);
      expect(events[0]).toContain(status);
      expect(events.join()).not.toContain(SECRET);
    },
  );

  test('what comes right behind the answers is not lost', async () => {
    const { agent, inboxes, far } = agentOf('HTTP/1.1 200 OK\r\n\r\n');
    const { events } = dial(agent);
    await until(() => inboxes.length === 1, 'a connection to the proxy');
    const [inbox] = inboxes as [Inbox]; // just seen
    await inbox.message(); // CONNECT
    const key = keyOf(await inbox.message());
    const frames = [frameFor('client', { payload: 'one' }), frameFor('client', { payload: 'two' })];
    far[0]?.write(Buffer.concat([Buffer.from(upgradeResponse(key)), ...frames]));
    await until(() => events.length === 3, 'both messages');
    expect(events).toEqual(['open', 'message one', 'message two']);
  });
});

describe.each(ROLES)('R18: as a %s, a wrong call', (role) => {
  const CALLS: [string, (ws: WebSocketInstance) => void][] = [
    ['close(1005)', (ws) => ws.close(1005)],
    ['close(999)', (ws) => ws.close(999)],
    ['close(5000)', (ws) => ws.close(5000)],
    ['close(1000.5)', (ws) => ws.close(1000.5)],
    ['a reason of 124 bytes', (ws) => ws.close(1000, 'é'.repeat(62))],
    ['a Float32Array as reason', (ws) => ws.close(1000, new Float32Array(20) as never)],
    ['a Ping of 126 bytes', (ws) => ws.ping('x'.repeat(126))],
    ['a Pong of 126 bytes', (ws) => ws.pong(Buffer.alloc(126))],
    ['send({})', (ws) => ws.send({} as never)],
    ['send(Symbol())', (ws) => ws.send(Symbol('x') as never)],
  ];

  test.each(CALLS)('%s throws at once and changes nothing', async (_name, call) => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    const events = recordEvents(ws);
    await turns();
    expect(() => call(ws)).toThrow();
    await turns();
    expect([ws.readyState, ws.bufferedAmount, wire.sent.length, events]).toEqual([1, 0, 0, []]);
    ws.send('still open');
    await turns();
    expect(wire.sent.length).toBeGreaterThan(0);
    wire.destroy();
  });

  test('a number is sent as its digits, never as a size', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    await turns();
    ws.send(20 as never);
    ws.ping(20 as never);
    await turns();
    const header = role === 'client' ? 6 : 2;
    expect(wire.sent.length).toBe(2 * (header + '20'.length));
    wire.destroy();
  });
});

describe.each(ROLES)('D9: as a %s, text that was compressed', (role) => {
  test.each(['ff', '61c3', 'eda080', 'f4908080', 'c0af'])(
    'that is not UTF-8 (%s) fails with 1007 and is not told',
    async (hex) => {
      const scene = await CompressedScene.open(role);
      const bytes = Buffer.concat([Buffer.from('before '.repeat(50)), Buffer.from(hex, 'hex')]);
      await scene.feed([await scene.compressed('valid'), await scene.compressed(bytes)]);
      expect(scene.events).toEqual([
        `text ${Buffer.from('valid').toString('hex')}`,
        'error WS_ERR_INVALID_UTF8',
      ]);
      expect(scene.peer.closing?.code).toBe(1007);
      await scene.finish();
    },
  );

  test('may be cut anywhere inside of its characters', async () => {
    const scene = await CompressedScene.open(role);
    const payload = await scene.compress('é€😀'.repeat(3));
    const frames = byteByByte(payload).map((byte, i) =>
      scene.frame({
        opcode: i === 0 ? OPCODE.TEXT : OPCODE.CONTINUATION,
        rsv: i === 0 ? 4 : 0,
        fin: i === payload.length - 1,
        payload: byte,
      }),
    );
    await scene.feed(frames);
    expect(scene.events).toEqual([`text ${Buffer.from('é€😀'.repeat(3)).toString('hex')}`]);
    await scene.finish();
  });
});
