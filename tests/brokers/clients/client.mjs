/** A WebSocket client that records what it receives. */
import { once } from 'node:events';
import { WebSocket } from '../support/subject.mjs';
import { within } from '../support/wait.mjs';

let ids = 0;

export class Client {
  /** Texts, in the order of their arrival; binary messages as `binary ` and hexadecimal digits. */
  received = [];
  topics = new Set();
  /** Called with each text. */
  onText = () => {};
  #socket;
  #waiting = new Map();

  static async connect(port) {
    const client = new Client();
    await client.connect(port);
    return client;
  }

  async connect(port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    this.#socket = socket;
    socket.on('error', () => {}); // its process was killed
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    await within(10_000, 'A connection', once(socket, 'open'));
  }

  /** Resolves when the broker of the server has confirmed. */
  async subscribe(topics, extra = {}) {
    const id = ++ids;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    for (const topic of [topics].flat()) this.topics.add(topic);
    this.#socket.send(JSON.stringify({ subscribe: topics, id, ...extra }));
    return within(15_000, `The confirmation of ${[topics].flat().slice(0, 3)}…`, answer);
  }

  unsubscribe(topics) {
    for (const topic of [topics].flat()) this.topics.delete(topic);
    this.#socket.send(JSON.stringify({ unsubscribe: topics }));
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  terminate() {
    this.#socket.terminate();
  }

  #onMessage(data, isBinary) {
    if (isBinary) {
      this.received.push(`binary ${data.toString('hex')}`);
      return;
    }
    const text = String(data);
    if (!text.startsWith('{')) {
      this.received.push(text);
      this.onText(text);
      return;
    }
    const answer = JSON.parse(text);
    this.#waiting.get(answer.subscribed)?.(answer);
    this.#waiting.delete(answer.subscribed);
  }
}
