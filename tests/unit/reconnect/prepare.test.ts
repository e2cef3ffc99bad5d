/** What one attempt connects to. */

import { describe, expect, test } from '@jest/globals';
import { prepare } from '../../../src/reconnect/prepare.js';

const URL_TEXT = 'ws://server.example.com/';
const INFO = { attempt: 3, last: undefined };

const headersOf = async (headers: Record<string, unknown> | undefined, token: unknown) =>
  (await prepare(URL_TEXT, { headers, token: token as string }, INFO)).headers;

describe('the token', () => {
  test.each(['abc', 'a-._~+/9==', '='.padStart(5, 'x')])('%s is sent as it is', async (token) => {
    expect(await headersOf(undefined, token)).toEqual({ Authorization: `Bearer ${token}` });
  });

  test.each([undefined, null])('%s sends none', async (token) => {
    expect(await headersOf({ Cookie: 'a=b' }, token)).toEqual({ Cookie: 'a=b' });
  });

  test.each(['', ' ', 'a b', 'secret\r\nX: y', '=secret', 'secret\n', 'sécret', 7, {}, true])(
    '%j is refused, and text is not in the message',
    async (token) => {
      const error = await headersOf({}, token).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).not.toMatch(/secret|sécret/);
    },
  );

  test.each(['authorization', 'AUTHORIZATION', 'Authorization'])(
    'takes the place of the header field %s',
    async (name) => {
      const headers = { [name]: 'Basic eDp5', Cookie: 'a=b' };
      expect(await headersOf(headers, 'abc')).toEqual({
        Cookie: 'a=b',
        Authorization: 'Bearer abc',
      });
      expect(headers).toEqual({ [name]: 'Basic eDp5', Cookie: 'a=b' });
    },
  );
});

describe('functions', () => {
  const value = { url: new URL(URL_TEXT), protocols: ['chat'], headers: { Cookie: 'a=b' } };

  test.each([
    [
      'values',
      <T>(it: T) =>
        () =>
          it,
    ],
    [
      'promises',
      <T>(it: T) =>
        () =>
          Promise.resolve(it),
    ],
  ])('may return %s', async (_, wrap) => {
    const { url, protocols, headers } = value;
    const plan = await prepare(
      wrap(url),
      { protocols: wrap(protocols), headers: wrap(headers), token: wrap(undefined) },
      INFO,
    );
    expect(plan).toEqual(value);
  });

  test.each(['url', 'protocols', 'headers', 'token'])(
    '%s that throws or rejects fails it',
    async (name) => {
      const error = new Error('of the program');
      const fail = (): never => {
        throw error;
      };
      for (const broken of [fail, async () => fail()]) {
        const url = name === 'url' ? broken : URL_TEXT;
        const options = name === 'url' ? {} : { [name]: broken };
        await expect(prepare(url, options, INFO)).rejects.toBe(error);
      }
    },
  );
});
