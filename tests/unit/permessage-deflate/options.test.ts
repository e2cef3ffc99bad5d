/** RFC 7692 §7.1: the options of a program: on or off, and valid windows. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { deflateOptions } from '../../../src/permessage-deflate/options.js';

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
});

const NAMES = ['serverMaxWindowBits', 'clientMaxWindowBits'];

test.each([8, 9, 15, true, false, undefined, null])('a window of %p bits is valid', (bits) => {
  for (const name of NAMES) expect(() => deflateOptions({ [name]: bits }, true)).not.toThrow();
});

test.each([7, 16, 20, 10.5, Number.NaN, '10'])('a window of %p bits is a RangeError', (bits) => {
  for (const name of NAMES) {
    const perMessageDeflate = { [name]: bits };
    expect(() => deflateOptions(perMessageDeflate, true)).toThrow(
      new RangeError(
        `${name} must be a whole number from 8 to 15, or a boolean: ${bits} was given`,
      ),
    );
    expect(() => new WebSocket.Server({ noServer: true, perMessageDeflate })).toThrow(RangeError);
    expect(() => new WebSocket('ws://localhost', { perMessageDeflate })).toThrow(RangeError);
  }
});
