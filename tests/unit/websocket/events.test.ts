/** Listeners in the way of browsers: `onmessage` and `addEventListener`, and what they receive. */

import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type WebSocket from '../../../src/index.js';
import { closePayload, OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { frameFor, onWire, unconnected, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();

type Type = 'open' | 'message' | 'close' | 'error';
const TYPES: readonly Type[] = ['open', 'message', 'close', 'error'];

/** What is emitted for each event. */
const ARGUMENTS: Record<Type, unknown[]> = {
  open: [],
  message: [Buffer.from('x'), false],
  close: [1000, Buffer.from('bye')],
  error: [new Error('broken')],
};

const happen = (ws: WebSocketInstance, type: Type): boolean => ws.emit(type, ...ARGUMENTS[type]);

/** Without types, as programs in JavaScript see it. */
type Untyped = Record<`on${Type}`, unknown> & {
  addEventListener(type: unknown, listener?: unknown, options?: unknown): unknown;
  removeEventListener(type: unknown, listener?: unknown): unknown;
};

function subject(): { ws: WebSocketInstance; js: Untyped } {
  const ws = unconnected('client');
  return { ws, js: ws as unknown as Untyped };
}

describe.each(TYPES)('on%s', (type) => {
  test('is null at first', () => {
    expect(subject().js[`on${type}`]).toBeNull();
  });

  test('holds the function that was set, and calls it', () => {
    const { ws, js } = subject();
    const seen: unknown[] = [];
    const listener = (event: unknown): void => {
      seen.push(event);
    };
    js[`on${type}`] = listener;
    expect(js[`on${type}`]).toBe(listener);
    expect(ws.listenerCount(type)).toBe(1);
    happen(ws, type);
    expect(seen).toMatchObject([{ type }]);
  });

  test('is replaced by the next one', () => {
    const { ws, js } = subject();
    const seen: string[] = [];
    js[`on${type}`] = () => seen.push('first');
    js[`on${type}`] = () => seen.push('second');
    expect(ws.listenerCount(type)).toBe(1);
    happen(ws, type);
    expect(seen).toEqual(['second']);
  });

  test.each([null, undefined, 'x', 1, {}, { handleEvent: () => {} }])('%p clears it', (value) => {
    const { ws, js } = subject();
    js[`on${type}`] = () => {};
    js[`on${type}`] = value;
    expect(js[`on${type}`]).toBeNull();
    expect(ws.listenerCount(type)).toBe(0);
  });

  test('is independent of addEventListener and on, also with the same function', () => {
    const { ws, js } = subject();
    const seen: string[] = [];
    const listener = (): void => {
      seen.push('x');
    };
    js[`on${type}`] = listener;
    js.addEventListener(type, listener);
    ws.on(type, listener);
    happen(ws, type);
    expect(seen).toHaveLength(3);
    js.removeEventListener(type, listener);
    expect(js[`on${type}`]).toBe(listener);
    js[`on${type}`] = null;
    expect(ws.listenerCount(type)).toBe(1);
    js.addEventListener(type, listener);
    js[`on${type}`] = null;
    expect(ws.listenerCount(type)).toBe(2);
  });

  test('is called with the WebSocket as `this`', () => {
    const { ws, js } = subject();
    let self: unknown;
    js[`on${type}`] = function (this: unknown): void {
      self = this;
    };
    happen(ws, type);
    expect(self).toBe(ws);
  });

  test('is gone with removeAllListeners()', () => {
    const { ws, js } = subject();
    js[`on${type}`] = () => {};
    ws.removeAllListeners();
    expect(js[`on${type}`]).toBeNull();
  });
});

describe.each(TYPES)("addEventListener('%s')", (type) => {
  test('calls functions, with the WebSocket as `this`, in their order', () => {
    const { ws, js } = subject();
    const seen: unknown[] = [];
    js.addEventListener(type, function (this: unknown): void {
      seen.push(this);
    });
    js.addEventListener(type, () => seen.push(2), {});
    js.addEventListener(type, () => seen.push(3), undefined);
    ws.on(type, () => seen.push(4));
    happen(ws, type);
    expect(seen).toEqual([ws, 2, 3, 4]);
  });

  test('calls handleEvent of an object, with the object as `this`', () => {
    const { ws, js } = subject();
    const seen: unknown[] = [];
    const listener = {
      handleEvent(event: unknown): void {
        seen.push(this, event);
      },
    };
    js.addEventListener(type, listener);
    happen(ws, type);
    expect(seen[0]).toBe(listener);
    expect(seen[1]).toMatchObject({ type });
    js.removeEventListener(type, listener);
    expect(ws.listenerCount(type)).toBe(0);
  });

  test('looks for handleEvent when the event comes', () => {
    const { ws, js } = subject();
    const seen: string[] = [];
    const listener = { handleEvent: () => seen.push('old') };
    js.addEventListener(type, listener);
    listener.handleEvent = () => seen.push('new');
    happen(ws, type);
    expect(seen).toEqual(['new']);
  });

  test('ignores a listener that is there already', () => {
    const { ws, js } = subject();
    let calls = 0;
    const listener = (): void => {
      calls++;
    };
    js.addEventListener(type, listener);
    js.addEventListener(type, listener);
    js.addEventListener(type, listener, { once: true });
    expect(ws.listenerCount(type)).toBe(1);
    happen(ws, type);
    if (type !== 'error') happen(ws, type);
    expect(calls).toBe(type === 'error' ? 1 : 2);
  });

  test('with once: true calls it once', () => {
    const { ws, js } = subject();
    ws.on('error', () => {});
    const before = ws.listenerCount(type);
    let calls = 0;
    const listener = (): void => {
      calls++;
    };
    js.addEventListener(type, listener, { once: true });
    js.addEventListener(type, listener, { once: true });
    expect(ws.listenerCount(type)).toBe(before + 1);
    happen(ws, type);
    happen(ws, type);
    expect(calls).toBe(1);
    expect(ws.listenerCount(type)).toBe(before);
    js.addEventListener(type, listener, { once: true });
    happen(ws, type);
    expect(calls).toBe(2);
  });

  test('with once: true can be removed before it was called', () => {
    const { ws, js } = subject();
    const listener = (): never => {
      throw new Error('called');
    };
    js.addEventListener(type, listener, { once: true });
    js.removeEventListener(type, listener);
    expect(ws.listenerCount(type)).toBe(0);
  });

  test('removeEventListener removes that listener only', () => {
    const { ws, js } = subject();
    const seen: string[] = [];
    const [a, b] = [() => seen.push('a'), () => seen.push('b')];
    js.addEventListener(type, a);
    js.addEventListener(type, b);
    js.removeEventListener(type, () => {});
    js.removeEventListener(type, a);
    js.removeEventListener(type, a);
    happen(ws, type);
    expect(seen).toEqual(['b']);
  });

  test('removeEventListener leaves listeners that on() added', () => {
    const { ws, js } = subject();
    const listener = (): void => {};
    ws.on(type, listener);
    js.removeEventListener(type, listener);
    expect(ws.listenerCount(type)).toBe(1);
    js.addEventListener(type, listener);
    expect(ws.listenerCount(type)).toBe(2);
    ws.off(type, listener);
    expect(ws.listenerCount(type)).toBe(1);
  });
});

test.each(['ping', 'pong', 'upgrade', 'unexpected-response', 'redirect', 'foo', ''])(
  "addEventListener('%s') is ignored",
  (type) => {
    const { ws, js } = subject();
    js.addEventListener(type, () => {});
    js.removeEventListener(type, () => {});
    expect(ws.listenerCount(type)).toBe(0);
    expect(ws.eventNames()).toEqual([]);
  },
);

test('there is no dispatchEvent', () => {
  expect('dispatchEvent' in unconnected('client')).toBe(false);
});

describe('event objects', () => {
  /** What the listener of `type` receives. */
  function received(
    type: Type,
    ...args: unknown[]
  ): { ws: WebSocketInstance; event: Record<string, unknown> } {
    const { ws, js } = subject();
    const events: Record<string, unknown>[] = [];
    js.addEventListener(type, (event: Record<string, unknown>) => events.push(event));
    ws.emit(type, ...args);
    const [event] = events;
    if (event === undefined) throw new Error('no event');
    return { ws, event };
  }

  /** Of the fields that any event has, those that this one has: programs tell events apart so. */
  function fieldsOf(event: object): string[] {
    const all = ['type', 'target', 'data', 'code', 'reason', 'wasClean', 'error', 'message'];
    return all.filter((name) => name in event);
  }

  test('Event has type and target', () => {
    const { ws, event } = received('open');
    expect(fieldsOf(event)).toEqual(['type', 'target']);
    expect(event).toMatchObject({ type: 'open', target: ws });
    expect(event.constructor.name).toBe('Event');
  });

  test('MessageEvent has data: a string for text', () => {
    const { ws, event } = received('message', Buffer.from('ä'), false);
    expect(fieldsOf(event)).toEqual(['type', 'target', 'data']);
    expect(event).toMatchObject({ type: 'message', target: ws, data: 'ä' });
    expect(event.constructor.name).toBe('MessageEvent');
  });

  test.each([
    ['a Buffer', Buffer.from('x')],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['fragments', [Buffer.from('x')]],
    ['a Blob', new Blob(['x'])],
  ])('MessageEvent has data: %s as it is', (_, data) => {
    expect(received('message', data, true).event['data']).toBe(data);
  });

  test('CloseEvent has code, reason as a string and wasClean', () => {
    const { ws, event } = received('close', 1001, Buffer.from('ä'));
    expect(fieldsOf(event)).toEqual(['type', 'target', 'code', 'reason', 'wasClean']);
    expect(event).toMatchObject({ target: ws, code: 1001, reason: 'ä', wasClean: false });
    expect(event.constructor.name).toBe('CloseEvent');
  });

  test('ErrorEvent has error and message', () => {
    const error = new Error('broken');
    const { ws, event } = received('error', error);
    expect(fieldsOf(event)).toEqual(['type', 'target', 'error', 'message']);
    expect(event).toMatchObject({ type: 'error', target: ws, message: 'broken' });
    expect(event['error']).toBe(error);
    expect(event.constructor.name).toBe('ErrorEvent');
  });

  test('each listener has an event', () => {
    const { ws, js } = subject();
    const seen: unknown[] = [];
    js.onmessage = (event: unknown) => seen.push(event);
    js.addEventListener('message', (event: unknown) => seen.push(event));
    ws.emit('message', Buffer.from('x'), false);
    expect(seen).toMatchObject([{ data: 'x' }, { data: 'x' }]);
  });
});

describe('on a connection', () => {
  async function connected(): Promise<{
    ws: WebSocketInstance;
    wire: ManualWire;
    seen: unknown[];
  }> {
    const wire = new ManualWire();
    const ws = scope().track(onWire(wire, 'server'));
    const seen: unknown[] = [];
    ws.onmessage = ({ data }: WebSocket.MessageEvent) => seen.push(data);
    ws.onclose = ({ code, reason, wasClean }: WebSocket.CloseEvent) =>
      seen.push({ code, reason, wasClean });
    ws.onerror = ({ message }: WebSocket.ErrorEvent) => seen.push(message);
    await turns(1);
    return { ws, wire, seen };
  }

  test('messages come as strings and in the form that binaryType asks for', async () => {
    const { ws, wire, seen } = await connected();
    const binary = frameFor('server', { opcode: OPCODE.BINARY, payload: 'b' });
    wire.arrive(frameFor('server', { payload: 'a' }), binary);
    ws.binaryType = 'arraybuffer';
    wire.arrive(frameFor('server', { opcode: OPCODE.BINARY, payload: 'c' }));
    expect(seen).toEqual(['a', Buffer.from('b'), expect.anything()]);
    expect(Buffer.from(seen[2] as ArrayBuffer).toString()).toBe('c');
  });

  // RFC 6455 §7.1.4: closed cleanly when TCP closed after the closing handshake.
  test.each([true, false])('wasClean is %p', async (clean) => {
    const { wire, seen } = await connected();
    const payload = closePayload(1001, 'bye');
    if (clean) wire.arrive(frameFor('server', { opcode: OPCODE.CLOSE, payload }));
    wire.finish();
    await until(() => seen.length > 0, "'close'");
    const code = clean ? 1001 : 1006;
    expect(seen).toEqual([{ code, reason: clean ? 'bye' : '', wasClean: clean }]);
  });

  test("wasClean is false when only the peer's Close passed", async () => {
    const wire = new ManualWire({ hold: true });
    const ws = scope().track(onWire(wire, 'server'));
    const seen: boolean[] = [];
    ws.onclose = ({ wasClean }) => seen.push(wasClean);
    await turns(1);
    ws.send('x');
    await turns(1);
    wire.destroy();
    await until(() => seen.length > 0, "'close'");
    expect(seen).toEqual([false]);
  });

  test('onerror is enough of a listener: nothing is thrown', async () => {
    const { wire, seen } = await connected();
    wire.arrive(frameFor('server', { rsv: 1 }));
    await until(() => seen.length > 0, "'error'");
    wire.finish();
    await until(() => seen.length > 1, "'close'");
    expect(seen).toEqual([
      'Invalid WebSocket frame: RSV2 and RSV3 must be clear',
      { code: 1006, reason: '', wasClean: false },
    ]);
  });

  test('node:events.once works on it', async () => {
    const { ws, wire } = await connected();
    const message = once(ws, 'message');
    wire.arrive(frameFor('server', { payload: 'a' }));
    expect(await message).toEqual([Buffer.from('a'), false]);
  });
});
