/** What is retried and what is fatal. */

import { describe, expect, test } from '@jest/globals';
import type { CloseInfo } from '../../../src/connection/close-info.js';
import { HandshakeError, REFUSALS, type Refusal } from '../../../src/handshake/errors.js';
import { CloseCode } from '../../../src/protocol/close.js';
import type { CloseBy, CloseCause } from '../../../src/protocol/close-origin.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { PROXY_FAILURES } from '../../../src/proxy/failures.js';
import {
  type Ending,
  judge,
  MAX_RETRY_AFTER,
  type Verdict,
} from '../../../src/reconnect/verdict.js';
import { CloseError } from '../../../src/websocket/close-error.js';

function closeInfo(by: CloseBy, cause: CloseCause, rest: Partial<CloseInfo> = {}): CloseInfo {
  const messages = { sent: 0, received: 0 };
  return { wasClean: false, by, cause, messages, closed: 0, ...rest };
}

function ended(info: CloseInfo, during: Ending['during'] = 'connection'): Verdict {
  return judge({ during, error: new CloseError(info), closeInfo: info });
}

function received(code: number, reason = ''): Verdict {
  return ended(closeInfo('peer', 'close', { wasClean: true, received: { code, reason } }));
}

const failed = (error: Error, during: Ending['during'] = 'connect'): Verdict =>
  judge({ during, error });

const withCode = (code: string, message = code): Error =>
  Object.assign(new Error(message), { code });

function refused(status: number, retryAfter?: number): Verdict {
  const response = { headers: {}, body: Buffer.alloc(0), retryAfter };
  return failed(new HandshakeError('UNEXPECTED_RESPONSE', status, status, response));
}

describe('a Close of the server', () => {
  const RETRIED: readonly number[] = [1001, 1005, 1006, 1011, 1012, 1013, 1014];

  test.each(Object.values(CloseCode))('%d', (code) => {
    expect(received(code)).toBe(RETRIED.includes(code) ? 'retry' : 'fatal');
  });

  test.each([3000, 3001, 3099, 3100, 3499])('%d: temporary', (code) => {
    expect(received(code)).toBe('retry');
  });

  test.each([1016, 1999, 2000, 2999, 3500, 3999, 4000, 4401, 4499, 4500, 4999])(
    '%d: permanent',
    (code) => {
      expect(received(code)).toBe('fatal');
    },
  );
});

describe('a connection that ended without a Close of the server', () => {
  test.each<[CloseBy, CloseCause, Verdict]>([
    ['wire', 'end', 'retry'],
    ['wire', 'error', 'retry'],
    ['us', 'close', 'retry'],
    ['us', 'terminate', 'retry'],
    ['us', 'failure', 'retry'],
    ['us', 'rejection', 'retry'],
    ['timeout', 'heartbeat', 'retry'],
    ['timeout', 'idleTimeout', 'retry'],
    ['timeout', 'firstMessageTimeout', 'retry'],
    ['timeout', 'maxLifetime', 'retry'],
    ['limit', 'slow', 'retry'],
    ['limit', 'messageRate', 'retry'],
    ['limit', 'maxPayload', 'fatal'],
    ['limit', 'maxFragments', 'fatal'],
  ])('%s, %s: %s', (by, cause, verdict) => {
    expect(ended(closeInfo(by, cause))).toBe(verdict);
  });

  test('a violation of the server is retried: the fault is not here', () => {
    const error = new ProtocolError('INVALID_UTF8');
    expect(ended(closeInfo('peer', 'violation', { error }))).toBe('retry');
  });

  test('a Close of this end is retried, whatever the server answers', () => {
    const info = closeInfo('us', 'close', { received: { code: 4401, reason: '' } });
    expect(ended(info)).toBe('retry');
  });
});

