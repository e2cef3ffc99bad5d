/** Small messages that become large: D1 of THREATS.md. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { ROLES } from '../../conformance/subject.js';
import { turn } from '../../conformance/turns.js';
import { inShort } from '../../conformance/wire-bytes.js';
import { Compiled } from '../../support/child.js';
import { OPCODE } from '../../support/frames.js';
import { useScope } from '../../support/scope.js';
import { codeOf, useCompressed, zeros } from './scene.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const scope = useScope();
const open = useCompressed(scope);
const { BINARY } = OPCODE;

/** Memory is measured in a process of its own: its peak, before and behind the attack. */
const BOMB = `
  const { createServer } = require('node:http');
  const { connect } = require('node:net');
  const { deflateRawSync, constants } = require('node:zlib');
  const [kind, connections] = args;
  const MIB = 1024 * 1024;
  // RFC 6455 §5.3: a masking key of zeros is legal, and leaves the payload as it is.
  const frame = (first, payload) => {
    const { length } = payload;
    const size = length < 126 ? 0 : length < 65536 ? 2 : 8;
    const head = Buffer.alloc(2 + size + 4);
    head.writeUInt16BE((first << 8) | 128 | [length, 0, 126, 0, 0, 0, 0, 0, 127][size]);
    if (size > 0) head.writeUIntBE(length, 2 + Math.max(0, size - 6), Math.min(size, 6));
    return Buffer.concat([head, payload]);
  };
  const unit = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_FULL_FLUSH });
  const units = (count) => Buffer.concat(Array(count).fill(unit));
  const hello = Buffer.from('f248cdc9c90700', 'hex');
  const rest = (last) => Array.from({ length: 255 }, (_, i) => frame(i === 254 ? last : 0, units(2)));
  const bombs = {
    whole: () => [frame(0xc2, units(512))],
    fragments: () => [frame(0x42, units(2)), ...rest(0x80)],
    unfinished: () => [frame(0x42, units(2)), ...rest(0)],
    behind: () => [frame(0xc1, hello), frame(0xc2, units(512))],
  };
  const bytes = Buffer.concat(bombs[kind]());
  const server = createServer();
  const wss = new WebSocket.Server({ server, perMessageDeflate: true, maxPayload: 16 * MIB });
  const delivered = [];
  let open = 0;
  let before;
  let ended = 0;
  const finish = () => {
    const grown = (process.resourceUsage().maxRSS - before) / 1024;
    console.log(JSON.stringify({ delivered: [...new Set(delivered)].sort(), count: delivered.length, grown }));
    process.exit();
  };
  wss.on('connection', (ws) => {
    ws.on('message', (data) => delivered.push('message of ' + data.length));
    ws.on('error', () => {});
  });
  const request = [
    'GET / HTTP/1.1', 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Extensions: permessage-deflate', '', '',
  ].join('\\r\\n');
  const attack = (sockets) => {
    before = process.resourceUsage().maxRSS;
    for (const socket of sockets) socket.write(bytes);
    // A message without an end may be failed or kept: it only must not cost much.
    if (kind === 'unfinished') setTimeout(finish, 500);
  };
  server.listen(0, '127.0.0.1', () => {
    const sockets = Array.from({ length: Number(connections) }, () => {
      const socket = connect(server.address().port, '127.0.0.1', () => socket.write(request));
      let upgraded = false;
      socket.on('data', (chunk) => {
        if (upgraded) delivered.push('close ' + chunk.readUInt16BE(2));
        if (!upgraded && ++open === sockets.length) attack(sockets);
        upgraded = true;
      });
      socket.on('error', () => {});
      socket.on('close', () => ++ended === sockets.length && kind !== 'unfinished' && finish());
      return socket;
    });
  });
`;

interface Bombed {
  /** what was delivered, and what the peers were sent */
  delivered: string[];
  count: number;
  /** MiB of memory */
  grown: number;
}

