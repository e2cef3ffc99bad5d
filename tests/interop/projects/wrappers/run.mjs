/** WebSockets and servers in the state of Vue (where `ws` fails), MobX and Immer; lodash's copies. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { enableMapSet, immerable, produce } from 'immer';
import lodash from 'lodash';
import { makeObservable, observable, reaction, runInAction } from 'mobx';
import {
  effectScope,
  isReactive,
  nextTick,
  reactive,
  readonly,
  ref,
  shallowReactive,
  watch,
} from 'vue';
import WebSocket, { WebSocketServer } from 'ws6455';
import { within } from '../../support/deadline.mjs';
import { result } from '../../support/results.mjs';

const TIMEOUT = 5_000;

enableMapSet();

/** A server, a client of it, and the server's end of their connection; all of it is closed afterwards. */
async function withPair(use, Client = WebSocket) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  const client = new Client(`ws://127.0.0.1:${wss.address().port}`);
  try {
    const [[server]] = await Promise.all([once(wss, 'connection'), once(client, 'open')]);
    await within(TIMEOUT, 'done', use({ wss, client, server }));
  } finally {
    client.terminate();
    for (const ws of wss.clients) ws.terminate();
    wss.close();
  }
}

/** All that a program does with an open WebSocket, through what wraps it; `ws` is the object itself. */
async function talk(wrapped, ws, peer) {
  assert.equal(wrapped.readyState, WebSocket.OPEN);
  assert.equal(wrapped.bufferedAmount, 0);
  assert.ok(wrapped instanceof WebSocket);
  wrapped.send('text');
  assert.equal(`${(await once(peer, 'message'))[0]}`, 'text');
  wrapped.ping('p');
  assert.equal(`${(await once(peer, 'ping'))[0]}`, 'p');
  const heard = new Promise((resolve) => {
    wrapped.onmessage = ({ data }) => resolve(data);
  });
  peer.send('back');
  assert.equal(await heard, 'back');
  const closed = once(peer, 'close');
  wrapped.close(4000, 'bye');
  const [code, reason] = await closed;
  assert.deepEqual([code, `${reason}`], [4000, 'bye']);
  if (ws.readyState !== WebSocket.CLOSED) await once(ws, 'close');
}

const VUE = {
  reactive: (ws) => reactive({ ws }).ws,
  shallowReactive: (ws) => shallowReactive(ws),
  ref: (ws) => ref(ws).value,
  readonly: (ws) => readonly(reactive({ list: [ws] })).list[0],
};

for (const [name, wrap] of Object.entries(VUE)) {
  await result(`wrappers: vue: ${name}`, () =>
    withPair(async ({ client, server }) => {
      const wrapped = wrap(client);
      if (name === 'readonly') {
        // It refuses what is set through it, and so an onmessage.
        wrapped.send('text');
        assert.equal(`${(await once(server, 'message'))[0]}`, 'text');
      } else await talk(wrapped, client, server);
    }),
  );
}

await result('wrappers: vue: watch, deep', () =>
  withPair(async ({ client, server }) => {
    const state = reactive({ ws: null, count: 0 });
    const seen = [];
    const scope = effectScope();
    scope.run(() => watch(state, () => seen.push(state.ws?.readyState), { deep: true }));
    state.ws = client;
    await nextTick();
    state.ws.on('message', () => state.count++);
    server.send('a');
    await once(client, 'message');
    await nextTick();
    assert.deepEqual([seen.length > 1, seen[0], state.count], [true, 1, 1]);
    scope.stop();
    await talk(state.ws, client, server);
  }),
);

await result('wrappers: vue: a reactive server, its clients and its end', () =>
  withPair(async ({ wss, client }) => {
    const state = reactive({ wss });
    assert.ok(isReactive(state.wss));
    const messages = once(client, 'message');
    for (const ws of state.wss.clients) ws.send('to all');
    assert.equal(`${(await messages)[0]}`, 'to all');
    client.close();
    await new Promise((resolve) => state.wss.close(resolve));
  }),
);

await result('wrappers: mobx: observable state, deep and by reference', () =>
  withPair(async ({ client, server }) => {
    const state = observable({ ws: null, list: [], count: 0 });
    const seen = [];
    const stop = reaction(
      () => state.count,
      (count) => seen.push(count),
    );
    runInAction(() => {
      state.ws = client;
      state.list.push(client);
    });
    client.on('message', () => runInAction(() => state.count++));
    server.send('a');
    await once(client, 'message');
    assert.deepEqual(seen, [1]);
    stop();
    assert.equal(state.list[0].readyState, WebSocket.OPEN);
    await talk(state.ws, client, server);
  }),
);

await result('wrappers: mobx: a subclass with observable members', () => {
  class Member extends WebSocket {
    room = 'lobby';
    constructor(...args) {
      super(...args);
      makeObservable(this, { room: observable });
    }
  }
  return withPair(async ({ client, server }) => {
    const seen = [];
    const stop = reaction(
      () => client.room,
      (room) => seen.push(room),
    );
    runInAction(() => {
      client.room = 'hall';
    });
    stop();
    assert.deepEqual(seen, ['hall']);
    await talk(client, client, server);
  }, Member);
});

await result('wrappers: immer: a WebSocket in a state that is frozen', () =>
  withPair(async ({ client, server }) => {
    const state = produce({ ws: client, sockets: new Map([['a', client]]) }, (draft) => {
      draft.count = 1;
      draft.ws.send('from a draft');
      draft.sockets.set('b', client);
    });
    assert.equal(`${(await once(server, 'message'))[0]}`, 'from a draft');
    assert.equal(state.sockets.get('b'), client);
    await talk(state.ws, client, server);
  }),
);

await result('wrappers: immer: a subclass that may be drafted', () => {
  class Member extends WebSocket {
    static [immerable] = true;
    room = 'lobby';
  }
  return withPair(async ({ client, server }) => {
    const state = produce({ ws: client }, (draft) => {
      draft.ws.room = 'hall';
      draft.ws.send('from a draft');
    });
    assert.equal(`${(await once(server, 'message'))[0]}`, 'from a draft');
    assert.deepEqual([client.room, state.ws.room, state.ws === client], ['lobby', 'hall', false]);
    state.ws.send('from the result');
    assert.equal(`${(await once(server, 'message'))[0]}`, 'from the result');
  }, Member);
});

await result('wrappers: lodash: clone, and a state with a WebSocket in it', () =>
  withPair(async ({ client, server }) => {
    lodash.clone(client).send('from the copy');
    assert.equal(`${(await once(server, 'message'))[0]}`, 'from the copy');
    const merged = lodash.assign({}, { ws: client }, { user: 'a' });
    await talk(merged.ws, client, server);
  }),
);

await result('wrappers: lodash: isEqual tells two WebSockets apart', () =>
  withPair(({ client, server }) =>
    withPair(async (other) => {
      assert.equal(lodash.isEqual(client, client), true);
      assert.equal(lodash.isEqual(server, other.server), false);
      assert.equal(lodash.uniqWith([client, other.client], lodash.isEqual).length, 2);
    }),
  ),
);

await result('wrappers: lodash: cloneDeep of a state leaves the WebSocket at work', () =>
  withPair(async ({ client, server }) => {
    const copy = lodash.cloneDeep({ ws: client, user: { name: 'a' } });
    assert.notEqual(copy.user, undefined);
    await talk(client, client, server);
  }),
);
