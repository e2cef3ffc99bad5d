/** A server's options: mistakes are found when it is made, and values mean what they do in `ws`. */

import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { SharedServer } from '../../support/shared-server.js';
import {
  connectPair,
  frameFor,
  type Loose,
  next,
  recordEvents,
  type ServerInstance,
  type ServerOptions,
} from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);
const { WebSocketServer } = WebSocket;

const make = (options: unknown): ServerInstance => new WebSocketServer(options as ServerOptions);
const detached = (options: Loose): ServerInstance => make({ noServer: true, ...options });

describe('the constructor', () => {
  const app = Object.assign(function app() {}, { on() {}, address() {} });
  class Application {
    on() {}
  }
  test.each<[string, unknown, RegExp]>([
    ['a number', 8080, /must be an object; did you mean \{ port: 8080 \}\?/],
    ['a text', 'ws://a', /must be an object/],
    ['an application', { server: app }, /function app: .*http\.createServer\(app\)/],
    ['an object of another kind', { server: new Application() }, /http\.createServer\(app\)/],
    [
      'verifyClient that is no function',
      { noServer: true, verifyClient: true },
      /verifyClient must be a function: true/,
    ],
    [
      'handleProtocols that is no function',
      { noServer: true, handleProtocols: ['a'] },
      /handleProtocols must be a function/,
    ],
    [
      'a WebSocket that is no class',
      { noServer: true, WebSocket: {} },
      /WebSocket must be a class/,
    ],
    [
      'a WebSocket that cannot be made',
      { noServer: true, WebSocket: () => {} },
      /WebSocket must be a class/,
    ],
    [
      'a path without a slash',
      { noServer: true, path: 'chat' },
      /begins with a slash .*'chat' would match no request/,
    ],
    ['a path with a query', { noServer: true, path: '/chat?a=b' }, /has no query/],
    ['a path that is no text', { noServer: true, path: /chat/ }, /path must be a string/],
    ['a maxPayload with a unit', { noServer: true, maxPayload: '1mb' }, /maxPayload .*'1mb'/],
    ['a maxFragments that is true', { noServer: true, maxFragments: true }, /maxFragments .*true/],
    [
      'a closeTimeout that is a text',
      { noServer: true, closeTimeout: 'soon' },
      /closeTimeout .*'soon'/,
    ],
    ['a backlog that is a text', { port: 0, backlog: 'many' }, /backlog .*'many'/],
  ])('refuses %s with a TypeError', (_name, options, message) => {
    let thrown: unknown;
    try {
      make(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect((thrown as Error).message).toMatch(message);
  });

  test.each<[string, Loose]>([
    ['maxPayload', { maxPayload: Number.NaN }],
    ['maxPayload', { maxPayload: -1 }],
    ['maxFragments', { maxFragments: -1 }],
    ['closeTimeout', { closeTimeout: -1 }],
    ['serverMaxWindowBits', { perMessageDeflate: { serverMaxWindowBits: 16 } }],
    ['threshold', { perMessageDeflate: { threshold: -1 } }],
  ])('refuses a %s that makes no sense with a RangeError', (name, options) => {
    expect(() => detached(options)).toThrow(RangeError);
    expect(() => detached(options)).toThrow(name);
  });

  test('takes null for no options, as `ws` does', () => {
    expect(() => make(null)).toThrow('One and only one of');
  });

  test('takes any emitter for a server, as `ws` does', () => {
    const http = new EventEmitter();
    const server = make({ server: http });
    expect(http.listenerCount('upgrade')).toBe(1);
    server.close();
  });

  test('that refuses leaves nothing on the http server', () => {
    const http = createServer();
    const count = () => http.eventNames().map((name) => http.listenerCount(name));
    const before = count();
    expect(() => make({ server: http, maxPayload: -1 })).toThrow(RangeError);
    expect(count()).toEqual(before);
  });

  test.each<[string, Loose]>([
    ['false for a callback', { verifyClient: false, handleProtocols: 0 }],
    [
      'null for everything',
      {
        verifyClient: null,
        path: null,
        maxPayload: null,
        host: null,
        backlog: null,
        perMessageDeflate: null,
      },
    ],
    ['an empty path', { path: '' }],
    ['a function that makes connections', { WebSocket: function Make() {} }],
    [
      'texts of numbers',
      { maxPayload: '1024', maxFragments: '10', closeTimeout: '1000', backlog: '5' },
    ],
    ['Infinity', { maxPayload: Infinity, maxFragments: Infinity, closeTimeout: Infinity }],
  ])('takes %s', (_name, options) => {
    expect(() => detached(options)).not.toThrow();
  });

  test('takes any path where a subclass decides', () => {
    class Deciding extends WebSocketServer {
      override shouldHandle(): boolean {
        return true;
      }
    }
    expect(new Deciding({ noServer: true, path: 'chat' }).options.path).toBe('chat');
  });

  test('names a misspelt option before it misses the right one', async () => {
    expect(() => make({ prot: 8080 })).toThrow('One and only one of');
    expect(() => make({ noServer: true, clienTracking: false })).not.toThrow();
    await turns();
    expect(warnings('WS6455_UNKNOWN_OPTION')).toEqual([
      'WebSocketServer has no option prot; did you mean port?',
      'WebSocketServer has no option clienTracking; did you mean clientTracking?',
    ]);
  });

  test('knows every option of `ws`', async () => {
    detached(detached({ perMessageDeflate: true }).options as Loose);
    await turns();
    expect(warnings('WS6455_UNKNOWN_OPTION')).toEqual([]);
  });
});

describe('options', () => {
  test('are those of `ws`, in its order', () => {
    expect(Object.keys(detached({}).options)).toEqual([
      ...['allowSynchronousEvents', 'autoPong', 'maxBufferedChunks', 'maxFragments', 'maxPayload'],
      ...['maxPendingAutoPongs', 'skipUTF8Validation', 'perMessageDeflate', 'handleProtocols'],
      ...[
        'clientTracking',
        'closeTimeout',
        'verifyClient',
        'noServer',
        'backlog',
        'server',
        'host',
      ],
      ...['path', 'port', 'WebSocket'],
    ]);
    expect(detached({}).options).toMatchObject({
      maxBufferedChunks: 262_144,
      maxPendingAutoPongs: 60,
    });
  });

  test('keep what is there by a symbol', () => {
    const mine = Symbol('mine');
    const given: object = { noServer: true, [mine]: 1 };
    expect(Reflect.get(make(given).options, mine)).toBe(1);
  });

  test.each([1, 'yes', {}])('noServer: %p is true', (noServer) => {
    expect(() => make({ noServer }).address()).toThrow('noServer');
  });

  test.each([0, null, '', false])('clientTracking: %p keeps no clients', (clientTracking) => {
    expect('clients' in detached({ clientTracking })).toBe(false);
  });

  test.each([0, null, ''])('autoPong: %p leaves Pings to the program', async (autoPong) => {
    const { client, ws } = await connectPair(scope(), { autoPong });
    const events = [recordEvents(client), recordEvents(ws)] as const;
    client.ping('p');
    await until(() => events[1].length > 0, "'ping'");
    await turns();
    expect(events[0]).toEqual([]);
  });

  test.each([1, 'yes'])('skipUTF8Validation: %p checks nothing', async (skipUTF8Validation) => {
    const { client, ws } = await connectPair(scope(), { skipUTF8Validation });
    const events = recordEvents(ws);
    client.send(Buffer.from([0xff]), { binary: false });
    await until(() => events.length > 0, "'message'");
    expect(events).toEqual(['message \ufffd']);
  });

  test.each([0, null, ''])(
    'allowSynchronousEvents: %p delivers one message a turn',
    async (allowSynchronousEvents) => {
      const shared = new SharedServer(scope());
      const wss = shared.add('a', { allowSynchronousEvents });
      const messages: string[] = [];
      const turnsSeen: number[] = [];
      let turn = 0;
      const count = () => {
        turn++;
        if (messages.length < 2) setImmediate(count);
      };
      wss.on('connection', (ws) => {
        count();
        ws.on('message', (data: Buffer) => {
          messages.push(String(data));
          turnsSeen.push(turn);
        });
      });
      const frames = ['a', 'b'].map((payload) => frameFor('server', { payload }));
      shared.connect(Buffer.concat([Buffer.from(upgradeRequest()), ...frames]));
      await until(() => messages.length === 2, 'the messages');
      expect(turnsSeen[1]).toBeGreaterThan(turnsSeen[0] ?? 0);
    },
  );

  test.each<[unknown, boolean]>([
    ['5', true],
    [2 ** 32 + 5, false],
    [Infinity, false],
    ['0', false],
  ])('maxPayload: %p and a message of 6 bytes', async (maxPayload, fails) => {
    const { client, ws } = await connectPair(scope(), { maxPayload });
    const events = recordEvents(ws);
    client.send('123456');
    await until(() => events.length > 0, 'an event');
    expect(events[0]).toBe(fails ? 'error Max payload size exceeded' : 'message 123456');
  });

  test('maxPayload above 2^31 is a limit all the same', async () => {
    const { wires, ws } = await connectPair(scope(), { maxPayload: 2 ** 32 + 5 });
    const events = recordEvents(ws);
    const header = Buffer.from('82ff0000000100000006', 'hex'); // 2^32 + 6 bytes follow
    wires[0].write(Buffer.concat([header, Buffer.alloc(4)]));
    await until(() => events.length > 0, 'an event');
    expect(events[0]).toBe('error Max payload size exceeded');
  });
});

describe('port', () => {
  test('may be the path of a Unix socket, which address() returns', async () => {
    const path = join(tmpdir(), `ws6455-${process.pid}.sock`);
    const wss = make({ port: path, host: 'ignored.example', backlog: 5 });
    scope().later(() => new Promise<void>((done) => wss.close(() => done())));
    await next(wss, 'listening');
    expect(wss.address()).toBe(path);
    expect(existsSync(path)).toBe(true);
    const client = scope().track(new WebSocket(`ws+unix:${path}:/chat`));
    await next(client, 'open');
    client.terminate();
  });

  test('may be the text of a number', async () => {
    const wss = make({ port: '0', host: '127.0.0.1' });
    scope().later(() => wss.close());
    await next(wss, 'listening');
    expect((wss.address() as AddressInfo).port).toBeGreaterThan(0);
  });

  test.each([-1, 65_536, '99999', ''])('cannot be %p', (port) => {
    expect(() => make({ port })).toThrow(/port/i);
  });
});
