/** That the engines of these tests do what the tests take for granted. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNats, startRedis, startRedisCluster, whyMissing } from './engines.mjs';

const noRedis = whyMissing('redis');
const noNats = whyMissing('nats');

test('redis keeps its port, and without persistence forgets', { skip: noRedis }, async () => {
  const redis = await startRedis();
  const { port, pid } = redis;
  await redis.command('SET', 'a', 'b');
  assert.equal(await redis.command('GET', 'a'), 'b');
  await redis.restart();
  assert.deepEqual([redis.port, await redis.command('GET', 'a')], [port, null]);
  assert.notEqual(redis.pid, pid);
  await redis.stop();
  assert(!existsSync(redis.folder));
});

test('redis with persistence remembers after a crash', { skip: noRedis }, async () => {
  const redis = await startRedis({ persist: true });
  await redis.command('SET', 'a', 'ü');
  await redis.restart();
  assert.equal(await redis.command('GET', 'a'), 'ü');
  await redis.stop();
});

test('redis in cluster mode has all slots, alone and as three', { skip: noRedis }, async () => {
  const redis = await startRedis({ cluster: true });
  assert.equal(await redis.command('SPUBLISH', 'a', 'b'), 0);
  await redis.restart();
  assert.equal(await redis.command('SPUBLISH', 'a', 'b'), 0);
  await redis.stop();
  const cluster = await startRedisCluster();
  assert.equal((await cluster.nodes[0].command('CLUSTER', 'SHARDS')).length, 3);
  await cluster.stop();
});

test('an engine that is paused answers after it is resumed', { skip: noRedis }, async () => {
  const redis = await startRedis();
  redis.pause();
  const answer = redis.command('PING').then(() => 'answered');
  assert.equal(await Promise.race([answer, sleep(100, 'silent')]), 'silent');
  redis.resume();
  assert.equal(await answer, 'answered');
  await redis.stop();
});

test('nats has its monitoring port and JetStream', { skip: noNats }, async () => {
  const nats = await startNats({ jetstream: true });
  const { port } = nats;
  assert.equal(typeof (await nats.monitor('/subsz')).num_subscriptions, 'number');
  assert.equal(typeof (await nats.monitor('/jsz')).memory, 'number');
  await nats.restart();
  assert.equal(nats.port, port);
  await nats.stop();
});

test('an engine ends with the process that started it', { skip: noRedis }, async () => {
  const program = `
    import { startRedis } from ${JSON.stringify(import.meta.resolve('./engines.mjs'))};
    const { pid, folder } = await startRedis();
    console.log(JSON.stringify({ pid, folder }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const [line] = await once(child.stdout, 'data');
  const { pid, folder } = JSON.parse(line);
  assert(process.kill(pid, 0));
  child.kill('SIGKILL');
  const end = Date.now() + 5_000;
  while ((isAlive(pid) || existsSync(folder)) && Date.now() < end) await sleep(10);
  assert(!isAlive(pid) && !existsSync(folder));
});

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
