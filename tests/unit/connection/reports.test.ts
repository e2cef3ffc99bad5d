/** Without a subscriber nothing is read and nothing is built. */

import { expect, test } from '@jest/globals';
import { frameObserver, reportMessage } from '../../../src/connection/frame-reports.js';
import { followHandshake } from '../../../src/connection/handshake-trace.js';
import * as reports from '../../../src/connection/reports.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { record, recordHandshakes } from '../../support/channels.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

/** Whatever reads one of its members fails the test. */
const untouched = new Proxy({} as never, {
  get: (_, name) => {
    throw new Error(`${String(name)} was read`);
  },
});

const fail = (): never => {
  throw new Error('it was described');
};

test.each<[channel: string, report: () => void]>([
  ['open', () => reports.reportOpen(untouched, 'server', undefined)],
  ['close', () => reports.reportClose(untouched, 1000, untouched, untouched)],
  ['ping', () => reports.reportPing(untouched, untouched)],
  ['pong', () => reports.reportPong(untouched, untouched)],
  ['violation', () => reports.reportViolation(untouched, new ProtocolError('INVALID_UTF8'))],
  ['backpressure', () => reports.reportFull(untouched)],
  ['backpressure', () => reports.reportDrained(untouched)],
  ['drop', () => reports.reportDrop(untouched, 'sent', 'full', 1)],
  ['message', () => reportMessage(untouched, untouched, true)],
  ['frame', () => expect(frameObserver(untouched)).toBeUndefined()],
  ['handshake', () => expect(followHandshake(fail)).toBeUndefined()],
  ['shutdown', () => reports.reportShutdown(fail)],
])('%s', (_channel, report) => {
  expect(report).not.toThrow();
});

test('with a subscriber of the tracing channel a handshake is followed', () => {
  recordHandshakes(scope());
  expect(followHandshake(() => ({ role: 'client' }))).toBeDefined();
});

test('a step of a shutdown', () => {
  const seen = record(scope(), 'shutdown');
  const step = { server: {}, state: 'draining', open: 3 };
  reports.reportShutdown(() => step);
  expect(seen).toEqual([['shutdown', step]]);
});
