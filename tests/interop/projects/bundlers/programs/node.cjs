/** A server and its client in one bundle: prints what became of them, as one line of JSON. */
const WebSocket = require('ws6455');

const seen = { echoed: [], errors: [] };

function describe(error) {
  return {
    name: error.name,
    code: error.code,
    isError: error instanceof WebSocket.WebSocketError,
    ...(error.status && { status: error.status }),
    ...(error.closeCode && { closeCode: error.closeCode }),
    text: String(error).split(':')[0],
  };
}

const wss = new WebSocket.Server({
  port: 0,
  host: '127.0.0.1',
  perMessageDeflate: { threshold: 0 },
  verifyClient: ({ req }) => req.url !== '/secret',
});

/** A Ping of 126 bytes, by the socket itself: the client is to find fault with it. */
function breakRule(ws) {
  ws._socket.write(Buffer.from([0x89, 126, 0, 126, ...Buffer.alloc(126)]));
}

wss.on('connection', (ws, request) => {
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
  if (request.url === '/broken') breakRule(ws);
});

function echo(port, then) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`);
  ws.on('open', () => {
    seen.extensions = ws.extensions;
    ws.send('hello');
    ws.send('x'.repeat(100000));
    ws.send(new Uint8Array([1, 2, 3]));
  });
  ws.on('message', (data, isBinary) => {
    seen.echoed.push(`${isBinary ? 'binary' : 'text'} ${data.length}`);
    if (seen.echoed.length === 3) ws.close(4000, 'enough');
  });
  ws.on('close', (code) => {
    seen.code = code;
    then();
  });
}

function fails(url, then) {
  const ws = new WebSocket(url);
  ws.on('error', (error) => seen.errors.push(describe(error)));
  ws.on('close', then);
}

wss.on('listening', () => {
  const { port } = wss.address();
  echo(port, () =>
    fails(`ws://127.0.0.1:${port}/secret`, () =>
      fails(`ws://127.0.0.1:${port}/broken`, () => {
        wss.close(() => console.log(JSON.stringify(seen)));
      }),
    ),
  );
});
