/** The subjects of topics at NATS. Servers of different versions must find the same ones. */

import { describe, expect, test } from '@jest/globals';
import {
  checkPrefix,
  historySubjectOf,
  streamNameOf,
  subjectOf,
} from '../../../src/topics/nats-subject.js';

test.each([
  ['news', 'p.news'],
  ['user:42/inbox#new', 'p.user:42/inbox#new'],
  ['rooms.berlin', 'p.rooms.berlin'],
  ['a b', 'p.a%20b'],
  ['a.*', 'p.a.%2A'],
  ['a.>', 'p.a.%3E'],
  ['', 'p.%'],
  ['.', 'p.%.%'],
  ['a..b', 'p.a.%.b'],
  ['%', 'p.%25'],
  ['%20', 'p.%2520'],
  ['"quoted\\"', 'p.%22quoted%5C%22'],
  ['line\nbreak\t\0', 'p.line%0Abreak%09%00'],
  ['ü€😀', 'p.%C3%BC%E2%82%AC%F0%9F%98%80'],
  ['\ud83d', 'p.%uD83D'],
  ['\ude00\ud83d', 'p.%uDE00%uD83D'],
  ['$SYS.a', 'p.$SYS.a'],
  ['%history.a', 'p.%25history.a'],
  ['\u2028\u00a0\u007f', 'p.%E2%80%A8%C2%A0%7F'],
])('the topic %j has the subject %s', (topic, subject) => {
  expect(subjectOf('p', topic)).toBe(subject);
});

test('a topic too long for a line of NATS is named by a hash', () => {
  expect(subjectOf('p', 'n'.repeat(2046))).toBe(`p.${'n'.repeat(2046)}`);
  expect(subjectOf('p', 'n'.repeat(2047))).toBe('p.%long23e241b9727e55681abc638ad8111118');
  expect(subjectOf('p', `${'n'.repeat(5000)}\ud800`)).not.toBe(
    subjectOf('p', `${'n'.repeat(5000)}\ud801`),
  );
});

test('no two topics have one subject, and each is one that NATS takes', () => {
  const units = ['a', '.', '%', ' ', '*', '2', '0', '\ud83d', '\ude00'];
  const topics = units.flatMap((a) =>
    units.flatMap((b) => units.flatMap((c) => units.map((d) => a + b + c + d))),
  );
  const subjects = topics.map((topic) => subjectOf('p', topic));
  expect(new Set(subjects).size).toBe(new Set(topics).size);
  expect(subjects.filter((subject) => !/^p(\.[^\s.*>"\\]+)+$/.test(subject))).toEqual([]);
});

test('the history of a topic has a subject and a stream of its own', () => {
  expect(historySubjectOf('p', '0123', 'a b')).toBe('p.%history.0123.a%20b');
  expect(streamNameOf('p', 'a b')).toBe('p-8787cc9dfd0216ba87644d9029ea5523');
});

describe('the option prefix', () => {
  test.each(['ws6455', 'b-c_d1'])('may be %s', (prefix) => {
    expect(checkPrefix(prefix)).toBe(prefix);
  });

  test.each(['', 'a.b', 'a b', '*', '>', '$SYS', 'ü', 'a\n', 'p'.repeat(101), 7])(
    'cannot be %j',
    (prefix) => {
      expect(() => checkPrefix(prefix)).toThrow(/The option prefix must be 1 to 100 letters/);
    },
  );
});
