/** How a server checks and answers an opening handshake. */

import { Inbox, until } from '../support/inbox.js';
import { SAMPLE_ACCEPT, upgradeRequest } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import { accepted, next, requestOf, responseTo, type Settings } from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { table } from './table.js';

/** What a request with these differences is answered: status and body. */
async function answerTo(
  library: Library,
  scope: Scope,
  parts: Settings,
  options: Settings = {},
): Promise<[status: number, body: string]> {
  const { fields, ...rest } = parts;
  const [peer, wire] = scope.wire();
  const inbox = new Inbox(peer);
  const wss = new library.WebSocketServer({ noServer: true, ...options });
  const request = { ...requestOf(wire, fields as Settings), ...rest };
  wss.handleUpgrade(request, wire, Buffer.alloc(0), (ws: Untyped) => scope.track(ws));
  const { status, body } = await inbox.message();
  return [status, String(body)];
}

const KEY_MESSAGE = 'Missing or invalid Sec-WebSocket-Key header';
const VERSION_MESSAGE = 'Missing or invalid Sec-WebSocket-Version header';
const OFFER_MESSAGE = 'Invalid or unacceptable Sec-WebSocket-Extensions header';

const DEFLATE = { perMessageDeflate: true };

const offering = (offer: string): Settings => ({ fields: { 'sec-websocket-extensions': offer } });

/** The extension that is agreed on for this offer, or the status of the refusal. */
async function agreed(lib: Library, scope: Scope, offer: string): Promise<unknown> {
  const fields = offering(offer)['fields'] as Settings;
  const { answer } = await accepted(lib, scope, DEFLATE, fields);
  return answer.all('sec-websocket-extensions');
}

/** A request with several faults: the first that is looked at decides. */
function faulty(...faults: string[]): Settings {
  const fields: Settings = {};
  if (faults.includes('upgrade')) fields['upgrade'] = 'h2c';
  if (faults.includes('key')) fields['sec-websocket-key'] = 'short';
  if (faults.includes('version')) fields['sec-websocket-version'] = '7';
  if (faults.includes('protocol')) fields['sec-websocket-protocol'] = ',';
  if (faults.includes('extensions')) fields['sec-websocket-extensions'] = ';';
  return {
    fields,
    ...(faults.includes('method') ? { method: 'POST' } : {}),
    ...(faults.includes('path') ? { url: '/other' } : {}),
  };
}

const ORDER = ['method', 'upgrade', 'key', 'version', 'path', 'protocol', 'extensions'];

