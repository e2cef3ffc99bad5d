/** What servers may do to a client during the opening handshake: rows C1 to C15 of the bar. */

import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { useClock } from '../support/clock.js';
import { closePayload, frame, OPCODE } from '../support/frames.js';
import { Inbox, show, turns, until } from '../support/inbox.js';
import { acceptFor, keyOf, upgradeResponse } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import { type Arrival, attend, Dialer, type Face, type FaceOptions, type Loose } from './places.js';

const scope = useScope();
const clock = useClock();

const URL_OF_SERVER = 'ws://server.example.com/chat';
const hello = frame({ payload: 'Hello' });

/** The server's part: reads the request of a connection and writes what `make` makes of its key. */
async function answer(
  dialer: Dialer,
  make: (key: string) => Buffer | string,
  index = 0,
): Promise<Arrival> {
  const arrival = await dialer.arrival(index);
  arrival.wire.write(make(keyOf(await arrival.inbox.message())));
  return arrival;
}

/** A client that gets this response fails, tells it once, never opens, and hangs up. */
async function expectFailure(
  make: (key: string) => Buffer | string,
  options: Loose = {},
  protocols?: string[],
): Promise<string> {
  const dialer = new Dialer(scope(), URL_OF_SERVER, options, protocols);
  await answer(dialer, make);
  return dialer.failed();
}

/** The lines of a good response, with some of them changed. */
function altered(key: string, change: (lines: string[]) => string[]): string {
  return `${change(upgradeResponse(key).split('\r\n').slice(0, -2)).join('\r\n')}\r\n\r\n`;
}

describe('C1, C2: fields of the response', () => {
  const accepts: [string, (accept: string, key: string) => string[]][] = [
    ['missing', () => []],
    ['empty', () => ['']],
    ['of another key', () => [acceptFor('AQIDBAUGBwgJCgsMDQ4PEA==')]],
    ['in lower case', (accept) => [accept.toLowerCase()]],
    ['in swapped case', (accept) => [accept.replace(/[a-z]|[A-Z]/g, swap)]],
    ['with a suffix', (accept) => [`${accept}=`]],
    ['with a prefix', (accept) => [`=${accept}`]],
    ['one character short', (accept) => [accept.slice(0, -1)]],
    ['twice in a line', (accept) => [`${accept}, ${accept}`]],
    ['in two lines', (accept) => [accept, accept]],
    ['in two lines, one right', (accept) => [accept, 'x']],
    ['the key itself', (_accept, key) => [key]],
    ['in quotes', (accept) => [`"${accept}"`]],
    ['in URL-safe base64', (accept) => [`${accept.replace(/[+/]/g, '-')}-`]],
    ['in hexadecimal', (accept) => [Buffer.from(accept, 'base64').toString('hex')]],
    ['hashed without the GUID', (_accept, key) => [acceptFor(key).split('').reverse().join('')]],
  ];
  test.each(accepts)('C1: Sec-WebSocket-Accept %s is refused', async (_name, values) => {
    const message = await expectFailure((key) =>
      altered(key, (lines) => [
        ...lines.filter((line) => !line.startsWith('Sec-WebSocket-Accept')),
        ...values(acceptFor(key), key).map((value) => `Sec-WebSocket-Accept: ${value}`),
      ]),
    );
    expect(message).toBe('Invalid Sec-WebSocket-Accept header');
  });

  function swap(letter: string): string {
    return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  }

  const tokens: [string, string, string | undefined][] = [
    ['no Upgrade', 'Upgrade', undefined],
    ['an empty Upgrade', 'Upgrade', ''],
    ['another Upgrade', 'Upgrade', 'h2c'],
    ['an Upgrade that merely contains the word', 'Upgrade', 'xwebsocket'],
    ['an Upgrade to a version', 'Upgrade', 'websocket/13'],
    ['no Connection', 'Connection', undefined],
    ['an empty Connection', 'Connection', ''],
    ['another Connection', 'Connection', 'keep-alive'],
    ['a Connection that merely contains the word', 'Connection', 'Upgraded'],
    ['a Connection that closes', 'Connection', 'close'],
  ];
  // No handshakeTimeout here, and the server keeps the connection open: the client must not wait.
  test.each(tokens)('C2: %s is refused at once', async (_name, field, value) => {
    const message = await expectFailure((key) =>
      altered(key, (lines) =>
        lines.flatMap((line) => {
          if (!line.startsWith(`${field}:`)) return [line];
          return value === undefined ? [] : [`${field}: ${value}`];
        }),
      ),
    );
    expect(message).toMatch(/^Invalid (?:Upgrade|Connection) header$/);
  });
});

