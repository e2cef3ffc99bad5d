// One process of the chat: its page, and the connections that came to it.
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');
const { WebSocketServer, hardened } = require('ws6455');
const { cluster } = require('ws6455/topics');
const { redisBroker } = require('./redis.js');

const page = readFileSync(join(__dirname, 'page.html'));

/** What is kept of each room. */
const HISTORY = { size: 1000, ttl: 24 * 60 * 60 * 1000 };
/** How many messages a reader gets who is new in a room. */
const SHOWN = 50;

const MAX_NAME = 40;
const MAX_TEXT = 1000;

const isText = (value, max) => typeof value === 'string' && value !== '' && value.length <= max;

/** The rooms of one process. */
class Chat {
  #server;

  constructor(http) {
    const broker = process.env.REDIS ? redisBroker(process.env.REDIS) : cluster();
    // One line for each room: all of them have a history.
    const topics = () => ({ history: HISTORY });
    this.#server = new WebSocketServer({
      server: http,
      path: '/chat',
      ...hardened,
      broker,
      topics,
    });
    this.#server.on('brokerError', (error) => console.error(`The broker: ${error.message}`));
    this.#server.on('connection', (socket) => this.#onConnection(socket));
  }

  #onConnection(socket) {
    this.#send(socket, { process: process.pid });
    socket.on('message', async (data) => {
      try {
        await this.#onRequest(socket, JSON.parse(data));
      } catch (error) {
        console.error(error.message);
        socket.close(1011); // the page connects again, and asks again
      }
    });
  }

  async #onRequest(socket, request) {
    if (isText(request.join, MAX_NAME)) await this.#join(socket, request.join, request.position);
    else if (isText(request.text, MAX_TEXT)) await this.#publish(socket, request);
    else if (isText(request.mark, MAX_NAME)) await this.#mark(socket, request.mark);
    else if (request.kill) process.kill(process.pid, 'SIGKILL'); // no goodbye, as in a crash
  }

  /** Subscribes first and reads the history then: a message may come twice, but none is missing. */
  async #join(socket, room, since) {
    socket.unsubscribe([...socket.topics]);
    await socket.subscribe(room);
    const from = since ?? (await this.#positionOfNewReader(room));
    const { complete, messages, position } = await this.#server.since(room, from);
    const history = messages.map(({ data }) => JSON.parse(data).message);
    this.#send(socket, { room, complete, history, position });
  }

  async #positionOfNewReader(room) {
    const { epoch, offset } = await this.#server.position(room);
    return { epoch, offset: Math.max(0, offset - SHOWN) };
  }

  /** Its author repeats a message until it is told that it is in the history. */
  async #publish(socket, { room, id, author, text }) {
    if (![room, id, author].every((value) => isText(value, MAX_NAME))) return;
    const message = { id, author, text, time: Date.now(), process: process.pid };
    this.#server.publish(room, JSON.stringify({ room, message }));
    const position = await this.#server.position(room);
    await this.#server.since(room, position); // waits until the message is in it
    this.#send(socket, { room, stored: id });
    await this.#mark(socket, room);
  }

  /** Tells how far a reader has read: it goes on from there after the end of this process. */
  async #mark(socket, room) {
    if (!socket.topics.has(room)) return;
    this.#send(socket, { room, position: await this.#server.position(room) });
  }

  #send(socket, message) {
    socket.send(JSON.stringify(message));
  }
}

exports.startChat = () => {
  const http = createServer((request, response) => {
    const isPage = request.method === 'GET' && request.url === '/';
    response.writeHead(isPage ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(isPage ? page : 'The page is at /.\n');
  });
  new Chat(http);
  http.listen(Number(process.env.PORT), '127.0.0.1');
};
