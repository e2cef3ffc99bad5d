/** Header fields read and written as programs for `ws` expect it, with its messages. */

import { describe, expect, test } from '@jest/globals';
import { type Extensions, extension, subprotocol } from '../../../src/compat/extension.js';

const END = 'Unexpected end of input';
const at = (index: number): string => `Unexpected character at index ${index}`;

/** The same with ordinary prototypes, to be compared. */
function plain(extensions: Extensions): unknown {
  return JSON.parse(JSON.stringify(extensions));
}

describe('extension.parse', () => {
  test.each<[string, unknown]>([
    ['foo', { foo: [{}] }],
    ['foo, bar', { foo: [{}], bar: [{}] }],
    ['foo;a;b=1', { foo: [{ a: [true], b: ['1'] }] }],
    ['foo \t; a=1 ; a ; a=2', { foo: [{ a: ['1', true, '2'] }] }],
    ['foo; a, foo; b', { foo: [{ a: [true] }, { b: [true] }] }],
    ['foo; a="1\\2" ; b="x"', { foo: [{ a: ['12'], b: ['x'] }] }],
    ["!#$%&'*+-.^_`|~0Az", { "!#$%&'*+-.^_`|~0Az": [{}] }],
  ])('reads %j', (header, expected) => {
    expect(plain(extension.parse(header))).toEqual(expected);
  });

  test.each([
    ['', END],
    [' foo', at(0)],
    ['foo ', END],
    ['foo bar', at(4)],
    ['foo,', END],
    ['foo,, bar', at(4)],
    ['foo;', END],
    ['foo;;a', at(4)],
    ['foo; a =1', at(7)],
    ['foo; a= 1', at(7)],
    ['foo; a=', END],
    ['foo; a=,', at(7)],
    ['foo; a=1=2', at(8)],
    ['foo; a=""', at(8)],
    ['foo; a="x y"', at(9)],
    ['foo; a="x', END],
    ['foo; a="x\\', END],
    ['foo; a="\\ "', at(9)],
    ['foo; a="x"y', at(10)],
    ['foé', at(2)],
  ])('says where %j goes wrong', (header, message) => {
    expect(() => extension.parse(header)).toThrow(new SyntaxError(message));
  });

  test('gives maps that have no names of their own', () => {
    const { __proto__: offers, ...others } = extension.parse('__proto__; __proto__=1');
    expect([offers?.length, Object.keys(others)]).toEqual([1, []]);
    expect(extension.parse('foo')['constructor']).toBeUndefined();
    expect(extension.parse('foo')['foo']?.[0]?.['constructor']).toBeUndefined();
  });
});

describe('extension.format', () => {
  test.each([
    ['foo', { foo: {} }],
    ['foo', { foo: [{}] }],
    ['foo; a; b=1', { foo: { a: true, b: '1' } }],
    ['foo; a=1; a=2, foo; c=8, bar', { foo: [{ a: ['1', '2'] }, { c: 8 }], bar: {} }],
  ])('writes %j', (expected, extensions) => {
    expect(extension.format(extensions)).toBe(expected);
  });

  test('writes what parse reads', () => {
    const header = 'foo; a; b=1; b=2, foo, bar; c=x';
    expect(extension.format(extension.parse(header))).toBe(header);
  });
});

describe('subprotocol.parse', () => {
  test.each([
    ['foo', ['foo']],
    ['foo,bar', ['foo', 'bar']],
    ['foo \t, bar,  baz', ['foo', 'bar', 'baz']],
  ])('reads %j', (header, expected) => {
    expect([...subprotocol.parse(header)]).toEqual(expected);
  });

  test.each([
    ['', END],
    ['foo,', END],
    ['foo ', END],
    [' foo', at(0)],
    [',foo', at(0)],
    ['foo,,bar', at(4)],
    ['foo bar', at(4)],
    ['foo;a', at(3)],
    ['foo, bar, foo', 'The "foo" subprotocol is duplicated'],
    ['foo, foo, (', 'The "foo" subprotocol is duplicated'],
  ])('says what is wrong with %j', (header, message) => {
    expect(() => subprotocol.parse(header)).toThrow(new SyntaxError(message));
  });
});
