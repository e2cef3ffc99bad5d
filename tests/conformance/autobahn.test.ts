/**
 * The account of the Autobahn cases: every one is run, none twice, none skipped in silence; and
 * what the tests expect is what the case says.
 *
 * Normal run: every case of groups 1 to 7, 9 and 10 in the form the case itself gives, against both
 * roles; cases of up to 4,000 bytes, and `ALWAYS_BY_BYTES`, also one byte per chunk; cases of up to
 * 1 MiB also cut at random places. With AUTOBAHN_LARGE=1, cases of up to 1 MiB one byte per chunk
 * and all cases cut at random places. Cases beyond 1 MiB, `NEVER_BY_BYTES`, are never cut at every
 * byte.
 *
 * Groups 12 and 13, permessage-deflate, are round trips of 1000 messages each: the normal run plays
 * every case against both roles with the first 3 to 30 of its messages, and a sample of the cases
 * cut as well; with AUTOBAHN_LARGE=1 all messages, and all cases cut. See `compressedRunsOf`.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  ALWAYS_BY_BYTES,
  type Case,
  COMPRESSED_GROUPS,
  casesOf,
  compressedRunsOf,
  FACTS,
  type Form,
  formsOf,
  groupOf,
  NEVER_BY_BYTES,
  volumeOf,
} from './cases.js';
import { corpus } from './corpus.js';
import { type Expectation, expectationOf } from './expectation.js';
import { planOf } from './script.js';

/** The groups that the test files run, as their sources say, by `autobahn` or `autobahnCompressed`. */
function groupsRun(by: string): string[] {
  const files = readdirSync(__dirname).filter((name) => /^autobahn-.*\.test\.ts$/.test(name));
  return files.flatMap((name) => {
    const source = readFileSync(join(__dirname, name), 'utf8');
    const call = new RegExp(`^${by}\\((.*)\\);$`, 'm').exec(source)?.[1] ?? '';
    return [...call.matchAll(/'(\d+)'/g)].map(([, group]) => group ?? '');
  });
}

type Params = NonNullable<Case['params']>;

const ids = (cases: readonly Case[]): string[] => cases.map(({ id }) => id).sort();
const RUN = casesOf(...groupsRun('autobahn'));
const COMPRESSED = casesOf(...groupsRun('autobahnCompressed'));

describe('which cases are run', () => {
  test('the cases that are run are all there are, none twice', () => {
    expect(ids([...RUN, ...COMPRESSED])).toEqual(ids(FACTS.cases));
    expect(new Set(ids(FACTS.cases)).size).toBe(FACTS.cases.length);
    expect([RUN.length, COMPRESSED.length]).toEqual([301, 216]);
  });

  test('no group runs in two files', () => {
    const groups = [...groupsRun('autobahn'), ...groupsRun('autobahnCompressed')];
    expect([...new Set(groups)].sort()).toEqual([...groups].sort());
  });

  test('groups 12 and 13, permessage-deflate, are the ones of the tester that compresses', () => {
    expect(groupsRun('autobahnCompressed').sort()).toEqual(COMPRESSED_GROUPS);
  });

  test('there are as many cases as the facts count', () => {
    for (const [group, count] of Object.entries(FACTS.counts)) {
      if (group !== 'total') expect([group, casesOf(group).length]).toEqual([group, count]);
    }
  });
});

