/** HTML §8.1.8.1: `onopen`, `onmessage`, `onerror` and `onclose`. */

import { describe, expect, test } from '@jest/globals';
import { WebSocket } from '../../../src/standard/index.js';
import { useScope } from '../../support/scope.js';
import { StandardClient } from '../../support/standard-client.js';

const scope = useScope();
const NAMES = ['onopen', 'onmessage', 'onerror', 'onclose'] as const;

function accessorsOf(name: string): Required<PropertyDescriptor> {
  return Object.getOwnPropertyDescriptor(WebSocket.prototype, name) as Required<PropertyDescriptor>;
}

/** A WebSocket, and what its listeners of 'open' note. */
function recorded(): { ws: WebSocket; seen: string[]; note: (name: string) => () => void } {
  const { ws } = new StandardClient(scope());
  const seen: string[] = [];
  return { ws, seen, note: (name) => () => seen.push(name) };
}

describe.each(NAMES)('%s', (name) => {
  test('is an accessor with the names that Web IDL wants', () => {
    const { get, set, enumerable, configurable } = accessorsOf(name);
    expect([get.name, set.name, get.length, set.length]).toEqual([
      `get ${name}`,
      `set ${name}`,
      0,
      1,
    ]);
    expect([enumerable, configurable]).toEqual([true, true]);
  });

  test.each([{}, null, undefined, 1, Object.create(WebSocket.prototype)])(
    'is not for another object, %p',
    (value) => {
      const { get, set } = accessorsOf(name);
      expect(() => get.call(value)).toThrow(TypeError);
      expect(() => set.call(value, () => {})).toThrow(TypeError);
    },
  );

  test('keeps functions and objects; other values are null', () => {
    const { ws } = recorded();
    const set = (value: unknown): unknown => Object.assign(ws, { [name]: value })[name];
    expect(ws[name]).toBeNull();
    for (const kept of [() => {}, {}, [], new WebSocket('ws://[::1]:22/')]) {
      expect(set(kept)).toBe(kept);
    }
    for (const none of [1, 'x', true, undefined, null, Symbol('x')]) expect(set(none)).toBeNull();
  });
});

describe('a handler', () => {
  test('keeps the place of its first setting', () => {
    const { ws, seen, note } = recorded();
    ws.onopen = note('first');
    ws.addEventListener('open', note('listener'));
    ws.onopen = note('second');
    ws.dispatchEvent(new Event('open'));
    expect(seen).toEqual(['second', 'listener']);
  });

  test('that was null is the last', () => {
    const { ws, seen, note } = recorded();
    ws.onopen = note('first');
    ws.addEventListener('open', note('listener'));
    ws.onopen = null;
    ws.onopen = note('second');
    ws.dispatchEvent(new Event('open'));
    expect(seen).toEqual(['listener', 'second']);
  });

  test('that is no function is not called, and keeps its place', () => {
    const { ws, seen, note } = recorded();
    Object.assign(ws, { onopen: { handleEvent: note('handleEvent') } });
    ws.addEventListener('open', note('listener'));
    ws.dispatchEvent(new Event('open'));
    ws.onopen = note('function');
    ws.dispatchEvent(new Event('open'));
    expect(seen).toEqual(['listener', 'function', 'listener']);
  });

  test('is called with the WebSocket and the event', () => {
    const { ws } = recorded();
    const calls: unknown[] = [];
    ws.onopen = function (event) {
      calls.push(this, event);
    };
    const event = new Event('open');
    ws.dispatchEvent(event);
    expect(calls).toEqual([ws, event]);
  });

  test('that returns false prevents the default of an event that can be cancelled', () => {
    const { ws } = recorded();
    ws.onopen = () => false;
    expect(ws.dispatchEvent(new Event('open', { cancelable: true }))).toBe(false);
    expect(ws.dispatchEvent(new Event('open'))).toBe(true);
  });

  test('is set once for a WebSocket, not for its class', () => {
    const [one, other] = [recorded().ws, recorded().ws];
    one.onopen = () => {};
    expect(other.onopen).toBeNull();
  });

  test('is not a listener that removeEventListener finds', () => {
    const { ws, seen, note } = recorded();
    const handler = note('handler');
    ws.onopen = handler;
    ws.removeEventListener('open', handler);
    ws.dispatchEvent(new Event('open'));
    expect(seen).toEqual(['handler']);
  });
});
