/** Neither a peer nor an async listener ends the process of a server. */

import { errorMonitor, once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { closePayload, type FrameOptions, frame, KEY, OPCODE } from '../support/frames.js';
import { Inbox, turns, until } from '../support/inbox.js';
import { ManualWire } from '../support/manual-wire.js';
import { uncaught, useWarnings } from '../support/process-events.js';
import { upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import {
  frameFor,
  type Loose,
  onWire,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

interface Stage {
  wss: ServerInstance;
  /** A new raw peer, after its opening handshake. */
  enter(path?: string): Promise<Peer>;
  /** What nobody caught. */
  exceptions: unknown[];
}

interface Peer {
  socket: Socket;
  inbox: Inbox;
  send(...frames: FrameOptions[]): void;
  /** The code of the next Close that it receives. */
  closeCode(): Promise<number>;
}

async function stage(options: Loose = {}, onConnection?: (...args: never[]) => unknown) {
  const http = createServer();
  const wss = serve(scope(), { server: http, ...options });
  if (onConnection) wss.on('connection', onConnection as () => void);
  const port = await scope().listen(http);
  const exceptions = uncaught(scope());
  const enter = async (path = '/chat'): Promise<Peer> => {
    const socket = await scope().connect(port);
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest({ target: path }));
    await inbox.message();
    return {
      socket,
      inbox,
      send: (...frames) => {
        socket.write(Buffer.concat(frames.map((one) => frame({ mask: KEY, ...one }))));
      },
      closeCode: async () => (await inbox.frame()).payload.readUInt16BE(0),
    };
  };
  return { wss, enter, exceptions } satisfies Stage;
}

/** Notes 'socketError' in words. */
function listen(wss: ServerInstance): string[] {
  const heard: string[] = [];
  wss.on(
    'socketError',
    (error: Error, socket: WebSocketInstance, request: IncomingMessage | undefined) => {
      const isClient = socket instanceof WebSocket && wss.clients.has(socket);
      heard.push(`${error.name} ${error.message}, ${request?.url}, ${isClient}`);
    },
  );
  return heard;
}

/** What a peer can do wrong, and the code that it gets. */
const WRONGS: [string, FrameOptions, number][] = [
  ['a reserved bit', { rsv: 2 }, 1002],
  ['an unmasked frame', { mask: undefined, payload: 'x' }, 1002],
  ['an unknown opcode', { opcode: 5 }, 1002],
  ['text that is not UTF-8', { payload: Buffer.from([0xff]) }, 1007],
  ['a long message', { payload: 'x'.repeat(101) }, 1009],
  ['an invalid Close', { opcode: OPCODE.CLOSE, payload: closePayload(1005) }, 1002],
];

describe("an error of a connection whose 'error' has no listener", () => {
  test.each(WRONGS)('%s: the peer gets its code, the process goes on', async (_, wrong, code) => {
    const { wss, enter, exceptions } = await stage({ maxPayload: 100 });
    const heard = listen(wss);
    const bad = await enter();
    const good = await enter();
    const [client] = wss.clients;
    bad.send(wrong);
    expect(await bad.closeCode()).toBe(code);
    await until(() => bad.inbox.ended, 'the end of the connection');
    bad.socket.end();
    await until(() => wss.clients.size === 1, "'close'");
    expect(heard).toEqual([expect.stringMatching(/^ProtocolError .*, \/chat, true$/)]);
    expect(client?.closeInfo).toMatchObject({ wasClean: false, error: { closeCode: code } });
    good.send({ opcode: OPCODE.PING });
    expect((await good.inbox.frame()).opcode).toBe(OPCODE.PONG);
    expect([exceptions, warnings('WS6455_CALLBACK_ERROR')]).toEqual([[], []]);
  });

  test('goes on without a listener of socketError as well, without a warning', async () => {
    const { enter, exceptions } = await stage();
    const bad = await enter();
    bad.send({ rsv: 2 });
    expect(await bad.closeCode()).toBe(1002);
    await turns();
    expect([exceptions, warnings('WS6455_CALLBACK_ERROR')]).toEqual([[], []]);
  });

  test('is heard by a monitor', async () => {
    const seen: Error[] = [];
    const { enter } = await stage({}, (ws: WebSocketInstance) =>
      ws.on(errorMonitor, (one) => seen.push(one)),
    );
    const bad = await enter();
    bad.send({ rsv: 2 });
    await bad.closeCode();
    expect(seen).toMatchObject([{ code: 'WS_ERR_UNEXPECTED_RSV_2_3' }]);
  });

  test("is not a 'socketError' if the connection has a listener", async () => {
    const seen: Error[] = [];
    const { wss, enter } = await stage({}, (ws: WebSocketInstance) =>
      ws.on('error', (one) => seen.push(one)),
    );
    const heard = listen(wss);
    const bad = await enter();
    bad.send({ rsv: 2 });
    expect(await bad.closeCode()).toBe(1002);
    expect([seen.length, heard]).toEqual([1, []]);
  });

  test("unheardErrors: 'throw' makes it an uncaught exception, as in ws", async () => {
    const { wss, enter, exceptions } = await stage({ unheardErrors: 'throw' });
    const heard = listen(wss);
    const bad = await enter();
    bad.send({ rsv: 2 });
    await until(() => exceptions.length > 0, 'an exception');
    expect(exceptions.map(String)).toEqual([
      expect.stringContaining('RSV2 and RSV3 must be clear'),
    ]);
    expect(heard).toEqual([]);
  });

  test('the request is kept only if socketError has a listener when it is accepted', async () => {
    const { wss, enter } = await stage();
    const early = await enter('/early');
    const heard = listen(wss);
    const late = await enter('/late');
    for (const peer of [early, late]) {
      peer.send({ rsv: 2 });
      await peer.closeCode();
    }
    expect(heard.map((one) => one.split(', ')[1])).toEqual(['undefined', '/late']);
  });

  test('of a subclass that keeps the options from its super class', async () => {
    class Own extends WebSocket {
      constructor(address: null) {
        super(address);
      }
    }
    const { wss, enter, exceptions } = await stage({
      WebSocket: Own,
      messageRate: { perSecond: 1, policy: 'close' },
    });
    const heard = listen(wss);
    const peer = await enter();
    peer.send({ payload: 'a' }, { payload: 'b' });
    expect(await peer.closeCode()).toBe(1008);
    expect([heard.length, exceptions]).toEqual([1, []]);
  });
});

describe('a client', () => {
  const broken = (options: Loose) => {
    const wire = new ManualWire();
    const ws = onWire(wire, 'client', options);
    scope().later(() => until(() => ws.readyState === 3, "'close'"));
    wire.arrive(frameFor('client', { rsv: 2 }));
    wire.finish();
    return ws;
  };

  test('throws an error that nobody hears, as in ws', async () => {
    const exceptions = uncaught(scope());
    const ws = broken({});
    await until(() => ws.readyState === 3, "'close'");
    expect(exceptions.map(String)).toEqual([
      expect.stringContaining('RSV2 and RSV3 must be clear'),
    ]);
  });

  test("has it in closeInfo only, with unheardErrors: 'close'", async () => {
    const exceptions = uncaught(scope());
    const ws = broken({ unheardErrors: 'close' });
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo).toMatchObject({ by: 'peer', error: { closeCode: 1002 } });
    expect([exceptions, warnings('WS6455_CALLBACK_ERROR')]).toEqual([[], []]);
  });

  test('the same for an opening handshake that fails', async () => {
    const exceptions = uncaught(scope());
    const port = await scope().listen(createServer((_, response) => response.end()));
    const ws = new WebSocket(`ws://127.0.0.1:${port}`, { unheardErrors: 'close' });
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo).toMatchObject({ cause: 'handshake' });
    expect(exceptions).toEqual([]);
  });
});

