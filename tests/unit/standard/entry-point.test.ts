/** `ws6455/standard` and `ws6455/standard/global` in processes of their own. */

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { Compiled } from '../../support/child.js';

const { entry } = new Compiled();
const fileOf = (name: string): string => entry.replace(/index\.js$/, name);

/** What a program prints, as JSON. Its argument is the folder of the compiled package. */
function run(program: string): unknown {
  const folder = fileOf('');
  return JSON.parse(
    execFileSync(process.execPath, ['-e', program, '--', folder], { encoding: 'utf8' }),
  );
}

const PRINT = 'const print = (value) => console.log(JSON.stringify(value));';

describe('ws6455', () => {
  test('loads nothing of ws6455/standard', () => {
    const loaded = run(`${PRINT}
      require(process.argv[1] + 'index.js');
      print(Object.keys(require.cache).filter((file) => /[\\\\/]standard[\\\\/]/.test(file)));`);
    expect(loaded).toEqual([]);
  });
});

describe('ws6455/standard', () => {
  test('loads no server, and leaves the global objects alone', () => {
    const loaded = run(`${PRINT}
      const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
      require(process.argv[1] + 'standard/index.js');
      const after = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
      const server = Object.keys(require.cache).filter((file) => /[\\\\/](server|compat)[\\\\/]/.test(file));
      print([server, JSON.stringify(before) === JSON.stringify(after), before?.get === after?.get]);`);
    expect(loaded).toEqual([[], true, true]);
  });
});

describe('ws6455/standard/global', () => {
  test('puts the classes in the global object, as the web has them', () => {
    const found = run(`${PRINT}
      const hadCloseEvent = 'CloseEvent' in globalThis;
      require(process.argv[1] + 'standard/global.js');
      const own = require(process.argv[1] + 'standard/index.js');
      const { value, ...flags } = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
      const listed = Object.keys(globalThis).filter((name) => /WebSocket|CloseEvent/.test(name));
      print({ flags, listed, isOwn: value === own.WebSocket, hadCloseEvent,
        closeEvent: CloseEvent === own.CloseEvent });`);
    expect(found).toMatchObject({
      flags: { enumerable: false, writable: true, configurable: true },
      listed: [],
      isOwn: true,
      closeEvent: true,
    });
  });

  test('can be loaded twice, and before a program replaces the class', () => {
    const found = run(`${PRINT}
      require(process.argv[1] + 'standard/global.js');
      globalThis.WebSocket = 1;
      require(process.argv[1] + 'standard/global.js');
      print(globalThis.WebSocket);`);
    expect(found).toBe(1);
  });
});

describe('a process', () => {
  test('outlives connections that fail without listeners', () => {
    const closed = run(`${PRINT}
      const { WebSocket } = require(process.argv[1] + 'standard/index.js');
      const server = require('node:net').createServer((socket) => socket.destroy());
      server.listen(0, '127.0.0.1', () => {
        const ws = new WebSocket('ws://127.0.0.1:' + server.address().port);
        new WebSocket('ws://127.0.0.1:1');
        const wait = () => ws.readyState === 3 ? server.close(() => print(ws.readyState)) : setImmediate(wait);
        wait();
      });`);
    expect(closed).toBe(3);
  });
});
