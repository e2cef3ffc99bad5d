/**
 * A chat on socket.io in a project of its own, the way a user sets it up: `ws` in its package.json is
 * an alias for the product, and `"overrides"` says so to what socket.io requires.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { result } from '../support/results.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));

/** The chat: CommonJS, and it does not know what `ws` is. Says what each of the two heard. */
const CHAT = `
const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { io } = require('socket.io-client');

const http = createServer();
const chat = new Server(http);
chat.on('connection', (socket) => {
  const { name } = socket.handshake.auth;
  socket.broadcast.emit('came', name);
  socket.on('message', (text, done) => {
    chat.emit('message', name, text);
    done();
  });
  socket.on('picture', (bytes, done) => {
    socket.broadcast.emit('picture', name, bytes);
    done(bytes.length);
  });
  socket.on('disconnect', () => chat.emit('went', name));
});

const heard = [];
function join(url, name) {
  const socket = io(url, { transports: ['websocket'], auth: { name }, reconnection: false });
  for (const event of ['came', 'message', 'picture', 'went']) {
    socket.on(event, (...said) => heard.push([name, event, ...said.map(String)].join(' ')));
  }
  return new Promise((resolve) => socket.on('connect', () => resolve(socket)));
}

http.listen(0, '127.0.0.1', async () => {
  const url = 'http://127.0.0.1:' + http.address().port;
  const ada = await join(url, 'Ada');
  const eve = await join(url, 'Eve');
  await ada.emitWithAck('message', 'hello');
  const length = await eve.emitWithAck('picture', Buffer.from('pixels'));
  await eve.emitWithAck('message', 'sent ' + length);
  const went = new Promise((resolve) => ada.on('went', resolve));
  eve.disconnect();
  await went;
  chat.close();
  console.log(JSON.stringify(heard));
});
`;

function run(command, parameters, cwd) {
  const options = { cwd, encoding: 'utf8', timeout: 50_000 };
  const { status, stdout, stderr } = spawnSync(command, parameters, options);
  assert.equal(status, 0, `${command} ${parameters.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

function project(folder) {
  mkdirSync(folder);
  const { 'socket.io': server, 'socket.io-client': client } = dependencies;
  const manifest = {
    private: true,
    dependencies: { 'socket.io': server, 'socket.io-client': client, ws: process.env.PROGRAMS_WS },
    overrides: { ws: '$ws' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'chat.js'), CHAT);
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], folder);
}

/** Every `ws` of the tree, by the name of its package. */
function names(folder) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json')));
  return Object.keys(packages)
    .filter((path) => path.endsWith('node_modules/ws'))
    .map((path) => JSON.parse(readFileSync(join(folder, path, 'package.json'))).name);
}

const folder = join(temporaryFolder, 'chat');
await result(`alias-chat: npm install of an alias, ws is ${process.env.PROGRAMS_ON}`, () => {
  project(folder);
  assert.deepEqual(names(folder), [process.env.PROGRAMS_ON]);
});
await result('alias-chat: two chat, one sends a picture and leaves', () => {
  const heard = JSON.parse(run(process.execPath, ['chat.js'], folder)).sort();
  assert.deepEqual(heard, [
    'Ada came Eve',
    'Ada message Ada hello',
    'Ada message Eve sent 6',
    'Ada picture Eve pixels',
    'Ada went Eve',
    'Eve message Ada hello',
    'Eve message Eve sent 6',
  ]);
});
