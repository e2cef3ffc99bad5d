// A page that plots what a WebSocketServer does, live. Its data come over a WebSocket.
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');
const { WebSocketServer, hardened } = require('ws6455');

const page = readFileSync(join(__dirname, 'page.html'));

/** How many samples an opened page starts with, and keeps. */
const SAMPLES = 120;
/** How many connections the table lists. */
const ROWS = 10;
/** How many connections are pinged in each interval. */
const PINGS = 20;

const LOOPBACK = '127.0.0.1';

/** What is measured of one connection. */
function describe(socket) {
  const { messages, buffered, rtt, since } = socket.stats();
  return {
    address: socket.remoteAddress,
    seconds: (Date.now() - since) / 1000,
    received: messages.received,
    sent: messages.sent,
    unsent: buffered,
    rtt,
  };
}

/** The value that this part of all values does not exceed. */
function quantile(sorted, part) {
  return sorted[Math.floor(part * (sorted.length - 1))];
}

/** Measures a server once a second. */
class Sampler {
  history = [];
  rows = [];
  #server;
  #before;
  /** The connections that are to be pinged next. */
  #toPing = [];

  constructor(server) {
    this.#server = server;
    this.#before = this.#total();
  }

  #total() {
    return { ...this.#server.stats().messages, time: performance.now() };
  }

  sample() {
    const before = this.#before;
    const now = this.#total();
    const perSecond = (count) => Math.max(0, count) / ((now.time - before.time) / 1000);
    this.#before = now;
    const rows = [...this.#server.clients].map(describe);
    const times = rows.flatMap(({ rtt }) => rtt ?? []).sort((a, b) => a - b);
    this.rows = rows.sort((a, b) => b.unsent - a.unsent).slice(0, ROWS);
    this.history.push({
      connections: rows.length,
      received: perSecond(now.received - before.received),
      sent: perSecond(now.sent - before.sent),
      rttMedian: quantile(times, 0.5),
      rttHigh: quantile(times, 0.9),
      unsent: rows.reduce((sum, { unsent }) => sum + unsent, 0),
      unsentMax: this.rows[0]?.unsent ?? 0,
    });
    if (this.history.length > SAMPLES) this.history.shift();
    this.#ping();
  }

  /** Measures the round-trip time of some connections, each in its turn: `rtt` keeps the result. */
  #ping() {
    if (this.#toPing.length === 0) this.#toPing = [...this.#server.clients];
    for (const socket of this.#toPing.splice(0, PINGS)) {
      socket.measureRoundTrip({ timeout: 10_000 }).catch(() => {}); // it is closed, or too slow
    }
  }
}

/**
 * Serves the dashboard of a server on a port of its own. Anyone who reaches the port can read it, so
 * it listens on the loopback address, unless another one is given.
 * @param {WebSocketServer} observed a server with `clientTracking`
 * @returns the http server of the page; its method `close` ends the dashboard
 */
function serveDashboard(observed, { port = 0, host = LOOPBACK, interval = 1000 } = {}) {
  const sampler = new Sampler(observed);
  const http = createServer((request, response) => {
    const isPage = request.method === 'GET' && request.url === '/';
    response.writeHead(isPage ? 200 : 404, {
      'Content-Type': isPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
    });
    response.end(isPage ? page : 'The page is at /.\n');
  });
  // The names stop pages of other sites whose name was made to point here (DNS rebinding).
  const hosts = host === LOOPBACK ? [LOOPBACK, 'localhost'] : undefined;
  const viewers = new WebSocketServer({ server: http, path: '/samples', ...hardened, hosts });
  viewers.on('error', () => {}); // the http server emits it too
  viewers.on('connection', (viewer) => {
    viewer.send(JSON.stringify({ history: sampler.history, connections: sampler.rows }));
  });
  const timer = setInterval(() => {
    sampler.sample();
    const history = sampler.history.slice(-1);
    viewers.broadcast(JSON.stringify({ history, connections: sampler.rows }));
  }, interval);
  http.on('close', () => clearInterval(timer));
  return http.listen(port, host);
}

module.exports = { serveDashboard };
