/** RFC 9110 §9.3.6: the request CONNECT as bytes, and every kind of response. */

import { describe, expect, test } from '@jest/globals';
import { HandshakeError } from '../../../src/handshake/errors.js';
import type { Credentials, Step } from '../../../src/proxy/dialogue.js';
import { type Field, HttpConnect } from '../../../src/proxy/http-connect.js';

const TARGET = { host: 'example.com', port: 443 };

function requestOf(target = TARGET, credentials?: Credentials, fields: Field[] = []): string {
  return new HttpConnect(target, credentials, fields).start().toString('latin1');
}

/** The last step for a response that arrives in these parts. */
function stepAfter(...parts: (string | Buffer)[]): Step {
  const dialogue = new HttpConnect(TARGET, undefined, []);
  dialogue.start();
  let step: Step = {};
  for (const part of parts) step = dialogue.receive(Buffer.from(part as string, 'latin1'));
  return step;
}

function errorFor(response: string, credentials?: Credentials): HandshakeError {
  const dialogue = new HttpConnect(TARGET, credentials, []);
  try {
    dialogue.receive(Buffer.from(response, 'latin1'));
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error('the response was accepted');
}

describe('the request', () => {
  test('names host and port, also a default one', () => {
    expect(requestOf()).toBe('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
  });

  test('IPv6 is in brackets', () => {
    expect(requestOf({ host: '::1', port: 80 })).toMatch(/^CONNECT \[::1\]:80 HTTP\/1\.1\r\n/);
  });

  test('RFC 7617 §2.1: the credentials are UTF-8 in base64', () => {
    expect(requestOf(TARGET, { user: 'test', password: '123£' })).toContain(
      '\r\nProxy-Authorization: Basic dGVzdDoxMjPCow==\r\n',
    );
  });

  test('a Proxy-Authorization of the program takes the place of the credentials', () => {
    const request = requestOf(TARGET, { user: 'a', password: 'b' }, [
      ['proxy-authorization', 'Bearer token'],
      ['X-Via', 'here'],
    ]);
    expect(request.match(/proxy-authorization/gi)).toHaveLength(1);
    expect(request).toContain('\r\nproxy-authorization: Bearer token\r\nX-Via: here\r\n\r\n');
  });
});

describe('a tunnel', () => {
  test.each([
    'HTTP/1.1 200 Connection established\r\n\r\n',
    'HTTP/1.0 200 OK\r\n\r\n',
    'HTTP/1.1 200\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nVia: proxy\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  ])('is open after %j, and the bytes behind it are in it', (response) => {
    expect(stepAfter(`${response}bytes`).rest?.toString()).toBe('bytes');
  });

  test('a response that is cut at each byte is the same', () => {
    const response = 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nVia: a\r\n\r\n\r\nrest';
    const end = response.length - '\r\nrest'.length;
    for (let at = 1; at < response.length; at++) {
      const dialogue = new HttpConnect(TARGET, undefined, []);
      const first = dialogue.receive(Buffer.from(response.slice(0, at)));
      const rest = at < end ? dialogue.receive(Buffer.from(response.slice(at))).rest : first.rest;
      expect(rest?.toString()).toBe(at < end ? '\r\nrest' : response.slice(end, at));
    }
  });

  test('is not open before the response is complete', () => {
    expect(stepAfter('HTTP/1.1 200 OK\r\n', 'Via: a\r\n')).toEqual({});
  });
});

describe('a refusal', () => {
  test('has the status, the header fields and the body', () => {
    const error = errorFor('HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nVia: a\r\n\r\nsorry');
    expect(error).toMatchObject({ code: 'WS_ERR_PROXY_REFUSED', status: 503, retryAfter: 7000 });
    expect(error.message).toBe('The proxy refused to connect to the server: 503');
    expect([error.headers?.['via'], error.body?.toString()]).toEqual(['a', 'sorry']);
  });

  test.each([407, 401])('%d is a refusal of the client, and says what to do', (status) => {
    const response = `HTTP/1.1 ${status} Authentication required\r\n\r\n`;
    const without = errorFor(response);
    const secret = { user: 'name', password: 'secret' };
    const wrong = errorFor(response, secret);
    expect([without.code, without.status]).toEqual(['WS_ERR_PROXY_AUTHENTICATION', status]);
    expect(without.message).toContain('needs a user name and a password');
    expect(wrong.message).toContain('did not accept the user name and the password');
    expect(wrong.message).not.toContain('secret');
  });

  test.each([101, 302, 400, 502, 999])('%d', (status) => {
    const error = errorFor(`HTTP/1.1 ${status} Some words\r\nLocation: http://evil.test\r\n\r\n`);
    expect([error.code, error.status]).toEqual(['WS_ERR_PROXY_REFUSED', status]);
  });
});

describe('a response that is not valid', () => {
  test.each([
    ['\x05\x00', 'it is not HTTP'],
    ['SSH-2.0-OpenSSH', 'it is not HTTP'],
    ['\r\nHTTP/1.1 200 OK\r\n\r\n', 'it is not HTTP'],
    ['HTTP/2 200 OK\r\n\r\n', 'its status line is not valid'],
    ['HTTP/1.1 20 OK\r\n\r\n', 'its status line is not valid'],
    ['HTTP/1.1 2000 OK\r\n\r\n', 'its status line is not valid'],
    ['HTTP/1.1 099 OK\r\n\r\n', 'its status line is not valid'],
    ['HTTP/1.1  200 OK\r\n\r\n', 'its status line is not valid'],
    ['HTTP/1.1 200 O\0K\r\n\r\n', 'its status line is not valid'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nA: \nB: c\r\n\r\n', 'not a header field'],
    [`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(20_000)}`, 'more than 16384 bytes'],
    [`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 'more than 16384 bytes'],
    ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(17), 'too many interim responses'],
  ])('%j', (response, detail) => {
    const error = errorFor(response);
    expect(error.code).toBe('WS_ERR_PROXY_RESPONSE');
    expect(error.message).toMatch(/^Invalid response of the proxy: /);
    expect(error.message).toContain(detail);
  });
});