describe('captureRejections: true', () => {
  const options = { captureRejections: true };
  const rejects = async (): Promise<never> => {
    throw new Error('of the program');
  };
  const ways: [string, (ws: WebSocketInstance) => unknown][] = [
    ["on('message')", (ws) => ws.on('message', rejects)],
    ['onmessage', (ws) => Object.assign(ws, { onmessage: rejects })],
    ["addEventListener('message')", (ws) => ws.addEventListener('message', rejects)],
    [
      'a handleEvent with a signal',
      (ws) => {
        const { signal } = new AbortController();
        ws.addEventListener('message', { handleEvent: rejects } as never, { signal });
      },
    ],
  ];

  test.each(ways)('a rejected listener by %s costs its own connection', async (_, subscribe) => {
    const { wss, enter, exceptions } = await stage(options, subscribe as () => unknown);
    const heard = listen(wss);
    const one = await enter();
    const other = await enter();
    const [client] = wss.clients;
    one.send({ payload: 'a' });
    expect(await one.closeCode()).toBe(1011);
    one.socket.end();
    await until(() => wss.clients.size === 1, "'close'");
    expect(heard).toEqual(['Error of the program, /chat, true']);
    expect(client?.closeInfo).toMatchObject({ by: 'us', cause: 'rejection', sent: { code: 1011 } });
    other.send({ opcode: OPCODE.PING });
    expect((await other.inbox.frame()).opcode).toBe(OPCODE.PONG);
    expect([exceptions, warnings('WS6455_CALLBACK_ERROR')]).toEqual([[], []]);
  });

  test("a rejected listener of 'connection' costs this connection", async () => {
    const { wss, enter, exceptions } = await stage(options, rejects);
    const heard = listen(wss);
    const peer = await enter();
    expect(await peer.closeCode()).toBe(1011);
    expect([heard, exceptions]).toEqual([['Error of the program, /chat, true'], []]);
  });

  test.each<[place: string, server: Loose, route: Loose]>([
    ['of the server', options, {}],
    ['of the route', {}, options],
    ['of both', options, options],
  ])('a rejected listener of a route costs this connection: option %s', async (_, ...given) => {
    const { wss, enter, exceptions } = await stage(given[0]);
    wss.route('/chat', given[1], rejects);
    const heard = listen(wss);
    const peer = await enter();
    expect(await peer.closeCode()).toBe(1011);
    await turns();
    const warned = warnings('WS6455_CALLBACK_ERROR');
    expect([heard, exceptions, warned]).toEqual([['Error of the program, /chat, true'], [], []]);
  });

  test("the connection's own listener of 'error' gets it", async () => {
    const seen: Error[] = [];
    const { wss, enter } = await stage(options, (ws: WebSocketInstance) => {
      ws.on('error', (error) => seen.push(error)).on('message', rejects);
    });
    const heard = listen(wss);
    const peer = await enter();
    peer.send({ payload: 'a' });
    expect(await peer.closeCode()).toBe(1011);
    expect([seen, heard]).toEqual([[new Error('of the program')], []]);
  });

  test('every rejection is heard, though only the first one costs the connection', async () => {
    const { wss, enter } = await stage(options, (ws: WebSocketInstance) =>
      ws.on('message', rejects),
    );
    const heard = listen(wss);
    const peer = await enter();
    peer.send({ payload: 'a' }, { payload: 'b' }, { payload: 'c' });
    expect(await peer.closeCode()).toBe(1011);
    await until(() => heard.length === 3, 'three errors');
  });

  test("rejected listeners of 'error' and 'close' are heard, and loop for nobody", async () => {
    const { wss, enter, exceptions } = await stage(options, (ws: WebSocketInstance) => {
      ws.on('error', rejects).on('close', rejects);
    });
    const heard = listen(wss);
    const peer = await enter();
    peer.send({ rsv: 2 });
    await peer.closeCode();
    peer.socket.end();
    await until(() => heard.length === 2, 'two errors');
    await turns();
    expect([heard.length, exceptions]).toEqual([2, []]);
  });

  test('without a listener of socketError it is a process warning', async () => {
    const { enter } = await stage(options, (ws: WebSocketInstance) => ws.on('message', rejects));
    const peer = await enter();
    peer.send({ payload: 'a' });
    expect(await peer.closeCode()).toBe(1011);
    await until(() => warnings('WS6455_CALLBACK_ERROR').length > 0, 'a warning');
    expect(warnings('WS6455_CALLBACK_ERROR')[0]).toContain('Error: of the program');
  });

  test('when the connection is closed, the warning does not blame its listeners', async () => {
    const { enter } = await stage(options, (ws: WebSocketInstance) => {
      ws.on('error', () => undefined).on('message', async () => {
        await once(ws, 'close');
        return rejects();
      });
    });
    const peer = await enter();
    peer.send({ payload: 'a' });
    peer.socket.end();
    await until(() => warnings('WS6455_CALLBACK_ERROR').length > 0, 'a warning');
    const [warning] = warnings('WS6455_CALLBACK_ERROR');
    expect(warning).toContain('A listener was rejected when its WebSocket was closed');
  });

  test.each(['socketError', 'callbackError', 'headers'] as const)(
    'a rejected listener of %s is no exception and does not loop',
    async (event) => {
      const { wss, enter, exceptions } = await stage(options);
      let calls = 0;
      wss.on(event, () => {
        calls++;
        return rejects();
      });
      if (event === 'callbackError') wss.on('headers', rejects);
      const peer = await enter();
      peer.send({ rsv: 2 });
      await peer.closeCode();
      await until(() => warnings('WS6455_CALLBACK_ERROR').length > 0, 'a warning');
      await turns();
      expect([calls, exceptions, warnings('WS6455_CALLBACK_ERROR').length]).toEqual([1, [], 1]);
    },
  );

  test('a listener that throws is an uncaught exception, as always', async () => {
    const { wss, enter, exceptions } = await stage(options, (ws: WebSocketInstance) => {
      ws.on('message', () => {
        throw new Error('at once');
      });
    });
    const heard = listen(wss);
    const peer = await enter();
    peer.send({ payload: 'a' });
    await until(() => exceptions.length > 0, 'an exception');
    expect([exceptions, heard]).toEqual([[new Error('at once')], []]);
  });

  test('on a client: 1011, and the reason is its error', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, 'client', options);
    const errors: Error[] = [];
    ws.on('error', (error) => errors.push(error)).on('message', rejects);
    wire.arrive(frameFor('client', { payload: 'a' }));
    await until(() => errors.length > 0, 'an error');
    expect(errors).toEqual([new Error('of the program')]);
    wire.finish();
    await until(() => ws.readyState === 3, "'close'");
    expect(ws.closeInfo).toMatchObject({ cause: 'rejection', sent: { code: 1011 } });
  });
});
