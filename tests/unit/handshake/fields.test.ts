import { describe, expect, test } from '@jest/globals';
import {
  acceptFor,
  fieldOf,
  formatExtension,
  isFieldText,
  isHttp11OrHigher,
  isKey,
  listHas,
  newKey,
  parseExtensions,
  parseSubprotocols,
  trim,
} from '../../../src/handshake/fields.js';

test('RFC 6455 §1.3: the accept value of the sample key', () => {
  expect(acceptFor('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('RFC 6455 §4.1: a new key is 16 bytes in base64, each time another', () => {
  const keys = new Set(Array.from({ length: 1_000 }, newKey));
  expect(keys.size).toBe(1_000);
  for (const key of keys) {
    expect(Buffer.from(key, 'base64')).toHaveLength(16);
    expect(isKey(key)).toBe(true);
  }
});

test.each([
  '',
  'x',
  'dGhlIHNhbXBsZSBub25jZQ=',
  'dGhlIHNhbXBsZSBub25jZQ===',
  '"dGhlIHNhbXBsZSBub25jZQ=="',
  'dGhlIHNhbXBsZSBub25j Q==',
  'dGhlIHNhbXBsZSBub25jZ-==',
  'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
])('RFC 6455 §4.2.1: %s is no key', (key) => {
  expect(isKey(key)).toBe(false);
});

test.each([
  ['Upgrade', true],
  ['keep-alive, Upgrade', true],
  ['keep-alive,\tuPGRADE ,x', true],
  ['Upgraded', false],
  ['x-upgrade', false],
  ['', false],
  [undefined, false],
])('whether the list %s has the token upgrade: %s', (list, has) => {
  expect(listHas(list, 'upgrade')).toBe(has);
});

describe('parseSubprotocols', () => {
  test('keeps the order of preference', () => {
    expect([...(parseSubprotocols('chat ,\tsuperchat,v1.0') ?? [])]).toEqual([
      'chat',
      'superchat',
      'v1.0',
    ]);
  });

  test.each(['', ',', 'a,', 'a b', 'a;b', '"a"', 'a,a', 'ch@t', 'ä'])('refuses %p', (list) => {
    expect(parseSubprotocols(list)).toBeUndefined();
  });
});

describe('parseExtensions', () => {
  test.each([
    ['a', [{ name: 'a', parameters: [] }]],
    ['a; b', [{ name: 'a', parameters: [['b', true]] }]],
    [
      'a;b=1 ; c="2"',
      [
        {
          name: 'a',
          parameters: [
            ['b', '1'],
            ['c', '2'],
          ],
        },
      ],
    ],
    ['a; b="\\3"', [{ name: 'a', parameters: [['b', '3']] }]],
    ['a; b = 3', [{ name: 'a', parameters: [['b', '3']] }]],
    ['a; b\t=\t"3" ', [{ name: 'a', parameters: [['b', '3']] }]],
    [
      'a,b ;c',
      [
        { name: 'a', parameters: [] },
        { name: 'b', parameters: [['c', true]] },
      ],
    ],
    ['constructor; __proto__=x', [{ name: 'constructor', parameters: [['__proto__', 'x']] }]],
  ])('reads %s', (field, expected) => {
    expect(parseExtensions(field)).toEqual(expected);
  });

  test.each([
    '',
    ' ',
    ',',
    'a,',
    ',a',
    'a;',
    'a;;b',
    'a b',
    'a=1',
    'a; b=',
    'a; b=1 2',
    'a; b="',
    'a; b="1',
    'a; b=""',
    'a; b="1,2"',
    'a; b="1"2',
    'a; "b"',
    'a; b=\\1',
    'ä',
    'a\0',
  ])('refuses %p', (field) => {
    expect(parseExtensions(field)).toBeUndefined();
  });

  test('an unreasonable number of extensions or parameters is refused', () => {
    expect(parseExtensions(Array(32).fill('x').join(','))).toHaveLength(32);
    expect(parseExtensions(Array(33).fill('x').join(','))).toBeUndefined();
    expect(parseExtensions(`x${';p'.repeat(16)}`)).toHaveLength(1);
    expect(parseExtensions(`x${';p'.repeat(17)}`)).toBeUndefined();
  });
});

test.each([' ', '\t', ',', ';', '"', '\\c', 'a; b="\\c'])(
  '200 KiB of %j are read in linear time',
  (unit) => {
    const field = unit.repeat(Math.ceil(204_800 / unit.length));
    const before = process.cpuUsage();
    parseSubprotocols(`b${field}x`);
    parseExtensions(`a; b="${field}`);
    parseExtensions(`b${field}x`);
    listHas(`b${field}x`, 'upgrade');
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(1_000_000);
  },
);

test.each([
  ['text', 'text'],
  [['a', 'b'], 'a,b'],
  [13 as never, '13'],
  [undefined, undefined],
  [null as never, undefined],
])('the field %p is %p as text', (value, text) => {
  expect(fieldOf({ name: value }, 'name')).toBe(text);
});

test.each([
  ['plain text, äöü', true],
  ['', true],
  ['a\nb', false],
  ['a\rb', false],
  ['a\0b', false],
])('whether %j can stand in a header field: %s', (text, can) => {
  expect(isFieldText(text)).toBe(can);
});

test.each([
  [undefined, true],
  ['0.9', false],
  ['1.0', false],
  ['1.1', true],
  ['2.0', true],
  ['10.0', true],
])('RFC 6455 §4.2.1: whether HTTP/%s is 1.1 or higher: %s', (version, isHigher) => {
  expect(isHttp11OrHigher(version)).toBe(isHigher);
});

test.each([
  ['', ''],
  [' \t a b\t ', 'a b'],
  [' \t', ''],
  ['\na', '\na'],
])('%j without blanks around it is %j', (text, trimmed) => {
  expect(trim(text)).toBe(trimmed);
});

test.each(['a', 'a; b', 'a; b=1; c'])('the extension %s is written as it was read', (field) => {
  const [extension] = parseExtensions(field) ?? [];
  expect(extension && formatExtension(extension)).toBe(field);
});
