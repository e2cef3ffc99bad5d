/** permessage-deflate without I/O: small messages within a call, large ones in the pool of zlib. */

import { describe, expect, test } from '@jest/globals';
import { ServerProtocol } from '../../../src/sans-io/peer-protocol.js';
import type { ProtocolEvent } from '../../../src/sans-io/protocol-events.js';
import { frame, KEY } from '../../support/frames.js';
import { until } from '../../support/inbox.js';
import { inWords, negotiate, ProtocolPair } from '../../support/protocol-pair.js';
import { SeededRandom } from '../../support/random.js';

const RSV1 = 4;
/** Compresses to half its size, in the thread pool. */
const LARGE = Buffer.from(new SeededRandom(1).bytes(200_000).toString('hex'));

/** The lengths of the messages among the events. */
function lengthsOf(events: ProtocolEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'message' ? [event.data.length] : []));
}

/** A compressed message of a client, as bytes. */
async function compressedMessage(data: Buffer | string): Promise<Buffer> {
  let ready = 0;
  const { client } = new ProtocolPair(
    {},
    { extension: negotiate().client, onReady: () => ready++ },
  );
  client.send(data);
  let bytes = client.bytesToSend();
  if (bytes.length === 0) {
    await until(() => ready > 0, 'a compressed message');
    bytes = client.bytesToSend();
  }
  return bytes;
}

describe('RFC 7692 §7.2.3', () => {
  const hello = 'f248cdc9c90700';

  test('both ends inflate its examples', () => {
    const server = new ServerProtocol({ extension: negotiate().server });
    for (const payload of [hello, 'f200110000']) {
      server.receive(frame({ rsv: RSV1, payload: Buffer.from(payload, 'hex'), mask: KEY }));
    }
    expect(server.events().map(inWords)).toEqual(['text Hello', 'text Hello']);
  });

  test('a server sends the first of them', () => {
    const server = new ServerProtocol({ extension: negotiate().server });
    server.send('Hello');
    expect(server.bytesToSend().toString('hex')).toBe(`c107${hello}`);
  });
});

