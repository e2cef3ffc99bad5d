/** WHATWG WebSockets §3.1: the constructor: URLs, subprotocols, options. */

import { describe, expect, test } from '@jest/globals';
import { WebSocket } from '../../../src/standard/index.js';
import { turns, until } from '../../support/inbox.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { Any, StandardClient } from '../../support/standard-client.js';

const scope = useScope();

/** The name of the DOMException, or of the error, that a call throws. */
function thrownBy(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof DOMException ? `DOMException ${error.name}` : (error as Error).name;
  }
  return 'nothing';
}

const construct = (...args: unknown[]): string => thrownBy(() => new Any(...args));

describe('the URL', () => {
  test('is required', () => {
    expect(construct()).toBe('TypeError');
    expect(construct(undefined)).toBe('DOMException SyntaxError');
  });

  test('is not a symbol', () => {
    expect(construct(Symbol('ws://a/'))).toBe('TypeError');
  });

  test.each(['', 'foo', '/path', 'ws://', 'ws://a:99999/', 'ws:// /', 'ws://[::/'])(
    '%p is no URL',
    (url) => expect(construct(url)).toBe('DOMException SyntaxError'),
  );

  test.each(['ftp://a/', 'mailto:a', 'about:blank', 'data:text/plain,', 'ws+unix:/a', 'wsx://a/'])(
    '%s has another scheme',
    (url) => expect(construct(url)).toBe('DOMException SyntaxError'),
  );

  test.each(['ws://a/#b', 'ws://a/#', 'http://a/?c#b', 'wss://a#'])('%s has a fragment', (url) =>
    expect(construct(url)).toBe('DOMException SyntaxError'),
  );

  test.each([
    ['http://server.example.com', 'ws://server.example.com/'],
    ['ws://server.example.com:80/x', 'ws://server.example.com/x'],
    ['WS://SERVER.example.com/a b', 'ws://server.example.com/a%20b'],
    ['ws://user:secret@server.example.com/', 'ws://user:secret@server.example.com/'],
    ['ws://server.example.com/\ud800', 'ws://server.example.com/%EF%BF%BD'],
  ])('%s is serialised as %s', (given, url) => {
    expect(new StandardClient(scope(), {}, given).ws.url).toBe(url);
  });

  test('https becomes wss', async () => {
    const client = new StandardClient(scope(), {}, 'https://server.example.com/');
    expect(client.ws.url).toBe('wss://server.example.com/');
    client.ws.close();
    await client.seen('close');
  });

  test('may be a URL object', () => {
    const url = new URL('http://server.example.com/chat');
    const client = new StandardClient(scope(), {}, url as unknown as string);
    expect(client.ws.url).toBe('ws://server.example.com/chat');
    expect(url.protocol).toBe('http:');
  });
});

describe('subprotocols', () => {
  test.each([
    [''],
    ['a b'],
    ['a,b'],
    ['\u00e4'],
    [['a', 'a']],
    [['chat', 'Chat']],
    [[undefined, 'undefined']],
    [null, { protocols: ['', 'b'] }],
  ])('%j is refused', (...args) => {
    const given = args.length > 1 ? args[1] : args[0];
    expect(construct('ws://server.example.com/', given)).toBe('DOMException SyntaxError');
  });

  test.each([
    ['a string', 'chat', ['chat']],
    ['a list', ['chat', 'news'], ['chat, news']],
    ['a set', new Set(['chat', 'news']), ['chat, news']],
    ['numbers', [1, 2], ['1, 2']],
    ['an empty list', [], []],
  ])('%s is requested', async (_, protocols, fields) => {
    const client = new StandardClient(scope(), { protocols });
    const { inbox } = await client.farEnd();
    expect((await inbox.message()).all('sec-websocket-protocol')).toEqual(fields);
  });

  test('the chosen one is told', async () => {
    const client = new StandardClient(scope(), { protocols: ['chat', 'news'] });
    expect(client.ws.protocol).toBe('');
    await client.accept(['Sec-WebSocket-Protocol: news']);
    expect(client.ws.protocol).toBe('news');
  });

  test('a server that chooses none fails the connection', async () => {
    const client = new StandardClient(scope(), { protocols: 'chat' });
    const { inbox, wire } = await client.farEnd();
    wire.write(upgradeResponse(keyOf(await inbox.message())));
    await client.seen('close');
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
  });
});

