/** The ways in which programs wrap an object: tracing, reactive state, drafts, mocks, copies. */

import type { Untyped } from './subjects.js';

type Handler = ProxyHandler<object>;

/** What reactive frameworks and MobX tell by the tag: other objects stay as they are. */
const COLLECTIONS = new Set(['Object', 'Array', 'Map', 'Set', 'WeakMap', 'WeakSet']);

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** A proxy of every object that is read through it, as Vue's `reactive` makes it. */
function reactive(target: object, known = new WeakMap<object, object>()): Untyped {
  const existing = known.get(target);
  if (existing !== undefined) return existing;
  const handler: Handler = {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver);
      if (value instanceof Map || value instanceof Set) return value;
      return COLLECTIONS.has(tagOf(value)) ? reactive(value as object, known) : value;
    },
    set: (object, name, value, receiver) => Reflect.set(object, name, value, receiver),
  };
  const proxy = new Proxy(target, handler);
  known.set(target, proxy);
  return proxy;
}

/** Reads from the original until something is set, then from a copy, as Immer's drafts do. */
function draft(original: object): Untyped {
  let latest = original;
  return new Proxy(original, {
    get: (_, name) => Reflect.get(latest, name),
    has: (_, name) => Reflect.has(latest, name),
    set(_, name, value) {
      if (latest === original) latest = copied(original);
      return Reflect.set(latest, name, value);
    },
  });
}

function copied(original: object): Untyped {
  const prototype = Object.getPrototypeOf(original);
  return Object.create(prototype, Object.getOwnPropertyDescriptors(original));
}

/** Methods are called on the original. */
const BINDING: Handler = {
  get(target, name) {
    const value = Reflect.get(target, name);
    return typeof value === 'function' ? value.bind(target) : value;
  },
};

const REFLECTING: Handler = {
  get: (target, name, receiver) => Reflect.get(target, name, receiver),
  set: (target, name, value, receiver) => Reflect.set(target, name, value, receiver),
};

export const WRAPPERS: Readonly<Record<string, (original: object) => Untyped>> = {
  'a Proxy': (original) => new Proxy(original, {}),
  'a Proxy with its own receiver': (original) => new Proxy(original, REFLECTING),
  'a Proxy that binds methods': (original) => new Proxy(original, BINDING),
  'a Proxy of a Proxy': (original) => new Proxy(new Proxy(original, {}), {}),
  'a reactive Proxy': (original) => reactive(original),
  'a draft': draft,
  'Object.create(…)': (original) => Object.create(original),
  'Object.create(a Proxy)': (original) => Object.create(new Proxy(original, {})),
  'a shallow copy': (original) =>
    Object.assign(Object.create(Object.getPrototypeOf(original)), original),
  'a copy of all properties': copied,
};

/** A deep copy as lodash's `cloneDeep` makes it: what is no plain object or array stays itself. */
export function deepCopy(value: Untyped, copies = new Map<object, Untyped>()): Untyped {
  if (typeof value !== 'object' || value === null) return value;
  const existing = copies.get(value);
  if (existing !== undefined) return existing;
  const tag = Object.prototype.toString.call(value);
  if (tag !== '[object Object]' && tag !== '[object Array]') return value;
  const copy = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
  copies.set(value, copy);
  for (const name of Reflect.ownKeys(value)) {
    const isCopied = Object.prototype.propertyIsEnumerable.call(value, name);
    if (isCopied) copy[name] = deepCopy(value[name], copies);
  }
  return copy;
}

/** What a `PerMessageDeflate` negotiates, and what comes back of a text. */
export async function deflated(deflate: Untyped): Promise<unknown[]> {
  const params = { ...deflate.accept([{}]) };
  const text = Buffer.from('text text text text');
  const compressed = await new Promise<Buffer>((done) =>
    deflate.compress(text, true, (_: unknown, data: Buffer) => done(data)),
  );
  const data = await new Promise((done) =>
    deflate.decompress(compressed, true, (_: unknown, result: Buffer) => done(result)),
  );
  deflate.cleanup();
  return [params, compressed.length < text.length, String(data)];
}
