/** The shape of the classes, as Web IDL wants it. */

import { describe, expect, test } from '@jest/globals';
import { CloseEvent, WebSocket } from '../../../src/standard/index.js';
import { useScope } from '../../support/scope.js';
import { StandardClient } from '../../support/standard-client.js';

const scope = useScope();

const CONSTANTS = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
const READ_ONLY = ['url', 'readyState', 'bufferedAmount', 'extensions', 'protocol'];
const ATTRIBUTES = [...READ_ONLY, 'binaryType', 'onopen', 'onerror', 'onclose', 'onmessage'];
const OPERATIONS = { send: 1, close: 0 };

const { prototype } = WebSocket;

describe('the class', () => {
  test('is an EventTarget with one required argument', () => {
    expect(Object.getPrototypeOf(WebSocket)).toBe(EventTarget);
    expect(Object.getPrototypeOf(prototype)).toBe(EventTarget.prototype);
    expect([WebSocket.name, WebSocket.length]).toEqual(['WebSocket', 1]);
  });

  test('is not called without new', () => {
    expect(() => (WebSocket as unknown as (url: string) => void)('ws://a/')).toThrow(TypeError);
  });

  test('has these members and no others', () => {
    const names = [...ATTRIBUTES, ...Object.keys(OPERATIONS), ...Object.keys(CONSTANTS)];
    expect(Object.getOwnPropertyNames(prototype).sort()).toEqual(['constructor', ...names].sort());
    expect(Object.keys(prototype).sort()).toEqual(names.sort());
    expect(Object.keys(WebSocket).sort()).toEqual(Object.keys(CONSTANTS).sort());
  });

  test.each(Object.entries(CONSTANTS))('has the constant %s', (name, value) => {
    const constant = { value, enumerable: true, writable: false, configurable: false };
    expect(Object.getOwnPropertyDescriptor(WebSocket, name)).toEqual(constant);
    expect(Object.getOwnPropertyDescriptor(prototype, name)).toEqual(constant);
  });

  test('has a tag', () => {
    expect(Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)).toEqual({
      value: 'WebSocket',
      enumerable: false,
      writable: false,
      configurable: true,
    });
    expect(String(new StandardClient(scope()).ws)).toBe('[object WebSocket]');
  });

  test('has no own properties in its objects', () => {
    expect(
      Reflect.ownKeys(new StandardClient(scope()).ws).filter((key) => typeof key === 'string'),
    ).toEqual([]);
  });

  test('may be extended', () => {
    class Chat extends WebSocket {
      room = 'lobby';
    }
    const chat = new Chat('ws://[::1]:22/');
    expect(chat).toBeInstanceOf(WebSocket);
    expect([chat.room, chat.url]).toEqual(['lobby', 'ws://[::1]:22/']);
  });
});

describe.each(ATTRIBUTES)('the attribute %s', (name) => {
  const { get, set, configurable } = Object.getOwnPropertyDescriptor(
    prototype,
    name,
  ) as PropertyDescriptor;

  test('is an accessor', () => {
    expect([get?.name, configurable]).toEqual([`get ${name}`, true]);
    expect(set === undefined).toBe(READ_ONLY.includes(name));
  });

  test.each([{}, Object.create(prototype), new EventTarget()])('is not for %p', (value) => {
    expect(() => get?.call(value)).toThrow(TypeError);
    if (set !== undefined) expect(() => set.call(value, 'blob')).toThrow(TypeError);
  });
});

describe.each(Object.entries(OPERATIONS))('the operation %s', (name, length) => {
  const { value, ...flags } = Object.getOwnPropertyDescriptor(
    prototype,
    name,
  ) as PropertyDescriptor;

  test('is a method that may be replaced', () => {
    expect([value.name, value.length]).toEqual([name, length]);
    expect(flags).toEqual({ enumerable: true, writable: true, configurable: true });
  });

  test('is not for other objects', () => {
    expect(() => value.call({}, 'a')).toThrow(TypeError);
    expect(() => value.call(Object.create(prototype), 'a')).toThrow(TypeError);
  });
});

/** Node's own class throws the TypeError of another realm than that of the test. */
const TYPE_ERROR = expect.objectContaining({ name: 'TypeError' });

describe('CloseEvent', () => {
  test('is the class of the global object, where Node has it', () => {
    const own = (globalThis as { CloseEvent?: unknown }).CloseEvent;
    expect(CloseEvent).toBe(own ?? CloseEvent);
    expect([CloseEvent.name, CloseEvent.length]).toEqual(['CloseEvent', 1]);
  });

  test('has defaults', () => {
    const event = new CloseEvent('close');
    expect(event).toBeInstanceOf(Event);
    expect([event.type, event.code, event.reason, event.wasClean]).toEqual(['close', 0, '', false]);
    expect(String(event)).toBe('[object CloseEvent]');
  });

  test('converts its members', () => {
    const Loose = CloseEvent as unknown as new (type: unknown, init: object) => CloseEvent;
    const init = { code: 65_537.9, reason: 12, wasClean: 'yes', cancelable: true };
    const { code, reason, wasClean, cancelable } = new Loose('close', init);
    expect([code, reason, wasClean, cancelable]).toEqual([1, '12', true, true]);
  });

  test('needs a type', () => {
    expect(() => new (CloseEvent as unknown as new () => CloseEvent)()).toThrow(TYPE_ERROR);
  });

  test.each(['code', 'reason', 'wasClean'])('%s is an enumerable accessor', (name) => {
    const found = Object.getOwnPropertyDescriptor(CloseEvent.prototype, name);
    expect(found).toMatchObject({ enumerable: true, configurable: true, set: undefined });
    expect(() => found?.get?.call({})).toThrow(TYPE_ERROR);
  });
});
