// An echo server with its dashboard: `node docs/examples/dashboard/server.js [--demo]`. With --demo
// some clients connect, so that there is something to see.
const WebSocket = require('ws6455');
const { serveDashboard } = require('./dashboard.js');

const port = Number(process.env.PORT ?? 3000);
const server = new WebSocket.Server({ port, heartbeat: true });

server.on('connection', (socket) => {
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
});

server.on('listening', () => {
  const http = serveDashboard(server, { port: port === 0 ? 0 : port + 1 });
  http.on('listening', () => {
    const url = `ws://localhost:${server.address().port}/`;
    console.log(`Echo server on ${url}, dashboard on http://127.0.0.1:${http.address().port}/`);
    if (process.argv.includes('--demo')) require('./demo.js').startClients(url);
  });
});
