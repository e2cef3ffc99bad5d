// Clients for the demonstration: they come and go, send more or less, and some read slowly.
const WebSocket = require('ws6455');

const CLIENTS = 40;
const SLOW = 2;

/** Reads for a moment every few seconds. */
function readSlowly(socket) {
  socket.pause();
  setInterval(() => {
    socket.resume();
    setTimeout(() => socket.pause(), 50);
  }, 4000);
}

function openClient(url, number) {
  const socket = new WebSocket(url);
  const isSlow = number < SLOW;
  const payload = Buffer.alloc(isSlow ? 32_768 : 200);
  let timer;
  socket.on('open', () => {
    if (isSlow) readSlowly(socket);
    timer = setInterval(() => {
      const wave = 1 + Math.sin(Date.now() / 9000 + number / 20);
      for (let left = isSlow ? 5 : 10 * wave; left > 0; left--) socket.send(payload);
    }, 100);
    if (!isSlow) setTimeout(() => socket.close(1000), 10_000 + 60_000 * Math.random());
  });
  socket.on('error', (error) => console.error(`A client failed: ${error.message}`));
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(() => openClient(url, number), 3000 * Math.random());
  });
}

exports.startClients = (url) => {
  for (let number = 0; number < CLIENTS; number++) openClient(url, number);
};
