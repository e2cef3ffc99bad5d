/** True, false and null options of a client, and options that change. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { runInNewContext } from 'node:vm';
import { frame, OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { keyOf, upgradeResponse } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import { connected, failing, next, requested, type Settings, thrown } from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

const FALSE = [false, null, 0, ''];
const TRUE = [true, 1, 'yes', {}];

/** The extensions that a request offers, for each value of `perMessageDeflate`. */
async function offers(library: Library, scope: Scope, values: unknown[]): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (const perMessageDeflate of values) {
    const { request } = await requested(library, scope, { perMessageDeflate });
    seen.push(request.all('sec-websocket-extensions').length);
  }
  return seen;
}

/** What an open client makes of a frame. */
async function received(
  library: Library,
  scope: Scope,
  options: Settings,
  bytes: Buffer,
): Promise<unknown> {
  const { peer, events } = await connected(library, scope, options);
  peer.write(bytes);
  await until(() => events.length > 1, 'an event');
  return events[1];
}

/** A client whose options are changed while it connects. */
async function changed(
  library: Library,
  scope: Scope,
  options: Settings,
  later: Settings,
): Promise<Untyped> {
  const scene = await requested(library, scope, options);
  return { ...scene, open: () => openAfter(scene, () => Object.assign(options, later)) };
}

async function openAfter(scene: Untyped, change: () => unknown): Promise<void> {
  change();
  const open = next(scene.ws, 'open');
  scene.peer.write(upgradeResponse(keyOf(scene.request)));
  await open;
}

/** A row for an exception that the constructor throws, or that `ws` does not throw. */
const checked = (options: Settings, ws: string, ours: string, why: string): Row => ({
  id: 'W14 W15 W17',
  it: `${Object.keys(options)}: ${String(Object.values(options))}`,
  run: async (lib, scope) => {
    try {
      await requested(lib, scope, options);
      return 'nothing';
    } catch (error) {
      return (error as Error).name;
    }
  },
  expected: ws,
  ...(ws === ours ? {} : { differs: { expected: ours, why } }),
});

const CHECKED = 'a number that makes no sense is an exception, for each option';

