/** permessage-deflate between a subject and a peer written by hand. */

import { deflateRawSync, inflateRawSync, constants as zlib } from 'node:zlib';
import { OPCODE } from '../support/frames.js';
import { until } from '../support/inbox.js';
import { keyOf, upgradeResponse } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import {
  accepted,
  closed,
  connectedPair,
  frameSeen,
  masked,
  requested,
  type Settings,
  thrown,
} from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

/** RFC 7692 §7.2.1: deflated, flushed, without the last four bytes. */
function deflated(text: string | Buffer): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: zlib.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
}

const inflated = (payload: Buffer): string =>
  inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: zlib.Z_SYNC_FLUSH,
  }).toString();

/** A server with these settings, asked with that offer. */
const offered = (lib: Library, scope: Scope, settings: unknown, offer: string) =>
  accepted(lib, scope, { perMessageDeflate: settings }, { 'sec-websocket-extensions': offer });

/** What a server with these settings answers to that offer. */
async function answerTo(lib: Library, scope: Scope, settings: unknown, offer: string) {
  try {
    const { answer } = await offered(lib, scope, settings, offer);
    const [line] = answer.all('sec-websocket-extensions');
    // RFC 7692 §7.1: the order of parameters says nothing.
    return line?.split('; ').sort().join('; ');
  } catch {
    return 'refused';
  }
}

const agrees = (id: string, settings: Settings, offer: string, expected: string): Row => ({
  id,
  it: `a server with ${JSON.stringify(settings)} answers "${offer}"`,
  run: (lib, scope) => answerTo(lib, scope, settings, offer),
  expected: expected.split('; ').sort().join('; '),
  ...(expected === 'refused'
    ? { differs: { expected: undefined, why: 'that offer is declined (RFC 7692 §5)' } }
    : {}),
});

/** What a client with these settings makes of that answer. */
async function told(lib: Library, scope: Scope, settings: unknown, answer: string) {
  const scene = await requested(lib, scope, { perMessageDeflate: settings });
  const line = `Sec-WebSocket-Extensions: ${answer}`;
  scene.peer.write(upgradeResponse(keyOf(scene.request), line));
  await until(() => scene.events.length > 0, 'open or error');
  return scene.events[0];
}

const takes = (id: string, settings: Settings, answer: string, expected: string): Row => ({
  id,
  it: `a client with ${JSON.stringify(settings)} that is answered "${answer}"`,
  run: (lib, scope) => told(lib, scope, settings, answer),
  expected,
});

const offers = (id: string, settings: unknown, expected: string): Row => ({
  id,
  it: `a client with ${JSON.stringify(settings)} offers`,
  run: async (lib, scope) => {
    const { request } = await requested(lib, scope, { perMessageDeflate: settings });
    return request.all('sec-websocket-extensions')[0];
  },
  expected,
});

const FAILED = 'error Invalid Sec-WebSocket-Extensions header';
const PMD = 'permessage-deflate';