describe('D1: 512 MiB in half a MiB, where 16 MiB are allowed', () => {
  const compiled = new Compiled();

  async function bombed(kind: string, connections = 1): Promise<Bombed> {
    const { lines, errors } = await compiled.run(scope(), BOMB, kind, connections);
    expect(errors).toBe('');
    return JSON.parse(lines[0] ?? '') as Bombed;
  }

  test.each([
    ['whole', 'in one frame', ['close 1009']],
    ['fragments', 'in 256 fragments', ['close 1009']],
    ['behind', 'behind a legal message', ['close 1009', 'message of 5']],
  ])('%s: %s, fails with 1009 and costs little memory', async (kind, _how, delivered) => {
    const { grown, ...seen } = await bombed(kind);
    expect(seen).toEqual({ delivered, count: delivered.length });
    expect(grown).toBeLessThan(100);
  });

  test('unfinished: in 255 fragments without an end, costs little memory', async () => {
    const { delivered, grown } = await bombed('unfinished');
    expect(delivered.filter((what) => what !== 'close 1009')).toEqual([]);
    expect(grown).toBeLessThan(100);
  });

  test('sixty at once', async () => {
    const { grown, ...seen } = await bombed('whole', 60);
    expect(seen).toEqual({ delivered: ['close 1009'], count: 60 });
    expect(grown).toBeLessThan(250);
  });
});

describe.each(ROLES)('D1: as a %s, inflating leaves the event loop free', (role) => {
  /** How often the event loop turns until it is so. */
  async function turnsUntil(done: () => boolean): Promise<number> {
    const deadline = Date.now() + 10_000;
    let count = 0;
    for (; !done() && Date.now() < deadline; count++) await turn();
    return count;
  }

  test('while a message of 24 MiB is inflated', async () => {
    const scene = await open(role);
    const bytes = scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(24 * MIB) });
    scene.inject(bytes);
    expect(scene.events).toEqual([]);
    expect(await turnsUntil(() => scene.events.length > 0)).toBeGreaterThan(20);
    expect(scene.events).toEqual([`binary ${inShort(Buffer.alloc(24 * MIB))}`]);
  });

  test('while a bomb is inflated', async () => {
    const scene = await open(role, { maxPayload: 20 * MIB });
    scene.inject(scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(24 * MIB) }));
    expect(await turnsUntil(() => scene.events.length > 0)).toBeGreaterThan(20);
    await scene.settled();
    expect(codeOf(scene)).toBe(1009);
  });

  test('between many messages that are small enough to be inflated at once', async () => {
    const scene = await open(role);
    const one = scene.frame({ opcode: BINARY, rsv: 4, payload: zeros(200 * KIB) });
    let inflated = 0;
    scene.product.on('message', ({ length }: Buffer) => {
      inflated += length;
    });
    const count = Math.floor((64 * KIB) / one.length);
    expect(count).toBeGreaterThan(100);
    let most = 0;
    scene.inject(Buffer.concat(Array<Buffer>(count).fill(one)));
    for (let before = 0; inflated < count * 200 * KIB; before = inflated) {
      most = Math.max(most, inflated - before);
      await turn();
      if (inflated === before) await scene.until(() => inflated > before);
    }
    expect(most).toBeLessThanOrEqual(4 * MIB);
  });

  /** CPU time in ms of all threads, for a message: while it is taken, and until it is done. */
  async function cost(payload: Buffer): Promise<[number, number]> {
    const scene = await open(role);
    const bytes = scene.frame({ opcode: BINARY, rsv: 4, payload });
    const before = process.cpuUsage();
    const spent = (): number => {
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    scene.inject(bytes);
    const atOnce = spent();
    await scene.until(() => scene.events.length > 0);
    const inAll = spent();
    await scene.settled();
    // Too many blocks for any honest purpose may be refused.
    const end = codeOf(scene) ?? scene.events[0]?.replace(/ .*/, '');
    expect(['binary', 1002, 1007, 1008, 1009]).toContain(end);
    return [atOnce, inAll];
  }

  test('whatever number of last blocks a message has', async () => {
    const blocks = Buffer.alloc(256 * KIB, Buffer.from([3, 0]));
    const [atOnce, inAll] = await cost(Buffer.concat([blocks, Buffer.alloc(1)]));
    expect(atOnce).toBeLessThan(100);
    expect(inAll).toBeLessThan(3000);
  });

  test('whatever there is in front of each of them', async () => {
    const stream = deflateRawSync(Buffer.alloc(60_000));
    const [atOnce, inAll] = await cost(
      Buffer.concat([...Array(500).fill(stream), Buffer.alloc(1)]),
    );
    expect(atOnce).toBeLessThan(100);
    // About 200 ms where each last block costs the same, 15 s where each costs all before it.
    expect(inAll).toBeLessThan(3000);
  });
});
