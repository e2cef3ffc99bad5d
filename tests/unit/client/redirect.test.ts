/** Redirects of the opening handshake: where they lead, and who learns the credentials. */

import { Agent, type ClientRequest, createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { until } from '../../support/inbox.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();
const connect = clientsIn(scope);

const HERE = 'ws://server.example.com/chat';

describe('a redirect', () => {
  const redirect =
    (location: string, status = 302) =>
    (): string =>
      `HTTP/1.1 ${status} x\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;

  test.each([301, 302, 303, 307, 308])('%i is followed when asked for', async (status) => {
    const { ws, events, connections, answer } = connect(HERE, { followRedirects: true }, ['a']);
    await answer(redirect('/other?a=b', status));
    await answer((key) => upgradeResponse(key, 'Sec-WebSocket-Protocol: a'), 1);
    expect(await settled(events)).toEqual(['open']);
    expect(ws.url).toBe('ws://server.example.com/other?a=b');
    expect(connections).toHaveLength(2);
  });

  test.each([
    ['ws://other.example.com:81/a', 'ws://other.example.com:81/a'],
    ['http://other.example.com/a', 'ws://other.example.com/a'],
    ['//other.example.com/a', 'ws://other.example.com/a'],
    ['a', 'ws://server.example.com/a'],
    ['?b', 'ws://server.example.com/chat?b'],
  ])('to %s leads to %s', async (location, url) => {
    const { ws, connections, answer, request } = connect(HERE, { followRedirects: true });
    await answer(redirect(location));
    await request(1);
    expect(ws.url).toBe(url);
    expect(connections[1]?.to.host).toBe(new URL(url).hostname);
  });

  test("emits 'redirect' before it is followed", async () => {
    const { ws, answer, request } = connect(HERE, {
      followRedirects: true,
      headers: { Cookie: 'a' },
    });
    const seen: unknown[] = [];
    ws.on('redirect', (url: string, request: ClientRequest) => {
      seen.push(url, ws.url);
      request.setHeader('X-Seen', 'yes');
    });
    await answer(redirect('ws://other.example.com/'));
    const second = await request(1);
    expect(seen).toEqual(['ws://other.example.com/', 'ws://other.example.com/']);
    expect(second.all('x-seen')).toEqual(['yes']);
    // Who listens decides for himself what another host may know.
    expect(second.all('cookie')).toEqual(['a']);
  });

  test('finishRequest is called for each request', async () => {
    let calls = 0;
    const finishRequest = (request: ClientRequest): void => {
      request.setHeader('X-Call', ++calls);
      request.end();
    };
    const { answer, request } = connect(HERE, { followRedirects: true, finishRequest });
    await answer(redirect('/b'));
    expect((await request(1)).all('x-call')).toEqual(['2']);
  });

  test.each([
    ['ftp://server.example.com/', 'The URL\'s protocol must be one of "ws:", "wss:", "http:", '],
    ['ws+unix:', "The URL's pathname is empty"],
    ['/a#b', 'The URL contains a fragment identifier'],
    ['/a#', 'The URL contains a fragment identifier'],
  ])('to %s is an error, not an exception', async (location, message) => {
    const { ws, events, answer } = connect(HERE, { followRedirects: true });
    const errors: Error[] = [];
    ws.on('error', (error) => errors.push(error));
    await answer(redirect(location));
    await settled(events, 2);
    expect(errors).toEqual([expect.objectContaining({ name: 'SyntaxError' })]);
    expect(errors[0]?.message.startsWith(message)).toBe(true);
    expect(events[1]).toBe('close 1006');
  });

  test('to what is no URL is an error', async () => {
    const { events, answer } = connect(HERE, { followRedirects: true });
    await answer(redirect('http://'));
    expect((await settled(events, 2))[0]).toContain('Invalid URL');
    expect(events[1]).toBe('close 1006');
  });

  test.each([
    [undefined, 10],
    [1, 1],
    [0, 0],
  ])('is followed maxRedirects times: %p means %i', async (maxRedirects, most) => {
    const { events, connections, answer } = connect(HERE, { followRedirects: true, maxRedirects });
    for (let i = 0; i <= most; i++) await answer(redirect(`/${i}`), i);
    expect(await settled(events, 2)).toEqual(['error Maximum redirects exceeded', 'close 1006']);
    expect(connections).toHaveLength(most + 1);
  });

  test.each([
    ['to another host', HERE, 'ws://other.example.com/', []],
    ['to another port', HERE, 'ws://server.example.com:81/', []],
    ['to a plain wire', 'wss://server.example.com/', 'ws://server.example.com/', []],
    ['to the same host', HERE, '/other', ['secret']],
    ['to TLS', HERE, 'wss://server.example.com/', ['secret']],
  ])('%s: credentials go along only where they were meant to', async (_, from, to, expected) => {
    const headers = { Cookie: 'secret', 'Proxy-Authorization': 'secret', AUTHORIZATION: 'secret' };
    const { answer, request } = connect(from, { followRedirects: true, headers });
    await answer(redirect(to));
    const { all } = await request(1);
    for (const name of Object.keys(headers)) expect([name, all(name)]).toEqual([name, expected]);
  });

  test('to another host drops a Host of the caller', async () => {
    const { answer, request } = connect(HERE, { followRedirects: true, headers: { host: 'mine' } });
    await answer(redirect('ws://other.example.com/'));
    expect((await request(1)).all('host')).toEqual(['other.example.com']);
  });

  test('is no redirect without a Location', async () => {
    const { events, answer } = connect(HERE, { followRedirects: true });
    await answer(() => 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n');
    expect((await settled(events, 2))[0]).toBe('error Unexpected server response: 302');
  });

  test.each(['close', 'terminate'] as const)("%s() in 'redirect' is honoured", async (name) => {
    const { ws, events, answer } = connect(HERE, { followRedirects: true });
    ws.on('redirect', () => ws[name]());
    await answer(redirect('/b'));
    expect(await settled(events, 2)).toEqual([
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
  });
});

describe('the credentials of a redirect', () => {
  const OWN = `Basic ${btoa('me:own')}`;
  const THEIRS = `Basic ${btoa('you:theirs')}`;
  const SAME = 'ws://you:theirs@server.example.com/b';
  const OTHER = 'ws://you:theirs@other.example.com/b';
  const BARE = 'ws://server.example.com/a';
  const header = { headers: { Authorization: OWN } };

  interface Case {
    url?: string;
    options?: Loose;
    listens?: boolean;
    to: string[];
    /** the Authorization of the last request */
    expected: string | undefined;
  }

  const CASES: [string, Case][] = [
    ['a header wins over those of the Location', { options: header, to: [SAME], expected: OWN }],
    ['so does option auth', { options: { auth: 'me:own' }, to: [SAME], expected: OWN }],
    [
      'so do those of the first URL',
      { url: 'ws://me:own@server.example.com/a', to: [SAME], expected: OWN },
    ],
    [
      'a header wins over those of the first URL',
      { url: 'ws://x:y@server.example.com/a', options: header, to: [SAME], expected: OWN },
    ],
    [
      'those of the first URL win over option auth',
      {
        url: 'ws://me:own@server.example.com/a',
        options: { auth: 'x:y' },
        to: [SAME],
        expected: OWN,
      },
    ],
    ['a program that has none uses those of the Location', { to: [SAME], expected: THEIRS }],
    ['and keeps them', { to: [SAME, '/c'], expected: THEIRS }],
    ['until another Location names another host', { to: [SAME, OTHER], expected: undefined }],
    ['an empty option auth is none', { options: { auth: '' }, to: [SAME], expected: THEIRS }],
    [
      'its own stay with it over several redirects',
      { options: header, to: ['/b', SAME, '/c'], expected: OWN },
    ],
    ['those of a Location of another host are not used', { to: [OTHER], expected: undefined }],
    ['nor are its own sent there', { options: header, to: [OTHER], expected: undefined }],
    ['nor option auth', { options: { auth: 'me:own' }, to: [OTHER], expected: undefined }],
    [
      'nor its own when the other host leads back',
      { options: header, to: [OTHER, BARE], expected: undefined },
    ],
    [
      "a listener of 'redirect' decides: then its own win there too",
      { options: { auth: 'me:own' }, listens: true, to: [OTHER], expected: OWN },
    ],
    [
      "with a listener of 'redirect' and none of its own, those of the Location",
      { listens: true, to: [OTHER], expected: THEIRS },
    ],
  ];

  test.each(CASES)('%s', async (_, { url = BARE, options = {}, listens, to, expected }) => {
    const { ws, request, answer } = connect(url, { followRedirects: true, ...options });
    if (listens) ws.on('redirect', () => {});
    for (const [i, location] of to.entries()) {
      await answer(() => `HTTP/1.1 302 x\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`, i);
    }
    expect((await request(to.length)).all('authorization')).toEqual(expected ? [expected] : []);
  });
});

describe('what a program does when a redirect is followed', () => {
  const redirect = () => 'HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n';
  const mine = new Error('mine');

  test("finishRequest that throws there: 'error' has it, TCP is closed", async () => {
    let calls = 0;
    const finishRequest = (request: ClientRequest): void => {
      if (++calls === 2) throw mine;
      request.end();
    };
    const { ws, events, connections, answer } = connect(HERE, {
      followRedirects: true,
      finishRequest,
    });
    const errors: Error[] = [];
    ws.on('error', (error) => errors.push(error));
    await answer(redirect);
    expect(await settled(events, 2)).toEqual(['error mine', 'close 1006']);
    expect(errors).toEqual([mine]);
    await until(
      () => connections.every(({ inbox }) => inbox.ended),
      'the client to close the connection',
    );
  });

  test('an agent of the other scheme: the error keeps its own code', async () => {
    const agent = new Agent();
    scope().later(() => agent.destroy());
    const http = createServer((_request, response) => {
      response.writeHead(302, { Location: 'wss://server.example.com/' }).end();
    });
    const port = await scope().listen(http);
    const options = { followRedirects: true, agent, createConnection: undefined };
    const { ws, events } = connect(`ws://127.0.0.1:${port}`, options);
    const errors: NodeJS.ErrnoException[] = [];
    ws.on('error', (error) => errors.push(error));
    await settled(events, 2);
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_INVALID_PROTOCOL' })]);
    expect(events[1]).toBe('close 1006');
  });

  test('_redirects says how many were followed, also when it is open', async () => {
    const { ws, events, answer } = connect(HERE, { followRedirects: true });
    const seen = (): unknown => (ws as unknown as { _redirects: unknown })._redirects;
    const before = seen();
    await answer(redirect);
    await answer(redirect, 1);
    await answer(upgradeResponse, 2);
    await settled(events);
    expect([before, seen()]).toEqual([0, 2]);
  });
});