describe('C3: other answers', () => {
  test('C3: every status from 200 to 599 is refused', async () => {
    for (let status = 200; status <= 599; status++) {
      const message = await expectFailure((key) =>
        upgradeResponse(key, 'Content-Length: 0').replace('101 Switching Protocols', `${status} X`),
      );
      expect(message).toBe(`Unexpected server response: ${status}`);
    }
  });

  const answers: [string, Buffer | string][] = [
    ['status 000', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n'],
    ['status 600', 'HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n'],
    ['status 999', 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n'],
    ['status abc', 'HTTP/1.1 abc X\r\nContent-Length: 0\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 1010 X\r\nContent-Length: 0\r\n\r\n'],
    ['a negative status', 'HTTP/1.1 -101 X\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/9.9', 'HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a request instead of a response', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a banner of SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a banner of SMTP', '220 mail.example ESMTP\r\n'],
    ['an alert of TLS', Buffer.from([0x15, 3, 1, 0, 2, 2, 40])],
    ['a frame', hello],
    ['zeros', Buffer.alloc(64)],
    ['bytes of all kinds', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['a page', '<!doctype html><title>404</title>\r\n'],
    [
      'early hints and then 404',
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      '2,000 times 100 and then 200',
      `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    ],
  ];
  test.each(answers)('C3: %s is refused', async (_name, bytes) => {
    const message = await expectFailure(() => bytes);
    expect(message).toMatch(/Parse Error|Unexpected server response/);
  });

  test('C3: 2,000 times 100 and then the right response opens', async () => {
    const dialer = new Dialer(scope());
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000);
    await answer(dialer, (key) => interim + upgradeResponse(key));
    await until(() => dialer.events.length > 0, 'an event');
    expect(dialer.events).toEqual(['open']);
  });

  test('C3: a silent end is refused', async () => {
    const dialer = new Dialer(scope());
    const { wire, inbox } = await dialer.arrival();
    await inbox.message();
    wire.end();
    expect(await dialer.failed()).toBe('socket hang up');
  });

  test("C3: 'unexpected-response' leaves everything to its listener, as in ws", async () => {
    const dialer = new Dialer(scope());
    let status: number | undefined;
    let body = '';
    dialer.ws.on('unexpected-response', (request, response) => {
      status = response.statusCode;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => request.destroy());
    });
    await answer(dialer, () => 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nWho?');
    await until(() => body === 'Who?', 'the body');
    expect(status).toBe(401);
    await turns();
    expect(dialer.events.filter((event) => event === 'open')).toEqual([]);
    dialer.ws.terminate();
    await dialer.closed();
    expect(dialer.events.filter((event) => event.startsWith('close'))).toEqual(['close 1006']);
  });
});

describe('C4: floods', () => {
  /** Writes for ever, until the client hangs up; says how much that was. */
  async function pour({ wire, inbox }: Arrival, chunk: Buffer, most: number): Promise<number> {
    let sent = 0;
    while (!inbox.ended && sent < most) {
      if (wire.writable) wire.write(chunk);
      sent += chunk.length;
      await turns(1);
    }
    return sent;
  }

  const most = 16 << 20;
  const chunk = Buffer.alloc(65_536, 'a');
  const heads: [string, string][] = [
    ['an endless body', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['an endless body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n'],
    [
      'an endless body in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n',
    ],
    ['an endless status line', 'HTTP/1.1 101 '],
    ['an endless header field', 'HTTP/1.1 101 Switching Protocols\r\nX-Endless: '],
    ['an endless name', 'HTTP/1.1 101 Switching Protocols\r\n'],
  ];
  test.each(heads)('C4: %s is cut off', async (_name, head) => {
    const dialer = new Dialer(scope());
    const arrival = await answer(dialer, () => head);
    expect(await pour(arrival, chunk, most)).toBeLessThan(most);
    await dialer.failed();
  });

  test('C4: an endless body on a redirect that is followed is cut off', async () => {
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
    const arrival = await answer(dialer, () => 'HTTP/1.1 302 Found\r\nLocation: /new\r\n\r\n');
    expect(await pour(arrival, chunk, most)).toBeLessThan(most);
    await answer(dialer, (key) => upgradeResponse(key), 1);
    await until(() => dialer.events.length > 0, 'an event');
    expect(dialer.events).toEqual(['open']);
  });

  test('C4: 2 MiB of header fields are refused', async () => {
    const line = `X-Filler: ${'a'.repeat(1_000)}\r\n`;
    const message = await expectFailure((key) =>
      upgradeResponse(key).replace('\r\n\r\n', `\r\n${line.repeat(2_100)}\r\n`),
    );
    expect(message).toMatch(/Parse Error/);
  });

  // CVE-2024-37890: Node drops header fields beyond the 2,000th; any field may be missing then.
  test('C4: floods of small header fields that make Node drop any of ours', async () => {
    const outcomes = new Set<string>();
    for (const count of [900, 998, 999, 1_000, 1_001, 1_996, 1_998, 2_000, 2_500]) {
      for (let first = 0; first < 3; first++) {
        const dialer = new Dialer(scope());
        await answer(dialer, (key) => {
          const [status = '', ...ours] = upgradeResponse(key).split('\r\n').slice(0, -2);
          const fields = [...ours.slice(first), ...ours.slice(0, first)];
          return `${status}\r\n${'a:\r\n'.repeat(count)}${fields.join('\r\n')}\r\n\r\n`;
        });
        await until(() => dialer.events.length > 0, 'an outcome');
        outcomes.add(dialer.events[0] ?? '');
        if (dialer.events[0] !== 'open') await dialer.failed();
      }
    }
    for (const outcome of outcomes) {
      expect(outcome).toMatch(
        /^(?:open|error Invalid (?:Upgrade|Connection|Sec-WebSocket-Accept) header)$/,
      );
    }
    expect(outcomes.size).toBeGreaterThan(1);
  });
});

describe('C5, C6: deadlines', () => {
  const TIMED_OUT = 'Opening handshake has timed out';

  test('C5: silence is refused at the deadline', async () => {
    const begun = performance.now();
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 50 });
    expect(await dialer.failed()).toBe(TIMED_OUT);
    expect(performance.now() - begun).toBeGreaterThan(45);
  });

  test('C5: half a response is refused at the deadline', async () => {
    const half = (key: string): string => upgradeResponse(key).slice(0, -2);
    expect(await expectFailure(half, { handshakeTimeout: 50 })).toBe(TIMED_OUT);
  });

  test('C5: no connection at all is refused at the deadline', async () => {
    const options = { handshakeTimeout: 50, lookup: () => {} } as unknown as FaceOptions;
    const ws = new WebSocket('ws://server.example.com/', options);
    const events = attend(scope().track(ws));
    await until(() => events.length === 2, 'the end');
    expect(events).toEqual([`error ${TIMED_OUT}`, 'close 1006']);
  });

  test.each(['ws', 'wss'])(
    'C5: silence over TCP is refused at the deadline, %s',
    async (scheme) => {
      let closed = 0;
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.on('close', () => (closed += 1));
      });
      const port = await scope().listen(server);
      const ws = new WebSocket(`${scheme}://127.0.0.1:${port}/`, { handshakeTimeout: 80 });
      const events = attend(scope().track(ws));
      await until(() => events.length === 2, 'the end');
      expect(events).toEqual([`error ${TIMED_OUT}`, 'close 1006']);
      await until(() => closed === 1, 'the client to hang up');
    },
  );

  test('C5: once open, the deadline is over', async () => {
    clock.stop();
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 60 });
    await answer(dialer, (key) => upgradeResponse(key));
    await until(() => dialer.events.length > 0, 'an event');
    clock.advance(1_000);
    await turns();
    expect(dialer.events).toEqual(['open']);
  });

  test('C6: a response that drips is refused at the deadline', async () => {
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 100 });
    const { wire, inbox } = await dialer.arrival();
    const request = await inbox.message();
    const drops = Array.from(upgradeResponse(keyOf(request), `X: ${'a'.repeat(9_000)}`));
    const drip = setInterval(() => {
      const drop = drops.shift();
      if (drop !== undefined && wire.writable) wire.write(drop);
    }, 5);
    const message = await dialer.failed().finally(() => clearInterval(drip));
    expect(message).toBe(TIMED_OUT);
    expect(drops.length).toBeGreaterThan(0);
  });

  test('C6: interim responses without end are refused at the deadline', async () => {
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 100 });
    const { wire, inbox } = await dialer.arrival();
    await inbox.message();
    const flood = setInterval(() => {
      if (wire.writable) wire.write('HTTP/1.1 100 Continue\r\n\r\n');
    }, 5);
    expect(await dialer.failed().finally(() => clearInterval(flood))).toBe(TIMED_OUT);
  });

  test('C6: each redirect has a deadline of its own', async () => {
    clock.stop();
    const options = { handshakeTimeout: 2_000, followRedirects: true };
    const dialer = new Dialer(scope(), URL_OF_SERVER, options);
    await dialer.arrival();
    clock.advance(1_200);
    await answer(dialer, () => 'HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n');
    await dialer.arrival(1);
    clock.advance(1_200);
    await answer(dialer, (key) => upgradeResponse(key), 1);
    await until(() => dialer.events.length > 0, 'an event');
    expect(dialer.events).toEqual(['open']);
  });
});

