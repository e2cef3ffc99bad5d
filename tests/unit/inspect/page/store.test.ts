/** The records of the page, its filter, and the lines through fragmented messages. */

import { expect, test } from '@jest/globals';
import { OPCODE } from '../../../support/frames.js';
import { loadPageModule } from '../../../support/page-module.js';
import { RecordedScene } from '../../../support/recordings.js';

interface Entry {
  readonly index: number;
  readonly record: object;
  readonly lanes: { readonly client?: string; readonly server?: string };
}

interface PageStore {
  readonly entries: readonly Entry[];
  readonly shown: readonly Entry[];
  readonly connections: Map<number, { readonly marks: readonly Entry[] }>;
  add(numbered: { readonly index: number; readonly record: object }): void;
  entry(index: number): Entry | undefined;
  filter(test: ((record: object) => boolean) | undefined): void;
  advance(): boolean;
  clear(): void;
}

const { Store } = loadPageModule<{ Store: new () => PageStore }>('store.js');

function storeOf(scene: RecordedScene): PageStore {
  const store = new Store();
  for (const [index, record] of scene.events.entries()) store.add({ index, record });
  return store;
}

const lanesOf = (scene: RecordedScene) => storeOf(scene).entries.map(({ lanes }) => lanes);

test('a fragmented message has a line through what is between its frames', () => {
  const scene = new RecordedScene();
  scene.send('client', '').client({ fin: false });
  const open = new RecordedScene().open();
  open.client({ fin: false }).client({ opcode: OPCODE.PING }).server({ payload: 'x' });
  open.client({ opcode: OPCODE.CONTINUATION, fin: false });
  open.client({ opcode: OPCODE.CONTINUATION }).client({ payload: 'y' });
  expect(lanesOf(open).slice(2)).toEqual([
    { client: 'first' },
    { client: 'through' },
    { client: 'through' },
    { client: 'middle' },
    { client: 'last' },
    {},
  ]);
});

test('the end of a direction ends its message', () => {
  const scene = new RecordedScene().open().client({ fin: false }).end('client').end('server');
  expect(lanesOf(scene).slice(2)).toEqual([{ client: 'first' }, { client: 'through' }, {}]);
});

test('a filter shows what it accepts, also of records that come later', () => {
  const scene = new RecordedScene().open().client({ payload: 'a' }).server({ payload: 'b' });
  const store = storeOf(scene);
  store.filter((record) => Reflect.get(record, 'from') === 'client');
  expect(store.advance()).toBe(true);
  expect(store.shown.map(({ index }) => index)).toEqual([0, 2]);
  store.add({ index: 4, record: scene.frames[0] as object }); // there is one
  store.advance();
  expect(store.shown.map(({ index }) => index)).toEqual([0, 2, 4]);
  store.filter(undefined);
  store.advance();
  expect(store.shown).toHaveLength(5);
});

test('the records that change a state are marked, and all are gone after clear', () => {
  const scene = new RecordedScene().open().client({ payload: 'a' }).client({ opcode: 8 });
  const store = storeOf(scene.end('client'));
  expect(store.connections.get(1)?.marks.map(({ index }) => index)).toEqual([0, 1, 3, 4]);
  expect(store.entry(3)).toBe(store.entries[3]);
  store.clear();
  expect([store.entries, store.connections.size, store.entry(3)]).toEqual([[], 0, undefined]);
});
