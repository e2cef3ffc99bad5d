// The echo server that `npm start` runs: `http://localhost:3000/` shows a page to try it with,
// and every WebSocket that connects gets its messages back.
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');
const WebSocket = require('ws6455');

const port = process.env.PORT || '3000';
const page = readFileSync(join(__dirname, 'echo-page.html'));

const server = createServer((request, response) => {
  const isPage = request.method === 'GET' && request.url?.split('?', 1)[0] === '/';
  response.writeHead(isPage ? 200 : 404, {
    'Content-Type': isPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
  });
  response.end(isPage ? page : 'There is only the page at / and a WebSocket at every path.\n');
});

const sockets = new WebSocket.Server({ server, maxPayload: 16 * 1024 * 1024 });

sockets.on('connection', (socket) => {
  socket.on('message', (message, isBinary) => {
    socket.send(isBinary ? message : `ECHO: ${message}`);
  });
  // A peer that breaks the protocol is cut off; 'close' follows.
  socket.on('error', (error) => console.error(`A connection failed: ${error.message}`));
});

function sayAndLeave(error) {
  const why =
    error.code === 'EADDRINUSE' ? 'the port is taken; set PORT to another' : error.message;
  console.error(`Can't listen on port ${port}: ${why}`);
  process.exit(1);
}

sockets.on('error', sayAndLeave);

if (/^\d{1,5}$/.test(port) && Number(port) < 65_536) {
  server.listen(Number(port), () => {
    const { port: actual } = server.address();
    console.log(`Echo server on http://localhost:${actual}/ and ws://localhost:${actual}/`);
  });
} else {
  sayAndLeave(new Error('PORT must be a number from 0 to 65535'));
}
