/** The request of a client, and the options that change it. */

import { createServer } from 'node:net';
import { keyOf } from '../support/requests.js';
import {
  closed,
  connected,
  connectionOptions,
  type Requested,
  recordEvents,
  requested,
} from './scene.js';
import type { Untyped } from './subjects.js';
import { table } from './table.js';

/** The fields of a request whose values do not change from run to run. */
const fieldsOf = ({ request }: Requested): [string, string][] =>
  request.fields.map(([name, value]) => [name, name === 'Sec-WebSocket-Key' ? '…' : value]);

async function hex(inbox: Untyped, length: number): Promise<string> {
  return (await inbox.take(length)).toString('hex');
}

table([
  {
    id: 'W13 W12 W16',
    it: 'the request, field by field',
    run: async (lib, scope) => {
      const options = { headers: { 'X-Mine': 'a', Cookie: ['a=1', 'b=2'] }, origin: 'http://a' };
      const scene = await requested(lib, scope, options, ['a']);
      return [scene.request.startLine, fieldsOf(scene)];
    },
    expected: [
      'GET /chat HTTP/1.1',
      [
        ['X-Mine', 'a'],
        ['Cookie', 'a=1; b=2'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', '…'],
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'],
        ['Sec-WebSocket-Protocol', 'a'],
        ['Origin', 'http://a'],
        ['Host', 'server.example.com'],
      ],
    ],
  },
  {
    id: 'W13',
    it: 'the fields of the handshake are not overridden by headers',
    run: async (lib, scope) => {
      const headers = {
        'Sec-WebSocket-Version': '7',
        'Sec-WebSocket-Key': 'mine',
        Connection: 'close',
        Upgrade: 'h2c',
      };
      const { request } = await requested(lib, scope, { headers });
      return [
        request.all('sec-websocket-version'),
        keyOf(request).length,
        request.all('connection'),
        request.all('upgrade'),
      ];
    },
    expected: [['13'], 24, ['Upgrade'], ['websocket']],
  },
  {
    id: 'W13',
    it: 'Host and Origin may be given among the headers',
    run: async (lib, scope) => {
      const headers = { Host: 'other.example', Origin: 'http://b' };
      const { request } = await requested(lib, scope, { headers });
      return [request.all('host'), request.all('origin')];
    },
    expected: [['other.example'], ['http://b']],
  },
  {
    id: 'W14',
    it: 'handshakeTimeout ends a handshake that takes too long',
    run: async (lib, scope) => {
      const port = await scope.listen(createServer());
      const ws = scope.track(new lib(`ws://127.0.0.1:${port}`, { handshakeTimeout: 20 }));
      const events = recordEvents(ws);
      await closed(ws);
      return events;
    },
    expected: ['error Opening handshake has timed out', 'close 1006'],
  },
  {
    id: 'W16',
    it: 'perMessageDeflate: false offers nothing; an object says what to offer',
    run: async (lib, scope) => {
      const seen: unknown[] = [];
      for (const perMessageDeflate of [
        undefined,
        true,
        false,
        {},
        { clientMaxWindowBits: 10, serverMaxWindowBits: 9, serverNoContextTakeover: true },
      ]) {
        const options = perMessageDeflate === undefined ? {} : { perMessageDeflate };
        const { request } = await requested(lib, scope, options);
        seen.push(...request.all('sec-websocket-extensions'), '|');
      }
      return seen.join(' ');
    },
    expected: [
      'permessage-deflate; client_max_window_bits |',
      'permessage-deflate; client_max_window_bits |',
      '|',
      'permessage-deflate; client_max_window_bits |',
      'permessage-deflate; server_no_context_takeover; server_max_window_bits=9;',
      'client_max_window_bits=10 |',
    ].join(' '),
  },
  {
    id: 'W18 V8.4',
    it: 'generateMask fills the four bytes of each masking key',
    run: async (lib, scope) => {
      let count = 0;
      const lengths: unknown[] = [];
      const generateMask = (mask: Buffer): void => {
        lengths.push([Buffer.isBuffer(mask), mask.length]);
        mask.fill(++count);
      };
      const { ws, inbox } = await connected(lib, scope, { generateMask });
      ws.send('abc');
      ws.ping();
      return [String(await hex(inbox, 9)), String(await hex(inbox, 6)), lengths];
    },
    expected: [
      '818301010101606362',
      '898002020202',
      [
        [true, 4],
        [true, 4],
      ],
    ],
  },
  {
    id: 'W18',
    it: 'a key of zeroes leaves the payload as it is',
    run: async (lib, scope) => {
      const generateMask = (mask: Buffer): void => {
        mask.fill(0);
      };
      const { ws, inbox } = await connected(lib, scope, { generateMask });
      ws.send('abc');
      return hex(inbox, 9);
    },
    expected: '818300000000616263',
  },
  {
    id: 'W19 V8.13',
    it: 'finishRequest finishes the request before it is sent',
    run: async (lib, scope) => {
      let same: unknown;
      const finishRequest = (request: Untyped, ws: Untyped): void => {
        same = ws instanceof lib;
        request.setHeader('X-Late', 'yes');
        setImmediate(() => request.end());
      };
      const { request } = await requested(lib, scope, { finishRequest });
      return [same, request.all('x-late')];
    },
    expected: [true, ['yes']],
  },
  {
    id: 'W20 V8.17',
    it: 'createConnection is asked for the connection, with host and port',
    run: async (lib, scope) => {
      const { host, port } = await connectionOptions(lib, scope, 'ws://server.example.com:8080/a');
      return [host, Number(port)];
    },
    expected: ['server.example.com', 8080],
  },
  {
    id: 'W21 W20',
    it: 'the port is 80 or 443, or defaultPort',
    run: async (lib, scope) => [
      Number((await connectionOptions(lib, scope, 'ws://a.example')).port),
      Number((await connectionOptions(lib, scope, 'wss://a.example')).port),
      (await connectionOptions(lib, scope, 'ws://a.example', { defaultPort: 9 })).defaultPort,
    ],
    expected: [80, 443, 9],
  },
  {
    id: 'W22',
    it: 'what says where to go comes from the URL, whatever the options say',
    run: async (lib, scope) => {
      const options = {
        socketPath: '/nowhere',
        hostname: 'nowhere',
        protocol: 'ftp:',
        timeout: 1,
        method: 'POST',
        host: 'nowhere',
        path: '/nowhere',
        port: 1,
      };
      const { request } = await requested(lib, scope, options);
      const responseTo = await connectionOptions(lib, scope, 'ws://a.example:7/b', options);
      const { socketPath, hostname, timeout, host, port } = responseTo;
      return [request.startLine, request.all('host'), socketPath, hostname, timeout, host, port];
    },
    expected: [
      'GET /chat HTTP/1.1',
      ['server.example.com'],
      undefined,
      undefined,
      undefined,
      'a.example',
      '7',
    ],
  },
]);
