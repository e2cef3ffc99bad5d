/** A server of the product that shuts down when it gets SIGTERM. It prints its URL, then the report. */
import { load, subjectName } from '../support/subject.mjs';

const { WebSocketServer } = load(subjectName);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', origins: '*' });

server.on('listening', () => console.log(`ws://127.0.0.1:${server.address().port}`));

process.once('SIGTERM', async () => {
  for (const socket of server.clients) socket.send('last');
  const options = { code: 1012, lameDuck: 100, spread: 1000, timeout: 8000, retryAfter: [0, 5] };
  console.log(JSON.stringify(await server.shutdown(options)));
});
