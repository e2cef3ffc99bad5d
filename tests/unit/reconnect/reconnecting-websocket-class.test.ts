/** ReconnectingWebSocket: the class, its constructor and its members. */

import { createServer, type Server } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { ReconnectingWebSocket } from '../../../src/reconnect.js';
import { WebSocket } from '../../../src/standard/index.js';
import { until } from '../../support/inbox.js';
import { Any } from '../../support/reconnecting-client.js';
import { type Scope, useScope } from '../../support/scope.js';
import { type Loose, serve } from '../../support/websockets.js';

const scope = useScope();

function create(...args: unknown[]): ReconnectingWebSocket {
  const ws = new Any(...args);
  scope().later(async () => {
    ws.close();
    await until(() => ws.readyState === 3, 'the state CLOSED');
  });
  return ws;
}

/** A real server on the loopback. */
async function listen(scope: Scope): Promise<{ http: Server; url: string }> {
  const http = createServer();
  serve(scope, { server: http });
  return { http, url: `ws://127.0.0.1:${await scope.listen(http)}/` };
}

const opened = (ws: ReconnectingWebSocket) =>
  until(() => ws.readyState === 1, 'the state OPEN').then(() => ws);

describe('the class', () => {
  test("has all members of the web's, as enumerable as there", () => {
    const members = (Class: { prototype: object }) =>
      Object.entries(Object.getOwnPropertyDescriptors(Class.prototype))
        .filter(([name]) => name !== 'constructor')
        .map(([name, { enumerable }]) => `${name} ${enumerable}`);
    const own = members(ReconnectingWebSocket);
    expect(own).toEqual(expect.arrayContaining(members(WebSocket)));
    expect(own.filter((member) => !members(WebSocket).includes(member)).sort()).toEqual([
      'onoverflow true',
      'unsent true',
    ]);
  });

  test('has its name and the constants', () => {
    const { CLOSED, CLOSING, CONNECTING, OPEN, name } = ReconnectingWebSocket as never as Loose;
    expect([CONNECTING, OPEN, CLOSING, CLOSED, name]).toEqual([
      0,
      1,
      2,
      3,
      'ReconnectingWebSocket',
    ]);
    const ws = create('ws://127.0.0.1:1/');
    expect(ws).toBeInstanceOf(EventTarget);
    expect([String(ws), ws.OPEN]).toEqual(['[object ReconnectingWebSocket]', 1]);
  });

  test('is in the state CONNECTING at first', () => {
    const { binaryType, bufferedAmount, extensions, protocol, readyState, url } =
      create('http://127.0.0.1:1');
    expect({ binaryType, bufferedAmount, extensions, protocol, readyState, url }).toEqual({
      binaryType: 'blob',
      bufferedAmount: 0,
      extensions: '',
      protocol: '',
      readyState: 0,
      url: 'ws://127.0.0.1:1/',
    });
  });
});

describe('the constructor', () => {
  test.each([
    [[]],
    [['no URL']],
    [['ftp://127.0.0.1/']],
    [['ws://127.0.0.1/#fragment']],
    [['ws://127.0.0.1/', 'no token']],
    [['ws://127.0.0.1/', ['twice', 'twice']]],
    [['ws://127.0.0.1/', { protocols: 'no token' }]],
  ])('refuses %p', (args) => {
    const name = args.length === 0 ? 'TypeError' : 'SyntaxError';
    expect(() => new Any(...args)).toThrow(expect.objectContaining({ name }));
  });

  test.each([
    ['a string', ['chat']],
    ['a list', [['chat', 'news']]],
    ['a Set', [new Set(['chat'])]],
    ['a function', [async () => ['chat']]],
    ['options', [{ protocols: 'chat' }]],
    ['the third argument', [undefined, { protocols: ['chat'] }]],
    ['the second argument before the third', ['chat', { protocols: ['news'] }]],
  ])('takes subprotocols from %s', async (_from, args) => {
    const { url } = await listen(scope());
    expect((await opened(create(url, ...args))).protocol).toBe('chat');
  });

  test('takes a function for the URL', async () => {
    const { url } = await listen(scope());
    const ws = create(async () => new URL(url));
    expect(ws.url).toBe('');
    await opened(ws);
    expect(ws.url).toBe(url);
  });
});

describe('withOptions', () => {
  test('returns a subclass with these options', async () => {
    const { http, url } = await listen(scope());
    const headers: unknown[] = [];
    http.on('upgrade', (request) => headers.push(request.headers.authorization));
    const Impl = ReconnectingWebSocket.withOptions({ token: 'secret', protocols: 'other' });
    const ws = new Impl(url, 'chat');
    scope().later(() => ws.close());
    await opened(ws);
    ws.close();
    await until(() => ws.readyState === 3, 'the state CLOSED');
    expect(ws).toBeInstanceOf(ReconnectingWebSocket);
    expect([Impl.OPEN, ws.protocol, headers]).toEqual([1, '', ['Bearer secret']]);
  });

  test('may be called again; the later options win', async () => {
    const { url } = await listen(scope());
    const Impl = ReconnectingWebSocket.withOptions({ protocols: 'a' }).withOptions({
      protocols: 'b',
    });
    const first = await opened(new Impl(url));
    const second = await opened(new Impl(url, { protocols: 'c' }));
    expect([first.protocol, second.protocol]).toEqual(['b', 'c']);
    for (const ws of [first, second]) ws.close();
    await until(() => first.readyState + second.readyState === 6, 'the state CLOSED');
  });
});