table([
  {
    id: 'R.method',
    it: 'a method other than GET is answered 405',
    run: (lib, scope) => answerTo(lib, scope, { method: 'POST' }),
    expected: [405, 'Invalid HTTP method'],
  },
  {
    id: 'R.upgrade V8.7',
    it: 'an Upgrade that is missing or not websocket is answered 400; its case is free',
    run: async (lib, scope) => [
      await answerTo(lib, scope, { fields: { upgrade: undefined } }),
      await answerTo(lib, scope, { fields: { upgrade: 'h2c' } }),
      (await answerTo(lib, scope, { fields: { upgrade: 'WebSocket' } }))[0],
    ],
    expected: [[400, 'Invalid Upgrade header'], [400, 'Invalid Upgrade header'], 101],
  },
  {
    id: 'R.key',
    it: 'a key that is missing or not 22 letters and == is answered 400',
    run: async (lib, scope) => {
      const keys = [
        undefined,
        '',
        'P5l8BJcZwRc=',
        'dGhlIHNhbXBsZSBub25jZQ=',
        `${'é'.repeat(22)}==`,
      ];
      const answers: unknown[] = [];
      for (const key of keys) {
        answers.push(await answerTo(lib, scope, { fields: { 'sec-websocket-key': key } }));
      }
      return answers;
    },
    expected: Array(5).fill([400, KEY_MESSAGE]),
  },
  {
    id: 'R.version',
    it: 'a version other than 13 is refused',
    run: async (lib, scope) => [
      await answerTo(lib, scope, { fields: { 'sec-websocket-version': undefined } }),
      await answerTo(lib, scope, { fields: { 'sec-websocket-version': '12' } }),
    ],
    expected: [
      [400, VERSION_MESSAGE],
      [400, VERSION_MESSAGE],
    ],
    differs: {
      expected: [
        [426, VERSION_MESSAGE],
        [426, VERSION_MESSAGE],
      ],
      why: '426 with Sec-WebSocket-Version: 13 (RFC 6455 §4.4)',
    },
  },
  {
    id: 'R.version',
    it: 'the refusal of a version says which would do',
    run: async (lib, scope) => {
      const request = upgradeRequest({ set: { 'Sec-WebSocket-Version': '25' } });
      const { all } = await responseTo(lib, scope, {}, request);
      return all('sec-websocket-version');
    },
    expected: ['13, 8'],
    differs: { expected: ['13'], why: 'RFC 6455 is version 13' },
  },
  {
    id: 'R.version S14',
    it: 'version 8, a draft, is accepted',
    run: async (lib, scope) => {
      let origin: unknown = 'never asked';
      const verifyClient = (info: Untyped): boolean => {
        origin = info.origin;
        return true;
      };
      const fields = { 'sec-websocket-version': '8', 'sec-websocket-origin': 'http://draft' };
      return [(await answerTo(lib, scope, { fields }, { verifyClient }))[0], origin];
    },
    expected: [101, 'http://draft'],
    differs: { expected: [426, 'never asked'], why: 'not supported' },
  },
  {
    id: 'R.shouldHandle S34',
    it: 'a request that is not to be handled is answered 400, never by wsClientError',
    run: async (lib, scope) => {
      let told = 0;
      const { status, body } = await responseTo(lib, scope, {}, upgradeRequest(), (wss) => {
        wss.shouldHandle = () => false;
        wss.on('wsClientError', () => told++);
      });
      return [status, String(body), told];
    },
    expected: [400, 'Bad Request', 0],
  },
  {
    id: 'R.shouldHandle S6',
    it: 'another path than the one of the option is refused, never by wsClientError',
    run: async (lib, scope) => {
      let told = 0;
      const options = { path: '/ours' };
      const { status, body } = await responseTo(lib, scope, options, upgradeRequest(), (wss) => {
        wss.on('wsClientError', () => told++);
      });
      return [status, String(body), told];
    },
    expected: [400, 'Bad Request', 0],
    differs: { expected: [404, 'Not Found', 0], why: '404 (RFC 6455 §4.2.2)' },
  },
  {
    id: 'R.protocol V8.0',
    it: 'a list of subprotocols with bad syntax or a duplicate is answered 400',
    run: async (lib, scope) => {
      const answers: unknown[] = [];
      for (const list of ['', 'a,', ',a', 'a b', 'a,,b', 'a, a', 'a;b', 'ä']) {
        answers.push(await answerTo(lib, scope, { fields: { 'sec-websocket-protocol': list } }));
      }
      return answers;
    },
    expected: Array(8).fill([400, 'Invalid Sec-WebSocket-Protocol header']),
  },
  {
    id: 'R.extensions V8.0',
    it: 'extensions with bad syntax are answered 400 when compression is on',
    run: async (lib, scope) => {
      const answers: unknown[] = [];
      for (const offer of ['', ';', 'a;', 'a,', 'permessage-deflate; =1', 'a b', 'a; b="c']) {
        answers.push(await answerTo(lib, scope, offering(offer), DEFLATE));
      }
      return answers;
    },
    expected: Array(7).fill([400, OFFER_MESSAGE]),
  },
  {
    id: 'R.extensions',
    it: 'extensions are not looked at when compression is off',
    run: async (lib, scope) => (await answerTo(lib, scope, offering('; nonsense')))[0],
    expected: 101,
    differs: { expected: 400, why: 'RFC 6455 §9.1: a field that breaks the grammar fails' },
  },
  {
    id: 'R.extensions',
    it: 'an offer of permessage-deflate that nobody can accept',
    run: async (lib, scope) => {
      const answers: unknown[] = [];
      for (const offer of [
        'permessage-deflate; unknown',
        'permessage-deflate; server_max_window_bits=7',
        'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
        'permessage-deflate; unknown, permessage-deflate; client_max_window_bits',
      ]) {
        answers.push((await answerTo(lib, scope, offering(offer), DEFLATE))[0]);
      }
      return answers;
    },
    expected: [400, 400, 400, 400],
    differs: { expected: [101, 101, 101, 101], why: 'declined, the next one is tried' },
  },
  {
    id: 'R.unknown-extension',
    it: 'extensions of other names are ignored',
    run: async (lib, scope) => [
      await agreed(lib, scope, 'x-webkit-deflate-frame; a; b="c"'),
      await agreed(lib, scope, 'foo, permessage-deflate'),
    ],
    expected: [[], ['permessage-deflate']],
  },
  {
    id: 'R.verifyClient S14',
    it: 'verifyClient that says no is answered 401, or as it likes',
    run: async (lib, scope) => {
      type Answer = (...args: unknown[]) => void;
      const answers: unknown[] = [];
      for (const verifyClient of [
        () => false,
        (_: unknown, answer: Answer) => answer(false),
        (_: unknown, answer: Answer) => answer(false, 404),
        (_: unknown, answer: Answer) => setImmediate(answer, false, 418, 'short and stout'),
      ]) {
        answers.push(await answerTo(lib, scope, {}, { verifyClient }));
      }
      return answers;
    },
    expected: [
      [401, 'Unauthorized'],
      [401, 'Unauthorized'],
      [404, 'Not Found'],
      [418, 'short and stout'],
    ],
  },
  {
    id: 'R.verifyClient S14',
    it: 'verifyClient may add headers to its refusal; the reason phrase is the standard one',
    run: async (lib, scope) => {
      const headers = { 'Retry-After': 120, 'X-Why': 'busy' };
      const verifyClient = (_: unknown, answer: Untyped): void =>
        answer(false, 503, 'come back', headers);
      const answer = await responseTo(lib, scope, { verifyClient }, upgradeRequest());
      const names = ['retry-after', 'x-why'].map((name) => answer.all(name));
      return [answer.startLine, names, String(answer.body)];
    },
    expected: ['HTTP/1.1 503 Service Unavailable', [['120'], ['busy']], 'come back'],
  },
  {
    id: 'R.closing S33',
    it: 'a server that is closing answers 503',
    run: (lib, scope) => {
      const [peer, wire] = scope.wire();
      const wss = new lib.WebSocketServer({ noServer: true });
      wss.close();
      wss.handleUpgrade(requestOf(wire), wire, Buffer.alloc(0), () => {});
      return new Inbox(peer).message().then(({ status, body }) => [status, String(body)]);
    },
    expected: [503, 'Service Unavailable'],
  },
  {
    id: 'R.plain S1',
    it: 'a request without upgrade on a port of our own is answered 426 in plain text',
    run: async (lib, scope) => {
      const wss = new lib.WebSocketServer({ port: 0, host: '127.0.0.1' });
      scope.later(() => new Promise<void>((done) => wss.close(() => done())));
      await next(wss, 'listening');
      const inbox = new Inbox(await scope.connect(wss.address().port));
      (inbox.stream as Untyped).write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const { startLine, all, body } = await inbox.message();
      return [startLine, all('content-type'), String(body)];
    },
    expected: ['HTTP/1.1 426 Upgrade Required', ['text/plain'], 'Upgrade Required'],
  },
  {
    id: 'R.order',
    it: 'the first fault decides, in this order',
    run: async (lib, scope) => {
      const bodies: unknown[] = [];
      for (let from = 0; from < ORDER.length; from++) {
        const options = { path: '/chat', ...DEFLATE };
        bodies.push((await answerTo(lib, scope, faulty(...ORDER.slice(from)), options))[1]);
      }
      return bodies;
    },
    expected: [
      'Invalid HTTP method',
      'Invalid Upgrade header',
      KEY_MESSAGE,
      VERSION_MESSAGE,
      'Bad Request',
      'Invalid Sec-WebSocket-Protocol header',
      OFFER_MESSAGE,
    ],
    differs: {
      expected: [
        'Invalid HTTP method',
        'Invalid Upgrade header',
        KEY_MESSAGE,
        VERSION_MESSAGE,
        'Not Found',
        'Invalid Sec-WebSocket-Protocol header',
        OFFER_MESSAGE,
      ],
      why: 'a path that does not match is answered 404',
    },
  },
  {
    id: 'R.order',
    it: 'verifyClient is asked only when nothing is wrong',
    run: async (lib, scope) => {
      let questions = 0;
      const verifyClient = (): boolean => {
        questions++;
        return false;
      };
      for (const fault of ORDER) {
        const options = { path: '/chat', verifyClient, ...DEFLATE };
        await answerTo(lib, scope, faulty(fault), options);
      }
      return questions;
    },
    expected: 0,
  },
  {
    id: 'R.refusal',
    it: 'a refusal says how long it is and closes the connection',
    run: async (lib, scope) => {
      const [peer, wire] = scope.wire();
      const inbox = new Inbox(peer);
      const wss = new lib.WebSocketServer({ noServer: true });
      const request = { ...requestOf(wire), method: 'PUT' };
      wss.handleUpgrade(request, wire, Buffer.alloc(0), () => {});
      const { startLine, all } = await inbox.message();
      await inbox.rest();
      const names = ['Connection', 'Content-Type', 'Content-Length'];
      peer.end();
      await until(() => wire.destroyed, 'the socket to be destroyed');
      return [startLine, names.map(all)];
    },
    expected: ['HTTP/1.1 405 Method Not Allowed', [['close'], ['text/html'], ['19']]],
  },
  {
    id: 'R.success',
    it: 'the answer that accepts, line by line',
    run: async (lib, scope) => {
      const fields = {
        'sec-websocket-protocol': 'chat, superchat',
        'sec-websocket-extensions': 'permessage-deflate',
      };
      const { answer } = await accepted(lib, scope, DEFLATE, fields);
      return [answer.startLine, answer.fields];
    },
    expected: [
      'HTTP/1.1 101 Switching Protocols',
      [
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Accept', SAMPLE_ACCEPT],
        ['Sec-WebSocket-Protocol', 'chat'],
        ['Sec-WebSocket-Extensions', 'permessage-deflate'],
      ],
    ],
  },
  {
    id: 'R.unchecked',
    it: 'an Origin is not checked',
    run: async (lib, scope) =>
      (await answerTo(lib, scope, { fields: { origin: 'http://elsewhere' } }))[0],
    expected: 101,
  },
  {
    id: 'R.unchecked',
    it: 'Host, the token of Connection and the HTTP version are left to Node',
    run: async (lib, scope) => [
      (await responseTo(lib, scope, {}, upgradeRequest({ set: { Host: '' } }))).status,
      (await answerTo(lib, scope, { fields: { connection: 'keep-alive' } }))[0],
      (await answerTo(lib, scope, { httpVersion: '1.0' }))[0],
    ],
    expected: [101, 101, 101],
    differs: { expected: [400, 400, 505], why: 'checked (RFC 6455 §4.2.1)' },
  },
  {
    id: 'R.refusal',
    it: 'further fields of refusals that RFC 9110 asks for',
    run: async (lib, scope) => {
      const version = upgradeRequest({ set: { 'Sec-WebSocket-Version': '25' } });
      return [
        (await responseTo(lib, scope, {}, version)).all('upgrade'),
        (await responseTo(lib, scope, {}, upgradeRequest({ method: 'PUT' }))).all('allow'),
      ];
    },
    expected: [[], []],
    differs: { expected: [['websocket'], ['GET']], why: 'refusals (RFC 9110)' },
  },
]);