function redirectTo(location: string, status = 302): string {
  return `HTTP/1.1 ${status} X\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
}

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
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true, ...limit });
    for (let hop = 0; hop <= hops; hop++) await answer(dialer, () => redirectTo('/chat'), hop);
    expect(await dialer.failed()).toBe('Maximum redirects exceeded');
    expect(dialer.arrivals).toHaveLength(hops + 1);
  });

  test('C7: every hop has a nonce of its own', async () => {
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
    const keys: string[] = [];
    for (let hop = 0; hop < 4; hop++) {
      await answer(
        dialer,
        (key) => {
          keys.push(key);
          return redirectTo(`/hop/${hop}`);
        },
        hop,
      );
    }
    await answer(dialer, () => upgradeResponse(keys[0] ?? ''), 4);
    expect(await dialer.failed()).toBe('Invalid Sec-WebSocket-Accept header');
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
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
    await answer(dialer, () => redirectTo(location));
    await answer(dialer, (key) => upgradeResponse(key), 1);
    await until(() => dialer.events.length > 0, 'an event');
    expect(dialer.events).toEqual(['open']);
    expect(dialer.ws.url).toBe(url);
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
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
    await answer(dialer, () => redirectTo(location));
    await dialer.failed();
    expect(dialer.errors[0]).toBeInstanceOf(SyntaxError);
    expect(dialer.arrivals).toHaveLength(1);
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
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
    const { inbox } = await answer(dialer, () => redirectTo('/new'));
    await inbox.rest();
    await dialer.arrival(1);
    dialer.ws.terminate();
    expect(await dialer.failed()).toBe(
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
  async function carried(dialer: Dialer, location: string): Promise<string[][]> {
    const first = await dialer.arrival();
    const one = await first.inbox.message();
    first.wire.write(redirectTo(location));
    const two = await (await dialer.arrival(1)).inbox.message();
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
        const dialer = new Dialer(scope(), from, { followRedirects: true, ...options });
        const [one, two] = await carried(dialer, location);
        expect(one).toHaveLength(1);
        expect(two).toEqual([]);
      },
    );

    test(`C8: ${name} is kept on the same host`, async () => {
      const dialer = new Dialer(scope(), url, { followRedirects: true, ...options });
      const [one, two] = await carried(dialer, '/new');
      expect(one).toHaveLength(1);
      expect(two).toEqual(one);
    });
  });

  test("C8: a listener of 'redirect' decides for itself", async () => {
    const headers = { Authorization: 'Bearer secret', Cookie: 'secret=1' };
    const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true, headers });
    const seen: string[] = [];
    dialer.ws.on('redirect', (url, request) => {
      seen.push(url);
      request.removeHeader('cookie');
    });
    const [one, two] = await carried(dialer, 'ws://evil.example/');
    expect(one).toEqual(['Bearer secret', 'secret=1']);
    expect(two).toEqual(['Bearer secret']);
    expect(seen).toEqual(['ws://evil.example/']);
  });

  test("C8: the caller's options stay as they were, and other fields go along", async () => {
    const headers = { Authorization: 'Bearer secret', Host: 'a.example', 'X-Other': 'x' };
    const options = { followRedirects: true, headers, perMessageDeflate: false };
    const before = JSON.stringify(options);
    const dialer = new Dialer(scope(), URL_OF_SERVER, options);
    const first = await dialer.arrival();
    expect((await first.inbox.message()).all('host')).toEqual(['a.example']);
    first.wire.write(redirectTo('ws://evil.example/'));
    const second = await (await dialer.arrival(1)).inbox.message();
    expect(second.all('host')).toEqual(['evil.example']);
    expect(second.all('x-other')).toEqual(['x']);
    expect(JSON.stringify(options)).toBe(before);
  });
});

describe('C9: injection into the request', () => {
  const evil = '\r\nEvil: 1\r\nX: ';
  const inputs: [string, string, Loose, string[]][] = [
    ['a header value', URL_OF_SERVER, { headers: { 'X-A': `a${evil}` } }, []],
    ['a header name', URL_OF_SERVER, { headers: { [`X-A: b${evil}`]: 'a' } }, []],
    ['a header list', URL_OF_SERVER, { headers: { 'X-A': ['a', `b${evil}`] } }, []],
    ['a header value with half CR LF', URL_OF_SERVER, { headers: { 'X-A': 'a\nEvil: 1' } }, []],
    [
      'a header value beyond Latin-1',
      URL_OF_SERVER,
      { headers: { 'X-A': 'a\u010d\u010aEvil: 1' } },
      [],
    ],
    ['Host', URL_OF_SERVER, { headers: { Host: `a${evil}` } }, []],
    ['the origin', URL_OF_SERVER, { origin: `http://a${evil}` }, []],
    ['the origin beyond Latin-1', URL_OF_SERVER, { origin: 'http://a\u010d\u010aEvil: 1' }, []],
    ['a subprotocol', URL_OF_SERVER, {}, [`a${evil}`]],
    ['a subprotocol as an option', URL_OF_SERVER, { protocols: [`a${evil}`] }, []],
    ['the path', `ws://server.example.com/${evil}`, {}, []],
    ['the query', `ws://server.example.com/?a=${evil}`, {}, []],
    ['the host', `ws://server.example.com${evil}/`, {}, []],
    ['the path, encoded', 'ws://server.example.com/%0d%0aEvil:%201', {}, []],
    ['the path beyond Latin-1', 'ws://server.example.com/\u010d\u010aEvil: 1', {}, []],
    ['userinfo', `ws://a${evil}:b@server.example.com/`, {}, []],
    ['userinfo, encoded', 'ws://a%0d%0aEvil%3a%201:b@server.example.com/', {}, []],
    ['auth', URL_OF_SERVER, { auth: `a${evil}:b` }, []],
    ['the method', URL_OF_SERVER, { method: `GET / HTTP/1.1${evil}` }, []],
    ['the path option', URL_OF_SERVER, { path: `/ HTTP/1.1${evil}` }, []],
    ['the host option', URL_OF_SERVER, { host: `a${evil}`, hostname: `a${evil}` }, []],
    ['the port option', URL_OF_SERVER, { port: `1${evil}`, defaultPort: 80 }, []],
    ['the version', URL_OF_SERVER, { protocolVersion: `13${evil}` }, []],
  ];
  test.each(inputs)(
    'C9: %s throws, or is written without harm',
    async (_name, url, options, protocols) => {
      let dialer: Dialer;
      try {
        dialer = new Dialer(scope(), url, options, protocols.length > 0 ? protocols : undefined);
      } catch (error) {
        expect(error).toMatchObject({ message: expect.any(String) });
        return;
      }
      await until(() => dialer.arrivals.length + dialer.events.length > 0, 'a request or an error');
      const [arrival] = dialer.arrivals;
      if (arrival === undefined) return;
      await arrival.inbox.message();
      expect(show(arrival.inbox.peek())).toBe('');
      dialer.ws.terminate();
      await dialer.closed();
    },
  );

  test.each(inputs)('C9: %s adds no line', async (_name, url, options, protocols) => {
    let dialer: Dialer | undefined;
    try {
      dialer = new Dialer(scope(), url, options, protocols.length > 0 ? protocols : undefined);
    } catch {
      // Refused: nothing is written.
    }
    await turns();
    const [arrival] = dialer?.arrivals ?? [];
    const lines = (arrival?.inbox.peek().toString('latin1') ?? '').split(/[\r\n]/);
    expect(lines.filter((line) => line.startsWith('Evil'))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('GET ')).length).toBe(arrival ? 1 : 0);
  });
});

