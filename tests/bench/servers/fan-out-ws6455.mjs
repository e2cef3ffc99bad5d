/** Our server, with the broker that the row names. */

import { once } from 'node:events';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { options } from './announce.mjs';
import { obey } from './fan-out.mjs';
import { loadSubject } from './subject.mjs';

const { WebSocketServer, version } = loadSubject();
const root = process.env.WS6455_SUBJECT ?? '../../..';
const { nats, redis } = await import(`${root}/dist/topics/index.mjs`);
const { engine, url } = options();

const BROKERS = {
  redis: () => redis({ client: new Redis(url) }),
  nats: async () => nats({ connection: await connect({ servers: url }) }),
};

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  broker: await BROKERS[engine](),
});
server.on('brokerError', (error) => console.error(error));
server.on('connection', async (socket, request) => {
  await socket.subscribe(new URL(request.url, 'http://localhost').searchParams.get('topic'));
  socket.send('ready');
});
await once(server, 'listening');
obey(server.address().port, version, (topic, text) => server.publish(topic, text));
