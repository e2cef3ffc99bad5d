/** WHATWG WebSockets §3.3: `close`: its arguments, in every state. */

import { describe, expect, test } from '@jest/globals';
import { WebSocket } from '../../../src/standard/index.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { StandardClient } from '../../support/standard-client.js';

const scope = useScope();

async function opened(): Promise<StandardClient> {
  const client = new StandardClient(scope());
  await client.accept();
  return client;
}

/** `close` as programs in JavaScript call it. */
function close(ws: WebSocket, ...args: unknown[]): void {
  (ws.close as (...args: unknown[]) => void).apply(ws, args);
}

describe('the code', () => {
  test.each([0, null, 'x', Number.NaN, 999, 1001, 1005, 1006, 2999, 5000, 70_000, -1, 1000.6])(
    '%p is refused',
    async (code) => {
      const { ws } = await opened();
      expect(() => close(ws, code)).toThrow(
        expect.objectContaining({ name: 'InvalidAccessError' }),
      );
      expect(ws.readyState).toBe(WebSocket.OPEN);
    },
  );

  test.each([
    [1000, 1000],
    ['1000', 1000],
    [3000.5, 3000],
    [3001.5, 3002],
    [4998.7, 4999],
    [{ valueOf: (): number => 3333 }, 3333],
  ])('%p is sent as %d', async (code, sent) => {
    const client = await opened();
    close(client.ws, code);
    const { inbox } = await client.farEnd();
    expect((await inbox.frame()).payload).toEqual(closePayload(sent));
  });
});

describe('the reason', () => {
  const sent = async (...args: unknown[]): Promise<Buffer> => {
    const client = await opened();
    close(client.ws, ...args);
    return (await (await client.farEnd()).inbox.frame()).payload;
  };

  test('without a code has the code 1000', async () => {
    expect(await sent(undefined, 'bye')).toEqual(closePayload(1000, 'bye'));
  });

  test('that is empty needs no code', async () => {
    expect(await sent()).toHaveLength(0);
    expect(await sent(undefined, '')).toHaveLength(0);
    expect(await sent(undefined, undefined)).toHaveLength(0);
  });

  test('is a USVString', async () => {
    expect(await sent(1000, '\ud800a')).toEqual(closePayload(1000, '\ufffda'));
    expect(await sent(1000, null)).toEqual(closePayload(1000, 'null'));
  });

  test('has at most 123 bytes', async () => {
    const { ws } = await opened();
    const refuse = (reason: string): void =>
      expect(() => ws.close(1000, reason)).toThrow(
        expect.objectContaining({ name: 'SyntaxError' }),
      );
    refuse('x'.repeat(124));
    refuse('\u00e9'.repeat(62));
    ws.close(1000, 'x'.repeat(123));
  });

  test('is checked after the code, and in every state', async () => {
    const client = new StandardClient(scope());
    expect(() => client.ws.close(1, 'x'.repeat(124))).toThrow(
      expect.objectContaining({ name: 'InvalidAccessError' }),
    );
    expect(client.ws.readyState).toBe(WebSocket.CONNECTING);
    client.ws.close();
    await client.seen('close');
    expect(() => client.ws.close(1)).toThrow(DOMException);
  });
});

describe('in the state CONNECTING', () => {
  test('close() is CLOSING at once; error and close come in one later task', async () => {
    const client = new StandardClient(scope());
    const { inbox } = await client.farEnd();
    client.ws.close(1000, 'not sent');
    expect(client.ws.readyState).toBe(WebSocket.CLOSING);
    await Promise.resolve();
    await new Promise<void>((done) => process.nextTick(done));
    expect(client.ws.readyState).toBe(WebSocket.CLOSING);
    expect(client.events).toEqual([]);
    let microtasks = 0;
    client.ws.addEventListener('error', () => queueMicrotask(() => microtasks++));
    client.ws.addEventListener('close', () => expect(microtasks).toBeLessThanOrEqual(1));
    await client.seen('close');
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
    await until(() => inbox.ended, 'the connection to end');
  });

  test('a second close() does nothing', async () => {
    const client = new StandardClient(scope());
    client.ws.close();
    client.ws.close();
    await client.seen('close');
    await turns();
    expect(client.events).toHaveLength(2);
    expect(client.ws.readyState).toBe(WebSocket.CLOSED);
  });

  test('close() right after the constructor makes no connection that stays', async () => {
    const client = new StandardClient(scope());
    client.ws.close();
    await client.seen('close');
    await turns();
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
  });

  test('close() for a port of another service closes once', async () => {
    const client = new StandardClient(scope(), {}, 'ws://server.example.com:25/');
    client.ws.close();
    expect(client.ws.readyState).toBe(WebSocket.CLOSING);
    await client.seen('close');
    await turns();
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
  });
});

describe('in the state OPEN', () => {
  test('close() is CLOSING at once, and messages that still come are dropped', async () => {
    const client = await opened();
    client.ws.close(3000, 'bye');
    expect(client.ws.readyState).toBe(WebSocket.CLOSING);
    await client.write(OPCODE.TEXT, 'late');
    await client.write(OPCODE.CLOSE, closePayload(3001, 'too'));
    (await client.farEnd()).wire.end();
    await client.seen('close');
    expect(client.events).toEqual(['open in 1', "close 3001 'too' clean in 3"]);
  });

  test('close() in a listener drops the rest of a chunk', async () => {
    const client = await opened();
    client.ws.onmessage = () => client.ws.close();
    const { wire } = await client.farEnd();
    wire.write(Buffer.concat([frame({ payload: 'one' }), frame({ payload: 'two' })]));
    await turns();
    expect(client.events).toEqual(['open in 1', 'message one in 1']);
  });

  test('messages before close() are sent before the Close', async () => {
    const client = await opened();
    client.ws.send('one');
    client.ws.close();
    const { inbox } = await client.farEnd();
    expect((await inbox.frame()).payload.toString()).toBe('one');
    expect((await inbox.frame()).opcode).toBe(OPCODE.CLOSE);
  });
});

describe('after the end', () => {
  test('close() does nothing', async () => {
    const client = await opened();
    (await client.farEnd()).wire.destroy();
    await client.seen('close');
    client.ws.close(1000);
    await turns();
    expect(client.events).toHaveLength(3);
  });
});
