/** wscat's command line: one listens, one connects, and what is typed into one appears at the other. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const WSCAT = fileURLToPath(import.meta.resolve('wscat/bin/wscat'));

/** Only to a terminal does wscat say what happens; so it is told that it has one. */
const TERMINAL = 'data:text/javascript,import tty from "node:tty"; tty.isatty = () => true;';

class Wscat {
  #child;
  #output = '';

  constructor(...parameters) {
    const all = ['--import', TERMINAL, WSCAT, '--no-color', ...parameters];
    this.#child = spawn(process.execPath, all, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#output = stripVTControlCharacters(this.#output + text).replaceAll('\r', '');
      this.#child.emit('printed');
    });
  }

  /** Resolves once it has printed `text`, and forgets what came before. */
  async prints(text) {
    const seen = async () => {
      while (!this.#output.includes(text)) await once(this.#child, 'printed');
    };
    await within(10_000, `wscat prints ${JSON.stringify(text)}`, seen()).catch((error) => {
      throw new Error(`${error.message}; it has printed ${JSON.stringify(this.#output)}`);
    });
    this.#output = this.#output.slice(this.#output.indexOf(text) + text.length);
  }

  type(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The end of its input ends it. */
  async leave() {
    const { exitCode, stdin } = this.#child;
    if (exitCode !== null) return;
    stdin.end();
    await within(5_000, 'wscat leaves', once(this.#child, 'exit')).finally(() =>
      this.#child.kill(),
    );
  }

  async exited() {
    if (this.#child.exitCode === null)
      await within(5_000, 'wscat exits', once(this.#child, 'exit'));
    return this.#child.exitCode;
  }
}

/** wscat does not tell which port it was given, so it is given one that was free a moment ago. */
async function freePort() {
  const holder = createServer().listen(0);
  await once(holder, 'listening');
  const { port } = holder.address();
  holder.close();
  await once(holder, 'close');
  return port;
}

async function withBoth(use) {
  const port = await freePort();
  const listener = new Wscat('--listen', port);
  let connector;
  try {
    await listener.prints(`Listening on port ${port}`);
    connector = new Wscat('--connect', `ws://localhost:${port}`, '--slash', '--show-ping-pong');
    await connector.prints('Connected');
    await listener.prints('Client connected');
    await use(listener, connector);
  } finally {
    await connector?.leave();
    await listener.leave();
  }
}

await runsOn('wscat', 'wscat');

await result('wscat --listen and --connect: lines go both ways', () =>
  withBoth(async (listener, connector) => {
    connector.type('Grüße 🌍');
    await listener.prints('< Grüße 🌍\n');
    listener.type('zurück');
    await connector.prints('< zurück\n');
    connector.type('');
    await listener.prints('< \n');
  }),
);

await result('wscat --slash --show-ping-pong: /ping and /close', () =>
  withBoth(async (listener, connector) => {
    connector.type('/ping hello');
    await connector.prints('< Received pong (data: "hello")\n');
    connector.type('/pong unasked');
    connector.type('/close 4001 that is all');
    await listener.prints('Disconnected (code: 4001, reason: "that is all")\n');
    await connector.prints('Disconnected (code: 4001, reason: "that is all")\n');
    assert.equal(await connector.exited(), 0);
  }),
);

/** A server for one wscat that connects to it with `parameters`. */
async function withConnector(parameters, use) {
  const wss = new WebSocketServer({ port: 0 });
  await once(wss, 'listening');
  const connected = once(wss, 'connection');
  const connector = new Wscat(
    '--connect',
    `ws://localhost:${wss.address().port}/path`,
    ...parameters,
  );
  try {
    await use(connector, ...(await within(10_000, 'wscat connects', connected)));
  } finally {
    await connector.leave();
    await within(5_000, 'the server closes', new Promise((resolve) => wss.close(resolve)));
  }
}

const HEADERS = [
  ...['--auth', 'user:pass', '--origin', 'http://a.test', '--header', 'X-Greeting: hello'],
  ...['--subprotocol', 'one', '--subprotocol', 'two'],
];

await result('wscat --connect: header fields, credentials, subprotocols', () =>
  withConnector(HEADERS, async (connector, socket, { url, headers }) => {
    assert.equal(url, '/path');
    assert.equal(headers.authorization, `Basic ${btoa('user:pass')}`);
    assert.equal(headers.origin, 'http://a.test');
    assert.equal(headers['x-greeting'], 'hello');
    assert.deepEqual(headers['sec-websocket-protocol'].split(/, ?/), ['one', 'two']);
    assert.equal(socket.protocol, 'one');
    await connector.prints('Connected');
  }),
);

await result('wscat --connect: told of a ping and of the reason for a Close', () =>
  withConnector(['--show-ping-pong'], async (connector, socket) => {
    socket.ping('are you there?');
    await connector.prints('< Received ping (data: "are you there?")\n');
    socket.close(1001, 'bye');
    await connector.prints('Disconnected (code: 1001, reason: "bye")\n');
    assert.equal(await connector.exited(), 0);
  }),
);

const EXECUTE = ['--execute', 'first', '--execute', 'second', '--wait', '0.2'];

await result('wscat --execute: prints the answers, closes and leaves', () =>
  withConnector(EXECUTE, async (connector, socket) => {
    socket.on('message', (data) => socket.send(`answer to ${data}`));
    await connector.prints('answer to first\n');
    await connector.prints('answer to second\n');
    const [code] = await within(5_000, 'a Close', once(socket, 'close'));
    assert.equal(code, 1005);
    assert.equal(await connector.exited(), 0);
  }),
);

await result('wscat --connect where nobody listens: an error, and an exit code', async () => {
  const connector = new Wscat('--connect', `ws://localhost:${await freePort()}`);
  await connector.prints('error: ');
  assert.notEqual(await connector.exited(), 0);
});
