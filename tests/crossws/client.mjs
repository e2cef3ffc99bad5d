/** A client that waits for messages one after the other, and a server on a free port. */
import WebSocket from 'ws6455';

const PATIENCE = 5_000;

export function withDeadline(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${server.address().port}`;
}

/** Connects. `next()` gives the next message: an object for JSON, else a text or bytes. */
export async function join(url, options = {}, protocols = []) {
  const socket = new WebSocket(url, protocols, options);
  const messages = [];
  const waiting = [];
  const response = {};
  socket.on('upgrade', ({ headers }) => Object.assign(response, { headers }));
  socket.on('message', (data, isBinary) => {
    const text = String(data);
    const message = isBinary ? data : text.startsWith('{') ? JSON.parse(text) : text;
    if (waiting.length > 0) waiting.shift()(message);
    else messages.push(message);
  });
  await withDeadline(
    new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)),
    `a connection to ${url}`,
  );
  const next = () =>
    messages.length > 0
      ? Promise.resolve(messages.shift())
      : withDeadline(new Promise((resolve) => waiting.push(resolve)), 'a message');
  const closed = () =>
    socket.readyState === WebSocket.CLOSED
      ? Promise.resolve()
      : withDeadline(new Promise((resolve) => socket.once('close', resolve)), "'close'");
  return { socket, messages, response, next, closed };
}

/** The response to a handshake that is refused. */
export function refused(url) {
  return withDeadline(
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.on('error', reject);
      socket.on('open', () => reject(new Error('the connection was accepted')));
      socket.on('unexpected-response', (_, response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part) => {
          body += part;
        });
        response.on('end', () => {
          const { statusCode: status, statusMessage, headers } = response;
          resolve({ status, statusMessage, headers, body });
          socket.off('error', reject).on('error', () => {});
          socket.terminate();
        });
      });
    }),
    'a refusal',
  );
}
