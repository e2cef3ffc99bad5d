/** The states in the page's ladder, against the library's own endpoints. */

import { describe, expect, test } from '@jest/globals';
import { CLOSING_TABLE, type ClosingState } from '../../../../src/protocol/close';
import { loadPageModule } from '../../../support/page-module';

type End = 'client' | 'server';

interface States {
  readonly client: ClosingState | undefined;
  readonly server: ClosingState | undefined;
  readonly begunBy: End | undefined;
}

const { ClosingStates } = loadPageModule<{
  ClosingStates: new (table: unknown) => States & { add(record: object): void };
}>('closing-states.js');

/** The table as it comes to the page: through JSON. */
const table: unknown = JSON.parse(JSON.stringify(CLOSING_TABLE));

const OPENING = { type: 'handshake', from: 'server', head: 'HTTP/1.1 101 Switching Protocols\r\n' };
const text = (from: End) => ({ type: 'frame', from, opcode: 1 });
const close = (from: End, code = 1000) => ({
  type: 'frame',
  from,
  opcode: 8,
  close: { code, reason: '' },
});
const end = (from: End, how = 'end') => ({ type: 'end', from, how });

/** The states of both ends after each record. */
function closingStates(records: readonly object[], closing: unknown): States[] {
  const states = new ClosingStates(closing);
  return records.map((record) => {
    states.add(record);
    const { client, server, begunBy } = states;
    return { client, server, begunBy };
  });
}

/** The states after each record, as 'CLIENT SERVER'. */
function statesOf(...records: object[]): string[] {
  return closingStates([OPENING, ...records], table).map(
    ({ client, server }) => `${client} ${server}`,
  );
}

test('there is no state before the opening handshake has succeeded', () => {
  const request = { type: 'handshake', from: 'client', head: 'GET / HTTP/1.1\r\n' };
  const refusal = { type: 'handshake', from: 'server', head: 'HTTP/1.1 400 Bad Request\r\n' };
  const states = closingStates([request, refusal, end('server')], table);
  expect(states).toEqual(states.map(() => ({})));
});

test('messages leave both ends open', () => {
  expect(statesOf(text('client'), text('server'))).toEqual(Array(3).fill('OPEN OPEN'));
});

describe('a closing handshake', () => {
  test('of the client: the server ends TCP first', () => {
    expect(statesOf(close('client'), close('server'), end('server'), end('client'))).toEqual([
      'OPEN OPEN',
      'CLOSE_SENT PEER_CLOSED',
      'DONE ENDED',
      'ENDED ENDED',
      'CLOSED CLOSED',
    ]);
  });

  test('of the server', () => {
    expect(statesOf(close('server'), close('client'), end('server'), end('client'))).toEqual([
      'OPEN OPEN',
      'PEER_CLOSED CLOSE_SENT',
      'DONE ENDED',
      'ENDED ENDED',
      'CLOSED CLOSED',
    ]);
  });

  test('messages between both Closes change nothing', () => {
    const states = statesOf(close('server'), text('client'), text('client'));
    expect(states.slice(1)).toEqual(Array(3).fill('PEER_CLOSED CLOSE_SENT'));
  });

  test('begun by the end whose Close comes first', () => {
    const states = closingStates([OPENING, close('server'), close('client')], table);
    expect(states.map(({ begunBy }) => begunBy)).toEqual([undefined, 'server', 'server']);
  });
});

test('an end that answers a violation with its close code has failed the connection', () => {
  const wrong = { type: 'frame', from: 'client', opcode: 1, violation: { closeCode: 1002 } };
  expect(statesOf(wrong, close('server', 1002), end('server'), end('client'))).toEqual([
    'OPEN OPEN',
    'OPEN OPEN',
    'PEER_CLOSED FAILED',
    'PEER_CLOSED FAILED',
    'CLOSED CLOSED',
  ]);
});

describe('without a Close', () => {
  test('TCP is ended', () => {
    expect(statesOf(end('client'), end('server'))).toEqual([
      'OPEN OPEN',
      'FAILED FAILED',
      'CLOSED CLOSED',
    ]);
  });

  test('TCP is reset', () => {
    expect(statesOf(end('server', 'error'))).toEqual(['OPEN OPEN', 'CLOSED CLOSED']);
  });

  test('TCP is ended in place of the answer to a Close', () => {
    expect(statesOf(close('client'), end('server'))).toEqual([
      'OPEN OPEN',
      'CLOSE_SENT PEER_CLOSED',
      'FAILED FAILED',
    ]);
  });
});

test('every state is one of the table', () => {
  const inputs = [
    text('client'),
    ...(['client', 'server'] as const).flatMap((from) => [
      close(from),
      end(from),
      end(from, 'error'),
    ]),
  ];
  for (const a of inputs) {
    for (const b of inputs) {
      for (const c of inputs) {
        const states = statesOf(a, b, c).flatMap((pair) => pair.split(' '));
        expect(states.filter((state) => !(state in CLOSING_TABLE))).toEqual([]);
      }
    }
  }
});
