// One of several server processes behind a load balancer: PORT=8081 REDIS_URL=redis://127.0.0.1 node server.js
// With REDIS_URL the processes share their topics. That needs the package ioredis.
const { createServer } = require('node:http');
const { WebSocketServer, hardened } = require('ws6455');

const { REDIS_URL } = process.env;
const client = REDIS_URL && new (require('ioredis').Redis)(REDIS_URL);
client?.on('error', (error) => console.error(error.message));

const http = createServer((request, response) => {
  const isReady = request.url !== '/readyz' || server.state === 'open';
  response.writeHead(isReady ? 200 : 503).end();
});

const server = new WebSocketServer({
  server: http,
  ...hardened,
  trustProxy: 1, // the load balancer
  broker: client && require('ws6455/topics').redis({ client }),
});

server.on('connection', async (socket) => {
  socket.on('message', (data, isBinary) => {
    server.publish('everybody', data, { binary: isBinary });
  });
  await socket.subscribe('everybody');
  socket.send(`welcome from ${http.address().port} to ${socket.remoteAddress}`);
});
server.on('socketError', (error) => console.error(error.message));
server.on('brokerError', (error) => console.error(error.message));

process.once('SIGTERM', async () => {
  const report = await server.shutdown({
    code: 1012, // clients should connect again, and get another process
    lameDuck: 6_000, // more than two checks of the load balancer
    spread: 10_000,
    retryAfter: [0, 5],
    timeout: 25_000,
  });
  console.log(JSON.stringify(report));
  http.close();
  client?.disconnect();
});

http.listen(Number(process.env.PORT ?? 8081), '127.0.0.1', () => {
  console.log(`port ${http.address().port}`);
});
