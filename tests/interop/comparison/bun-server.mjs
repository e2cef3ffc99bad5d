/** Bun's server with the options of argv[2], as JSON. Prints its port. A line of standard input is an order. */
const CHUNK = Buffer.alloc(65_536);
const CHUNKS = 1024;
let last;

/** Sends 64 MiB in one turn. @returns how many bytes of it wait */
function flood() {
  for (let count = 0; count < CHUNKS; count++) last.send(CHUNK);
  return last.getBufferedAmount();
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request, bun) => (bun.upgrade(request) ? undefined : new Response('', { status: 400 })),
  websocket: {
    ...JSON.parse(process.argv[2]),
    open(socket) {
      last = socket;
    },
    message: (socket, message) => socket.send(message),
  },
});
console.log(server.port);

for await (const line of console) {
  if (line === 'stop') server.stop(true);
  else console.log(flood());
}
