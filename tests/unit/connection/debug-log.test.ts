/** NODE_DEBUG=ws6455 prints the frames and states of connections on the standard error. */

import { describe, expect, test } from '@jest/globals';
import { Compiled } from '../../support/child.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

/** A server, and a client that each program ends. */
const SCENE = `
  const wss = new WebSocket.WebSocketServer(
    { port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 }, maxPayload: 1000, ...options },
    () => {
      const client = new WebSocket('ws://127.0.0.1:' + wss.address().port + '/chat', 'chat', clientOptions);
      client.on('error', () => {});
      client.on('close', () => wss.close());
      act(client);
    },
  );
  wss.on('connection', (socket) => socket.on('error', () => {}));
`;

/** What one end printed, without the process id and its number. */
async function story(role: string, program: string): Promise<string[]> {
  const defaults = 'let options = {}, clientOptions = {}, act = () => {};';
  const compiled = new Compiled({ NODE_DEBUG: 'ws6455' });
  const { status, errors } = await compiled.run(scope(), `${defaults} ${program} ${SCENE}`);
  expect(status).toBe(0);
  const parsed = errors
    .split('\n')
    .map((line) => /^WS6455 \d+: #\d (\w+) (.*)$/.exec(line))
    .filter((match) => match !== null);
  return parsed
    .filter(([, name]) => name === role)
    .map(([, , what = '']) => what.replace(/ {2,}/g, '  ').replace(/:\d{4,5}\//, ':PORT/'))
    .map((what) => what.replace(/(RSV1 .*) \d+ bytes/, '$1 N bytes')); // zlib's own
}

describe('the story of a connection', () => {
  const PROGRAM = `act = (client) => {
    client.on('open', () => { client.send('x'.repeat(100)); client.ping('p'); });
    client.on('pong', () => client.close(4001, 'bye\\x1b[31m'));
  };`;

  test('as a client', async () => {
    expect(await story('client', PROGRAM)).toEqual([
      'CONNECTING ws://127.0.0.1:PORT/chat  §4.1',
      'OPEN  subprotocol chat, extension permessage-deflate  §4.1',
      '->  TEXT FIN RSV1 MASK, N bytes  §5.6',
      '->  PING FIN MASK, 1 byte  §5.5.2',
      '<-  PONG FIN, 1 byte  §5.5.3',
      "->  CLOSE FIN MASK, 10 bytes: 4001 private use, 'bye\\x1B[31m'  §5.5.1",
      'CLOSING  the closing handshake has begun  §7.1.3',
      "<-  CLOSE FIN, 10 bytes: 4001 private use, 'bye\\x1B[31m'  §5.5.1",
      'CLOSED  4001 private use, clean, by us (close)  §7.1.4',
    ]);
  });

  test('as a server', async () => {
    const lines = await story('server', PROGRAM);
    expect(lines.slice(0, 3)).toEqual([
      'CONNECTING GET /chat  §4.2.1',
      'OPEN  subprotocol chat, extension permessage-deflate  §4.1',
      '<-  TEXT FIN RSV1 MASK, N bytes  §5.6',
    ]);
    expect(lines.at(-1)).toBe('CLOSED  4001 private use, clean, by peer (close)  §7.1.4');
  });
});

test('a violation has the section of its rule', async () => {
  const program = `clientOptions = { perMessageDeflate: false };
    act = (client) => client.on('open', () => client.send(Buffer.alloc(1001)));`;
  expect((await story('server', program)).slice(2, 5)).toEqual([
    "->  CLOSE FIN, 27 bytes: 1009 message too big, 'Max payload size exceeded'  §5.5.1",
    'CLOSING  the closing handshake has begun  §7.1.3',
    '!!  Max payload size exceeded: 1009 message too big  RFC 6455 §7.4.1, §10.4',
  ]);
});

test.each([
  [3000, '3000 registered'],
  [4999, '4999 private use'],
  [5000, '5000 unknown'],
])('the range of the close code %i', async (code, words) => {
  const payload = `Buffer.from([${code >> 8}, ${code & 0xff}])`;
  const program = `clientOptions = { perMessageDeflate: false };
    act = (client) => client.on('open', () => {
      client._sender.sendFrame([Buffer.from([0x88, 0x82, 0, 0, 0, 0]), ${payload}]);
    });`;
  expect((await story('server', program))[2]).toBe(`<-  CLOSE FIN MASK, 2 bytes: ${words}  §5.5.1`);
});

test('a refusal has its reason', async () => {
  const program = `options = { path: '/other' };`;
  expect(await story('server', program)).toEqual([
    'CONNECTING GET /chat  §4.2.1',
    'CLOSED  refused 404 path  §4.2.2, §7.1.7',
  ]);
});

test('control characters of a peer are printed as escapes: a terminal would obey them', async () => {
  const program = `require('node:diagnostics_channel')
    .channel('tracing:ws6455:handshake:start')
    .publish({ role: 'server', request: { method: 'GET', url: '/\\x9b31m\\nfake' } });
    act = (client) => client.on('open', () => client.close());`;
  expect((await story('server', program))[0]).toBe('CONNECTING GET /\\x9B31m\\nfake  §4.2.1');
});

test('without NODE_DEBUG nothing is printed', async () => {
  const { errors } = await new Compiled({ NODE_DEBUG: '' }).run(
    scope(),
    `let options = {}, clientOptions = {}, act = (client) => client.on('open', () => client.close()); ${SCENE}`,
  );
  expect(errors).toBe('');
});