/** RFC 7692 §7.2.3: the sample payloads, each a message of its own. */
const SAMPLES: [name: string, hex: string][] = [
  ['.1', 'f248cdc9c90700'],
  ['.3', '00 05 00 fa ff 48 65 6c 6c 6f 00'],
  ['.4', 'f3 48 cd c9 c9 07 00 00'],
  ['.4, without the last byte', 'f3 48 cd c9 c9 07 00'],
  ['.5', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00'],
];

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

const message = (payload: Buffer, rsv = 4, opcode = 1 as number, fin = true): Buffer =>
  masked({ payload, rsv, opcode, fin });

async function first(events: string[]): Promise<string | undefined> {
  await until(() => events.length > 0, 'a message or an error');
  return events[0];
}

table([
  agrees('D1', {}, PMD, PMD),
  agrees('D1', {}, `${PMD}; server_no_context_takeover`, `${PMD}; server_no_context_takeover`),
  agrees('D1', { serverNoContextTakeover: true }, PMD, `${PMD}; server_no_context_takeover`),
  agrees('D1', { serverNoContextTakeover: false }, PMD, PMD),
  agrees('D1', { serverNoContextTakeover: false }, `${PMD}; server_no_context_takeover`, 'refused'),
  agrees('D2', {}, `${PMD}; client_no_context_takeover`, `${PMD}; client_no_context_takeover`),
  agrees('D2', { clientNoContextTakeover: true }, PMD, `${PMD}; client_no_context_takeover`),
  agrees('D3', {}, `${PMD}; server_max_window_bits=10`, `${PMD}; server_max_window_bits=10`),
  agrees('D3', { serverMaxWindowBits: 10 }, PMD, `${PMD}; server_max_window_bits=10`),
  agrees(
    'D3',
    { serverMaxWindowBits: 10 },
    `${PMD}; server_max_window_bits=12`,
    `${PMD}; server_max_window_bits=10`,
  ),
  agrees('D3', { serverMaxWindowBits: 10 }, `${PMD}; server_max_window_bits=9`, 'refused'),
  agrees('D3', { serverMaxWindowBits: false }, `${PMD}; server_max_window_bits=9`, 'refused'),
  agrees('D4', {}, `${PMD}; client_max_window_bits`, PMD),
  agrees('D4', {}, `${PMD}; client_max_window_bits=9`, `${PMD}; client_max_window_bits=9`),
  agrees(
    'D4',
    { clientMaxWindowBits: 10 },
    `${PMD}; client_max_window_bits`,
    `${PMD}; client_max_window_bits=10`,
  ),
  agrees(
    'D4',
    { clientMaxWindowBits: 10 },
    `${PMD}; client_max_window_bits=12`,
    `${PMD}; client_max_window_bits=10`,
  ),
  agrees('D4', { clientMaxWindowBits: 10 }, `${PMD}; client_max_window_bits=9`, 'refused'),
  agrees('D4', { clientMaxWindowBits: 10 }, PMD, 'refused'),
  {
    id: 'D3 D4',
    it: 'window bits with leading zeros',
    run: (lib, scope) => answerTo(lib, scope, {}, `${PMD}; server_max_window_bits=010`),
    expected: `${PMD}; server_max_window_bits=10`,
    differs: { expected: undefined, why: 'declined: RFC 7692 §7.1.2.1 allows none' },
  },
  agrees(
    'D1 D2 D3 D4',
    { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9 },
    `${PMD}; client_max_window_bits=11`,
    `${PMD}; client_max_window_bits=11; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9`,
  ),
  agrees(
    'D3 D4',
    { serverMaxWindowBits: 10 },
    `${PMD}; server_max_window_bits=9, ${PMD}; server_max_window_bits=11, ${PMD}`,
    `${PMD}; server_max_window_bits=10`,
  ),
  ...[
    'server_max_window_bits=7',
    'server_max_window_bits=16',
    'server_max_window_bits=a',
    'server_max_window_bits=0',
    'server_max_window_bits',
    'server_no_context_takeover=1',
    'client_max_window_bits=7',
    'x=1',
  ].map((parameter) => agrees('D8', {}, `${PMD}; ${parameter}`, 'refused')),
  offers('D4', {}, `${PMD}; client_max_window_bits`),
  offers('D4', { clientMaxWindowBits: 12 }, `${PMD}; client_max_window_bits=12`),
  offers('D4', { clientMaxWindowBits: false }, PMD),
  offers('D4', { clientMaxWindowBits: true }, `${PMD}; client_max_window_bits`),
  offers(
    'D1 D2 D3',
    { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9 },
    `${PMD}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits`,
  ),
  takes('D1', {}, PMD, 'open'),
  takes('D1', {}, `${PMD}; server_no_context_takeover`, 'open'),
  takes('D2', {}, `${PMD}; client_no_context_takeover`, 'open'),
  takes('D2', { clientNoContextTakeover: false }, `${PMD}; client_no_context_takeover`, FAILED),
  takes('D3', {}, `${PMD}; server_max_window_bits=12`, 'open'),
  takes('D4', {}, `${PMD}; client_max_window_bits=12`, 'open'),
  takes('D4', { clientMaxWindowBits: 10 }, `${PMD}; client_max_window_bits=10`, 'open'),
  takes('D4', { clientMaxWindowBits: 10 }, `${PMD}; client_max_window_bits=11`, FAILED),
  takes('D4', { clientMaxWindowBits: false }, `${PMD}; client_max_window_bits=11`, FAILED),
  takes('D4', {}, `${PMD}; client_max_window_bits`, FAILED),
  takes('D8', {}, `${PMD}; server_max_window_bits=7`, FAILED),
  takes('D8', {}, `${PMD}; unknown`, FAILED),
  takes('D8', {}, `${PMD}; server_no_context_takeover; server_no_context_takeover`, FAILED),
  ...SAMPLES.map(
    ([name, hex]): Row => ({
      id: 'D9',
      it: `the sample of RFC 7692 §7.2.3${name} is Hello`,
      run: async (lib, scope) => {
        const { peer, events } = await offered(lib, scope, true, PMD);
        peer.write(message(fromHex(hex)));
        return first(events);
      },
      expected: 'message Hello',
    }),
  ),
  {
    id: 'D9',
    it: 'the samples of RFC 7692 §7.2.3.2: a window that slides, in fragments',
    run: async (lib, scope) => {
      const { peer, events } = await offered(lib, scope, true, PMD);
      const parts = [message(fromHex('f248cd'), 4, 1, false), message(fromHex('c9c90700'), 0, 0)];
      peer.write(Buffer.concat([...parts, message(fromHex('f200110000'))]));
      await until(() => events.length === 2, 'two messages');
      return events;
    },
    expected: ['message Hello', 'message Hello'],
  },
  {
    id: 'D9',
    it: 'blocks with BFINAL=1, two messages in a row, then a usual one',
    run: async (lib, scope) => {
      const { peer, events } = await offered(lib, scope, true, PMD);
      const final = message(fromHex('f348cdc9c9070000'));
      peer.write(Buffer.concat([final, final, message(deflated('usual'))]));
      await until(() => events.length === 3, 'three messages');
      return events;
    },
    expected: ['message Hello', 'message Hello', 'message usual'],
  },
  {
    id: 'D9',
    it: 'several blocks with BFINAL=1 inside one message',
    run: async (lib, scope) => {
      const { peer, events } = await offered(lib, scope, true, PMD);
      const block = deflateRawSync('Hello');
      peer.write(message(Buffer.concat([block, block, Buffer.from([0])])));
      return first(events);
    },
    expected: 'message Hello',
    differs: { expected: 'message HelloHello', why: 'all of it (RFC 7692 §7.2.1)' },
  },
  {
    id: 'D9',
    it: 'a payload of no bytes with RSV1',
    run: async (lib, scope) => {
      const { peer, events } = await offered(lib, scope, true, PMD);
      peer.write(message(Buffer.alloc(0)));
      return (await first(events))?.slice(0, 8);
    },
    expected: 'message ',
    differs: { expected: 'error In', why: '1007 at once' },
  },
  {
    id: 'X.zlib',
    it: 'a payload that is not deflated fails the connection with 1007',
    run: async (lib, scope) => {
      const { ws, peer, inbox, events } = await offered(lib, scope, true, PMD);
      let failure: Untyped;
      ws.on('error', (error: unknown) => {
        failure = error;
      });
      peer.write(message(Buffer.from([0xff, 0xff, 0xff])));
      const close = (await frameSeen(inbox)).slice(0, 10);
      await until(() => failure !== undefined, 'an error');
      peer.end();
      await closed(ws);
      return [failure.code, close, events.at(-1)];
    },
    expected: ['Z_DATA_ERROR', 'close 1007', 'close 1006'],
  },
  {
    id: 'S8 X.WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    it: 'maxPayload holds for what is inflated',
    run: async (lib, scope) => {
      const options = { perMessageDeflate: true, maxPayload: 1_000 };
      const fields = { 'sec-websocket-extensions': PMD };
      const { peer, inbox, events } = await accepted(lib, scope, options, fields);
      peer.write(message(deflated('a'.repeat(1_000))));
      peer.write(message(deflated('a'.repeat(100_000))));
      const close = (await frameSeen(inbox)).slice(0, 10);
      return [events.map((event) => event.slice(0, 40)), close];
    },
    expected: [[`message ${'a'.repeat(32)}`, 'error Max payload size exceeded'], 'close 1009'],
  },
  {
    id: 'X.WS_ERR_UNEXPECTED_RSV_1',
    it: 'RSV1 on a continuation or on a ping, with compression',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const frames of [
        [message(Buffer.from('a'), 4, 1, false), message(Buffer.from('b'), 4, 0)],
        [message(Buffer.from('a'), 4, OPCODE.PING)],
      ]) {
        const { peer, events } = await offered(lib, scope, true, PMD);
        peer.write(Buffer.concat(frames));
        seen.push(await first(events));
      }
      return seen;
    },
    expected: Array(2).fill('error Invalid WebSocket frame: RSV1 must be clear'),
  },
  {
    id: 'X.WS_ERR_INVALID_UTF8',
    it: 'text that is not UTF-8 once it is inflated',
    run: async (lib, scope) => {
      const { peer, events } = await offered(lib, scope, true, PMD);
      peer.write(message(deflated(Buffer.from([0x61, 0xff]))));
      return first(events);
    },
    expected: 'error Invalid WebSocket frame: invalid UTF-8 sequence',
  },
  {
    id: 'W41 D6',
    it: 'everything is compressed when the window is kept; compress: false leaves it as it is',
    run: async (lib, scope) => {
      const { ws, inbox } = await offered(lib, scope, true, PMD);
      ws.send('a');
      ws.send('b', { compress: false });
      ws.send('c', { compress: true });
      ws.ping('d');
      const seen: unknown[] = [];
      for (let i = 0; i < 4; i++) seen.push((await inbox.frame()).rsv);
      return seen;
    },
    expected: [4, 0, 4, 0],
  },
  {
    id: 'D6 V8.2',
    it: 'threshold counts when our own side drops its window after each message',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const threshold of [undefined, 10, 0]) {
        const settings = { threshold, serverNoContextTakeover: true };
        const { ws, inbox } = await offered(lib, scope, settings, PMD);
        for (const size of [9, 10, 1_023, 1_024]) ws.send('x'.repeat(size));
        for (let i = 0; i < 4; i++) seen.push((await inbox.frame()).rsv);
      }
      return seen;
    },
    expected: [0, 0, 0, 4, 0, 4, 4, 4, 4, 4, 4, 4],
  },
  {
    id: 'D6 W41',
    it: 'the first fragment decides for the whole message',
    run: async (lib, scope) => {
      const settings = { threshold: 3, serverNoContextTakeover: true };
      const { ws, inbox } = await offered(lib, scope, settings, PMD);
      ws.send('abcd', { fin: false });
      ws.send('e', { fin: true });
      ws.send('f', { fin: false });
      ws.send('ghijkl', { fin: true });
      const seen: unknown[] = [];
      for (let i = 0; i < 4; i++) {
        const { rsv, opcode, fin } = await inbox.frame();
        seen.push([rsv, opcode, fin]);
      }
      return seen;
    },
    expected: [
      [4, 1, false],
      [0, 0, true],
      [0, 1, false],
      [0, 0, true],
    ],
  },
  {
    id: 'D5 D1',
    it: 'what is sent can be inflated, message by message, when no window is kept',
    run: async (lib, scope) => {
      const settings = { serverNoContextTakeover: true, threshold: 0 };
      const { ws, inbox } = await offered(lib, scope, settings, PMD);
      for (const text of ['one', 'two', 'two']) ws.send(text);
      const seen: string[] = [];
      for (let i = 0; i < 3; i++) seen.push(inflated((await inbox.frame()).payload));
      return seen;
    },
    expected: ['one', 'two', 'two'],
  },
  {
    id: 'D5',
    it: 'zlibDeflateOptions reach zlib: level 0 stores',
    run: async (lib, scope) => {
      const settings = { zlibDeflateOptions: { level: 0 } };
      const { ws, inbox } = await offered(lib, scope, settings, PMD);
      ws.send('a'.repeat(1_000));
      return (await inbox.frame()).payload.length > 1_000;
    },
    expected: true,
  },
  {
    id: 'W42 D6',
    it: 'order and callbacks hold through compression',
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope, { perMessageDeflate: true });
      const seen: string[] = [];
      client.on('message', (data: Buffer) => seen.push(`message ${data.length}`));
      client.on('ping', () => seen.push('ping'));
      const sent: number[] = [];
      ws.send('a'.repeat(100_000), () => sent.push(1));
      ws.send('b', { compress: false }, () => sent.push(2));
      ws.ping('c', undefined, () => sent.push(3));
      ws.send('dd', () => sent.push(4));
      ws.close(1000);
      await closed(client);
      return [seen, sent];
    },
    expected: [
      ['message 100000', 'message 1', 'ping', 'message 2'],
      [1, 2, 3, 4],
    ],
  },
  {
    id: 'W34',
    it: 'a client sends compressed what a server of the same library reads, and back',
    run: async (lib, scope) => {
      const { ws, client } = await connectedPair(lib, scope, {
        perMessageDeflate: { threshold: 0 },
      });
      ws.on('message', (data: Buffer, isBinary: boolean) => ws.send(data, { binary: isBinary }));
      const seen: unknown[] = [];
      client.on('message', (data: Buffer, isBinary: boolean) => seen.push([data.length, isBinary]));
      for (const size of [0, 1, 1_000, 100_000]) client.send('x'.repeat(size));
      client.send(Buffer.alloc(5_000));
      await until(() => seen.length === 5, 'all');
      return seen;
    },
    expected: [
      [0, false],
      [1, false],
      [1_000, false],
      [100_000, false],
      [5_000, true],
    ],
  },
  {
    id: 'D8 L4',
    it: 'PerMessageDeflate.accept says what is wrong with an offer',
    run: (lib) => {
      const accept = (list: Settings[], options: Settings = {}): string =>
        thrown(() => new lib.PerMessageDeflate({ isServer: true, ...options }).accept(list));
      return [
        accept([{ server_no_context_takeover: [true, true] }]),
        accept([{ unknown: [true] }]),
        accept([{ server_max_window_bits: ['7'] }]),
        accept([{ server_max_window_bits: [true] }]),
        accept([{ client_max_window_bits: ['16'] }]),
        accept([{ server_no_context_takeover: ['1'] }]),
        accept([{}], { clientMaxWindowBits: 9 }),
        accept([{ client_no_context_takeover: [true] }], {
          isServer: false,
          clientNoContextTakeover: false,
        }),
        accept([{ client_max_window_bits: ['12'] }], { isServer: false, clientMaxWindowBits: 10 }),
      ];
    },
    expected: [
      'Error: Parameter "server_no_context_takeover" must have only a single value',
      'Error: Unknown parameter "unknown"',
      'TypeError: Invalid value for parameter "server_max_window_bits": 7',
      'TypeError: Invalid value for parameter "server_max_window_bits": true',
      'TypeError: Invalid value for parameter "client_max_window_bits": 16',
      'TypeError: Invalid value for parameter "server_no_context_takeover": 1',
      'Error: None of the extension offers can be accepted',
      'Error: Unexpected parameter "client_no_context_takeover"',
      'Error: Unexpected or invalid parameter "client_max_window_bits"',
    ],
  },
]);
