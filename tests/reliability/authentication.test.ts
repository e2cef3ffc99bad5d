/** Hosts, origins and authentication, over raw sockets. */

import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { Gate, withFields } from '../support/gate.js';
import { type HttpMessage, turns } from '../support/inbox.js';
import { useWarnings } from '../support/process-events.js';
import type { RequestParts } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import type { Loose, WebSocketInstance } from '../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

const from = (origin: string): RequestParts => withFields(['Origin', origin]);
const at = (host: string): RequestParts => ({ set: { Host: host } });

async function responseTo(options: Loose, parts: RequestParts = {}): Promise<HttpMessage> {
  const gate = await Gate.open(scope(), options);
  const { response, inbox } = await gate.visit(parts);
  if (response.status !== 101) {
    expect(await inbox.rest()).toHaveLength(0);
    expect(response.all('content-length')).toEqual([String(response.body.length)]);
  }
  return response;
}

describe('hosts', () => {
  test('refuses others with 403', async () => {
    const gate = await Gate.open(scope(), { hosts: ['localhost', '127.0.0.1'] });
    expect(await gate.status(at('localhost:8080'))).toBe(101);
    expect(await gate.status(at('127.0.0.1'))).toBe(101);
    const { response } = await gate.visit(at('attacker.example'));
    expect(response.status).toBe(403);
    expect(response.body.toString()).toBe('This host is not served');
    expect(gate.refused).toEqual({ hosts: 1 });
  });

  test("finds out what origins: 'same' cannot: a rebound name is the origin and the host", async () => {
    const rebound = { ...from('http://attacker.example'), ...at('attacker.example') };
    expect((await responseTo({ origins: 'same' }, rebound)).status).toBe(101);
    const both = { origins: 'same', hosts: ['localhost'] };
    expect((await responseTo(both, rebound)).status).toBe(403);
  });
});

describe('origins', () => {
  test("'same' refuses other origins, null and two lines with 403", async () => {
    const gate = await Gate.open(scope(), { origins: 'same' });
    expect(await gate.status()).toBe(101);
    expect(await gate.status(from('https://server.example.com'))).toBe(101);
    const { response } = await gate.visit(from('https://attacker.example'));
    expect(response.status).toBe(403);
    expect(response.body.toString()).toBe('This origin is not accepted');
    expect(await gate.status(from('null'))).toBe(403);
    const own: [string, string] = ['Origin', 'https://server.example.com'];
    expect(await gate.status(withFields(own, ['Origin', 'https://attacker.example']))).toBe(403);
    expect(await gate.status(withFields(own, own))).toBe(403);
    expect(gate.refused).toEqual({ origins: 4 });
  });

  test('a function decides, and what it throws is told', async () => {
    const seen: (string | undefined)[] = [];
    const origins = (origin: string | undefined, { url }: IncomingMessage) => {
      seen.push(origin);
      if (url === '/throws') throw new Error('no list');
      return origin !== undefined;
    };
    const gate = await Gate.open(scope(), { origins });
    expect(await gate.status(from('http://a'))).toBe(101);
    expect(await gate.status()).toBe(403);
    expect(await gate.status({ target: '/throws' })).toBe(500);
    expect(seen).toEqual(['http://a', undefined, undefined]);
    expect(gate.errors).toEqual(['no list']);
    expect(gate.refused).toEqual({ origins: 1, callbackError: 1 });
  });

  test('an async function accepts nobody', async () => {
    const gate = await Gate.open(scope(), { origins: async () => true });
    expect(await gate.status(from('http://a'))).toBe(500);
    expect(gate.errors).toEqual([
      'The function origins must return true or false, and is not awaited',
    ]);
  });

  test('are checked before authenticate, which is called before verifyClient', async () => {
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(name) > 0;
    const options = {
      origins: note('origins'),
      authenticate: note('authenticate'),
      verifyClient: note('verifyClient'),
    };
    expect((await responseTo(options)).status).toBe(101);
    expect(calls).toEqual(['origins', 'authenticate', 'verifyClient']);
  });
});