describe('C10, C11, C12: what the server selected', () => {
  const selected: [string, string[] | undefined, string[]][] = [
    ['when none was requested', undefined, ['chat']],
    ['that was not offered', ['chat', 'talk'], ['other']],
    ['in other case', ['chat'], ['Chat']],
    ['two of them', ['chat', 'talk'], ['chat, talk']],
    ['two of them in two lines', ['chat', 'talk'], ['chat', 'talk']],
    ['the same in two lines', ['chat'], ['chat', 'chat']],
    ['nothing at all', ['chat'], ['']],
    ['in quotes', ['chat'], ['"chat"']],
    ['with a parameter', ['chat'], ['chat; q=1']],
    ['a name of Object.prototype', ['chat'], ['__proto__']],
    ['no field although one was requested', ['chat'], []],
  ];
  test.each(selected)('C10: a subprotocol %s is refused', async (_name, protocols, values) => {
    const lines = values.map((value) => `Sec-WebSocket-Protocol: ${value}`);
    const make = (key: string): string => upgradeResponse(key, ...lines);
    expect(await expectFailure(make, {}, protocols)).toMatch(/^Server sent .*subprotocol/);
  });

  const extensions = [
    'permessage-deflate',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate; server_max_window_bits=100000',
    'unknown',
    'permessage-deflate, unknown',
    'unknown; a=b',
    'constructor',
    '__proto__; __proto__=1',
    ';',
    '',
    'permessage-deflate; a="',
    'x'.repeat(8_000),
  ];
  test('C11: extensions that were not offered are refused', async () => {
    for (const value of extensions) {
      const message = await expectFailure(
        (key) => upgradeResponse(key, `Sec-WebSocket-Extensions: ${value}`),
        { perMessageDeflate: false },
      );
      expect(message).toMatch(/extension/i);
    }
  });

  // Whether or not the client offers compression: these are answers to no offer.
  const wrong = [
    'permessage-deflate; unknown',
    'permessage-deflate; unknown=1',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_max_window_bits=7',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=100000',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; __proto__',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate, unknown',
    'x-webkit-deflate-frame',
    'permessage-bzip2',
    'Permessage-Deflate2',
    ',',
  ];
  test('C11: answers that match no offer are refused', async () => {
    for (const value of wrong) {
      const message = await expectFailure(
        (key) => upgradeResponse(key, `Sec-WebSocket-Extensions: ${value}`),
        { perMessageDeflate: true },
      );
      expect([value, message]).toEqual([value, expect.stringMatching(/extension/i)]);
    }
  });

  test('C12: window bits are written in one way only', async () => {
    for (const bits of [
      '010',
      '0xA',
      '1e1',
      '+10',
      '08',
      '9.0',
      '-9',
      '',
      '"010"',
      '1_0',
      '0b1010',
    ]) {
      for (const side of ['server', 'client']) {
        const value = `permessage-deflate; ${side}_max_window_bits=${bits}`;
        const message = await expectFailure(
          (key) => upgradeResponse(key, `Sec-WebSocket-Extensions: ${value}`),
          { perMessageDeflate: true },
        );
        expect(message).toMatch(/extension/i);
      }
    }
  });
});

