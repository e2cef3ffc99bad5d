/** Messages of other servers that arrive in one tick leave each connection in one write. */

import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import type { Broker, BrokerEvents } from '../../../src/topics/index.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { topicServer } from '../../support/topic-server.js';

const scope = useScope();

/** A server whose broker delivers what it is given, and the writes on each of its connections. */
function serverWithBroker() {
  let events: BrokerEvents | undefined;
  const published: Uint8Array[] = [];
  const broker: Broker = {
    start: (given) => {
      events = given;
    },
    subscribe() {},
    unsubscribe() {},
    publish: (_, data) => {
      published.push(data);
    },
    close() {},
  };
  const { server, join } = topicServer(scope(), { broker, perMessageDeflate: false });
  const writes: number[] = [];
  server.on('connection', (_, request: IncomingMessage) => {
    const index = writes.push(0) - 1;
    const { socket } = request;
    const write = socket._write.bind(socket);
    // As a socket of the kernel has it: several buffers in one write.
    socket._writev = (chunks, done) => {
      writes[index] = (writes[index] ?? 0) + 1;
      const bytes = chunks.map(({ chunk }: { chunk: Buffer }) => chunk);
      write(Buffer.concat(bytes), 'utf8' as BufferEncoding, done);
    };
    socket._write = (chunk, encoding, done) => {
      writes[index] = (writes[index] ?? 0) + 1;
      write(chunk, encoding, done);
    };
  });
  const receive = (topic: string, data: Uint8Array) => events?.message(topic, data);
  return { server, join, published, receive, writes };
}

test.each([1, 2, 16])('%d messages in one tick are one write of each connection', async (count) => {
  const [from, to] = [serverWithBroker(), serverWithBroker()];
  const members = [await to.join(), await to.join()];
  for (const { socket } of members) await socket.subscribe('a');
  await turns();
  to.writes.fill(0);
  const texts = Array.from({ length: count }, (_, i) => `message ${i}`);
  for (const text of texts) from.server.publish('a', text);
  for (const data of from.published) to.receive('a', data);
  expect(to.writes).toEqual([0, 0]);
  await turns();
  expect(members.map(({ received }) => received)).toEqual([texts, texts]);
  expect(to.writes).toEqual([1, 1]);
});
