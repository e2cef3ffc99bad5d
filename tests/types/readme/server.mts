import { WebSocketServer } from 'ws6455';

const server = new WebSocketServer({ port: 8080 }, () => console.log('listening on port 8080'));
server.on('error', (error) => console.error(`cannot listen: ${error.message}`)); // the port is in use

server.on('connection', (ws) => {
  ws.on('message', (message) => ws.send(`ECHO: ${message}`));
  ws.on('error', (error) => console.error(`a connection failed: ${error.message}`));
});
