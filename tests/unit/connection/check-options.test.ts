/** Options are checked when an object is made: mistakes are exceptions, unknown names warnings. */

import { describe, expect, test } from '@jest/globals';
import {
  CONNECTION_OPTIONS,
  checkConnectionOptions,
  checkFunctions,
  warnOfUnknownOptions,
} from '../../../src/connection/check-options.js';
import { type ConnectionOptions, toLimit } from '../../../src/connection/options.js';
import { turns } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const warnings = useWarnings(scope);

const check = (options: object) => checkConnectionOptions(options as ConnectionOptions);

describe('a numeric option', () => {
  const numeric = ['maxPayload', 'maxFragments', 'maxBufferedChunks', 'maxPendingAutoPongs'];
  const times = ['closeTimeout', 'firstMessageTimeout', 'idleTimeout'];
  test.each([...numeric, ...times])('%s takes numbers and texts of numbers', (name) => {
    for (const value of [0, 1, 0.5, 2 ** 40, Infinity, '0', '1024', ' 1e3 ', undefined, null]) {
      expect(() => check({ [name]: value })).not.toThrow();
    }
  });

  test.each([
    ['1mb', TypeError],
    ['', TypeError],
    ['NaN', TypeError],
    [true, TypeError],
    [{}, TypeError],
    [10n, TypeError],
    [() => 1, TypeError],
    [Number.NaN, RangeError],
    [-1, RangeError],
    [-Infinity, RangeError],
    ['-1', RangeError],
  ])('cannot be %p', (value, Class) => {
    for (const name of [...numeric, 'closeTimeout']) {
      expect(() => check({ [name]: value })).toThrow(Class);
    }
    expect(() => check({ perMessageDeflate: { threshold: value } })).toThrow(Class);
  });

  test('is named in the message, with what was given and what is expected', () => {
    expect(() => check({ maxPayload: '1mb' })).toThrow(
      new TypeError(
        'The option maxPayload must be a number of bytes, 0 or Infinity for no limit; ' +
          "units are not understood: '1mb' was given",
      ),
    );
    expect(() => check({ closeTimeout: -1 })).toThrow(
      new RangeError('The option closeTimeout must be a number of milliseconds: -1 was given'),
    );
    const long = { maxPayload: { text: 'x'.repeat(1_000) } };
    expect(() => check(long)).toThrow(/^.{1,200}$/);
  });
});

describe('perMessageDeflate', () => {
  test.each([true, false, null, undefined, 1, 'yes', {}])('may be %p', (perMessageDeflate) => {
    expect(() => check({ perMessageDeflate })).not.toThrow();
  });

  test.each([7, 16, 9.5, '10'])('has no window of %p bits', (bits) => {
    for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits']) {
      const message = /must be a whole number from 8 to 15, or a boolean/;
      expect(() => check({ perMessageDeflate: { [name]: bits } })).toThrow(RangeError);
      expect(() => check({ perMessageDeflate: { [name]: bits } })).toThrow(message);
    }
  });

  test('takes what zlib takes for its options', () => {
    const zlibDeflateOptions = { level: 9, memLevel: 9, windowBits: 8, maxOutputLength: 1 };
    const zlibInflateOptions = { chunkSize: 1024, maxOutputLength: 1 };
    expect(() => check({ perMessageDeflate: { zlibDeflateOptions } })).not.toThrow();
    expect(() => check({ perMessageDeflate: { zlibInflateOptions } })).not.toThrow();
  });

  test.each([
    [{ zlibDeflateOptions: { level: 10 } }, /options.level/],
    [{ zlibDeflateOptions: { level: '3' } }, /options.level/],
    [{ zlibInflateOptions: { chunkSize: 1 } }, /options.chunkSize/],
  ])('refuses %p as zlib does', (perMessageDeflate, message) => {
    expect(() => check({ perMessageDeflate })).toThrow(message);
  });
});

