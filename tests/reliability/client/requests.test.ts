/** What a client sends: C9 and C15 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { show, turns, until } from '../../support/inbox.js';
import { MemoryClient } from '../../support/memory-client.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';
import { URL_OF_SERVER } from './scene.js';

const scope = useScope();

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
      let client: MemoryClient;
      try {
        client = new MemoryClient(
          scope(),
          url,
          options,
          protocols.length > 0 ? protocols : undefined,
        );
      } catch (error) {
        expect(error).toMatchObject({ message: expect.any(String) });
        return;
      }
      await until(
        () => client.connections.length + client.events.length > 0,
        'a request or an error',
      );
      const [connection] = client.connections;
      if (connection === undefined) return;
      await connection.inbox.message();
      expect(show(connection.inbox.peek())).toBe('');
      client.ws.terminate();
      await client.closed();
    },
  );

  test.each(inputs)('C9: %s adds no line', async (_name, url, options, protocols) => {
    let client: MemoryClient | undefined;
    try {
      client = new MemoryClient(
        scope(),
        url,
        options,
        protocols.length > 0 ? protocols : undefined,
      );
    } catch {
      // Refused: nothing is written.
    }
    await turns();
    const [connection] = client?.connections ?? [];
    const lines = (connection?.inbox.peek().toString('latin1') ?? '').split(/[\r\n]/);
    expect(lines.filter((line) => line.startsWith('Evil'))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('GET ')).length).toBe(connection ? 1 : 0);
  });
});

describe('C15: randomness', () => {
  test('C15: every attempt has a nonce of 16 random bytes', async () => {
    const count = 300;
    const keys: string[] = [];
    for (let i = 0; i < count; i++) {
      const client = new MemoryClient(scope());
      keys.push(keyOf(await (await client.connection()).inbox.message()));
      client.ws.terminate();
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
    const client = new MemoryClient(scope());
    const { inbox } = await client.answer((key) => upgradeResponse(key));
    await until(() => client.events.length > 0, 'an event');
    const zeros = Buffer.alloc(4); // masked, they are the key
    for (let i = 0; i < count; i++) client.ws.send(zeros);
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
