/** The shape of the package: a class with everything on it, as programs written for `ws` find it. */

import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

import WebSocket = require('../../src/index.js');

const CONSTANTS = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;

/** The enumerable statics, beside the constants. */
const STATICS = [
  'CloseError',
  'HandshakeError',
  'METRICS_CONTENT_TYPE',
  'PerMessageDeflate',
  'ProtocolError',
  'Receiver',
  'Sender',
  'Server',
  'WebSocket',
  'WebSocketError',
  'WebSocketServer',
  'createWebSocketStream',
  'extension',
  'hardened',
  'prepareMessage',
  'subprotocol',
];

/** Readable members of a WebSocket; a program that lists them finds all. */
const PROPERTIES = [
  'CLOSED',
  'CLOSING',
  'CONNECTING',
  'OPEN',
  'binaryType',
  'bufferedAmount',
  'extensions',
  'isPaused',
  'onclose',
  'onerror',
  'onmessage',
  'onopen',
  'protocol',
  'readyState',
  'url',
];

function unconnected(): WebSocket {
  return new WebSocket(null, undefined, { isServer: false });
}

describe('the module', () => {
  test('is the class WebSocket itself', () => {
    expect(typeof WebSocket).toBe('function');
    expect(WebSocket.name).toBe('WebSocket');
    expect(unconnected()).toBeInstanceOf(WebSocket);
  });

  test('does not call itself an ES module', () => {
    expect('__esModule' in WebSocket).toBe(false);
    expect('default' in WebSocket).toBe(false);
  });

  test('has these names and no others', () => {
    expect(Object.keys(WebSocket).sort()).toEqual([...STATICS, ...Object.keys(CONSTANTS)].sort());
  });

  test.each(STATICS)('%s can be replaced, as mocks do', (name) => {
    expect(Object.getOwnPropertyDescriptor(WebSocket, name)).toMatchObject({
      enumerable: true,
      writable: true,
      configurable: true,
    });
  });

  test('names the class, and the server twice', () => {
    expect(WebSocket.WebSocket).toBe(WebSocket);
    expect(WebSocket.Server).toBe(WebSocket.WebSocketServer);
    expect(WebSocket.WebSocketServer.name).toBe('WebSocketServer');
  });
});

describe.each(Object.entries(CONSTANTS))('%s', (name, value) => {
  test.each([
    ['the class', WebSocket],
    ['its prototype', WebSocket.prototype],
  ])('is a constant of %s', (_, holder) => {
    expect(Object.getOwnPropertyDescriptor(holder, name)).toEqual({
      value,
      enumerable: true,
      writable: false,
      configurable: false,
    });
  });
});

describe('the classes', () => {
  test('take three arguments and two', () => {
    expect(WebSocket).toHaveLength(3);
    expect(WebSocket.WebSocketServer).toHaveLength(2);
  });

  test('are EventEmitters', () => {
    expect(unconnected()).toBeInstanceOf(EventEmitter);
    expect(Object.getPrototypeOf(WebSocket)).toBe(EventEmitter);
    expect(Object.getPrototypeOf(WebSocket.WebSocketServer)).toBe(EventEmitter);
  });

  test.each([
    ['WebSocket', WebSocket],
    ['WebSocketServer', WebSocket.WebSocketServer],
  ])('%s is not called without new', (_, construct) => {
    const call = construct as unknown as (first: unknown) => unknown;
    expect(() => call('ws://127.0.0.1/')).toThrow(TypeError);
    expect(() => call('ws://127.0.0.1/')).toThrow(/without 'new'/);
  });

  test.each(PROPERTIES)('a WebSocket lists its property %s', (name) => {
    const listed: string[] = [];
    for (const each in unconnected()) listed.push(each);
    expect(listed).toContain(name);
  });

  test('subclasses are made and recognised', () => {
    class Member extends WebSocket {
      room = 'lobby';
    }
    class Club extends WebSocket.Server {
      name = 'club';
    }
    expect(new Member(null, undefined, { isServer: false })).toBeInstanceOf(WebSocket);
    expect(new Club({ noServer: true })).toBeInstanceOf(WebSocket.WebSocketServer);
  });

  test('programs keep what they like on them', () => {
    const socket = Object.assign(unconnected(), { isAlive: true, close: () => 'replaced' });
    expect(socket.isAlive).toBe(true);
    expect(socket.close()).toBe('replaced');
  });
});

describe('the errors', () => {
  const { WebSocketError, HandshakeError, ProtocolError } = WebSocket;

  test('have their own names', () => {
    expect([WebSocketError, HandshakeError, ProtocolError].map(({ name }) => name)).toEqual([
      'WebSocketError',
      'HandshakeError',
      'ProtocolError',
    ]);
  });

  test('are Errors; a protocol error is a RangeError, as `ws` throws it', () => {
    expect(WebSocketError.prototype).toBeInstanceOf(Error);
    expect(HandshakeError.prototype).toBeInstanceOf(WebSocketError);
    expect(ProtocolError.prototype).toBeInstanceOf(RangeError);
  });
});

test('ESM programs can import every type that the namespace has', () => {
  const source = (name: string): string => readFileSync(join(process.cwd(), 'src', name), 'utf8');
  const declared = source('index.ts').matchAll(/^ {2}(?:type|interface) (\w+)/gm);
  const exported = source('index.mts');
  // The types of values, of which ESM programs import the values.
  const ofValues = ['Unconnected', 'SocketClass', 'ServerClass', 'Module', 'AnySocketClass'];
  const missing = Array.from(declared, ([, name = '']) => name).filter(
    (name) => !ofValues.includes(name) && !new RegExp(`\\b${name}\\b`).test(exported),
  );
  expect(missing).toEqual([]);
});
