/** A server and a client of it. Nothing here waits by a timer, so that fake ones change nothing. */
const { once } = require('node:events');

/** Whether they are fake or not, what the test waits for comes from the sockets. */
async function pair({ WebSocket, serverOptions, clientOptions } = {}) {
  const Class = WebSocket ?? require('ws6455');
  const wss = new Class.WebSocketServer({ port: 0, host: '127.0.0.1', ...serverOptions });
  await once(wss, 'listening');
  const client = new Class(`ws://127.0.0.1:${wss.address().port}`, clientOptions);
  const [[server]] = await Promise.all([once(wss, 'connection'), once(client, 'open')]);
  return { wss, client, server, received: inbox(server), replies: inbox(client) };
}

/** `next()` resolves to the messages in the order in which they came. */
function inbox(ws) {
  const messages = [];
  const waiting = [];
  ws.on('message', (data) => {
    const text = data.toString();
    if (waiting.length > 0) waiting.shift()(text);
    else messages.push(text);
  });
  return {
    next: () =>
      messages.length > 0
        ? Promise.resolve(messages.shift())
        : new Promise((resolve) => waiting.push(resolve)),
    isEmpty: () => messages.length === 0,
  };
}

/** Closes both by the closing handshake; resolves to the codes that each was told. */
async function closed({ wss, client, server }) {
  const codes = Promise.all([once(client, 'close'), once(server, 'close')]);
  client.close(4001, 'done');
  const [[atClient], [atServer]] = await codes;
  await new Promise((resolve) => wss.close(resolve));
  return [atClient, atServer];
}

module.exports = { pair, closed, inbox };
