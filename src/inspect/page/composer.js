/** Connections of this page's own: the browser's WebSocket, through the inspector. */

import { fromHex } from './bytes.js';
import { byId, h, say } from './dom.js';
import { makeFragments, makePing } from './made-frames.js';

const STATES = ['connecting', 'open', 'closing', 'closed'];

/** The head that the client sent: the inspector changes Host, and the path `/`. */
const sentHead = ({ edited, head }) => edited?.original ?? head;

/** The inspector has many names; the page's policy allows the one that it was opened with. */
function urlOf(path) {
  const base = location.origin.replace('http', 'ws');
  const url = URL.canParse(path, base) && new URL(path, base);
  if (url?.host !== location.host)
    throw new SyntaxError('Here goes a path of the target, such as /echo.');
  return url;
}

/** What a browser says, without the names of its methods. */
const sentenceOf = ({ message }) => message.replace(/^Failed to [^:]*: /, '');

export class Composer {
  #control;
  /** `{ socket, connection }`, in the order of opening; `connection` is its number in the records. */
  #own = [];
  #current = undefined;

  constructor(control) {
    this.#control = control;
    byId('open-form').onsubmit = (event) =>
      this.#submit(event, () => this.open(byId('path').value));
    byId('send-form').onsubmit = (event) => this.#submit(event, () => this.send());
    byId('close').onclick = () => this.close();
    this.#draw();
  }

  /** @param target where the connections end; undefined if a recording is shown */
  begin(target) {
    document.querySelector('.composer').hidden = target === undefined;
    if (target !== undefined && byId('path').value === '') {
      const { pathname, search } = new URL(target);
      byId('path').value = pathname + search;
    }
  }

  open(path) {
    const url = urlOf(path);
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#current = { socket, connection: undefined };
    this.#own.push(this.#current);
    for (const type of ['open', 'close'])
      socket.addEventListener(type, () => this.#changed(url.pathname, socket));
    this.#draw();
  }

  /** A request with the path and the Origin of a connection of this page has its number. */
  observe({ type, from, connection, ...record }) {
    if (type !== 'handshake' || from !== 'client') return;
    const [line, ...fields] = sentHead(record).split('\r\n');
    if (!fields.some((field) => field.toLowerCase() === `origin: ${location.origin}`)) return;
    const isRequested = ({ socket: { url, readyState }, connection: known }) => {
      if (known !== undefined || readyState === WebSocket.CLOSED) return false;
      const { pathname, search } = new URL(url);
      return line === `GET ${pathname}${search} HTTP/1.1`;
    };
    const own = this.#own.find(isRequested);
    if (own === undefined) return;
    own.connection = connection;
    this.#draw();
  }

  #submit(event, act) {
    event.preventDefault();
    byId('compose-error').textContent = '';
    try {
      act();
    } catch (error) {
      byId('compose-error').textContent = sentenceOf(error);
    }
  }

  send() {
    const { socket } = this.#current;
    const { value } = byId('message');
    const kind = byId('message-kind').value;
    if (kind === 'text') return socket.send(value);
    if (kind === 'ping') return this.#inject([makePing(value)]);
    if (kind === 'fragments') return this.#inject(makeFragments(value));
    const bytes = fromHex(value);
    if (!bytes) throw new SyntaxError('Binary data is written as pairs of hexadecimal digits.');
    socket.send(bytes);
  }

  /** The number of the current connection in the records, once its request is there. */
  get connection() {
    return this.#current?.connection;
  }

  /** Has the inspector send frames on the current connection, as its client. */
  #inject(frames) {
    const { connection } = this.#current;
    if (connection === undefined) throw new Error('The request is not in the records yet.');
    for (const bytes of frames)
      this.#control.send({ type: 'inject', connection, from: 'client', bytes });
  }

  close() {
    byId('compose-error').textContent = '';
    const code = Number(byId('close-code').value) || 1000;
    try {
      this.#current?.socket.close(code, byId('close-reason').value);
    } catch (error) {
      byId('compose-error').textContent = sentenceOf(error);
    }
    this.#draw();
  }

  #changed(name, socket) {
    say(`${name} is ${STATES[socket.readyState]}`);
    this.#own = this.#own.filter(
      (own) => own === this.#current || own.socket.readyState !== WebSocket.CLOSED,
    );
    this.#draw();
    const isWaiting = byId('open-form').contains(document.activeElement);
    if (socket.readyState === WebSocket.OPEN && isWaiting) byId('message').focus();
  }

  #draw() {
    const chips = this.#own.map((own) => this.#chip(own));
    byId('own-connections').replaceChildren(...chips);
    const isOpen = this.#current?.socket.readyState === WebSocket.OPEN;
    for (const id of ['message', 'send', 'close', 'message-kind', 'close-code', 'close-reason'])
      byId(id).disabled = !isOpen;
  }

  /** A button that chooses the connection. */
  #chip(own) {
    const { socket, connection } = own;
    const state = STATES[socket.readyState];
    const isCurrent = own === this.#current;
    const properties = {
      type: 'button',
      class: `chip ${state}`,
      'aria-pressed': String(isCurrent),
    };
    const number = connection === undefined ? '' : `${connection} `;
    const button = h('button', properties, `${number}${new URL(socket.url).pathname} ${state}`);
    button.onclick = () => {
      this.#current = own;
      this.#draw();
    };
    return button;
  }
}
