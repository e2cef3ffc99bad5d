/** The event objects that listeners receive: like those of browsers, and cheap. */

import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import {
  CloseEvent,
  ErrorEvent,
  Event,
  MessageEvent,
} from '../../../src/websocket/event-classes.js';
import { Compiled } from '../../support/child.js';

const compiled = new Compiled();

const target = { url: 'ws://localhost:1234/chat?token=x' };
const error = new Error('broken');

const EVENTS = {
  Event: () => new Event('open', undefined, target),
  MessageEvent: () => new MessageEvent('message', { data: 'x' }, target),
  CloseEvent: () => new CloseEvent('close', { code: 1001, reason: 'bye', wasClean: true }, target),
  ErrorEvent: () => new ErrorEvent('error', { error, message: error.message }, target),
};
const NAMES = Object.keys(EVENTS) as (keyof typeof EVENTS)[];

const members = (event: object): string[] => {
  const names: string[] = [];
  for (const name in event) names.push(name);
  return names;
};

/** Node 20 has no global CloseEvent; ErrorEvent is younger still. */
const NODE = globalThis as unknown as Record<string, { prototype: object } | undefined>;

describe.each(NAMES.filter((name) => NODE[name] !== undefined))("%s and Node's", (name) => {
  test('its events are instances of it', () => {
    expect(EVENTS[name]()).toBeInstanceOf(NODE[name] as never);
  });

  test('its events have every member of it', () => {
    const event = EVENTS[name]();
    for (const member of members(NODE[name]?.prototype ?? {})) {
      expect(() => (event as unknown as Record<string, unknown>)[member]).not.toThrow();
      expect(members(event)).toContain(member);
    }
  });
});

describe.each(NAMES)('%s', (name) => {
  test("is an instance of Node's Event", () => {
    const event = EVENTS[name]();
    expect(event).toBeInstanceOf(globalThis.Event);
    expect(Object.prototype.toString.call(event)).toBe(`[object ${name}]`);
  });

  test('has no own enumerable property: all members are getters of the prototype', () => {
    const event = EVENTS[name]();
    expect(Object.keys(event)).toEqual([]);
    expect({ ...event }).not.toHaveProperty('type');
    const descriptor = Object.getOwnPropertyDescriptor(Event.prototype, 'type');
    expect(descriptor?.get).toBeDefined();
    expect(descriptor?.enumerable).toBe(true);
  });

  test('is {} in JSON, whatever the program stored on the WebSocket', () => {
    const circular: Record<string, unknown> = { secret: 'session' };
    circular['self'] = circular;
    Object.assign(target, { circular });
    expect(JSON.stringify(EVENTS[name]())).toBe('{}');
    Reflect.deleteProperty(target, 'circular');
  });

  test('shows its members in a log, and not the WebSocket', () => {
    Object.assign(target, { secret: 'password' });
    const text = inspect(EVENTS[name]());
    expect(text).toMatch(new RegExp(`^${name} {`));
    expect(text).toContain('type:');
    expect(text).not.toContain('password');
    expect(inspect([[[EVENTS[name]()]]], { depth: 1 })).toContain('[');
    Reflect.deleteProperty(target, 'secret');
  });

  test('works behind a proxy', () => {
    const event = new Proxy(EVENTS[name](), {});
    expect(event.target).toBe(target);
    expect(event).toBeInstanceOf(globalThis.Event);
  });

  test('says that it was dispatched to one target and cannot be cancelled', () => {
    const event = EVENTS[name]();
    event.preventDefault();
    event.stopPropagation();
    event.stopImmediatePropagation();
    event.initEvent();
    expect(event).toMatchObject({
      target,
      currentTarget: target,
      srcElement: target,
      eventPhase: 2,
      bubbles: false,
      cancelable: false,
      composed: false,
      defaultPrevented: false,
      returnValue: true,
      cancelBubble: false,
      isTrusted: false,
    });
    expect(event.composedPath()).toEqual([target]);
  });

  test('ignores assignments of returnValue and cancelBubble, as a dispatched event does', () => {
    const event = EVENTS[name]();
    event.returnValue = false;
    event.cancelBubble = true;
    expect(event).toMatchObject({ returnValue: true, cancelBubble: false });
  });

  test('has one timeStamp, on the clock of performance.now()', () => {
    const event = EVENTS[name]();
    const before = performance.now();
    const { timeStamp } = event;
    expect(timeStamp).toBeGreaterThanOrEqual(before);
    expect(event.timeStamp).toBe(timeStamp);
  });
});

test('an event that a program makes has no target', () => {
  const event = new Event('open');
  expect(event).toMatchObject({ type: 'open', target: null, eventPhase: 0 });
  expect(event.composedPath()).toEqual([]);
});

test('events that a program makes have the defaults of the standard', () => {
  expect(new MessageEvent('message')).toMatchObject({ data: null });
  expect(new CloseEvent('close')).toMatchObject({ code: 0, reason: '', wasClean: false });
  expect(new ErrorEvent('error')).toMatchObject({ error: null, message: '' });
  expect(new CloseEvent('close', { code: 1000 })).toMatchObject({ code: 1000, reason: '' });
});

test.each([
  ['ws://localhost:1234/chat?x', 'ws://localhost:1234'],
  ['wss://example.com/', 'wss://example.com'],
  [undefined, ''],
  ['no URL', ''],
])('the origin of a message from %s is %p', (url, origin) => {
  const event = new MessageEvent('message', { data: 'x' }, { url });
  expect(event).toMatchObject({ origin, lastEventId: '', source: null, ports: [] });
  expect(event.initMessageEvent()).toBeUndefined();
});

test('an ErrorEvent points to no source line', () => {
  expect(EVENTS.ErrorEvent()).toMatchObject({ error, filename: '', lineno: 0, colno: 0 });
});

test("loading and sending events does not load Node's fetch, which defines MessageEvent", () => {
  // The getters of globalThis.MessageEvent take 45 to 80 ms when they are first read.
  const script = `
    const names = ['MessageEvent', 'CloseEvent', 'ErrorEvent'];
    const read = [];
    for (const name of names) {
      const value = globalThis[name];
      if (value === undefined) continue;
      Object.defineProperty(globalThis, name, { configurable: true, get() { read.push(name); return value; } });
    }
    const WebSocket = require(${JSON.stringify(compiled.entry)});
    const ws = new WebSocket(null);
    ws.onmessage = ({ data, type }) => console.log(type, data);
    ws.emit('message', 'hi', false);
    console.log(read.length);
    ws.onmessage = (event) => console.log(typeof MessageEvent === 'undefined' || event instanceof MessageEvent);
    ws.emit('message', 'hi', false);
  `;
  const output = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect(output.trim().split('\n')).toEqual(['message hi', '0', 'true']);
});