describe('ports of other services', () => {
  test.each([1, 22, 25, 6000, 6667, 10_080])('%d fails in a later task', async (port) => {
    const client = new StandardClient(scope(), {}, `ws://server.example.com:${port}/`);
    expect(client.ws.readyState).toBe(WebSocket.CONNECTING);
    const error = await client.seen('error');
    expect(error).toMatchObject({ error: { code: 'WS_ERR_BAD_PORT' } });
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
    expect(client.connections).toEqual([]);
  });
});

describe('options', () => {
  test('header fields and the Origin are sent', async () => {
    const options = { headers: { Authorization: 'Bearer x' }, origin: 'https://example.com' };
    const client = new StandardClient(scope(), options);
    const request = await (await client.farEnd()).inbox.message();
    expect(request.all('authorization')).toEqual(['Bearer x']);
    expect(request.all('origin')).toEqual(['https://example.com']);
  });

  test('compression is offered unless it is turned off', async () => {
    const client = new StandardClient(scope(), { perMessageDeflate: undefined });
    const request = await (await client.farEnd()).inbox.message();
    expect(request.all('sec-websocket-extensions')).toEqual([
      'permessage-deflate; client_max_window_bits',
    ]);
  });

  test('the extensions are the field of the response', async () => {
    const client = new StandardClient(scope(), { perMessageDeflate: true });
    expect(client.ws.extensions).toBe('');
    const value = 'permessage-deflate; server_no_context_takeover';
    await client.accept([`Sec-WebSocket-Extensions: ${value}`]);
    expect(client.ws.extensions).toBe(value);
  });

  test.each([
    ['maxPayload', 'x'],
    ['handshakeTimeout', -1],
    ['heartbeat', 5],
    ['headers', { a: '\n' }],
    ['finishRequest', 1],
  ])('a wrong %s is thrown', async (name, value) => {
    expect(() => new StandardClient(scope(), { [name]: value })).toThrow();
    // The host is free for the next one.
    const client = new StandardClient(scope());
    await client.farEnd();
  });

  test('handshakeTimeout fails the connection', async () => {
    const client = new StandardClient(scope(), { handshakeTimeout: 1 });
    expect(await client.seen('error')).toMatchObject({
      error: { code: 'WS_ERR_HANDSHAKE_TIMEOUT' },
    });
  });
});

describe('one opening handshake at a time', () => {
  const two = (options = {}): [StandardClient, StandardClient] => [
    new StandardClient(scope(), options),
    new StandardClient(scope(), options),
  ];

  // RFC 6455 §4.1: the client MUST wait until that connection is established or has failed.
  test('the second one to a host waits for the first', async () => {
    const [first, second] = two();
    await first.farEnd();
    await turns();
    expect(second.connections).toHaveLength(0);
    await first.accept();
    await second.accept();
    expect(second.ws.readyState).toBe(WebSocket.OPEN);
  });

  test('a failure of the first one starts the second', async () => {
    const [first, second] = two();
    (await first.farEnd()).wire.destroy();
    await second.accept();
    await first.seen('close');
    expect(first.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
  });

  test('close() of the first one starts the second', async () => {
    const [first, second] = two();
    first.ws.close();
    await second.accept();
  });

  test('one that is closed while it waits is never started', async () => {
    const [first, second] = two();
    second.ws.close();
    await second.seen('close');
    expect(second.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
    await first.accept();
    await turns();
    expect(second.connections).toHaveLength(0);
  });

  test('another host does not wait', async () => {
    const first = new StandardClient(scope());
    const other = new StandardClient(scope(), {}, 'ws://server.example.com:8080/');
    await other.farEnd();
    await first.farEnd();
  });

  test('concurrentHandshakes turns it off', async () => {
    const [first, second] = two({ concurrentHandshakes: true });
    await until(() => first.connections.length + second.connections.length === 2, 'both');
  });

  test('an exception of a callback in a later handshake fails its connection', async () => {
    const first = new StandardClient(scope());
    const finishRequest = (): never => {
      throw new Error('no token');
    };
    const second = new StandardClient(scope(), { finishRequest });
    await first.accept();
    expect(await second.seen('error')).toMatchObject({ message: 'no token' });
  });
});
