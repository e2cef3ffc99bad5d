/**
 * One server with a broker, as a process: tests fork it and call it over IPC. Its WebSocket connections
 * subscribe by themselves, with the messages of clients/client.mjs.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { serveRequests } from './clients/requests.mjs';
import { createBroker } from './matrix/brokers.mjs';
import { Random } from './support/random.mjs';
import { WebSocketServer } from './support/subject.mjs';

const config = JSON.parse(process.env.BROKER_TEST);
const { broker, end } = await createBroker(config);

const http = createServer();
const server = new WebSocketServer({ server: http, broker, ...config.serverOptions });
const log = { status: [], errors: [], thrown: [], gaps: [] };
server.on('brokerStatus', (isUp) => log.status.push(isUp));
server.on('brokerError', (error) => {
  if (log.errors.length < 100) log.errors.push(`${error.message}`);
});
server.on('topicGap', (topic) => log.gaps.push(topic));
server.on('connection', (socket) => serveRequests(server, socket));
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => log.thrown.push(`${event}: ${error?.stack ?? error}`));
}

let isFlooding = false;

const calls = {
  stats: () => ({ ...server.stats(), ...log }),

  /** @returns how many connections here each was sent to */
  publish(messages) {
    return messages.map(([topics, data, options]) => {
      try {
        return server.publish(topics, data, options);
      } catch (error) {
        log.thrown.push(`publish: ${error.stack}`);
        return -1;
      }
    });
  },

  /** Publishes the numbers from 0 to each of the topics, until `unflood`. */
  flood({ publisher, topics, interval }) {
    isFlooding = true;
    let number = 0;
    const next = () => {
      if (!isFlooding) return;
      for (const topic of topics) calls.publish([[topic, `${topic} ${publisher} ${number}`]]);
      number++;
      setTimeout(next, interval);
    };
    next();
    calls.unflood = () => {
      isFlooding = false;
      return number;
    };
  },

  async churn({ count, topics, seed }) {
    const random = new Random(seed);
    const [socket] = server.clients;
    for (let i = 0; i < count; i++) {
      const topic = `churn ${random.below(topics)}`;
      if (socket.topics.has(topic)) socket.unsubscribe(topic);
      else socket.subscribe(topic);
      if (i % 500 === 0) await new Promise(setImmediate);
    }
    socket.unsubscribe([...socket.topics].filter((topic) => topic.startsWith('churn ')));
  },

  heap() {
    for (let i = 0; i < 3; i++) globalThis.gc();
    return process.memoryUsage().heapUsed;
  },

  /** Closes everything. The process must end by itself then. */
  async close() {
    const closed = once(server, 'close');
    server.close();
    for (const socket of server.clients) socket.terminate();
    http.close();
    http.closeAllConnections();
    await closed;
    await end();
    process.channel.unref();
    setTimeout(() => {
      console.error(`Still there: ${process.getActiveResourcesInfo()}`);
    }, 3_000).unref();
  },
};

process.on('message', async ({ call, id, argument } = {}) => {
  if (call === undefined) return; // of the broker
  try {
    process.send({ id, result: await calls[call](argument) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
// The test is gone.
process.on('disconnect', () => process.exit());

// Exclusive: workers of node:cluster share a port otherwise.
http.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
  process.send({ listening: http.address().port });
});