describe('limitOf', () => {
  test.each([
    [undefined, 7],
    [null, 7],
    [Number.NaN, 7],
    ['1mb', 7],
    [-1, 7],
    [0, 0],
    [Infinity, 0],
    ['Infinity', 0],
    [5, 5],
    [5.9, 5],
    [0.5, 1],
    ['1024', 1024],
    [2 ** 31, 2 ** 31],
    [2 ** 32, 2 ** 32],
  ])('reads %p as %p', (value, limit) => {
    expect(toLimit(value, 7)).toBe(limit);
  });

  test('is never more than what a Buffer holds', () => {
    expect(toLimit(Number.MAX_VALUE, 7)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    expect(toLimit(Number.MAX_VALUE, 7)).toBeGreaterThanOrEqual(2 ** 32);
  });
});

test('an option that is called must be a function, or false', () => {
  const names = ['verifyClient'];
  for (const verifyClient of [() => true, undefined, null, false]) {
    expect(() => checkFunctions({ verifyClient }, names)).not.toThrow();
  }
  const message = 'The option verifyClient must be a function: true was given';
  expect(() => checkFunctions({ verifyClient: true }, names)).toThrow(new TypeError(message));
});

describe('an unknown name', () => {
  const code = 'WS6455_UNKNOWN_OPTION';

  test('is warned of once per process, with the nearest known one', async () => {
    const options = { maxPayLoads: 1, autoPing: true, somethingElse: 1, maxPayload: 1 };
    for (const owner of ['WebSocketServer', 'WebSocket']) {
      warnOfUnknownOptions(options, CONNECTION_OPTIONS, owner);
    }
    await turns();
    expect(warnings(code)).toEqual([
      'WebSocketServer has no option maxPayLoads; did you mean maxPayload?',
      'WebSocketServer has no option autoPing; did you mean autoPong?',
      'WebSocketServer has no option somethingElse',
    ]);
  });

  test('is found in perMessageDeflate too', async () => {
    check({ perMessageDeflate: { level: 3, treshold: 10 } });
    await turns();
    expect(warnings(code)).toEqual([
      'perMessageDeflate has no option level',
      'perMessageDeflate has no option treshold; did you mean threshold?',
    ]);
  });
});

describe('messageRate', () => {
  test.each([
    undefined,
    null,
    { perSecond: 1 },
    { perSecond: 0.01, burst: 1 },
    { perSecond: 1e6, burst: 1e9, policy: 'close' },
    { perSecond: 1, policy: undefined },
    { perSecond: 1, policy: () => 'drop' },
  ])('takes %p', (messageRate) => {
    expect(() => check({ messageRate })).not.toThrow();
  });

  test.each([
    [10, TypeError, 'such as { perSecond: 50, burst: 100 }: 10 was given'],
    [{}, TypeError, 'messageRate.perSecond must be a number of messages above 0: undefined'],
    [{ perSecond: '10' }, TypeError, "'10' was given"],
    [{ perSecond: 0 }, RangeError, 'above 0: 0 was given'],
    [{ perSecond: -1 }, RangeError, '-1 was given'],
    [{ perSecond: Infinity }, RangeError, 'Infinity was given'],
    [{ perSecond: NaN }, RangeError, 'NaN was given'],
    [{ perSecond: 1, burst: 0.5 }, RangeError, 'messageRate.burst must be a number of messages of'],
    [{ perSecond: 1, burst: 'all' }, TypeError, "'all' was given"],
    [{ perSecond: 1, policy: 'drop' }, TypeError, "policy must be 'pause' or 'close': 'drop'"],
  ])('%p is a %p', (messageRate, ErrorClass, message) => {
    expect(() => check({ messageRate })).toThrow(ErrorClass as ErrorConstructor);
    expect(() => check({ messageRate })).toThrow(message);
  });

  test('warns of an unknown name', async () => {
    check({ messageRate: { perSecond: 1, persecond: 2 } });
    await turns();
    expect(warnings('WS6455_UNKNOWN_OPTION')).toEqual([
      'messageRate has no option persecond; did you mean perSecond?',
    ]);
  });
});

test.each([['close'], ['throw'], [undefined], [null]])(
  'unheardErrors takes %p',
  (unheardErrors) => {
    expect(() => check({ unheardErrors })).not.toThrow();
  },
);

test.each(['ignore', true, ''])('unheardErrors: %p is a TypeError', (unheardErrors) => {
  expect(() => check({ unheardErrors })).toThrow(
    new TypeError(
      `The option unheardErrors must be 'close' or 'throw': ${typeof unheardErrors === 'string' ? `'${unheardErrors}'` : unheardErrors} was given`,
    ),
  );
});