describe('how they are cut', () => {
  const formsEver = (one: Case): Set<Form> =>
    new Set([...formsOf(one, false), ...formsOf(one, true)]);

  test('in the normal run every case runs whole', () => {
    expect(RUN.filter((one) => !formsOf(one, false).includes('whole'))).toEqual([]);
  });

  test('normal and large run together cut every case at random places', () => {
    expect(ids(RUN.filter((one) => !formsEver(one).has('cuts')))).toEqual([]);
  });

  test('normal and large run together cut every case at every byte but those named', () => {
    const missing = RUN.filter((one) => !formsEver(one).has('bytes'));
    expect(ids(missing)).toEqual([...NEVER_BY_BYTES].sort());
  });

  test('only group 9, 7.1.6 and four cases of group 1 are left to the large run in any form', () => {
    const later = RUN.filter((one) => formsOf(one, false).length < formsOf(one, true).length);
    const others = ['1.1.6', '1.1.8', '1.2.7', '1.2.8', '7.1.6'];
    expect(ids(later.filter((one) => groupOf(one) !== '9'))).toEqual(others);
    expect(later.length).toBeGreaterThan(others.length);
  });

  test('the normal run cuts every length of the header at every byte', () => {
    const cut = RUN.filter((one) => formsOf(one, false).includes('bytes'));
    const sizes = casesOf('1')
      .filter((one) => cut.includes(one))
      .map(volumeOf);
    expect(new Set(sizes)).toEqual(new Set(casesOf('1').map(volumeOf)));
    expect(ids(cut)).toEqual(expect.arrayContaining([...ALWAYS_BY_BYTES]));
  });
});

describe('how the compressed ones are run', () => {
  const formsOfRuns = (one: Case, large: boolean): Form[] =>
    compressedRunsOf(one, large).map(({ form }) => form);

  test('in the normal run every case runs whole, with three messages or more', () => {
    for (const one of COMPRESSED) {
      const [run] = compressedRunsOf(one, false);
      expect([one.id, run?.form]).toEqual([one.id, 'whole']);
      expect(run?.messages).toBeGreaterThanOrEqual(3);
    }
  });

  test('in the large run every case runs whole with all of its messages, and cut', () => {
    for (const one of COMPRESSED) {
      const [run, ...cut] = compressedRunsOf(one, true);
      expect([one.id, run]).toEqual([one.id, { form: 'whole', messages: one.params?.messages }]);
      const small = (one.params?.messageSize ?? 0) <= 16_384;
      expect(cut.map(({ form }) => form)).toEqual(small ? ['bytes', 'cuts'] : ['cuts']);
    }
  });

  test('the sample that the normal run cuts has cases of every group and of every size', () => {
    const cut = COMPRESSED.filter((one) => formsOfRuns(one, false).includes('cuts'));
    const kind = (one: Case): string => one.id.replace(/\.\d+$/, '');
    const row = (one: Case): string => one.id.replace(/.*\./, '');
    for (const part of [kind, row]) {
      expect(new Set(cut.map(part))).toEqual(new Set(COMPRESSED.map(part)));
    }
    expect(cut.length).toBeLessThan(COMPRESSED.length / 4);
  });
});

describe('what the compressed ones send', () => {
  test('is as much data, of the type and in the frames, as the sentence of the case says', () => {
    for (const { id, params, ...one } of COMPRESSED) {
      const { messages, messageSize, type, sizeUnit, fragmentBytes } = params as Params;
      const { sends } = one as unknown as { sends: string };
      const sentence = `${messages} compressed ${type} messages of ${messageSize} ${sizeUnit}, each`;
      const frames = fragmentBytes
        ? `cut into frames of ${fragmentBytes} bytes`
        : 'one frame per message';
      expect([id, sends.startsWith(sentence), sends.includes(frames)]).toEqual([id, true, true]);
    }
  });

  test('comes from data as large as the original, with as many characters', () => {
    for (const { kind, bytes, characters } of FACTS.tables.compressionData_12) {
      const data = corpus(kind);
      const letters = typeof data === 'string' ? data.length : null;
      expect([kind, Buffer.byteLength(data), letters]).toEqual([kind, bytes, characters]);
    }
  });

  test('must come back whole, behind which the tester closes, cleanly', () => {
    for (const { id, close, ...one } of COMPRESSED) {
      expect([id, one.expect]).toEqual([
        id,
        expect.stringMatching(
          /same type, length and content, .* closes with 1000 and a clean close/,
        ),
      ]);
      const { firstCloseBy, acceptedCodes, cleanRequired } = close;
      expect([firstCloseBy, acceptedCodes, cleanRequired]).toEqual(['tester', [1000], true]);
    }
  });
});

