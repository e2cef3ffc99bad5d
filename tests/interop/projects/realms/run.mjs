/** Values of other realms: a vm context's, and a jsdom window's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createContext, runInContext } from 'node:vm';
import { JSDOM } from 'jsdom';
import WebSocket, { createWebSocketStream, prepareMessage, WebSocketServer } from 'ws6455';
import { within } from '../../support/deadline.mjs';
import { result } from '../../support/results.mjs';

const TIMEOUT = 5_000;

/** A realm's own `evaluate(code)`. */
function vmRealm() {
  const context = createContext({});
  return (code) => runInContext(code, context);
}

function jsdomRealm() {
  const { window } = new JSDOM('', { runScripts: 'outside-only', url: 'http://127.0.0.1/' });
  return (code) => window.eval(code);
}

const BYTES = '97, 98, 99, 100';
const ODD = `new Uint8Array([0, ${BYTES}, 0])`;

/** Every kind of binary data; all of them say `abcd`. */
const BINARY = {
  Uint8Array: `new Uint8Array([${BYTES}])`,
  'Uint8Array, a part': `${ODD}.subarray(1, 5)`,
  Int8Array: `new Int8Array([${BYTES}])`,
  Uint8ClampedArray: `new Uint8ClampedArray([${BYTES}])`,
  Uint16Array: 'new Uint16Array([0x6261, 0x6463])',
  Float32Array: `new Float32Array(new Uint8Array([${BYTES}]).buffer)`,
  BigInt64Array: `new BigInt64Array(new Uint8Array([${BYTES}, ${BYTES}]).buffer)`,
  DataView: `new DataView(${ODD}.buffer, 1, 4)`,
  ArrayBuffer: `new Uint8Array([${BYTES}]).buffer`,
  'resizable ArrayBuffer': `{ const b = new ArrayBuffer(4, { maxByteLength: 8 }); new Uint8Array(b).set([${BYTES}]); b }`,
  SharedArrayBuffer: `{ const b = new SharedArrayBuffer(4); new Uint8Array(b).set([${BYTES}]); b }`,
  'Uint8Array on a SharedArrayBuffer': `{ const b = new Uint8Array(new SharedArrayBuffer(4)); b.set([${BYTES}]); b }`,
};

/** What else is read as bytes or text, as `ws` reads it. */
const OTHERS = {
  'an array of numbers': [`[${BYTES}]`, 'abcd'],
  'a String object': ["new String('abcd')", 'abcd'],
  'a number': ['1.5', '1.5'],
};

/** The two ends, and all that goes with them once it is over. */
async function withPair(use, clientOptions, serverOptions) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...serverOptions });
  await once(wss, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${wss.address().port}`, clientOptions);
  client.on('error', () => {});
  try {
    const [[server]] = await Promise.all([once(wss, 'connection'), once(client, 'open')]);
    await within(TIMEOUT, 'done', use({ wss, client, server }));
  } finally {
    client.terminate();
    for (const ws of wss.clients) ws.terminate();
    wss.close();
  }
}

async function arrives(send, text) {
  await withPair(async ({ wss, client, server }) => {
    const message = once(server, 'message');
    send(client, wss);
    assert.equal(`${(await message)[0]}`, text);
  });
}

async function pinged(data) {
  await withPair(async ({ client, server }) => {
    const ping = once(server, 'ping');
    const pong = once(server, 'pong');
    client.ping(data);
    client.pong(data);
    assert.equal(`${(await ping)[0]}`, 'abcd');
    assert.equal(`${(await pong)[0]}`, 'abcd');
  });
}

async function closes(code, reason, expected) {
  await withPair(async ({ client, server }) => {
    const close = once(server, 'close');
    client.close(code, reason);
    const [atCode, atReason] = await close;
    assert.deepEqual([atCode, `${atReason}`], expected);
  });
}

/** The other realm's array of protocols, URL-like object, and options. */
async function opens(evaluate) {
  const wss = new WebSocketServer(
    Object.assign(
      evaluate("({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } })"),
    ),
  );
  await once(wss, 'listening');
  const protocols = evaluate("['one', 'two']");
  const options = evaluate("({ headers: { 'x-realm': 'other' }, perMessageDeflate: {} })");
  const connection = once(wss, 'connection');
  const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`, protocols, options);
  const [[, request]] = await Promise.all([connection, once(ws, 'open')]);
  assert.equal(ws.protocol, 'one');
  assert.equal(ws.extensions, 'permessage-deflate');
  assert.equal(request.headers['x-realm'], 'other');
  ws.terminate();
  wss.close();
}

