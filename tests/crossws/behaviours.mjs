/** What crossws's own tests check of its Node adapter, and what ws6455/crossws promises beyond. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { join, refused, withDeadline } from './client.mjs';

/** The server of crossws's tests, as a program has it. */
export const demo = {
  open(peer) {
    peer.send(`Welcome ${peer} to ${peer.namespace}`);
    peer.subscribe('chat');
    peer.publish('chat', `${peer} joined!`);
  },
  message(peer, message) {
    const text = message.text();
    if (text === 'binary') peer.send(new TextEncoder().encode('binary works'));
    else if (text === 'peers') peer.send({ peers: [...peer.peers].map(({ id }) => id) });
    else if (text === 'drain')
      peer.waitForDrain({ pollInterval: 10 }).then(() => peer.send('drained'));
    else if (text === 'debug') peer.send(describe(peer));
    else {
      peer.send(text);
      peer.publish('chat', text);
    }
  },
  upgrade(request) {
    if (request.url.endsWith('?unauthorized')) {
      throw {
        response: new Response('unauthorized', {
          status: 401,
          statusText: 'Unauthorized',
          headers: { 'www-authenticate': 'Bearer realm="x"' },
        }),
      };
    }
    const headers = { 'x-powered-by': 'a test', 'set-cookie': 'a=1; SameSite=None; Secure' };
    if (request.headers.get('sec-websocket-protocol') === 'supported') {
      headers['sec-websocket-protocol'] = 'supported';
    }
    return { context: { test: '1' }, headers };
  },
};

function describe(peer) {
  const { id, remoteAddress, bufferedAmount, context, request, websocket } = peer;
  const { readyState, protocol, extensions, url } = websocket;
  const headers = Object.fromEntries(request.headers);
  return {
    ...{ id, remoteAddress, bufferedAmount, context },
    request: { url: request.url, headers },
    websocket: { readyState, protocol, extensions, url },
  };
}

async function enter(url, ...rest) {
  const member = await join(url, ...rest);
  match(await member.next(), /^Welcome [0-9a-f-]{36} to \//);
  return member;
}

async function two(url) {
  const one = await enter(`${url}/`);
  const other = await enter(`${url}/`);
  match(await one.next(), / joined!$/);
  return [one, other];
}

/** By name: what is checked of a server with the hooks `demo`. */
export const OF_CROSSWS = {
  async 'a message is answered and published'({ url }) {
    const [one, other] = await two(url);
    one.socket.send('hello');
    strictEqual(await one.next(), 'hello');
    strictEqual(await other.next(), 'hello');
  },
  async 'bytes are sent as binary'({ url }) {
    const one = await enter(`${url}/`);
    one.socket.send('binary');
    strictEqual(String(await one.next()), 'binary works');
  },
  async 'header fields of the response'({ url }) {
    const { response } = await enter(`${url}/`);
    strictEqual(response.headers['x-powered-by'], 'a test');
    deepStrictEqual(response.headers['set-cookie'], ['a=1; SameSite=None; Secure']);
  },
  async 'a subprotocol is chosen by a header field'({ url }) {
    const { socket } = await enter(`${url}/`, {}, ['supported']);
    strictEqual(socket.protocol, 'supported');
  },
  async 'the request, the context and the WebSocket of a peer'({ url }) {
    const one = await enter(`${url}/?foo=bar`, { headers: { 'x-test': '1' } });
    one.socket.send('debug');
    const { request, remoteAddress, context, websocket, bufferedAmount } = await one.next();
    match(request.headers.connection, /^upgrade$/i);
    strictEqual(request.headers['x-test'], '1');
    strictEqual(request.url, `${url.replace('ws', 'http')}/?foo=bar`);
    match(remoteAddress, /127\.0\.0\.1$/);
    deepStrictEqual(context, { test: '1' });
    ok(bufferedAmount >= 0);
    strictEqual(websocket.readyState, 1);
    strictEqual(websocket.url, `${url}/?foo=bar`);
    match(websocket.extensions, /^permessage-deflate; client_max_window_bits/);
  },
  async waitForDrain({ url }) {
    const one = await enter(`${url}/`);
    one.socket.send('drain');
    strictEqual(await one.next(), 'drained');
  },
  async 'a thrown Response refuses'({ url }) {
    const { status, statusMessage, headers, body } = await refused(`${url}/?unauthorized`);
    deepStrictEqual([status, statusMessage, body], [401, 'Unauthorized', 'unauthorized']);
    strictEqual(headers['www-authenticate'], 'Bearer realm="x"');
    match(headers['content-type'], /^text\/plain/);
  },
  async 'the peers of the adapter and of a peer'({ url, adapter }) {
    const [one] = await two(url);
    one.socket.send('peers');
    const { peers } = await one.next();
    deepStrictEqual(
      [...adapter.peers.get('/')].map(({ id }) => id),
      peers,
    );
    strictEqual(peers.length, 2);
  },
  async 'publish of the adapter: all, one namespace, an object as text'({ url, adapter }) {
    const [one, other] = await two(url);
    const far = await enter(`${url}/far`);
    adapter.publish('chat', { to: 'all' });
    adapter.publish('chat', 'far', { namespace: '/far' });
    adapter.publish('chat', 'near', { namespace: '/' });
    deepStrictEqual([await one.next(), await one.next()], [{ to: 'all' }, 'near']);
    deepStrictEqual([await other.next(), await other.next()], [{ to: 'all' }, 'near']);
    deepStrictEqual([await far.next(), await far.next()], [{ to: 'all' }, 'far']);
  },
  async 'closeAll with a code'({ url, adapter }) {
    const one = await enter(`${url}/`);
    const code = new Promise((resolve) => one.socket.on('close', resolve));
    adapter.closeAll(4001, 'over');
    strictEqual(await withDeadline(code, "'close'"), 4001);
  },
};

/** By name: what crossws's own adapter does not do, with the hooks that show it. */
export const BEYOND_CROSSWS = {
  'async message hooks run in the order of the messages': {
    hooks: {
      async message(peer, message) {
        const delay = Number(message.text());
        await new Promise((resolve) => setTimeout(resolve, delay));
        peer.send(message.text());
      },
    },
    async check({ url }) {
      const one = await join(`${url}/`);
      for (const delay of [30, 20, 10, 0]) one.socket.send(String(delay));
      const answers = [];
      for (let i = 0; i < 4; i++) answers.push(await one.next());
      deepStrictEqual(answers, ['30', '20', '10', '0']);
    },
  },
  'no message is given before open has ended': {
    hooks: {
      async open(peer) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        peer.context.isReady = true;
      },
      message: (peer) => void peer.send(String(peer.context.isReady)),
    },
    async check({ url }) {
      const one = await join(`${url}/`);
      one.socket.send('?');
      strictEqual(await one.next(), 'true');
    },
  },
  'the ArrayBuffer of a message has its bytes only': {
    hooks: { message: (peer, message) => void peer.send(String(message.arrayBuffer().byteLength)) },
    async check({ url }) {
      const one = await join(`${url}/`);
      one.socket.send(Buffer.from('four'));
      strictEqual(await one.next(), '4');
    },
  },
  'a namespace without peers is forgotten': {
    hooks: {},
    async check({ url, adapter }) {
      const one = await join(`${url}/invented-by-a-client`);
      one.socket.close();
      await one.closed();
      await new Promise((resolve) => setTimeout(resolve, 50));
      deepStrictEqual([...adapter.peers.keys()], []);
    },
  },
};
