/** Two workers with a server each. They close it when a message was there, and all processes end. */
const cluster = require('node:cluster');
const WebSocket = require('../../../dist/index.js');
const topics = require('../../../dist/topics/index.js');

/** How a worker lets its channel go: it keeps the process alive otherwise, whatever we do. */
const [, , how] = process.argv;

function runWorker() {
  const server = new WebSocket.WebSocketServer({ port: 0, broker: topics.cluster() });
  server.on('connection', async (socket) => {
    await socket.subscribe('a');
    socket.send('ready');
  });
  server.on('listening', () => runClient(server));
}

function runClient(server) {
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  client.on('message', (data) => {
    if (`${data}` === 'ready') process.send('ready');
    else client.close();
  });
  process.on('message', (message) => {
    if (message === 'publish') server.publish('a', 'x');
  });
  client.on('close', () => {
    process.send('received');
    server.close(() => {
      if (how === 'unref') process.channel.unref();
      else cluster.worker.disconnect();
    });
  });
}

function runPrimary() {
  topics.primary();
  const workers = [cluster.fork(), cluster.fork()];
  const counts = { ready: 0, received: 0 };
  cluster.on('message', (_, message) => {
    if (typeof message !== 'string') return;
    counts[message]++;
    if (message === 'ready' && counts.ready === 2) workers[0].send('publish');
    if (counts.received === 2) console.log('received');
  });
}

if (cluster.isPrimary) runPrimary();
else runWorker();
