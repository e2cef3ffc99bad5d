/** RFC 7692 §7.1: the options of a program: on or off, and valid windows. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { checkWindowBits, deflateOptions } from '../../../src/permessage-deflate/options.js';

describe('deflateOptions', () => {
  const given = { threshold: 1 };

  test.each([
    [undefined, true, {}],
    [undefined, false, undefined],
    [true, false, {}],
    [false, true, undefined],
    [null, true, undefined],
    [given, false, given],
  ])('%p, with the default %p, is %p', (option, fallback, options) => {
    expect(deflateOptions(option, fallback)).toEqual(options);
  });

  test.each(['serverMaxWindowBits', 'clientMaxWindowBits'])('checks %s', (name) => {
    expect(() => deflateOptions({ [name]: 16 }, true)).toThrow(name);
    expect(deflateOptions({ [name]: 15 }, true)).toEqual({ [name]: 15 });
  });
});

test.each([8, 9, 15, true, false, undefined, null])('a window of %p bits is valid', (bits) => {
  expect(() => checkWindowBits('serverMaxWindowBits', bits)).not.toThrow();
});

test.each([7, 16, 20, 10.5, Number.NaN, '10'])('a window of %p bits is a RangeError', (bits) => {
  expect(() => checkWindowBits('serverMaxWindowBits', bits)).toThrow(
    new RangeError(
      `serverMaxWindowBits must be a whole number from 8 to 15, or a boolean: ${bits} was given`,
    ),
  );
  for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits']) {
    const perMessageDeflate = { [name]: bits };
    expect(() => new WebSocket.Server({ noServer: true, perMessageDeflate })).toThrow(RangeError);
    expect(() => new WebSocket('ws://localhost', { perMessageDeflate })).toThrow(RangeError);
  }
});
