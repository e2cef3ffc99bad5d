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
  subscribe(topics) {
    for (const topic of [topics].flat()) this.topics.add(topic);
    return this.ask({ subscribe: topics });
  }

  /** @returns the answer of the server: see requests.mjs */
  ask(request) {
    const id = ++ids;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ ...request, id }));
    const what = JSON.stringify(request).slice(0, 80);
    return within(15_000, `The answer to ${what}`, answer);
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
    const { id, answer, error } = JSON.parse(text);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }
}