describe('retry-after= in the reason of a Close', () => {
  test.each<[string, number]>([
    ['retry-after=17.3', 17_300],
    ['retry-after=3', 3000],
    ['deploy; retry-after=17.3', 17_300],
    ['deploy;retry-after=2', 2000],
    ['retry-after=1; retry-after=2', 2000],
    ['retry-after=0.001', 1],
    ['retry-after=100000', MAX_RETRY_AFTER],
    [`retry-after=${'9'.repeat(111)}`, MAX_RETRY_AFTER],
  ])('%j', (reason, after) => {
    expect(received(1001, reason)).toEqual({ after });
  });

  test('wins over the code', () => {
    expect(received(1000, 'retry-after=2')).toEqual({ after: 2000 });
    expect(received(4000, 'retry-after=2')).toEqual({ after: 2000 });
    expect(received(4000, 'retry-after=0')).toBe('retry');
  });

  test.each([
    'retry-after=1e999',
    'retry-after=-1',
    'retry-after=NaN',
    'retry-after=Infinity',
    'retry-after=0x10',
    'retry-after=',
    'retry-after=.5',
    'retry-after=1.',
    'retry-after=1,5',
    'retry-after= 5',
    'retry-after=5 ',
    'retry-after=5; deploy',
    'retry-after=5\n',
    'no-retry-after=5',
    'Retry-After=5',
    'retry-after=٣',
    '; '.repeat(60),
  ])('%j is ignored', (reason) => {
    expect(received(1001, reason)).toBe('retry');
    expect(received(4000, reason)).toBe('fatal');
  });
});

describe('an HTTP status', () => {
  const RETRIED = [408, 425, 429, 500, 502, 503, 504, 507, 508, 511, 520, 521, 522, 523, 524, 530];
  const FATAL = [200, 204, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 407];
  const ALSO_FATAL = [409, 410, 421, 422, 426, 428, 431, 451, 499, 501, 505];

  test.each(RETRIED)('%d is retried', (status) => {
    expect(refused(status)).toBe('retry');
    expect(refused(status, 2000)).toEqual({ after: 2000 });
  });

  test.each([...FATAL, ...ALSO_FATAL])('%d is fatal, with Retry-After as well', (status) => {
    expect(refused(status)).toBe('fatal');
    expect(refused(status, 2000)).toBe('fatal');
  });

  test('Retry-After has a limit', () => {
    expect(refused(503, MAX_RETRY_AFTER + 1)).toEqual({ after: MAX_RETRY_AFTER });
    expect(refused(503, Number.POSITIVE_INFINITY)).toEqual({ after: MAX_RETRY_AFTER });
  });

  test.each([0, -1, Number.NaN])('Retry-After of %d leaves the time to the back-off', (ms) => {
    expect(refused(503, ms)).toBe('retry');
  });
});

describe('an opening handshake', () => {
  const RETRIED: readonly Refusal[] = ['HANDSHAKE_TIMEOUT', 'CLOSED_EARLY'];
  const OTHERS: readonly Refusal[] = ['UNEXPECTED_RESPONSE', 'UNEXPECTED_BODY'];
  const names = (Object.keys(REFUSALS) as Refusal[]).filter((one) => !OTHERS.includes(one));

  test.each(names)('%s', (name) => {
    expect(failed(new HandshakeError(name))).toBe(RETRIED.includes(name) ? 'retry' : 'fatal');
  });

  test.each(Object.values(PROXY_FAILURES))('$code', (row) => {
    const isFatal = row === PROXY_FAILURES.AUTHENTICATION;
    expect(failed(new HandshakeError(row))).toBe(isFatal ? 'fatal' : 'retry');
  });

  test('Retry-After of a proxy counts', () => {
    const response = { headers: {}, body: Buffer.alloc(0), retryAfter: 2000 };
    const error = new HandshakeError(PROXY_FAILURES.REFUSED, 503, '503', response);
    expect(failed(error)).toEqual({ after: 2000 });
  });
});

describe('an error of the network', () => {
  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'EPIPE',
    'EPROTO',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ENOENT',
    'EACCES',
    'EMFILE',
    'HPE_INVALID_EOF_STATE',
    'OUT_OF_MEM',
    'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR',
    'ABORT_ERR',
    'UNKNOWN',
    '',
    '*',
    'ERR_SOMETHING_NEW',
  ])('%j is retried', (code) => {
    expect(failed(withCode(code))).toBe('retry');
  });

  test('an AggregateError of several addresses is retried', () => {
    const error = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(failed(error)).toBe('retry');
  });

  test('an answer that is not HTTP is fatal', () => {
    expect(failed(withCode('HPE_INVALID_CONSTANT'))).toBe('fatal');
  });
});

