/** One message for many: framed once, compressed once, right on every connection. */

import { Blob } from 'node:buffer';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, jest, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  memoryServer,
  next,
  onWire,
  ROLES,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

jest.mock('node:zlib', () => {
  const zlib = jest.requireActual<typeof import('node:zlib')>('node:zlib');
  return { ...zlib, deflateRawSync: jest.fn(zlib.deflateRawSync) };
});

const scope = useScope();
const { prepareMessage } = WebSocket;

const text = 'the same for all, the same for all, '.repeat(40);

/** What a WebSocket receives, in words. */
function listen(ws: WebSocketInstance): string[] {
  const heard: string[] = [];
  ws.on('message', (data, isBinary) => heard.push(`${isBinary ? 'binary' : 'text'} ${data}`));
  return heard;
}

describe.each(ROLES)('a %s', (role) => {
  test('sends what was prepared among other messages', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    const large = Buffer.alloc(10_000, 'x');
    const sent: string[] = [];
    ws.send(prepareMessage('a'), () => sent.push('a'));
    ws.send('b');
    ws.send(prepareMessage(Buffer.from('c')));
    ws.send(prepareMessage(large, { binary: false }));
    ws.send(prepareMessage('', { binary: true }));
    await turns();
    const seen = readFrames(wire.sent).frames.map(({ opcode, payload }) => `${opcode} ${payload}`);
    expect(seen).toEqual(['1 a', '1 b', '2 c', `1 ${large}`, '2 ']);
    expect(sent).toEqual(['a']);
    ws.terminate();
  });

  test('sends it as the end of a message that is in fragments', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    ws.send('begun, ', { fin: false });
    ws.send(prepareMessage('ended'));
    ws.send(prepareMessage('new'));
    await turns();
    const seen = readFrames(wire.sent).frames.map(({ fin, opcode }) => [fin, opcode]);
    expect(seen).toEqual([
      [false, 1],
      [true, 0],
      [true, 1],
    ]);
    ws.terminate();
  });
});

test('what was prepared stays as it was', async () => {
  const { ws, client } = await connectPair(scope());
  const heard = listen(client);
  const buffer = Buffer.from('first');
  const prepared = prepareMessage(buffer);
  buffer.fill('x');
  ws.send(prepared);
  await until(() => heard.length === 1, 'the message');
  expect(heard).toEqual(['binary first']);
});

test('what has no bytes, or not yet, cannot be prepared', () => {
  expect(() => prepareMessage({} as never)).toThrow('Cannot send a value of type Object');
  expect(() => prepareMessage(new Blob(['x']) as never)).toThrow('arrayBuffer()');
});

test.each([{}, { serverNoContextTakeover: true, threshold: 0 }, { serverMaxWindowBits: 9 }])(
  'with compression %j, it goes between messages that refer to each other',
  async (deflate) => {
    const { ws, client } = await connectPair(
      scope(),
      { perMessageDeflate: deflate },
      { perMessageDeflate: true },
    );
    const heard = listen(client);
    const prepared = prepareMessage(text);
    const noise = prepareMessage(
      Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 7919) >> 3)),
    );
    const due: string[] = [];
    for (let i = 0; i < 20; i++) {
      for (const message of [`own ${i} ${text}`, prepared, `small ${i}`, noise]) {
        ws.send(message as string);
      }
      due.push(`text own ${i} ${text}`, `text ${text}`, `text small ${i}`);
      due.push(`binary ${Buffer.from(Array.from({ length: 2000 }, (_, j) => (j * 7919) >> 3))}`);
    }
    await until(() => heard.length === due.length, 'all messages');
    expect(heard).toEqual(due);
  },
);

test('behind messages that wait to be compressed, it spoils none of them', async () => {
  const { ws, client } = await connectPair(
    scope(),
    { perMessageDeflate: true },
    { perMessageDeflate: true },
  );
  const heard = listen(client);
  const large = text.repeat(100);
  const due = [
    'begin',
    large,
    'small, before all others',
    'the prepared one, seen by none before it',
  ];
  const [begin = '', , small = '', last = ''] = due;
  ws.send(begin);
  ws.send(large);
  ws.send(`${last}: ${small}`);
  ws.send(prepareMessage(last));
  ws.send(`${last} again`);
  await until(() => heard.length === 5, 'five messages');
  expect(heard).toEqual(
    [begin, large, `${last}: ${small}`, last, `${last} again`].map((one) => `text ${one}`),
  );
});

describe('broadcast', () => {
  async function room(options: object, count: number) {
    const { http, connect } = memoryServer(scope());
    const wss = serve(scope(), { server: http, ...options });
    const clients: WebSocketInstance[] = [];
    for (let i = 0; i < count; i++) {
      const client = connect({ perMessageDeflate: true });
      clients.push(client);
      await next(client, 'open');
    }
    await until(() => wss.clients.size === count, 'all clients');
    return { wss, clients, heard: clients.map(listen) };
  }

  test('reaches every open connection, says how many, and compresses once', async () => {
    const { wss, heard } = await room({ perMessageDeflate: true }, 5);
    const [closing] = wss.clients;
    closing?.close();
    jest.mocked(deflateRawSync).mockClear();
    expect(wss.broadcast(text)).toBe(4);
    await until(() => heard.filter((one) => one.length === 1).length === 4, 'four messages');
    expect(heard).toEqual([[], ...Array(4).fill([`text ${text}`])]);
    expect(deflateRawSync).toHaveBeenCalledTimes(1);
  });

  test('leaves out one connection, or those that a filter does not want', async () => {
    const { wss, heard } = await room({}, 4);
    const [first, second] = wss.clients;
    expect(wss.broadcast('a', { except: first })).toBe(3);
    expect(wss.broadcast('b', { filter: (client) => client === second })).toBe(1);
    expect(wss.broadcast(prepareMessage('c'))).toBe(4);
    await until(() => heard.flat().length === 8, 'eight messages');
    expect(heard.map((one) => one.join())).toEqual([
      'text c',
      'text a,text b,text c',
      'text a,text c',
      'text a,text c',
    ]);
  });

  test('goes past a send that stands in its place, and may be replaced itself', async () => {
    const { wss, heard } = await room({}, 1);
    for (const client of wss.clients) {
      client.send = () => {
        throw new Error("the program's own");
      };
    }
    expect(wss.broadcast('a')).toBe(1);
    Object.assign(wss, { broadcast: () => 'mine' });
    expect(wss.broadcast('b')).toBe('mine');
    await until(() => heard.flat().length === 1, 'the message');
  });

  test('needs the clients to be kept', () => {
    const wss = new WebSocket.Server({ noServer: true, clientTracking: false });
    expect(() => wss.broadcast('a')).toThrow('clientTracking');
  });
});