describe('small messages', () => {
  test.each([
    ['with takeover', true],
    ['without takeover', { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ['with small windows', { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
  ] as const)('%s are inflated before the call returns', (_what, options) => {
    const pair = ProtocolPair.compressed(negotiate(options));
    const text = 'Hello, hello '.repeat(200);
    for (const _ of [1, 2, 3]) {
      pair.client.send(text);
      pair.server.send(text);
    }
    const bytes = pair.client.bytesToSend();
    expect(bytes.length).toBeLessThan(text.length);
    pair.server.receive(bytes);
    pair.exchange();
    expect(pair.serverEvents).toEqual(Array(3).fill(`text ${text}`));
    expect(pair.clientEvents).toEqual(Array(3).fill(`text ${text}`));
  });

  test('compress: false sends a message as it is', () => {
    const server = new ServerProtocol({ extension: negotiate().server });
    server.send('Hello', { compress: false });
    expect(server.bytesToSend().toString('hex')).toBe('810548656c6c6f');
  });

  test('fragments are one compressed message', () => {
    const pair = ProtocolPair.compressed();
    pair.client.send('Hello, ', { fin: false });
    pair.client.ping('x');
    pair.client.send('hello', { fin: true });
    pair.exchange();
    expect(pair.serverEvents).toEqual(['ping x', 'text Hello, hello']);
  });
});

describe('a large message', () => {
  test('is compressed after the call; onReady tells when, and later frames wait', async () => {
    let ready = 0;
    const pair = new ProtocolPair(
      { extension: undefined },
      { extension: negotiate().client, onReady: () => ready++ },
    );
    pair.client.send(LARGE);
    pair.client.ping('behind');
    expect(pair.client.bytesToSend()).toHaveLength(0);
    await until(() => ready > 0, 'onReady');
    const bytes = pair.client.bytesToSend();
    expect(bytes.subarray(-6 - 'behind'.length)[0]).toBe(0x89);
    expect(bytes.length).toBeLessThan(LARGE.length);
  });

  test('is inflated after the call; onReady tells when, and later frames wait', async () => {
    const bytes = await compressedMessage(LARGE);
    let ready = 0;
    const server = new ServerProtocol({ extension: negotiate().server, onReady: () => ready++ });
    server.receive(Buffer.concat([bytes, frame({ opcode: 9, payload: 'behind', mask: KEY })]));
    server.receive(frame({ payload: 'last', mask: KEY }));
    expect(server.events()).toEqual([]);
    await until(() => ready > 0, 'onReady');
    const events = server.events();
    expect(lengthsOf(events)).toEqual([LARGE.length, 4]);
    expect(events.map(({ type }) => type)).toEqual(['message', 'ping', 'message']);
  });

  test('arrives although the peer has ended, and the wire is closed', async () => {
    const bytes = await compressedMessage(LARGE);
    let ready = 0;
    const server = new ServerProtocol({ extension: negotiate().server, onReady: () => ready++ });
    server.receive(bytes);
    server.end();
    server.closed();
    expect(server.events()).toEqual([]);
    await until(() => ready > 0, 'onReady');
    expect(server.events().map(({ type }) => type)).toEqual(['message', 'close']);
  });

  test('holds back everything behind it, and all of that leaves together', async () => {
    let ready = 0;
    const { client, server } = new ProtocolPair(
      { extension: negotiate().server },
      { extension: negotiate().client, onReady: () => ready++ },
    );
    client.send(LARGE);
    for (let i = 0; i < 1000; i++) client.send('x'.repeat(1000), { compress: false });
    expect(client.bytesToSend()).toHaveLength(0);
    await until(() => ready > 0, 'onReady');
    server.receive(client.bytesToSend());
    await until(() => server.state === 'OPEN' && ready > 0, 'the message');
    const lengths: number[] = [];
    await until(() => {
      lengths.push(...lengthsOf(server.events()));
      return lengths.length === 1001;
    }, 'all messages');
    expect(lengths).toEqual([LARGE.length, ...Array(1000).fill(1000)]);
  });

  test('onReady may call every method', async () => {
    const extensions = negotiate();
    const sent: Buffer[] = [];
    const { client } = new ProtocolPair(
      {},
      {
        extension: extensions.client,
        onReady: () => {
          sent.push(client.bytesToSend());
          if (sent.length < 3) client.send(LARGE);
          else client.close(1000);
        },
      },
    );
    client.send(LARGE);
    await until(() => client.state === 'CLOSE_SENT', 'three messages');
    sent.push(client.bytesToSend());
    const server = new ServerProtocol({ extension: extensions.server });
    for (const bytes of sent) server.receive(bytes);
    const events: ProtocolEvent[] = [];
    await until(() => {
      events.push(...server.events());
      return events.at(-1)?.type === 'end';
    }, 'the end');
    expect(lengthsOf(events)).toEqual(Array(3).fill(LARGE.length));
  });

  test('that is a bomb fails the connection at its limit', async () => {
    const bytes = await compressedMessage(Buffer.alloc(20_000_000));
    expect(bytes.length).toBeLessThan(100_000);
    let ready = 0;
    const server = new ServerProtocol({
      extension: negotiate().server,
      maxPayload: 1_000_000,
      onReady: () => ready++,
    });
    server.receive(bytes);
    await until(() => ready > 0, 'onReady');
    expect(server.events().map(inWords)).toContain('error WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
  });

  test('without onReady is there at the next call', async () => {
    const bytes = await compressedMessage(LARGE);
    const server = new ServerProtocol({ extension: negotiate().server });
    server.receive(bytes);
    let lengths: number[] = [];
    await until(() => {
      lengths = lengthsOf(server.events());
      return lengths.length > 0;
    }, 'the message');
    expect(lengths).toEqual([LARGE.length]);
  });
});
