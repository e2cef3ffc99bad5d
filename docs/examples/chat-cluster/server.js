// The chat on two processes, which share a port: `npm start`. One that ends is replaced.
const cluster = require('node:cluster');
const { primary } = require('ws6455/topics');
const { startChat } = require('./chat.js');
const { startRedis } = require('./redis.js');

const PROCESSES = 2;
/** With BROKER=cluster Redis is not used, also if it is there. */
const { BROKER, PORT = '3000' } = process.env;

async function startProcesses() {
  const redis = BROKER === 'cluster' ? undefined : await startRedis();
  if (redis === undefined) primary();
  const settings = { PORT, REDIS: redis ?? '' };
  for (let i = 0; i < PROCESSES; i++) cluster.fork(settings);

  cluster.once('listening', (_, { port }) => {
    const carrier = redis === undefined ? 'node:cluster' : 'Redis';
    console.log(`A chat on ${PROCESSES} processes and ${carrier}: http://127.0.0.1:${port}/`);
  });
  cluster.on('exit', ({ process }, _code, signal) => {
    if (signal === null) return; // it failed, and would fail again
    console.log(`Process ${process.pid} was ended by ${signal}. Another one starts.`);
    cluster.fork(settings);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());
}

if (cluster.isPrimary) startProcesses();
else startChat();
