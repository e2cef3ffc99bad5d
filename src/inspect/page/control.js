/** The page's WebSocket to the inspector: commands go out, messages come in. */

const RETRY = 1000;

export class Control {
  #socket = undefined;
  #handlers;
  /** Callbacks that wait for a description, by the index of the record. */
  #waiting = new Map();

  /** @param handlers by the type of a message; also `online(isOnline)` */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#connect();
  }

  /** @returns whether there is a connection to send it on */
  send(command) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  /** Asks for the whole record. Only the newest question about a record is answered. */
  describe(index) {
    return new Promise((resolve) => {
      this.#waiting.set(index, resolve);
      if (!this.send({ type: 'describe', index })) this.#waiting.delete(index);
    });
  }

  #connect() {
    const url = new URL('control', import.meta.url);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => this.#handlers.online(true);
    this.#socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    this.#socket.onclose = () => {
      this.#handlers.online(false);
      this.#waiting.clear();
      setTimeout(() => this.#connect(), RETRY);
    };
  }

  #receive(message) {
    if (message.type !== 'described') return this.#handlers[message.type]?.(message);
    this.#waiting.get(message.index)?.(message);
    this.#waiting.delete(message.index);
  }
}