/** The options alone, without protocols before them. */
async function opensWithOptions(evaluate) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  const connection = once(wss, 'connection');
  const options = evaluate("({ headers: { 'x-realm': 'other' } })");
  const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`, options);
  const [[, request]] = await Promise.all([connection, once(ws, 'open')]);
  assert.equal(request.headers['x-realm'], 'other');
  ws.terminate();
  wss.close();
}

async function opensUrl(url) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  const ws = new WebSocket(url(wss.address().port));
  await once(ws, 'open');
  ws.terminate();
  wss.close();
}

/** Listeners, callbacks and listener options that the other realm made. */
async function listens(evaluate) {
  await withPair(async ({ client, server }) => {
    const seen = evaluate('globalThis.seen = []; globalThis.seen');
    const listener = evaluate('(event) => { globalThis.seen.push(event.data); }');
    const object = evaluate('({ handleEvent(event) { globalThis.seen.push(event.type); } })');
    server.addEventListener('message', listener, evaluate('({ once: true })'));
    server.addEventListener('message', object);
    client.send('a');
    client.send('b');
    await new Promise((resolve) => client.send('c', resolve));
    const pong = once(client, 'pong');
    client.ping();
    await pong;
    assert.deepEqual([...seen], ['a', 'message', 'message', 'message']);
  });
}

/** An error that a listener, a `verifyClient` or a Duplex of the other realm throws keeps its identity. */
async function carriesError(evaluate) {
  const error = evaluate("new TypeError('from there')");
  await withPair(async ({ client }) => {
    client._socket.destroy(error);
    const [code] = await once(client, 'close');
    assert.equal(code, 1006);
    assert.equal(client.closeInfo?.error, error);
  });
}

async function streams(evaluate) {
  await withPair(async ({ client, server }) => {
    const stream = createWebSocketStream(client, evaluate("({ encoding: 'utf8' })"));
    const message = once(server, 'message');
    stream.write(Buffer.from('abcd'));
    assert.equal(`${(await message)[0]}`, 'abcd');
    const data = once(stream, 'data');
    server.send('back');
    assert.equal((await data)[0], 'back');
    stream.destroy();
  });
}

async function checkRealm(name, evaluate) {
  const check = (title, run) => result(`realms: ${name}: ${title}`, run);
  assert.notEqual(evaluate('Uint8Array'), Uint8Array);
  for (const [kind, code] of Object.entries(BINARY)) {
    const text = kind.startsWith('BigInt') ? 'abcdabcd' : 'abcd';
    const value = () => evaluate(code);
    await check(`send(), ${kind}`, () => arrives((ws) => ws.send(value()), text));
    await check(`prepareMessage(), ${kind}`, () =>
      arrives((ws) => ws.send(prepareMessage(value())), text),
    );
  }
  for (const [kind, [code, text]] of Object.entries(OTHERS)) {
    await check(`send(), ${kind}`, () => arrives((ws) => ws.send(evaluate(code)), text));
  }
  for (const kind of ['Uint8Array', 'DataView', 'ArrayBuffer', 'an array of numbers']) {
    const code = BINARY[kind] ?? OTHERS[kind][0];
    await check(`ping() and pong(), ${kind}`, () => pinged(evaluate(code)));
  }
  for (const kind of ['Uint8Array', 'Uint8Array, a part']) {
    await check(`close(), reason a ${kind}`, () =>
      closes(4000, evaluate(BINARY[kind]), [4000, 'abcd']),
    );
  }
  await check('send() with options', () =>
    withPair(async ({ client, server }) => {
      const message = once(server, 'message');
      client.send(evaluate(BINARY.Uint8Array), evaluate('({ binary: false, compress: false })'));
      assert.deepEqual((await message).map(String), ['abcd', 'false']);
    }),
  );
  await check('send() with a callback', () =>
    withPair(({ client }) => {
      const told = evaluate('new Promise((resolve) => { globalThis.callback = resolve; })');
      client.send('a', evaluate('globalThis.callback'));
      return told;
    }),
  );
  await check('protocols and options', () => opens(evaluate));
  await check('options in the place of protocols', () => opensWithOptions(evaluate));
  await check('listeners and their options', () => listens(evaluate));
  await check('an Error of the wire', () => carriesError(evaluate));
  await check('a stream with options', () => streams(evaluate));
}

await checkRealm('vm', vmRealm());
const inWindow = jsdomRealm();
await checkRealm('jsdom', inWindow);

await result('realms: jsdom: a URL of the window', () =>
  opensUrl((port) => inWindow(`new URL('ws://127.0.0.1:${port}/path')`)),
);
await result("realms: jsdom: the window's Blob says what can be sent, or is sent", async () => {
  await withPair(async ({ client }) => {
    assert.throws(() => client.send(inWindow("new Blob(['abcd'])")), TypeError);
    assert.equal(client.readyState, WebSocket.OPEN);
  });
});
await result("realms: jsdom: the window's AbortSignal removes a listener", () =>
  withPair(async ({ client, server }) => {
    inWindow('globalThis.controller = new AbortController()');
    let count = 0;
    server.addEventListener('message', () => count++, { signal: inWindow('controller.signal') });
    client.send('a');
    await once(server, 'message');
    inWindow('controller.abort()');
    client.send('b');
    await once(server, 'message');
    assert.equal(count, 1);
  }),
);
await result("realms: vm: the package inside of a context, with Node's modules", async () => {
  const { createRequire } = await import('node:module');
  const { readFileSync } = await import('node:fs');
  const { dirname } = await import('node:path');
  const context = createContext({ Buffer, process, queueMicrotask, setTimeout, URL });
  const cache = new Map();
  const load = (file) => {
    if (cache.has(file)) return cache.get(file).exports;
    const module = { exports: {} };
    cache.set(file, module);
    const nodeRequire = createRequire(file);
    const require = (id) => (id.startsWith('.') ? load(nodeRequire.resolve(id)) : nodeRequire(id));
    const code = `(function (module, exports, require, __dirname, __filename) {${readFileSync(file, 'utf8')}\n})`;
    runInContext(code, context)(module, module.exports, require, dirname(file), file);
    return module.exports;
  };
  const Inner = load(createRequire(import.meta.url).resolve('ws6455'));
  assert.notEqual(Inner, WebSocket);
  const wss = new Inner.Server({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  await once(wss, 'listening');
  wss.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
  const ws = new Inner(`ws://127.0.0.1:${wss.address().port}`);
  await within(TIMEOUT, 'open', once(ws, 'open'));
  for (const data of ['text', Buffer.from('buffer'), new Uint8Array([1, 2]), new ArrayBuffer(3)]) {
    ws.send(data);
    const [echo] = await within(TIMEOUT, 'echo', once(ws, 'message'));
    assert.deepEqual(echo, Buffer.from(data));
  }
  ws.close();
  await within(TIMEOUT, 'close', once(ws, 'close'));
  wss.close();
});
