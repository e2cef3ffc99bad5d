/**
 * Our own server behind a reverse proxy, as one puppet. The proxy listens on a Unix socket, so that
 * it needs no port that is chosen beforehand; in front of it is a relay, which has one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { faceCompressed } from './compression.mjs';
import { within } from './deadline.mjs';
import { Puppet } from './puppet.mjs';
import { relay } from './relay.mjs';
import { skip } from './results.mjs';
import { face } from './roles.mjs';
import { subjectName } from './subject.mjs';
import { temporaryFolder } from './temporary.mjs';

const CAN = ['fragments', 'ping', 'emptyClose', 'echoReason', 'drop'];
const SCRIPT = fileURLToPath(new URL('../puppets/ws-api.mjs', import.meta.url));
let started = 0;

const running = new Set();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function accepts(path) {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}

/** Resolves once it accepts connections, for which no proxy has an event. */
async function untilAccepting(path, child) {
  while (!(await accepts(path))) {
    if (child.exitCode !== null) throw new Error(`the proxy exited with ${child.exitCode}`);
    await wait(10);
  }
}

class ProxiedPuppet {
  #proxies = [];
  #inner;
  #start;
  base = '';

  /** `start(target, secure)` brings a proxy up. */
  static async start(start) {
    const puppet = new ProxiedPuppet();
    puppet.#start = start;
    const script = [SCRIPT, 'server', 'tcp', subjectName];
    puppet.#inner = await Puppet.start(process.execPath, script);
    puppet.base = await puppet.#behindProxy(puppet.#inner.base);
    return puppet;
  }

  async #behindProxy(target) {
    const proxy = await this.#start(new URL(target).host);
    this.#proxies.push(proxy);
    return proxy.base;
  }

  async listen(id, deflate) {
    return this.#behindProxy(await this.#inner.listen(id, deflate));
  }

  opened(id) {
    return this.#inner.opened(id);
  }

  closed(id) {
    return this.#inner.closed(id);
  }

  async stop() {
    await this.#inner.stop();
    for (const { stop } of this.#proxies) await stop();
  }
}

/** `configure({ target, path, security })` is the text of its file; `command(file)` what runs it. */
async function startProxy({ configure, command }, target, security) {
  started += 1;
  const path = join(temporaryFolder, `${started}.sock`);
  const file = join(temporaryFolder, `${started}.conf`);
  writeFileSync(file, configure({ target, path, security }));
  const [program, ...parameters] = command(file);
  const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  running.add(child);
  await within(5_000, program, untilAccepting(path, child));
  const front = await relay({ path });
  const stop = () => {
    front.close();
    running.delete(child);
    child.kill('SIGKILL');
    return exited;
  };
  return { base: `${security ? 'wss' : 'ws'}://${front.host}`, stop };
}

export function versionOf(program) {
  const { stdout, stderr } = spawnSync(program, ['-v']);
  return `${stdout}${stderr}`.match(/\d+\.\d+\.\d+/)?.[0];
}

export async function faceProxy(program, proxy) {
  const version = versionOf(program);
  if (!version) return skip(program, `no ${program}`);
  const name = `our server behind ${program.split('/').at(-1)} ${version}`;
  for (const transport of ['tcp', 'tls']) {
    const start = ({ INTEROP_CERT, INTEROP_KEY }) => {
      const security = INTEROP_CERT && { cert: INTEROP_CERT, key: INTEROP_KEY };
      return ProxiedPuppet.start((target) => startProxy(proxy, target, security));
    };
    await face({ name, role: 'server', transport, can: CAN, start });
    if (transport === 'tcp') await faceCompressed({ name, role: 'server', can: CAN, start });
  }
}
