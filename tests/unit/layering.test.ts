import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from '@jest/globals';

const SRC = join(__dirname, '../../src');

interface Import {
  onlyTypes: boolean;
  from: string;
  to: string;
}

function sources(folder = SRC): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.m?ts$/.test(entry.name) ? [path] : [];
  });
}

/** Every import and re-export of a file, also those of types only. */
function importsOf(path: string): Import[] {
  const text = readFileSync(path, 'utf8');
  const from = relative(SRC, path).replace(/\.m?ts$/, '');
  const found = text.matchAll(/^(?:(import|export)( type)? [^;]*?from |.*import\()'([^']+)'/gm);
  return Array.from(found, ([, statement, type, to = '']) => ({
    onlyTypes: statement === undefined || type !== undefined,
    from,
    to: to.startsWith('.')
      ? relative(SRC, normalize(join(dirname(path), to))).replace(/\.m?js$/, '')
      : to,
  }));
}

const imports = sources().flatMap(importsOf);
const PURE = /^(protocol|handshake|permessage-deflate)\//;

function breaches(isAllowed: (one: Import) => boolean): string[] {
  return imports.filter((one) => !isAllowed(one)).map((one) => `${one.from} -> ${one.to}`);
}

test('the import lines are found at all', () => {
  expect(imports.length).toBeGreaterThan(40);
});

test('a pure folder imports no more of Node than buffer, crypto, zlib and async_hooks', () => {
  const allowed = ['node:buffer', 'node:crypto', 'node:zlib', 'node:async_hooks'];
  expect(
    breaches(({ from, to }) => !PURE.test(from) || !to.includes(':') || allowed.includes(to)),
  ).toEqual([]);
});

test('a pure folder imports nothing from the root of src', () => {
  const below = /^(protocol|handshake|permessage-deflate|time)\//;
  expect(
    breaches(({ from, to }) => !PURE.test(from) || to.includes(':') || below.test(to)),
  ).toEqual([]);
});

test('only time/ uses the timers and ticks of Node', () => {
  const use = /(?<![.\w])(setImmediate|setTimeout|setInterval|clearTimeout|process\.nextTick)\(/;
  const users = sources().filter((path) => use.test(readFileSync(path, 'utf8')));
  expect(users.map((path) => relative(SRC, path))).toEqual(['time/time.ts']);
});

test('protocol/ imports only protocol/', () => {
  expect(
    breaches(
      ({ from, to }) =>
        !from.startsWith('protocol/') || to.includes(':') || to.startsWith('protocol/'),
    ),
  ).toEqual([]);
});

test('receiver and sender know neither each other nor the closing handshake', () => {
  const forbidden = ['protocol/receiver', 'protocol/sender', 'protocol/close', 'protocol/endpoint'];
  expect(
    breaches(
      ({ from, to }) => !/^protocol\/(receiver|sender)$/.test(from) || !forbidden.includes(to),
    ),
  ).toEqual([]);
});

test('only endpoint walks the closing table', () => {
  const users = sources()
    .filter((path) => readFileSync(path, 'utf8').includes('closingStep('))
    .map((path) => relative(SRC, path));
  expect(users.sort()).toEqual(['protocol/close.ts', 'protocol/endpoint.ts']);
});

test('only the openers and the faces touch net, tls and http, types apart', () => {
  const network = /^node:(net|tls|https?|http2)$/;
  const openers = ['establish', 'create-connection', 'websocket-server', 'websocket', 'refuse'];
  expect(
    breaches(({ onlyTypes, from, to }) => onlyTypes || !network.test(to) || openers.includes(from)),
  ).toEqual([]);
});

test('only the index and the faces name what is there for programs of ws', () => {
  const namesCompat = ['index', 'websocket'];
  expect(
    breaches(
      ({ from, to }) =>
        !to.startsWith('compat/') || from.startsWith('compat/') || namesCompat.includes(from),
    ),
  ).toEqual([]);
});

test('what is there for programs of ws touches no face and no connection, types apart', () => {
  const lower =
    /^(node:|protocol\/|handshake\/|permessage-deflate\/|time\/|compat\/|(data|options|settings)$)/;
  expect(
    breaches(
      ({ onlyTypes, from, to }) => onlyTypes || !from.startsWith('compat/') || lower.test(to),
    ),
  ).toEqual([]);
});

test('nothing outside of Node and src is imported', () => {
  const known = new Set(sources().map((path) => relative(SRC, path).replace(/\.m?ts$/, '')));
  expect(breaches(({ to }) => to.startsWith('node:') || known.has(to))).toEqual([]);
});

test('imports go round in no circle, types apart', () => {
  const values = new Map<string, string[]>();
  for (const path of sources()) {
    const text = readFileSync(path, 'utf8').replace(/^(?:im|ex)port type [^;]*;/gm, '');
    const from = relative(SRC, path);
    const targets = Array.from(text.matchAll(/from '(\.[^']+)'/g), ([, to = '']) =>
      relative(SRC, normalize(join(dirname(path), to))).replace(/\.(m?)js$/, '.$1ts'),
    );
    values.set(from, targets);
  }
  const circles: string[] = [];
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file)) circles.push([...above, file].join(' -> '));
    else for (const next of values.get(file) ?? []) visit(next, [...above, file]);
  };
  for (const file of values.keys()) visit(file, []);
  expect(circles).toEqual([]);
});