describe('authenticate', () => {
  test.each<[string, unknown]>([
    ['an object', { userId: 'a' }],
    ['an object with a status and more', { status: 403, userId: 'a' }],
    ['an object whose status is no number', { status: 'active' }],
    ['an object without a status', { headers: {} }],
    ['true', true],
    ['0', 0],
    ['an empty string', ''],
    ['a list', []],
  ])('makes %s the context', async (_name, context) => {
    for (const answer of [context, Promise.resolve(context)]) {
      const gate = await Gate.open(scope(), { authenticate: () => answer });
      expect(await gate.status()).toBe(101);
      expect(gate.accepted[0]).toHaveProperty('context', context);
    }
  });

  test.each([false, null, undefined])('refuses with 401 for %p', async (answer) => {
    for (const each of [answer, Promise.resolve(answer)]) {
      const { status, body } = await responseTo({ authenticate: () => each });
      expect(status).toBe(401);
      expect(body.toString()).toBe('Unauthorized');
    }
  });

  test('refuses with the response that it returns', async () => {
    const refusal = {
      status: 429,
      headers: { 'Retry-After': 5, 'Set-Cookie': ['a=1', 'b=2'], 'Content-Type': 'text/plain' },
      body: 'later, please',
    };
    const response = await responseTo({ authenticate: async () => refusal });
    expect(response.startLine).toBe('HTTP/1.1 429 Too Many Requests');
    expect(response.all('retry-after')).toEqual(['5']);
    expect(response.all('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(response.all('content-type')).toEqual(['text/plain']);
    expect(response.body.toString()).toBe('later, please');
    const bare = await responseTo({ authenticate: () => ({ status: 403 }) });
    expect(bare.body.toString()).toBe('Forbidden');
  });

  test.each<[string, unknown, string]>([
    ['a status that accepts', { status: 101 }, 'A refusal needs a status from 200 to 599'],
    ['a status that is none', { status: NaN }, 'A refusal needs a status from 200 to 599'],
    [
      'a line break in a field',
      { status: 403, headers: { a: 'b\r\nc: d' } },
      'A header field cannot have a line break',
    ],
  ])('is answered 500 for %s', async (_name, answer, message) => {
    const gate = await Gate.open(scope(), { authenticate: () => answer });
    expect(await gate.status()).toBe(500);
    expect(gate.errors).toEqual([expect.stringContaining(message)]);
  });

  test('costs its handshake only if it throws or rejects', async () => {
    const authenticate = ({ url }: IncomingMessage) => {
      if (url === '/throws') throw new Error('thrown');
      return url === '/rejects' ? Promise.reject(new Error('rejected')) : {};
    };
    const gate = await Gate.open(scope(), { authenticate });
    expect(await gate.status({ target: '/throws' })).toBe(500);
    expect(await gate.status({ target: '/rejects' })).toBe(500);
    expect(await gate.status()).toBe(101);
    expect(gate.errors).toEqual(['thrown', 'rejected']);
    expect(gate.refused).toEqual({ callbackError: 2 });
  });

  test('receives the request; `this` is the options', async () => {
    const seen: unknown[] = [];
    function authenticate(this: unknown, request: IncomingMessage) {
      seen.push(this, request.headers['cookie']);
      return {};
    }
    const gate = await Gate.open(scope(), { authenticate });
    await gate.visit(withFields(['Cookie', 'session=1']));
    expect(seen).toEqual([gate.wss.options, 'session=1']);
  });

  test('gives each connection its context before it opens', async () => {
    const contexts: unknown[] = [];
    class Member extends WebSocket {
      constructor(address: null, protocols: undefined, options: object) {
        super(address, protocols as never, options);
        this.on('open', () => contexts.push(Reflect.get(this, 'context')));
      }
    }
    const authenticate = async ({ url }: IncomingMessage) => ({ url });
    const gate = await Gate.open(scope(), { authenticate, WebSocket: Member });
    const targets = Array.from({ length: 20 }, (_, i) => `/${i}`);
    await Promise.all(targets.map((target) => gate.status({ target })));
    expect(contexts).toHaveLength(20);
    expect(new Set(contexts.map((context) => (context as { url: string }).url))).toEqual(
      new Set(targets),
    );
  });

  test('sets the context also where a subclass has an accessor of this name', async () => {
    class Member extends WebSocket {
      get context(): string {
        return 'its own';
      }
    }
    const gate = await Gate.open(scope(), { authenticate: () => 'ours', WebSocket: Member });
    expect(await gate.status()).toBe(101);
    expect(gate.accepted[0]).toHaveProperty('context', 'ours');
  });

  test('without it a connection has no member context', async () => {
    const gate = await Gate.open(scope());
    await gate.visit();
    expect('context' in (gate.accepted[0] as WebSocketInstance)).toBe(false);
  });

  test('is answered 503 when the server closes meanwhile', async () => {
    const gate = await Gate.open(scope(), { authenticate: () => new Promise(() => {}) });
    const { inbox } = await gate.send();
    await gate.pending(1);
    gate.wss.close();
    expect((await inbox.message()).status).toBe(503);
    expect(gate.refused).toEqual({ closing: 1 });
  });
});

describe('a foreign origin that nobody checks', () => {
  const foreign = from('https://attacker.example');
  const CODE = 'WS6455_CSWSH';

  test('is warned of once per server', async () => {
    for (const gate of [await Gate.open(scope()), await Gate.open(scope())]) {
      await gate.statuses(3, foreign);
    }
    await turns();
    expect(warnings(CODE)).toHaveLength(2);
    expect(warnings(CODE)[0]).toMatch(
      /Origin is 'https:\/\/attacker.example', Host is 'server.example.com'.*origins to 'same'/,
    );
  });

  test.each<[string, RequestParts]>([
    ['no Origin', {}],
    ['the own origin', from('https://server.example.com')],
    ['a request that is refused', { ...foreign, set: { 'Sec-WebSocket-Version': '8' } }],
  ])('is not %s', async (_name, parts) => {
    const gate = await Gate.open(scope());
    await gate.visit(parts);
    await turns();
    expect(warnings(CODE)).toEqual([]);
  });

  test.each<[string, Loose]>([
    ["origins: '*'", { origins: '*' }],
    ['a list of origins', { origins: ['https://attacker.example'] }],
    ['verifyClient', { verifyClient: () => true }],
    ['authenticate', { authenticate: () => ({}) }],
  ])('is not warned of with %s', async (_name, options) => {
    const gate = await Gate.open(scope(), options);
    expect(await gate.status(foreign)).toBe(101);
    await turns();
    expect(warnings(CODE)).toEqual([]);
  });

  test('is not warned of where the program has its own shouldHandle', async () => {
    const gate = await Gate.open(scope());
    gate.wss.shouldHandle = () => true;
    expect(await gate.status(foreign)).toBe(101);
    await turns();
    expect(warnings(CODE)).toEqual([]);
  });
});

test('stats() counts every kind of refusal', async () => {
  const gate = await Gate.open(scope(), {
    path: '/chat',
    verifyClient: ({ req }: { req: IncomingMessage }) => req.headers['x-no'] === undefined,
  });
  expect(await gate.status({ target: '/other' })).toBe(404);
  expect(await gate.status({ drop: ['Sec-WebSocket-Key'] })).toBe(400);
  expect(await gate.status(withFields(['X-No', '1']))).toBe(401);
  expect(await gate.status()).toBe(101);
  expect(gate.refused).toEqual({ path: 1, malformed: 1, verifyClient: 1 });
  expect(gate.wss.stats()).toMatchObject({ connections: 1, pendingHandshakes: 0 });
});