describe('C13: timing', () => {
  const CLOSED = 'WebSocket was closed before the connection was established';
  const gone = (ws: Face, how: 'close' | 'terminate'): void => ws[how]();

  describe.each(['close', 'terminate'] as const)('%s()', (how) => {
    test(`C13: ${how}() right after the constructor`, async () => {
      const dialer = new Dialer(scope());
      gone(dialer.ws, how);
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() when the connection is asked for`, async () => {
      const dialer: Dialer = new Dialer(scope());
      await dialer.arrival();
      gone(dialer.ws, how);
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() while the request waits for its response`, async () => {
      const dialer = new Dialer(scope());
      const { inbox } = await dialer.arrival();
      await inbox.message();
      gone(dialer.ws, how);
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() while no connection is made`, async () => {
      const ws = scope().track(new WebSocket(URL_OF_SERVER, { lookup: () => {} } as FaceOptions));
      const events = attend(ws);
      await turns();
      gone(ws, how);
      await until(() => events.length === 2, 'the end');
      expect(events).toEqual([`error ${CLOSED}`, 'close 1006']);
    });

    test(`C13: ${how}() in the middle of the response`, async () => {
      const dialer = new Dialer(scope());
      const { wire } = await answer(dialer, (key) => upgradeResponse(key).slice(0, 60));
      await turns();
      gone(dialer.ws, how);
      if (wire.writable) wire.write('x');
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'upgrade'`, async () => {
      const dialer = new Dialer(scope());
      dialer.ws.on('upgrade', () => gone(dialer.ws, how));
      await answer(dialer, (key) => Buffer.concat([Buffer.from(upgradeResponse(key)), hello]));
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'redirect'`, async () => {
      const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
      dialer.ws.on('redirect', () => gone(dialer.ws, how));
      await answer(dialer, () => redirectTo('/new'));
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'unexpected-response'`, async () => {
      const dialer = new Dialer(scope());
      dialer.ws.on('unexpected-response', () => gone(dialer.ws, how));
      await answer(dialer, () => 'HTTP/1.1 404 X\r\nContent-Length: 1\r\n\r\nx');
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() twice, and the other one behind it`, async () => {
      const dialer = new Dialer(scope());
      await dialer.arrival();
      gone(dialer.ws, how);
      gone(dialer.ws, how);
      dialer.ws.close();
      dialer.ws.terminate();
      expect(await dialer.failed()).toBe(CLOSED);
      await turns();
      expect(dialer.events).toHaveLength(2);
    });
  });

  test("C13: terminate() in a listener of 'open': nothing more is delivered", async () => {
    const dialer = new Dialer(scope());
    dialer.ws.on('open', () => dialer.ws.terminate());
    await answer(dialer, (key) => Buffer.concat([Buffer.from(upgradeResponse(key)), hello]));
    await dialer.closed();
    expect(dialer.events).toEqual(['open', 'close 1006']);
  });

  /** What a client is told when the server sends this much and then is gone. */
  async function told(
    length: number,
    end: (arrival: Arrival, near: Dialer) => void,
  ): Promise<string[]> {
    const dialer = new Dialer(scope());
    const arrival = await dialer.arrival();
    const key = keyOf(await arrival.inbox.message());
    const bytes = Buffer.concat([Buffer.from(upgradeResponse(key)), hello]);
    if (length > 0) arrival.wire.write(bytes.subarray(0, length));
    if (length % 2 === 0) await turns(1);
    end(arrival, dialer);
    await dialer.closed();
    arrival.wire.destroy();
    return dialer.events;
  }

  const head = upgradeResponse('dGhlIHNhbXBsZSBub25jZQ==').length;
  const whole = head + hello.length;
  const ends: [string, (arrival: Arrival) => void][] = [
    ['FIN', ({ wire }) => wire.end()],
    ['FIN and gone', ({ wire }) => wire.destroy()],
  ];
  test.each(ends)('C13: %s after every byte of the response', async (_name, end) => {
    for (let length = 0; length <= whole; length++) {
      const events = await told(length, end);
      if (length < head) expect(events).toEqual([expect.stringMatching(/^error /), 'close 1006']);
      else if (length < whole) expect(events).toEqual(['open', 'close 1006']);
      else expect(events).toEqual(['open', 'message Hello', 'close 1006']);
    }
  });

  test('C13: RST over TCP after every byte of the response', async () => {
    let length = 0;
    const server = createServer((socket: Socket) => {
      const inbox = new Inbox(socket);
      void inbox.message().then((request) => {
        const bytes = Buffer.concat([Buffer.from(upgradeResponse(keyOf(request))), hello]);
        if (length === 0) socket.resetAndDestroy();
        else socket.write(bytes.subarray(0, length), () => socket.resetAndDestroy());
      });
    });
    const port = await scope().listen(server);
    for (length = 0; length <= whole; length++) {
      const events = attend(scope().track(new WebSocket(`ws://127.0.0.1:${port}/`)));
      await until(
        () => events.at(-1) === 'close 1006',
        () => `the end; told: ${events}`,
      );
      // A reset may overtake bytes that were sent before it: then the client never saw them.
      const errors = events.filter((event) => event.startsWith('error'));
      if (events[0] === 'open') expect(errors).toEqual([]);
      else expect([events.length, errors.length]).toEqual([2, 1]);
      expect(events.filter((event) => event.startsWith('close'))).toHaveLength(1);
    }
  });

  test('C13: the response and a frame, cut in two at every byte', async () => {
    for (let at = 1; at < whole; at++) {
      const dialer = new Dialer(scope());
      const { wire, inbox } = await dialer.arrival();
      const key = keyOf(await inbox.message());
      const bytes = Buffer.concat([Buffer.from(upgradeResponse(key)), hello]);
      wire.write(bytes.subarray(0, at));
      await turns(1);
      wire.write(bytes.subarray(at));
      await until(
        () => dialer.events.length === 2,
        () => `cut at ${at}: ${dialer.events}`,
      );
      expect(dialer.events).toEqual(['open', 'message Hello']);
      dialer.ws.terminate();
    }
  });

  test("C13: 500 frames in the packet of the 101 come behind 'open', in order", async () => {
    const dialer = new Dialer(scope());
    const names = Array.from({ length: 500 }, (_, i) => String(i));
    const frames = names.map((payload) => frame({ payload }));
    await answer(dialer, (key) => Buffer.concat([Buffer.from(upgradeResponse(key)), ...frames]));
    await until(() => dialer.events.length === 501, 'every message');
    expect(dialer.events).toEqual(['open', ...names.map((name) => `message ${name}`)]);
  });

  test('C13: a Close in the packet of the 101', async () => {
    const dialer = new Dialer(scope());
    const payload = closePayload(1001, 'bye');
    const close = frame({ opcode: OPCODE.CLOSE, payload });
    const { wire, inbox } = await answer(dialer, (key) =>
      Buffer.concat([Buffer.from(upgradeResponse(key)), hello, close, hello]),
    );
    expect(await inbox.frame()).toMatchObject({ opcode: OPCODE.CLOSE, masked: true, payload });
    wire.end();
    await dialer.closed();
    expect(dialer.events).toEqual(['open', 'message Hello', 'close 1001']);
  });

  test('C13: an illegal frame in the packet of the 101', async () => {
    const dialer = new Dialer(scope());
    const illegal = frame({ payload: 'x', mask: Buffer.from([1, 2, 3, 4]) });
    const { wire, inbox } = await answer(dialer, (key) =>
      Buffer.concat([Buffer.from(upgradeResponse(key)), hello, illegal, hello]),
    );
    const { opcode, payload } = await inbox.frame();
    expect([opcode, payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, 1002]);
    wire.end();
    await dialer.closed();
    expect(dialer.events).toEqual([
      'open',
      'message Hello',
      expect.stringMatching(/^error /),
      'close 1006',
    ]);
  });
});

describe('C14: TLS', () => {
  const pem = (name: string): string =>
    readFileSync(join(__dirname, `../support/tls/localhost-${name}.pem`), 'utf8');
  const [cert, key] = [pem('cert'), pem('key')];

  /** A server that speaks TLS with the certificate for `localhost`, and answers every handshake. */
  async function tlsServer() {
    const names: (string | false | null)[] = [];
    const server = createHttpsServer({ cert, key });
    server.on('tlsClientError', () => {});
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => {});
      names.push((socket as TLSSocket & { servername?: string | false }).servername ?? null);
    });
    server.on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      socket.write(upgradeResponse(request.headers['sec-websocket-key'] ?? ''));
      socket.write(hello);
    });
    return { port: await scope().listen(server, 'localhost'), names };
  }

  async function outcome(url: string, options: Loose = {}) {
    const ws = scope().track(new WebSocket(url, options as FaceOptions));
    const errors: NodeJS.ErrnoException[] = [];
    ws.on('error', (error) => errors.push(error));
    const events = attend(ws);
    await until(
      () => events.length >= 2,
      () => `an outcome; told: ${events}`,
    );
    return { events, code: errors[0]?.code ?? '' };
  }

  const failed = [expect.stringMatching(/^error /), 'close 1006'];

  test('C14: a self-signed certificate is refused by default', async () => {
    const { port } = await tlsServer();
    const { events, code } = await outcome(`wss://localhost:${port}/`);
    expect(events).toEqual(failed);
    expect(code).toMatch(/SELF_SIGNED/);
  });

  test('C14: a certificate that is trusted is accepted, and the host is named to the server', async () => {
    const { port, names } = await tlsServer();
    const { events } = await outcome(`wss://localhost:${port}/`, { ca: cert });
    expect(events).toEqual(['open', 'message Hello']);
    // RFC 6455 §4.1: clients MUST use Server Name Indication.
    expect(names).toEqual(['localhost']);
  });

  test('C14: a certificate for another host is refused', async () => {
    const { port } = await tlsServer();
    const lookup = { servername: 'other.example.com', ca: cert };
    const { events, code } = await outcome(`wss://localhost:${port}/`, lookup);
    expect(events).toEqual(failed);
    expect(code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('C14: a certificate for a name is refused for an address', async () => {
    const server = createHttpsServer({ cert, key });
    server.on('tlsClientError', () => {});
    const port = await scope().listen(server);
    const { events, code } = await outcome(`wss://127.0.0.1:${port}/`, { ca: cert });
    expect(events).toEqual(failed);
    expect(code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('C14: rejectUnauthorized: false is the way to trust anybody', async () => {
    const { port } = await tlsServer();
    const options = { rejectUnauthorized: false };
    const { events } = await outcome(`wss://localhost:${port}/`, options);
    expect(events).toEqual(['open', 'message Hello']);
  });

  test('C14: a plain server behind wss is refused', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    const port = await scope().listen(server);
    expect((await outcome(`wss://127.0.0.1:${port}/`)).events).toEqual(failed);
  });

  test('C14: a TLS server behind ws is refused', async () => {
    const { port } = await tlsServer();
    expect((await outcome(`ws://localhost:${port}/`)).events).toEqual(failed);
  });

  test.each([0, 1, 5, 50])(
    'C14: RST behind %d bytes of the TLS handshake is refused',
    async (length) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          if (length === 0) socket.resetAndDestroy();
          else {
            const record = Buffer.concat([Buffer.from([22, 3, 3, 1, 0, 2]), Buffer.alloc(60)]);
            socket.write(record.subarray(0, length), () => socket.resetAndDestroy());
          }
        });
      });
      const port = await scope().listen(server);
      expect((await outcome(`wss://127.0.0.1:${port}/`)).events).toEqual(failed);
    },
  );
});

