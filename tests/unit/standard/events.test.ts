/** WHATWG WebSockets §4, §5: the events: their order, states and classes. */

import { describe, expect, test } from '@jest/globals';
import { CloseEvent, WebSocket } from '../../../src/standard/index.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { uncaughtOrRejected } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { Any, StandardClient } from '../../support/standard-client.js';

const scope = useScope();

async function opened(options = {}): Promise<StandardClient> {
  const client = new StandardClient(scope(), options);
  await client.accept();
  return client;
}

describe('a connection', () => {
  test('is opened, receives and is closed by the server', async () => {
    const client = await opened();
    await client.write(OPCODE.TEXT, 'one');
    await client.write(OPCODE.CLOSE, closePayload(4001, 'bye'));
    (await client.farEnd()).wire.end();
    await client.seen('close');
    expect(client.events).toEqual(['open in 1', 'message one in 1', "close 4001 'bye' clean in 3"]);
  });

  test("is CLOSING from the server's Close on", async () => {
    const client = await opened();
    await client.write(OPCODE.CLOSE, '');
    expect(client.ws.readyState).toBe(WebSocket.CLOSING);
    (await client.farEnd()).wire.end();
    await client.seen('close');
    expect(client.events.at(-1)).toBe("close 1005 '' clean in 3");
  });

  test('that is lost has an error, and the code 1006', async () => {
    const client = await opened();
    (await client.farEnd()).wire.destroy();
    await client.seen('close');
    expect(client.events).toEqual(['open in 1', 'error in 3', "close 1006 '' unclean in 3"]);
  });

  test('that the server violates has an error when it is closed', async () => {
    const client = await opened();
    const { wire } = await client.farEnd();
    wire.write(Buffer.concat([frame({ payload: 'last' }), frame({ opcode: 3, payload: 'LOL' })]));
    wire.end();
    const error = await client.seen('error');
    await client.seen('close');
    expect(client.events).toEqual([
      'open in 1',
      'message last in 1',
      'error in 3',
      "close 1006 '' unclean in 3",
    ]);
    expect(error).toMatchObject({ error: { name: 'ProtocolError', closeCode: 1002 } });
  });

  test('that is refused says why', async () => {
    const client = new StandardClient(scope());
    (await client.farEnd()).wire.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    expect(await client.seen('error')).toMatchObject({
      message: 'Unexpected server response: 404',
      error: { status: 404 },
    });
    await client.seen('close');
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
  });

  test('may be paused by no member: the web has none', async () => {
    const { ws } = await opened();
    expect('pause' in ws || 'on' in ws || 'terminate' in ws).toBe(false);
  });
});

describe('the objects', () => {
  test('a message is a MessageEvent with its origin', async () => {
    const client = await opened();
    await client.write(OPCODE.TEXT, 'one');
    const event = await client.seen('message');
    expect(event).toBeInstanceOf(MessageEvent);
    expect(Object.getPrototypeOf(event)).toBe(MessageEvent.prototype);
    expect((event as MessageEvent).data).toBe('one');
    expect((event as unknown as { origin: string }).origin).toBe('ws://server.example.com');
    expect(event.target).toBe(client.ws);
  });

  test('an error is an Event and nothing more, with its cause', async () => {
    const client = new StandardClient(scope());
    (await client.farEnd()).wire.destroy();
    const event = await client.seen('error');
    expect(Object.getPrototypeOf(event)).toBe(Event.prototype);
    expect(event).toMatchObject({ error: expect.any(Error), message: expect.any(String) });
  });

  test('a close is a CloseEvent', async () => {
    const client = await opened();
    (await client.farEnd()).wire.destroy();
    expect(await client.seen('close')).toBeInstanceOf(CloseEvent);
  });

  test.each(['open', 'close'])('%s bubbles not, and cannot be cancelled', async (type) => {
    const client = await opened();
    (await client.farEnd()).wire.destroy();
    await client.seen('close');
    expect(await client.seen(type)).toMatchObject({ bubbles: false, cancelable: false });
  });
});

describe('binary messages', () => {
  test('are Blobs by default', async () => {
    const client = await opened();
    await client.write(OPCODE.BINARY, 'abc');
    const { data } = (await client.seen('message')) as MessageEvent;
    expect(data).toBeInstanceOf(Blob);
    expect(await (data as Blob).text()).toBe('abc');
    expect((data as Blob).type).toBe('');
  });

  test('are ArrayBuffers of their own where the program wants them', async () => {
    const client = await opened();
    client.ws.binaryType = 'arraybuffer';
    await client.write(OPCODE.BINARY, 'abc');
    const { data } = (await client.seen('message')) as MessageEvent;
    expect(Object.prototype.toString.call(data)).toBe('[object ArrayBuffer]');
    expect(Buffer.from(data as ArrayBuffer).toString()).toBe('abc');
  });

  test('another binaryType is ignored', async () => {
    const { ws } = new StandardClient(scope());
    Object.assign(ws, { binaryType: 'nodebuffer' });
    expect(ws.binaryType).toBe('blob');
    Object.assign(ws, { binaryType: new String('arraybuffer') });
    expect(ws.binaryType).toBe('arraybuffer');
  });
});

describe('without listeners', () => {
  test('a failure ends nothing', async () => {
    const events = uncaughtOrRejected(scope());
    const ends = scope().wire();
    const createConnection = (): unknown => ends[0];
    const ws = new Any('ws://server.example.com/', { createConnection });
    ends[1].destroy();
    for (let i = 0; ws.readyState !== WebSocket.CLOSED && i < 100; i++) await turns();
    await turns();
    expect(ws.readyState).toBe(WebSocket.CLOSED);
    expect(events).toEqual([]);
  });

  test('an exception of a listener is uncaught, and the next message comes', async () => {
    const events = uncaughtOrRejected(scope());
    const client = await opened();
    client.ws.onmessage = () => {
      throw new Error('of a listener');
    };
    await client.write(OPCODE.TEXT, 'one');
    await client.write(OPCODE.TEXT, 'two');
    expect(client.events).toEqual(['open in 1', 'message one in 1', 'message two in 1']);
    expect(events).toHaveLength(2);
  });
});
