/** Redirects, and credentials on a redirect: C7 and C8 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { until } from '../../support/inbox.js';
import { MemoryClient } from '../../support/memory-client.js';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';
import { redirectTo, URL_OF_SERVER, useFailingClients } from './scene.js';

const scope = useScope();
const expectFailure = useFailingClients(scope);

describe('C7: redirects', () => {
  test('C7: none is followed by default', async () => {
    for (const status of [300, 301, 302, 303, 305, 307, 308]) {
      expect(await expectFailure(() => redirectTo('/new', status))).toBe(
        `Unexpected server response: ${status}`,
      );
    }
  });

  test.each([
    [undefined, 10],
    [0, 0],
    [3, 3],
  ])('C7: a loop ends, maxRedirects %s', async (maxRedirects, hops) => {
    const limit = maxRedirects === undefined ? {} : { maxRedirects };
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true, ...limit });
    for (let hop = 0; hop <= hops; hop++) await client.answer(() => redirectTo('/chat'), hop);
    expect(await client.failed()).toBe('Maximum redirects exceeded');
    expect(client.connections).toHaveLength(hops + 1);
  });

  test('C7: every hop has a nonce of its own', async () => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true });
    const keys: string[] = [];
    for (let hop = 0; hop < 4; hop++) {
      await client.answer((key) => {
        keys.push(key);
        return redirectTo(`/hop/${hop}`);
      }, hop);
    }
    await client.answer(() => upgradeResponse(keys[0] ?? ''), 4);
    expect(await client.failed()).toBe('Invalid Sec-WebSocket-Accept header');
    expect(new Set(keys).size).toBe(4);
  });

  const relative: [string, string][] = [
    ['/new', 'ws://server.example.com/new'],
    ['new?x=1', 'ws://server.example.com/new?x=1'],
    ['?y', 'ws://server.example.com/chat?y'],
    ['//other.example.com/p', 'ws://other.example.com/p'],
    ['../../..', 'ws://server.example.com/'],
    ['http://other.example.com', 'ws://other.example.com/'],
    ['https://other.example.com/', 'wss://other.example.com/'],
    ['WS://OTHER.example.com:80/', 'ws://other.example.com/'],
    ['/a b', 'ws://server.example.com/a%20b'],
  ];
  test.each(relative)('C7: Location %s is followed', async (location, url) => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true });
    await client.answer(() => redirectTo(location));
    await client.answer((key) => upgradeResponse(key), 1);
    await until(() => client.events.length > 0, 'an event');
    expect(client.events).toEqual(['open']);
    expect(client.ws.url).toBe(url);
  });

  const bad = [
    'ftp://server.example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/plain,x',
    'mailto:a@b',
    'ws://[',
    'ws://server.example.com:99999/',
    'http://',
    '/new#fragment',
    'ws://a b/',
  ];
  test.each(bad)('C7: Location %s is an error, not an exception', async (location) => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true });
    await client.answer(() => redirectTo(location));
    await client.failed();
    expect(client.errors[0]).toBeInstanceOf(SyntaxError);
    expect(client.connections).toHaveLength(1);
  });

  test.each(['Location:\r\n', ''])(
    'C7: an empty or missing Location is no redirect (%j)',
    async (line) => {
      const answers = `HTTP/1.1 302 Found\r\n${line}Content-Length: 0\r\n\r\n`;
      const message = await expectFailure(() => answers, { followRedirects: true });
      expect(message).toBe('Unexpected server response: 302');
    },
  );

  test('C7: the connection of a redirect is dropped', async () => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true });
    const { inbox } = await client.answer(() => redirectTo('/new'));
    await inbox.rest();
    await client.connection(1);
    client.ws.terminate();
    expect(await client.failed()).toBe(
      'WebSocket was closed before the connection was established',
    );
  });
});

describe('C8: credentials on a redirect', () => {
  const secrets: [string, string, Loose][] = [
    ['Authorization', URL_OF_SERVER, { headers: { Authorization: 'Bearer secret' } }],
    ['authorization in capitals', URL_OF_SERVER, { headers: { AUTHORIZATION: 'Bearer secret' } }],
    ['Cookie', URL_OF_SERVER, { headers: { cookie: 'secret=1' } }],
    ['Proxy-Authorization', URL_OF_SERVER, { headers: { 'Proxy-Authorization': 'Basic secret' } }],
    ['auth', URL_OF_SERVER, { auth: 'user:secret' }],
    ['userinfo', 'ws://user:secret@server.example.com/chat', {}],
  ];
  const named = ['authorization', 'cookie', 'proxy-authorization'];

  /** The credentials that arrive at each hop of one redirect. */
  async function carried(client: MemoryClient, location: string): Promise<string[][]> {
    const first = await client.connection();
    const one = await first.inbox.message();
    first.wire.write(redirectTo(location));
    const two = await (await client.connection(1)).inbox.message();
    return [one, two].map((request) => named.flatMap((name) => request.all(name)));
  }

  describe.each(secrets)('%s', (name, url, options) => {
    const drops: [string, string, string][] = [
      ['another host', url, 'ws://evil.example/'],
      ['another port', url, 'ws://server.example.com:8080/'],
      ['a subdomain', url, 'ws://a.server.example.com/'],
      ['the parent domain', url, 'ws://example.com/'],
      ['http on another host', url, 'http://evil.example/'],
      ['from wss to ws', url.replace('ws:', 'wss:'), 'ws://server.example.com/'],
      ['from wss to http', url.replace('ws:', 'wss:'), 'http://server.example.com/'],
      ['another host with userinfo', url, 'ws://a:b@evil.example/'],
    ];
    test.each(drops)(
      `C8: ${name} is dropped on a redirect to %s`,
      async (_where, from, location) => {
        const client = new MemoryClient(scope(), from, { followRedirects: true, ...options });
        const [one, two] = await carried(client, location);
        expect(one).toHaveLength(1);
        expect(two).toEqual([]);
      },
    );

    test(`C8: ${name} is kept on the same host`, async () => {
      const client = new MemoryClient(scope(), url, { followRedirects: true, ...options });
      const [one, two] = await carried(client, '/new');
      expect(one).toHaveLength(1);
      expect(two).toEqual(one);
    });
  });

  test("C8: a listener of 'redirect' decides for itself", async () => {
    const headers = { Authorization: 'Bearer secret', Cookie: 'secret=1' };
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true, headers });
    const seen: string[] = [];
    client.ws.on('redirect', (url, request) => {
      seen.push(url);
      request.removeHeader('cookie');
    });
    const [one, two] = await carried(client, 'ws://evil.example/');
    expect(one).toEqual(['Bearer secret', 'secret=1']);
    expect(two).toEqual(['Bearer secret']);
    expect(seen).toEqual(['ws://evil.example/']);
  });

  test("C8: the caller's options stay as they were, and other fields go along", async () => {
    const headers = { Authorization: 'Bearer secret', Host: 'a.example', 'X-Other': 'x' };
    const options = { followRedirects: true, headers, perMessageDeflate: false };
    const before = JSON.stringify(options);
    const client = new MemoryClient(scope(), URL_OF_SERVER, options);
    const first = await client.connection();
    expect((await first.inbox.message()).all('host')).toEqual(['a.example']);
    first.wire.write(redirectTo('ws://evil.example/'));
    const second = await (await client.connection(1)).inbox.message();
    expect(second.all('host')).toEqual(['evil.example']);
    expect(second.all('x-other')).toEqual(['x']);
    expect(JSON.stringify(options)).toBe(before);
  });
});