/** "text 5", "pong 0": an entry of the list without its content. */
function shapeOf(entry: string): string {
  const [kind = '', content = ''] = entry.split(/ (.*)/);
  const counted = /^(\d+) bytes/.exec(content)?.[1];
  const length = content === 'empty' ? 0 : (counted ?? content.length / 2);
  return `${kind} ${length}`;
}

const SENTENCE = new RegExp(
  [
    /echo as one (?<echo>text|binary) message of (?:empty payload|(?<size>\d+) bytes)/,
    /pong (?:with empty payload|carrying the same (?<pong>\d+) bytes)/,
    /(?<pongs>\d+) pongs, same payloads/,
    /one message of the same type and the same length \((?<same>\d+) bytes\)/,
    /(?<echoes>\d+) echoes of the same type and length/,
  ]
    .map(({ source }) => `(?:${source})`)
    .join('|'),
  'g',
);

/** What the sentence of the case says must come back, in the same shape. */
function shapesInSentence(one: Case): string[] {
  const { messageSize = 0, type = '' } = one.params ?? {};
  return [...one.expect.matchAll(SENTENCE)].flatMap(({ groups = {} }) => {
    const { echo, size = '0', pong = '0', pongs, same, echoes } = groups;
    if (echo !== undefined) return [`${echo} ${size}`];
    if (same !== undefined) return [`${type} ${same}`];
    if (echoes !== undefined) return Array<string>(Number(echoes)).fill(`${type} ${messageSize}`);
    if (pongs !== undefined) return Array<string>(Number(pongs)).fill('pong 9');
    return [`pong ${pong}`];
  });
}

/** INFORMATIONAL: the case accepts anything, our tests do not. */
const FREE = ['7.1.6', '7.13.1', '7.13.2'];
const MARKS = ['still open', 'failed'];

describe('what they expect', () => {
  const withWant = RUN.map((one): [string, Case, Expectation] => [one.id, one, expectationOf(one)]);

  test('the list is what the sentence of the case says', () => {
    for (const [id, one, { list }] of withWant) {
      if (FREE.includes(id)) continue;
      const shapes = list.filter((entry) => !MARKS.includes(entry)).map(shapeOf);
      expect([id, shapes]).toEqual([id, shapesInSentence(one)]);
    }
  });

  test('6.4 must be noticed within the second pause', () => {
    for (const one of casesOf('6').filter(({ id }) => id.startsWith('6.4.'))) {
      expect(one.expect).toMatch(/still open when the first pause ends, failed during the second/);
      expect(expectationOf(one).list).toEqual(MARKS);
    }
  });

  test('side and code of the Close, and a clean end, are as the case says', () => {
    for (const [id, { close }, { firstCloseBy, code, error }] of withWant) {
      const accepted = code === 1005 || close.acceptedCodes.includes(code);
      const clean = error === undefined;
      expect({ id, firstCloseBy, accepted, clean }).toEqual({
        id,
        firstCloseBy: close.firstCloseBy,
        accepted: true,
        clean: close.cleanRequired,
      });
    }
  });

  test('what is valid UTF-8 is as the case says', () => {
    for (const [id, { validUtf8 }, { error }] of withWant) {
      if (validUtf8 !== undefined) expect([id, error === undefined]).toEqual([id, validUtf8]);
    }
  });

  test('messages are cut into as many fragments as the case says', () => {
    for (const one of RUN) {
      const [step] = one.steps ?? [];
      if (step?.message === undefined) continue;
      const plan = planOf(one).filter((item) => item !== 'pause');
      const shape = [one.id, plan.length, plan.at(-1)?.payload.length];
      expect(shape).toEqual([one.id, step.frames, step.lastFrameBytes]);
    }
  });
});
