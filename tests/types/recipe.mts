import { WebSocketServer } from 'ws6455';

interface User {
  name: string;
}
const users = new Map<string, User>([['Bearer 7d0a', { name: 'Ada' }]]);

const server = new WebSocketServer({
  port: 8080,
  authenticate: ({ headers }) => users.get(headers.authorization ?? ''),
});
server.on('error', (error) => console.error(`cannot listen: ${error.message}`));
server.on('socketError', (error) => console.error(`a connection failed: ${error.message}`));
server.on('connection', (socket) => socket.send(`Hello, ${socket.context.name}`));
