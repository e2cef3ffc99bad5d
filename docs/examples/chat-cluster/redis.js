// Redis for the chat, if this machine has redis-server and this folder has the package ioredis.
const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createInterface } = require('node:readline');

function isInstalled(name) {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a Redis that ends with this process.
 * @returns the path of its socket; undefined if it cannot be started
 */
exports.startRedis = async () => {
  if (process.platform === 'win32' || !isInstalled('ioredis')) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'chat-'));
  const socket = join(folder, 'redis.sock');
  const settings = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
  const redis = spawn('redis-server', settings, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.on('exit', () => {
    redis.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return new Promise((resolve) => {
    redis.on('error', () => resolve(undefined)); // it is not installed
    redis.on('exit', () => resolve(undefined));
    createInterface({ input: redis.stdout }).on('line', (line) => {
      if (/ready to accept connections/i.test(line)) resolve(socket);
    });
  });
};

/** The broker of a worker. */
exports.redisBroker = (socket) => {
  const Redis = require('ioredis');
  const { redis } = require('ws6455/topics');
  return redis({ client: new Redis({ path: socket, lazyConnect: true }), prefix: 'chat:' });
};