table([
  {
    id: 'W16',
    it: 'perMessageDeflate: every true value offers, every false one does not',
    run: async (lib, scope) => [
      await offers(lib, scope, TRUE),
      await offers(lib, scope, FALSE),
      await offers(lib, scope, [undefined]),
    ],
    expected: [[1, 1, 1, 1], [0, 0, 0, 0], [0]],
    differs: {
      expected: [[1, 1, 1, 1], [0, 0, 0, 0], [1]],
      why: 'undefined means the default everywhere',
    },
  },
  {
    id: 'W17',
    it: 'skipUTF8Validation: every true value skips',
    run: async (lib, scope) => {
      const bytes = frame({ payload: Buffer.from([0xff]) });
      const seen: unknown[] = [];
      for (const skipUTF8Validation of [...TRUE, ...FALSE]) {
        const event = await received(lib, scope, { skipUTF8Validation }, bytes);
        seen.push(String(event).split(' ')[0]);
      }
      return seen;
    },
    expected: [...Array(4).fill('message'), ...Array(4).fill('error')],
  },
  {
    id: 'W17',
    it: 'autoPong: every false value answers no Ping',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const autoPong of [...TRUE, ...FALSE]) {
        const { peer, inbox, events } = await connected(lib, scope, { autoPong });
        peer.write(frame({ opcode: OPCODE.PING }));
        await until(() => events.length > 1, 'a Ping');
        await turns();
        seen.push(inbox.peek().length > 0);
      }
      return seen;
    },
    expected: [...Array(4).fill(true), ...Array(4).fill(false)],
  },
  {
    id: 'W19',
    it: 'finishRequest: every false value is none',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const finishRequest of [...FALSE, undefined]) {
        seen.push((await requested(lib, scope, { finishRequest })).request.startLine);
      }
      return seen;
    },
    expected: Array(5).fill('GET /chat HTTP/1.1'),
  },
  {
    id: 'W15',
    it: 'followRedirects: every true value follows',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const followRedirects of [...TRUE, ...FALSE]) {
        const scene = await requested(lib, scope, { followRedirects, maxRedirects: 0 });
        scene.peer.write('HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n');
        seen.push((await failing(scene))[0]);
      }
      return seen;
    },
    expected: [
      ...Array(4).fill('error Maximum redirects exceeded'),
      ...Array(4).fill('error Unexpected server response: 302'),
    ],
  },
  {
    id: 'W13 W12 W18 W20',
    it: 'null or false headers, origin, auth, agent, generateMask, lookup and signal are none',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const none of [null, false]) {
        const { request } = await requested(lib, scope, {
          headers: none,
          origin: none,
          auth: none,
          generateMask: none,
          lookup: none,
          signal: none,
          ...(none === null ? { agent: none } : {}),
        });
        seen.push(request.fields.map(([name]) => name).join());
      }
      return seen;
    },
    expected: Array(2).fill(
      'Sec-WebSocket-Version,Sec-WebSocket-Key,Connection,Upgrade,Sec-WebSocket-Extensions,Host',
    ),
  },
  {
    id: 'W10',
    it: 'null in the place of options, or what is no object, means none',
    run: (lib, scope) =>
      [null, undefined, false, 5, 'x', () => {}].map((options) =>
        thrown(() => scope.track(new lib('ws+unix:/nowhere.sock', [], options))),
      ),
    expected: Array(6).fill('nothing'),
  },
  {
    id: 'W10 W6',
    it: 'null in the place of subprotocols is no subprotocol',
    run: (lib) => thrown(() => new lib('ws://localhost', null)),
    expected: 'SyntaxError: An invalid or duplicated subprotocol was specified',
  },
  checked({ handshakeTimeout: -1 }, 'RangeError', 'RangeError', ''),
  checked({ handshakeTimeout: Number.NaN }, 'RangeError', 'RangeError', ''),
  checked({ handshakeTimeout: true }, 'TypeError', 'TypeError', ''),
  checked({ handshakeTimeout: '10s' }, 'TypeError', 'TypeError', ''),
  checked({ handshakeTimeout: '100' }, 'TypeError', 'nothing', 'a number as text is a number'),
  checked({ handshakeTimeout: null }, 'TypeError', 'nothing', 'null means the default'),
  checked({ handshakeTimeout: Infinity }, 'RangeError', 'nothing', 'Infinity is no limit'),
  checked({ maxRedirects: -1 }, 'nothing', 'RangeError', CHECKED),
  checked({ maxRedirects: 'many' }, 'nothing', 'TypeError', CHECKED),
  checked({ maxPayload: '1mb' }, 'nothing', 'TypeError', CHECKED),
  checked({ maxPayload: -1 }, 'nothing', 'RangeError', CHECKED),
  checked({ closeTimeout: Number.NaN }, 'nothing', 'RangeError', CHECKED),
  checked({ createConnection: {}, agent: {} }, 'TypeError', 'TypeError', ''),
  checked({ setHost: true }, 'nothing', 'nothing', ''),
  checked({ setHost: false, headers: { host: 'a' } }, 'nothing', 'nothing', ''),
  checked({ setHost: false }, 'nothing', 'TypeError', 'RFC 6455 §4.1: a request MUST have a Host'),
  {
    id: 'W15',
    it: 'maxRedirects: null',
    run: async (lib, scope) => {
      const options = { followRedirects: true, maxRedirects: null };
      const scene = await requested(lib, scope, options);
      scene.peer.write('HTTP/1.1 302 x\r\nLocation: ftp://a\r\nContent-Length: 0\r\n\r\n');
      return (await failing(scene))[0]?.slice(0, 24);
    },
    expected: 'error Maximum redirects ',
    differs: { expected: "error The URL's protocol", why: 'null means the default' },
  },
  {
    id: 'W17',
    it: 'options that are changed while connecting have no effect',
    run: async (lib, scope) => {
      const limited = await changed(lib, scope, { maxPayload: 3 }, { maxPayload: 0 });
      await limited.open();
      limited.peer.write(frame({ payload: 'long' }));
      await until(() => limited.events.length > 1, 'an event');
      const later = { autoPong: false, skipUTF8Validation: true };
      const strict = await changed(lib, scope, {}, later);
      await strict.open();
      strict.peer.write(frame({ opcode: OPCODE.PING }));
      const pong = await strict.inbox.frame();
      strict.peer.write(frame({ payload: Buffer.from([0xff]) }));
      await until(() => strict.events.length > 2, 'an event');
      return [limited.events[1], pong.opcode, String(strict.events[2]).split(':')[0]];
    },
    expected: ['error Max payload size exceeded', OPCODE.PONG, 'error Invalid WebSocket frame'],
  },
  {
    id: 'W10 W13',
    it: 'objects and arrays of another realm, and without a prototype',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const headers of [
        runInNewContext("({ 'X-Mine': 'a', 'X-Many': ['b', 'c'] })"),
        Object.assign(Object.create(null), { 'X-Mine': 'a', 'X-Many': ['b', 'c'] }),
      ]) {
        const protocols = runInNewContext("['x', 'y']");
        const { request } = await requested(lib, scope, { headers }, protocols);
        seen.push([
          request.all('x-mine'),
          request.all('x-many'),
          request.all('sec-websocket-protocol').join().replace(' ', ''),
        ]);
      }
      return seen;
    },
    expected: Array(2).fill([['a'], ['b', 'c'], 'x,y']),
  },
  {
    id: 'W31',
    it: 'a String, a URL of another class, an array of one string as the address',
    run: async (lib, scope) => {
      const text = 'ws://server.example.com/a';
      const seen: unknown[] = [];
      for (const address of [
        new String(text),
        runInNewContext(`new String('${text}')`),
        { href: 'ws://other', toString: () => text },
        [text],
      ]) {
        seen.push((await requested(lib, scope, {}, undefined, address as string)).ws.url);
      }
      return seen;
    },
    expected: Array(4).fill('ws://server.example.com/a'),
  },
  {
    id: 'W66',
    it: 'a 101 without Upgrade or Connection is offered to unexpected-response',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const name of ['Upgrade', 'Connection']) {
        const scene = await requested(lib, scope);
        const unexpected = next<[ClientRequest, IncomingMessage]>(scene.ws, 'unexpected-response');
        const whole = upgradeResponse(keyOf(scene.request));
        scene.peer.write(whole.replace(new RegExp(`${name}: .*\r\n`), ''));
        seen.push((await unexpected)[1].statusCode, scene.ws.readyState);
        scene.ws.terminate();
        await failing(scene);
      }
      return seen;
    },
    expected: [101, 0, 101, 0],
  },
  {
    id: 'W66 W7',
    it: 'and without a listener',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const whole = upgradeResponse(keyOf(scene.request));
      scene.peer.write(whole.replace(/Upgrade: .*\r\n/, ''));
      return failing(scene);
    },
    expected: ['error Unexpected server response: 101', 'close 1006'],
    differs: {
      expected: ['error Invalid Upgrade header', 'close 1006'],
      why: 'what is wrong with it is said',
    },
  },
  {
    id: 'W7',
    it: 'a status line of HTTP/1.0',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      scene.peer.write(upgradeResponse(keyOf(scene.request)).replace('HTTP/1.1', 'HTTP/1.0'));
      await until(() => scene.events.length > 0, 'an event');
      return scene.events[0];
    },
    expected: 'open',
    differs: {
      expected: 'error Invalid HTTP version: HTTP/1.1 or higher is needed',
      why: 'RFC 6455 §4.1, §4.2.2',
    },
  },
  {
    id: 'W7 W63',
    it: 'readyState is CLOSING as soon as a handshake has failed',
    run: async (lib, scope) => {
      const states: unknown[] = [];
      for (const bad of [upgradeResponse('x'), 'HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n']) {
        const scene = await requested(lib, scope);
        const note = (): void => void states.push(scene.ws.readyState);
        scene.ws._req.on('response', note).on('upgrade', note);
        scene.peer.write(bad);
        await failing(scene);
      }
      return states;
    },
    expected: [2, 2],
  },
]);
