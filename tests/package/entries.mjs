/** What `require` and `import` give to a program that has the package installed. */
import { result } from '../interop/support/results.mjs';
import { node } from './commands.mjs';

const ASSERT = "const { strictEqual, deepStrictEqual, throws } = require('node:assert');";
const LOAD = "const WebSocket = require('ws6455');";

/** Checks in CommonJS: the code of each runs in a process of its own, in the consumer's folder. */
const REQUIRED = {
  'require gives the class itself': `
    strictEqual(typeof WebSocket, 'function');
    strictEqual(WebSocket.name, 'WebSocket');
    strictEqual(new WebSocket(null, undefined, { isServer: false }) instanceof WebSocket, true);`,
  'the class names itself and the server': `
    strictEqual(WebSocket.WebSocket, WebSocket);
    strictEqual(WebSocket.Server, WebSocket.WebSocketServer);
    strictEqual(WebSocket.WebSocketServer.name, 'WebSocketServer');`,
  'no __esModule, no default: interop code takes the class': `
    strictEqual('__esModule' in WebSocket, false);
    strictEqual('default' in WebSocket, false);`,
  'deep paths are not exported': `
    const code = 'ERR_PACKAGE_PATH_NOT_EXPORTED';
    throws(() => require('ws6455/dist/index.js'), { code });
    throws(() => require('ws6455/lib/websocket'), { code });`,
  'package.json is': `strictEqual(require('ws6455/package.json').name, 'ws6455');`,
  'ESM has the same objects, and the statics as names': `
    import('ws6455').then((module) => {
      strictEqual(module.default, WebSocket);
      const constants = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];
      const statics = Object.keys(WebSocket).filter((name) => !constants.includes(name));
      const names = statics.filter((name) => name !== 'Server');
      deepStrictEqual(Object.keys(module).sort(), [...names, 'default'].sort());
      for (const name of names) strictEqual(module[name], WebSocket[name]);
    });`,
  'ws6455/protocol has the same objects in CommonJS and ESM': `
    const protocol = require('ws6455/protocol');
    import('ws6455/protocol').then((module) => {
      deepStrictEqual(Object.keys(module).sort(), Object.keys(protocol).sort());
      for (const name of Object.keys(protocol)) strictEqual(module[name], protocol[name]);
      strictEqual(protocol.ProtocolError, WebSocket.ProtocolError);
      strictEqual(protocol.decodeFrames('81026869').frames[0].message, 'hi');
    });`,
  'ws6455/topics has the same objects in CommonJS and ESM': `
    const topics = require('ws6455/topics');
    import('ws6455/topics').then((module) => {
      deepStrictEqual(Object.keys(module).sort(), Object.keys(topics).sort());
      for (const name of Object.keys(topics)) strictEqual(module[name], topics[name]);
      const broker = new topics.MemoryEngine().broker();
      new WebSocket.WebSocketServer({ noServer: true, broker }).close();
    });`,
  'ws6455/crossws has the same objects in CommonJS and ESM': `
    const crossws = require('ws6455/crossws');
    import('ws6455/crossws').then((module) => {
      deepStrictEqual(Object.keys(module).sort(), Object.keys(crossws).sort());
      for (const name of Object.keys(crossws)) strictEqual(module[name], crossws[name]);
      strictEqual(crossws.default, crossws.crosswsAdapter);
    });`,
};

/** Whoever has a WebSocket of its own and nothing of Node's. */
const WITHOUT_NODE = ['browser', 'react-native', 'workerd', 'edge-light'];

/** What bundlers for these resolve to, with a stand-in for their own class. */
const IN_BROWSER = {
  'require: makes native WebSockets': `
    strictEqual(WebSocket.WebSocket, globalThis.WebSocket);
    strictEqual(new WebSocket() instanceof globalThis.WebSocket, true);
    strictEqual(new globalThis.WebSocket() instanceof WebSocket, true);
    strictEqual(WebSocket.OPEN, 1);`,
  'import: the native WebSocket': `
    import('ws6455').then((module) => {
      strictEqual(module.default, globalThis.WebSocket);
      strictEqual(module.WebSocket, globalThis.WebSocket);
    });`,
  'the server exists and throws when used': `
    throws(() => new WebSocket.WebSocketServer({ port: 0 }), Error);
    throws(() => new WebSocket.Server({ port: 0 }), Error);
    import('ws6455').then(({ WebSocketServer }) => {
      throws(() => new WebSocketServer({ port: 0 }), Error);
    });`,
};

const NATIVE = 'globalThis.WebSocket = class WebSocket { static OPEN = 1; };';

/** What browserify, webpack 4 and Metro before React Native 0.79 read. */
const FIELDS = `
  const { readFileSync } = require('node:fs');
  const manifest = require('ws6455/package.json');
  strictEqual(manifest['react-native'], manifest.browser);
  strictEqual(manifest.browser, manifest.exports['.'].browser.require.default);
  strictEqual(/require\\(/.test(readFileSync('node_modules/ws6455/' + manifest.browser, 'utf8')), false);`;

/** The names a bundle for browsers offers are those of Node's. */
const NAMES = `
  import('ws6455').then((module) => console.log(Object.keys(module).sort().join()));`;

export async function checkEntries(folder) {
  const inFolder = { cwd: folder };
  for (const [name, code] of Object.entries(REQUIRED)) {
    await result(`entries: ${name}`, () => node(['-e', ASSERT + LOAD + code], inFolder));
  }
  for (const condition of WITHOUT_NODE) {
    for (const [name, code] of Object.entries(IN_BROWSER)) {
      await result(`entries: ${condition}, ${name}`, () =>
        node([`--conditions=${condition}`, '-e', NATIVE + ASSERT + LOAD + code], inFolder),
      );
    }
  }
  await result('entries: bundlers that do not read exports find the file for browsers', () => {
    node(['-e', ASSERT + FIELDS], inFolder);
  });
  await result('entries: browser and Node have the same names', () => {
    const names = node(['-e', NAMES], inFolder);
    const inBrowser = node(['--conditions=browser', '-e', NATIVE + NAMES], inFolder);
    if (names !== inBrowser) throw new Error(`Node: ${names}browser: ${inBrowser}`);
  });
}
