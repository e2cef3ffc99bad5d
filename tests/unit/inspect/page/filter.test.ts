/** The query of the page's search field. */

import { expect, test } from '@jest/globals';
import { loadPageModule } from '../../../support/page-module';

const { parseQuery } = loadPageModule<{
  parseQuery(query: string): ((record: object) => boolean) | undefined;
}>('filter.js');

const frame = (values: object) => ({ type: 'frame', connection: 1, fin: true, ...values });
const RECORDS = {
  request: { type: 'handshake', connection: 1, from: 'client', head: 'GET /chat HTTP/1.1\r\n' },
  hello: frame({
    from: 'client',
    opcode: 1,
    opcodeName: 'text',
    text: 'Hello you',
    bytes: '8185',
    payloadLength: 5,
  }),
  binary: frame({
    from: 'server',
    opcode: 2,
    opcodeName: 'binary',
    bytes: '82021481',
    payloadLength: 2,
    rsv1: true,
  }),
  part: frame({
    from: 'server',
    fin: false,
    opcode: 1,
    opcodeName: 'text',
    bytes: '0100',
    payloadLength: 0,
  }),
  ping: frame({
    connection: 12,
    from: 'server',
    opcode: 9,
    opcodeName: 'ping',
    text: 'beat',
    bytes: '8904',
    payloadLength: 4,
    violation: { message: 'Invalid WebSocket frame: FIN must be set' },
  }),
  end: { type: 'end', connection: 1, from: 'server', how: 'error', error: 'read ECONNRESET' },
};

const shownBy = (query: string) => {
  const test = parseQuery(query) ?? (() => true);
  return Object.entries(RECORDS)
    .filter(([, record]) => test(record))
    .map(([name]) => name)
    .join(' ');
};

test.each([
  ['', 'request hello binary part ping end'],
  ['hello', 'hello'],
  ['HELLO you', 'hello'],
  ['"hello you"', 'hello'],
  ['"hello me"', ''],
  ['/chat', 'request'],
  ['fin must', 'ping'],
  ['econnreset', 'end'],
  ['conn:12', 'ping'],
  ['conn:1 from:client', 'request hello'],
  ['type:ping,binary', 'binary ping'],
  ['type:handshake', 'request'],
  ['-type:text from:server', 'binary ping end'],
  ['is:violation', 'ping'],
  ['is:control', 'ping'],
  ['is:fragment', 'part'],
  ['is:compressed', 'binary'],
  ['is:nonsense', ''],
  ['hex:81', 'hello binary'],
  ['hex:8185', 'hello'],
  ['hex:48', ''],
  ['hex:xyz', ''],
  ['size>4', 'hello'],
  ['size<3', 'binary part'],
  ['a:b', ''],
])('%j shows %j', (query, names) => {
  expect(shownBy(query)).toBe(names);
});
