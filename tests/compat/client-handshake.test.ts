/** How a client checks the response, follows redirects and gives up. */

import type { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { until } from '../support/inbox.js';
import { keyOf, upgradeResponse } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import {
  closed,
  failing,
  next,
  type Requested,
  recordEvents,
  requested,
  type Settings,
  said,
  thrown,
} from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

type Answer = (key: string) => string;

/** What a client makes of an answer. */
async function judged(
  library: Library,
  scope: Scope,
  answer: Answer,
  options: Settings = {},
  protocols?: string | string[],
): Promise<string[]> {
  const scene = await requested(library, scope, options, protocols);
  scene.peer.write(answer(keyOf(scene.request)));
  return failing(scene);
}

/** A 101 whose lines are these and those that are needed. */
const lines =
  (...more: string[]): Answer =>
  (key) =>
    upgradeResponse(key, ...more);

const OFF = { perMessageDeflate: false };

/** A row for an answer that fails the handshake. */
const fails = (
  message: string,
  answer: Answer,
  options: Settings = {},
  protocols?: string[],
): Row => ({
  id: 'W7',
  it: message,
  run: (lib, scope) => judged(lib, scope, answer, options, protocols),
  expected: [`error ${message}`, 'close 1006'],
});

const status =
  (line: string, ...more: string[]): Answer =>
  () =>
    [`HTTP/1.1 ${line}`, ...more, 'Content-Length: 0', '', ''].join('\r\n');

interface Hop {
  url: string;
  headers: IncomingMessage['headers'];
}

/**
 * A client that is sent on to each of these; the last one accepts. Everything happens in memory:
 * whatever host is asked for, it is we who answer.
 */
async function redirected(
  library: Library,
  scope: Scope,
  locations: string[],
  options: Settings = {},
  prepare: (ws: Untyped) => void = () => {},
): Promise<{ ws: Untyped; hops: Hop[]; events: string[] }> {
  const hops: Hop[] = [];
  const http = createServer((request, response) => answer(request, response));
  http.on('upgrade', (request, socket) => answer(request, socket));
  const answer = (request: IncomingMessage, to: Untyped): void => {
    const location = locations[hops.length];
    const { url = '', headers } = request;
    hops.push({ url, headers });
    const key = String(headers['sec-websocket-key']);
    const text =
      location === undefined
        ? upgradeResponse(key)
        : `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
    to.write(text);
  };
  const createConnection = (): Untyped => {
    const [end, wire] = scope.wire();
    http.emit('connection', wire);
    return end;
  };
  const url = 'ws://first.example/start';
  const all = { createConnection, followRedirects: true, ...options };
  const ws = scope.track(new library(url, all));
  const events = recordEvents(ws);
  prepare(ws);
  await until(() => events.length > 0, 'open or error');
  return { ws, hops, events };
}

const SECRETS = {
  Authorization: 'Basic bWU6c2VjcmV0',
  Cookie: 'sid=1',
  Host: 'first.example',
  'X-Kept': 'yes',
};

/** Which of the secrets the last hop got. */
const told = ({ hops }: { hops: Hop[] }): unknown => {
  const { authorization, cookie, host, 'x-kept': kept } = hops.at(-1)?.headers ?? {};
  return [authorization !== undefined, cookie !== undefined, host, kept];
};

table([
  fails('Invalid Upgrade header', (key) =>
    upgradeResponse(key).replace('Upgrade: websocket', 'Upgrade: h2c'),
  ),
  fails('Invalid Sec-WebSocket-Accept header', () => upgradeResponse('another key')),
  fails('Invalid Sec-WebSocket-Accept header', (key) =>
    upgradeResponse(key).replace(/Sec-WebSocket-Accept.*\r\n/, ''),
  ),
  fails('Server sent a subprotocol but none was requested', lines('Sec-WebSocket-Protocol: a')),
  fails('Server sent an invalid subprotocol', lines('Sec-WebSocket-Protocol: c'), {}, ['a', 'b']),
  fails('Server sent no subprotocol', lines(), {}, ['a', 'b']),
  fails(
    'Server sent a Sec-WebSocket-Extensions header but no extension was requested',
    lines('Sec-WebSocket-Extensions: permessage-deflate'),
    OFF,
  ),
  fails(
    'Server indicated an extension that was not requested',
    lines('Sec-WebSocket-Extensions: x-other'),
  ),
  fails(
    'Server indicated an extension that was not requested',
    lines('Sec-WebSocket-Extensions: permessage-deflate, x-other'),
  ),
  fails('Invalid Sec-WebSocket-Extensions header', lines('Sec-WebSocket-Extensions: ;')),
  fails(
    'Invalid Sec-WebSocket-Extensions header',
    lines('Sec-WebSocket-Extensions: permessage-deflate; unknown'),
  ),
  {
    id: 'W7',
    it: 'the subprotocol is checked before the extensions',
    run: (lib, scope) =>
      judged(lib, scope, lines('Sec-WebSocket-Protocol: c', 'Sec-WebSocket-Extensions: ;')),
    expected: ['error Server sent a subprotocol but none was requested', 'close 1006'],
  },
  fails('Unexpected server response: 400', status('400 Bad Request')),
  fails('Unexpected server response: 200', status('200 OK')),
  fails('Unexpected server response: 302', status('302 Found', 'Location: ws://elsewhere')),
  {
    id: 'W7 W64 W63 B5',
    it: 'nobody listening: error with the code of the refused connection, then close',
    run: async (lib, scope) => {
      const server = createTcpServer();
      const port = await scope.listen(server);
      await new Promise<void>((done) => server.close(() => done()));
      const ws = scope.track(new lib(`ws://127.0.0.1:${port}`));
      const events = recordEvents(ws);
      let seen: unknown[] = [];
      ws.on('error', ({ code }: NodeJS.ErrnoException) => {
        seen = [code, ws.readyState];
      });
      await closed(ws);
      return [...seen, events[1]];
    },
    expected: ['ECONNREFUSED', 2, 'close 1006'],
  },
  {
    id: 'W7',
    it: 'a server that closes the connection: the error of Node',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const error = next<[NodeJS.ErrnoException]>(scene.ws, 'error');
      scene.peer.end();
      const [{ code, message }] = await error;
      return [code, message, await failing(scene)];
    },
    expected: ['ECONNRESET', 'socket hang up', ['error socket hang up', 'close 1006']],
  },
  ...['close', 'terminate'].map(
    (method): Row => ({
      id: 'W7 W45 W47 B5',
      it: `${method}() while connecting: error, then close`,
      run: async (lib, scope) => {
        const scene = await requested(lib, scope);
        const seen = [thrown(() => scene.ws[method]()), scene.ws.readyState, scene.events.length];
        return [seen, await failing(scene), scene.ws.readyState];
      },
      expected: [
        ['nothing', 2, 0],
        ['error WebSocket was closed before the connection was established', 'close 1006'],
        3,
      ],
    }),
  ),
  {
    id: 'W7',
    it: 'close() at once, before a connection was made',
    run: async (lib, scope) => {
      const [wire] = scope.wire();
      const ws = scope.track(new lib('ws://a.example', { createConnection: () => wire }));
      const events = recordEvents(ws);
      ws.close();
      await closed(ws);
      return events;
    },
    expected: ['error WebSocket was closed before the connection was established', 'close 1006'],
  },
  {
    id: 'W7',
    it: 'none of its own errors has a code',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const error = next<[NodeJS.ErrnoException]>(scene.ws, 'error');
      scene.peer.write(upgradeResponse('another key'));
      const [failure] = await error;
      return [said(failure), failure.code];
    },
    expected: ['Error: Invalid Sec-WebSocket-Accept header', undefined],
    differs: {
      expected: ['Error: Invalid Sec-WebSocket-Accept header', 'WS_ERR_INVALID_ACCEPT'],
      why: 'WS_ERR_* codes',
    },
  },
  {
    id: 'W7 W32',
    it: 'Upgrade in any case; the subprotocol that was chosen',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope, {}, ['a', 'b']);
      const open = next(scene.ws, 'open');
      const answer = upgradeResponse(keyOf(scene.request), 'Sec-WebSocket-Protocol: b');
      scene.peer.write(answer.replace('websocket', 'WebSocket'));
      await open;
      return [scene.ws.protocol, scene.ws.extensions, scene.ws.readyState];
    },
    expected: ['b', '', 1],
  },
  {
    id: 'W65 B4',
    it: 'upgrade has the response, before it is checked and before open',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      scene.ws.on('upgrade', ({ headers, statusCode }: IncomingMessage) => {
        scene.events.push(`upgrade ${statusCode} ${headers['set-cookie']}`);
      });
      scene.peer.write(upgradeResponse(keyOf(scene.request), 'Set-Cookie: a=1'));
      await until(() => scene.events.includes('open'), 'open');
      const other = await requested(lib, scope);
      other.ws.on('upgrade', () => other.events.push('upgrade'));
      other.peer.write(upgradeResponse('another key'));
      return [scene.events, await failing(other)];
    },
    expected: [
      ['upgrade 101 a=1', 'open'],
      ['upgrade', 'error Invalid Sec-WebSocket-Accept header', 'close 1006'],
    ],
  },
  ...['close', 'terminate'].map(
    (method): Row => ({
      id: 'W65',
      it: `${method}() in a listener of upgrade is heeded`,
      run: async (lib, scope) => {
        const scene = await requested(lib, scope);
        scene.ws.on('upgrade', () => scene.ws[method]());
        scene.peer.write(upgradeResponse(keyOf(scene.request)));
        return failing(scene);
      },
      expected: ['error WebSocket was closed before the connection was established', 'close 1006'],
    }),
  ),
  {
    id: 'W66 B4',
    it: 'a listener of unexpected-response owns the answer; the state stays CONNECTING',
    run: async (lib, scope) => {
      const scene = await requested(lib, scope);
      const unexpected = next<[Untyped, IncomingMessage]>(scene.ws, 'unexpected-response');
      scene.peer.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno!');
      const [request, response] = await unexpected;
      let body = '';
      for await (const chunk of response) body += chunk;
      const seen = [typeof request.destroy, response.statusCode, body, scene.ws.readyState];
      request.destroy();
      const before = [...scene.events];
      scene.ws.terminate();
      return [seen, before, await failing(scene)];
    },
    expected: [
      ['function', 401, 'no!', 0],
      [],
      ['error WebSocket was closed before the connection was established', 'close 1006'],
    ],
  },
  {
    id: 'W15',
    it: 'followRedirects goes where Location says, relative to where it is',
    run: async (lib, scope) => {
      const { ws, hops, events } = await redirected(lib, scope, ['/second?a=b', 'third']);
      return [hops.map(({ url }) => url), ws.url, events];
    },
    expected: [['/start', '/second?a=b', '/third'], 'ws://first.example/third', ['open']],
  },
  {
    id: 'W15 V8.14',
    it: 'a redirect to http is one to ws',
    run: async (lib, scope) => (await redirected(lib, scope, ['http://other.example/b'])).ws.url,
    expected: 'ws://other.example/b',
  },
  {
    id: 'W15 W7',
    it: 'more redirects than maxRedirects',
    run: async (lib, scope) => {
      const { ws, hops, events } = await redirected(lib, scope, ['/1', '/2', '/3'], {
        maxRedirects: 2,
      });
      await closed(ws);
      return [hops.length, events];
    },
    expected: [3, ['error Maximum redirects exceeded', 'close 1006']],
  },
  {
    id: 'W15',
    it: 'maxRedirects is 10',
    run: async (lib, scope) => {
      const { hops, events } = await redirected(lib, scope, Array(20).fill('/again'));
      return [hops.length, events[0]];
    },
    expected: [11, 'error Maximum redirects exceeded'],
  },
  ...[
    ['ws://', 'Invalid URL: ws://'],
    [
      'ftp://a.example',
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    ],
    ['/a#b', 'The URL contains a fragment identifier'],
  ].map(
    ([location = '', message]): Row => ({
      id: 'W7 W1 W2 W4',
      it: `a redirect to ${location} fails with error and close`,
      run: async (lib, scope) => {
        let failure: unknown;
        const { ws, events } = await redirected(lib, scope, [location], {}, (client) => {
          client.on('error', (error: Error) => {
            failure = error.name;
          });
        });
        await closed(ws);
        return [failure, events];
      },
      expected: ['SyntaxError', [`error ${message}`, 'close 1006']],
    }),
  ),
  {
    id: 'W15 V8.5',
    it: 'a redirect to the same host keeps the headers, names in lower case',
    run: async (lib, scope) => {
      const options = { headers: SECRETS };
      return told(await redirected(lib, scope, ['/b'], options));
    },
    expected: [true, true, 'first.example', 'yes'],
  },
  {
    id: 'W15 V8.5',
    it: 'a redirect to another host takes off Authorization, Cookie and Host',
    run: async (lib, scope) => {
      const options = { headers: SECRETS };
      return told(await redirected(lib, scope, ['ws://other.example/'], options));
    },
    expected: [false, false, 'other.example', 'yes'],
  },
  {
    id: 'W15 V8.5',
    it: 'and does not use option auth, nor the credentials of the first URL',
    run: async (lib, scope) => {
      const options = { auth: 'me:secret' };
      return [
        told(await redirected(lib, scope, ['ws://other.example/'], options)),
        told(await redirected(lib, scope, ['/b'], options)),
      ];
    },
    expected: [
      [false, false, 'other.example', undefined],
      [true, false, 'first.example', undefined],
    ],
  },
  {
    id: 'W67 V8.6',
    it: 'redirect has URL and request, and a listener decides what headers go on',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      const prepare = (ws: EventEmitter): void => {
        ws.on('redirect', (url: string, request: Untyped) => {
          seen.push(url, request.getHeader('cookie'));
          request.removeHeader('cookie');
        });
      };
      const options = { headers: SECRETS };
      const played = await redirected(lib, scope, ['ws://other.example/a'], options, prepare);
      return [seen, told(played)];
    },
    expected: [
      ['ws://other.example/a', 'sid=1'],
      [true, false, 'first.example', 'yes'],
    ],
  },
  {
    id: 'W19 W15',
    it: 'finishRequest is called for every hop',
    run: async (lib, scope) => {
      let calls = 0;
      const finishRequest = (request: Untyped): void => {
        request.setHeader('X-Kept', String(++calls));
        request.end();
      };
      const { hops } = await redirected(lib, scope, ['/1', '/2'], { finishRequest });
      return hops.map(({ headers }) => headers['x-kept']);
    },
    expected: ['1', '2', '3'],
  },
  {
    id: 'T2',
    it: 'what comes behind the answer is delivered after open',
    run: async (lib, scope) => {
      const scene: Requested = await requested(lib, scope);
      const { key } = { key: keyOf(scene.request) };
      const frame = Buffer.from([0x81, 1, 0x61]);
      scene.peer.write(Buffer.concat([Buffer.from(upgradeResponse(key)), frame]));
      await until(() => scene.events.length === 2, 'a message');
      return scene.events;
    },
    expected: ['open', 'message a'],
  },
]);