describe('C15: randomness', () => {
  test('C15: every attempt has a nonce of 16 random bytes', async () => {
    const count = 300;
    const keys: string[] = [];
    for (let i = 0; i < count; i++) {
      const dialer = new Dialer(scope());
      keys.push(keyOf(await (await dialer.arrival()).inbox.message()));
      dialer.ws.terminate();
    }
    expect(new Set(keys).size).toBe(count);
    const nonces = keys.map((key) => Buffer.from(key, 'base64'));
    for (const [i, nonce] of nonces.entries()) {
      expect(nonce).toHaveLength(16);
      expect(nonce.toString('base64')).toBe(keys[i]);
    }
    expectBalanced(nonces);
  });

  // Far more frames than a pool of keys holds: if it were used again, keys would come again.
  test('C15: every frame has a masking key of its own', async () => {
    const count = 5_000;
    const dialer = new Dialer(scope());
    const { inbox } = await answer(dialer, (key) => upgradeResponse(key));
    await until(() => dialer.events.length > 0, 'an event');
    const zeros = Buffer.alloc(4); // masked, they are the key
    for (let i = 0; i < count; i++) dialer.ws.send(zeros);
    const bytes = await inbox.take(count * 10);
    const keys = Array.from({ length: count }, (_, i) => bytes.subarray(i * 10 + 2, i * 10 + 6));
    for (const [i, key] of keys.entries()) {
      expect(bytes.readUInt16BE(i * 10)).toBe(0x8284);
      if (!bytes.subarray(i * 10 + 6, i * 10 + 10).equals(key)) throw new Error(`frame ${i}`);
    }
    // By chance, two of 5,000 random keys are alike once in 340 runs; three pairs never are.
    expect(new Set(keys.map((key) => key.readUInt32BE())).size).toBeGreaterThan(count - 3);
    expectBalanced(keys);
  });

  /** Each bit is set about half the time: within six standard deviations. */
  function expectBalanced(samples: Buffer[]): void {
    const width = (samples[0]?.length ?? 0) * 8;
    const tolerance = 3 * Math.sqrt(samples.length);
    for (let bit = 0; bit < width; bit++) {
      const set = samples.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
      expect(Math.abs(set - samples.length / 2)).toBeLessThan(tolerance);
    }
  }
});
