/** `addEventListener` with an AbortSignal, with null, and with values that are no listener. */

import { describe, expect, test } from '@jest/globals';
import { turns } from '../../support/inbox.js';
import { unconnected } from '../../support/websockets.js';

type Type = 'open' | 'message' | 'close' | 'error';
const TYPES: readonly Type[] = ['open', 'message', 'close', 'error'];

const ARGUMENTS: Record<Type, unknown[]> = {
  open: [],
  message: [Buffer.from('x'), false],
  close: [1000, Buffer.from('bye')],
  error: [new Error('broken')],
};

/** Without types, as programs in JavaScript see it. */
interface Untyped {
  addEventListener(type: unknown, listener?: unknown, options?: unknown): unknown;
  removeEventListener(type: unknown, listener?: unknown): unknown;
}

function subject() {
  const ws = unconnected('client');
  ws.on('error', () => {});
  const js = ws as unknown as Untyped;
  return { ws, js, emit: (type: Type) => ws.emit(type, ...ARGUMENTS[type]) };
}

/** A signal that counts who listens to it. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const counted = { listeners: 0, signal, abort: () => controller.abort() };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    counted.listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    counted.listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return counted;
}

describe.each(TYPES)("addEventListener('%s', …, { signal })", (type) => {
  test('adds the listener until the signal is aborted', () => {
    const { ws, js, emit } = subject();
    const count = ws.listenerCount(type);
    const { abort, signal } = countedSignal();
    const events: unknown[] = [];
    js.addEventListener(type, (event: unknown) => events.push(event), { signal });
    emit(type);
    abort();
    emit(type);
    expect(events).toHaveLength(1);
    expect(ws.listenerCount(type)).toBe(count);
  });

  test('adds nothing if the signal was aborted before', () => {
    const { ws, js } = subject();
    const count = ws.listenerCount(type);
    js.addEventListener(type, () => {}, { signal: AbortSignal.abort() });
    expect(ws.listenerCount(type)).toBe(count);
  });

  test('calls the listener with the WebSocket as `this`', () => {
    const { ws, js, emit } = subject();
    const seen: unknown[] = [];
    const { signal } = countedSignal();
    js.addEventListener(
      type,
      function (this: unknown) {
        seen.push(this);
      },
      { signal },
    );
    emit(type);
    expect(seen).toEqual([ws]);
  });

  test('does not call a listener that another listener of the same event aborted', () => {
    const { js, emit } = subject();
    const events: unknown[] = [];
    const { abort, signal } = countedSignal();
    js.addEventListener(type, abort);
    js.addEventListener(type, () => events.push(type), { signal });
    emit(type);
    expect(events).toEqual([]);
  });

  test('with once: calls the listener once and leaves the signal', () => {
    const { js, emit } = subject();
    const events: unknown[] = [];
    const counted = countedSignal();
    js.addEventListener(type, () => events.push(type), { once: true, signal: counted.signal });
    expect(counted.listeners).toBe(1);
    emit(type);
    emit(type);
    expect(events).toEqual([type]);
    expect(counted.listeners).toBe(0);
  });

  test('with once: an abort before the event removes the listener', () => {
    const { ws, js } = subject();
    const count = ws.listenerCount(type);
    const { abort, signal } = countedSignal();
    js.addEventListener(type, () => {}, { once: true, signal });
    abort();
    expect(ws.listenerCount(type)).toBe(count);
  });

  test('a listener that is there already is not added again, and keeps its first signal', () => {
    const { ws, js } = subject();
    const first = countedSignal();
    const second = countedSignal();
    const listener = () => {};
    js.addEventListener(type, listener, { signal: first.signal });
    const count = ws.listenerCount(type);
    js.addEventListener(type, listener, { signal: second.signal });
    expect(second.listeners).toBe(0);
    second.abort();
    expect(ws.listenerCount(type)).toBe(count);
    first.abort();
    expect(ws.listenerCount(type)).toBe(count - 1);
  });

  test('removeEventListener leaves the signal', () => {
    const { ws, js } = subject();
    const count = ws.listenerCount(type);
    const counted = countedSignal();
    const listener = () => {};
    js.addEventListener(type, listener, { signal: counted.signal });
    js.removeEventListener(type, listener);
    expect(ws.listenerCount(type)).toBe(count);
    expect(counted.listeners).toBe(0);
  });

  test('a closed WebSocket leaves the signal: one that lives on keeps nothing of it', async () => {
    const { ws, js } = subject();
    const counted = countedSignal();
    js.addEventListener(type, () => {}, { signal: counted.signal });
    ws.terminate();
    await turns(1);
    expect(ws.readyState).toBe(ws.CLOSED);
    expect(counted.listeners).toBe(0);
    js.addEventListener(type, () => {}, { signal: counted.signal });
    expect(counted.listeners).toBe(0);
  });
});

test("an abort in a listener of 'close' still removes those behind it", async () => {
  const { ws, js } = subject();
  const seen: string[] = [];
  const { abort, signal } = countedSignal();
  js.addEventListener('close', () => {
    seen.push('first');
    abort();
  });
  js.addEventListener('close', () => seen.push('second'), { signal });
  ws.terminate();
  await turns(1);
  expect(seen).toEqual(['first']);
});

test('one signal removes the listeners of many events', () => {
  const { ws, js } = subject();
  const { abort, signal } = countedSignal();
  for (const type of TYPES) js.addEventListener(type, () => {}, { signal });
  abort();
  expect(ws.eventNames()).toEqual(['error']);
  expect(ws.listenerCount('error')).toBe(1);
});

test.each([null, undefined])('a listener that is %p is ignored', (listener) => {
  const { ws, js, emit } = subject();
  js.addEventListener('message', listener);
  js.addEventListener('message', listener, { once: true });
  js.removeEventListener('message', listener);
  expect(ws.listenerCount('message')).toBe(0);
  emit('message');
});

test.each([1, 'text', true, Symbol('s')])('a listener that is %p is a TypeError', (listener) => {
  const { js } = subject();
  const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  expect(() => js.addEventListener('message', listener)).toThrow(expect.objectContaining(error));
  expect(() => js.addEventListener('message', listener)).toThrow(
    'A listener must be a function or an object with handleEvent(), not ',
  );
});

test.each([{}, 'abort', 1, new AbortController()])(
  'a signal that is %p is a TypeError',
  (signal) => {
    const { ws, js } = subject();
    expect(() => js.addEventListener('message', () => {}, { signal })).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(ws.listenerCount('message')).toBe(0);
  },
);

test.each([null, undefined])('a signal that is %p is none', (signal) => {
  const { ws, js } = subject();
  js.addEventListener('message', () => {}, { signal });
  expect(ws.listenerCount('message')).toBe(1);
});

test.each([true, false, null, undefined, 0])('options that are %p add the listener', (options) => {
  const { ws, js } = subject();
  js.addEventListener('message', () => {}, options);
  expect(ws.listenerCount('message')).toBe(1);
});

test.each([1, 'yes', {}])('once: %p is true', (once) => {
  const { ws, js, emit } = subject();
  js.addEventListener('message', () => {}, { once });
  emit('message');
  expect(ws.listenerCount('message')).toBe(0);
});