describe('an error of TLS', () => {
  // The list of Node's documentation, and those of `checkServerIdentity`.
  test.each([
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_CRL',
    'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
    'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
    'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
    'CERT_SIGNATURE_FAILURE',
    'CRL_SIGNATURE_FAILURE',
    'CERT_HAS_EXPIRED',
    'CRL_HAS_EXPIRED',
    'ERROR_IN_CERT_NOT_BEFORE_FIELD',
    'ERROR_IN_CERT_NOT_AFTER_FIELD',
    'ERROR_IN_CRL_LAST_UPDATE_FIELD',
    'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_CHAIN_TOO_LONG',
    'CERT_REVOKED',
    'INVALID_CA',
    'PATH_LENGTH_EXCEEDED',
    'INVALID_PURPOSE',
    'CERT_UNTRUSTED',
    'CERT_REJECTED',
    'HOSTNAME_MISMATCH',
    'UNSPECIFIED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_TLS_CERT_ALTNAME_FORMAT',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ])('%s is fatal', (code) => {
    expect(failed(withCode(code))).toBe('fatal');
  });

  test.each(['CERT_NOT_YET_VALID', 'CRL_NOT_YET_VALID'])('%s passes with time', (code) => {
    expect(failed(withCode(code))).toBe('retry');
  });

  test.each<[string, Verdict]>([
    ['tlsv1 alert protocol version', 'fatal'],
    ['sslv3 alert handshake failure', 'fatal'],
    ['wrong version number', 'fatal'],
    ['tlsv1 alert internal error', 'retry'],
  ])('EPROTO of Node 20: %s: %s', (reason, verdict) => {
    const message = `write EPROTO 80BE:error:0A00010B:SSL routines:ssl3_get_record:${reason}:../x.c:354:`;
    expect(failed(withCode('EPROTO', message))).toBe(verdict);
  });
});

/** Errors with their titles. Jest writes an error with its stack. */
const named = (...errors: Error[]): [string, Error][] =>
  errors.map((error) => [String(error), error]);

describe('what is thrown', () => {
  test.each(named(new TypeError('x'), new RangeError('x'), new SyntaxError('x')))(
    'by the constructor: %s is fatal',
    (_name, error) => {
      expect(failed(error)).toBe('fatal');
    },
  );

  test('by a callback while connecting: another error is retried', () => {
    expect(failed(new Error('no route'))).toBe('retry');
  });

  describe.each(['prepare', 'resume'] as const)('by a function: %s', (during) => {
    const failures = [withCode('ECONNREFUSED'), new SyntaxError('Unexpected token <')];
    test.each(named(new Error('x'), ...failures))('%s is retried', (_name, error) => {
      expect(failed(error, during)).toBe('retry');
    });

    test('the TypeError of fetch is retried: it has a cause', () => {
      const cause = withCode('ECONNREFUSED');
      expect(failed(new TypeError('fetch failed', { cause }), during)).toBe('retry');
    });

    test.each(named(new TypeError('x is undefined'), new ReferenceError('x is not defined')))(
      '%s is fatal',
      (_name, error) => {
        expect(failed(error, during)).toBe('fatal');
      },
    );

    test('a certificate that is not valid is fatal there, too', () => {
      expect(failed(withCode('CERT_HAS_EXPIRED'), during)).toBe('fatal');
    });
  });

  test('by `resume`: how the server ended the connection meanwhile decides', () => {
    const info = (code: number) => closeInfo('peer', 'close', { received: { code, reason: '' } });
    const error = new Error('the login failed');
    expect(judge({ during: 'resume', error, closeInfo: info(4401) })).toBe('fatal');
    expect(judge({ during: 'resume', error, closeInfo: info(1012) })).toBe('retry');
  });

  test('by `resume`, after which this end closes: the error decides', () => {
    const error = new TypeError('x is undefined');
    expect(judge({ during: 'resume', error, closeInfo: closeInfo('us', 'close') })).toBe('fatal');
  });
});
