/**
 * The cells of docs/comparison.md that a program can check:
 * `node tests/interop/comparison/check.mjs [folder in which socket.io is installed]`.
 *
 * A probe that answers nothing connects to a server of each product. It takes about 10 s, most of them
 * for the shortest idle timeout of Bun. What is not installed is skipped.
 */
import assert from 'node:assert/strict';
import { constants, deflateRawSync } from 'node:zlib';
import { result, skip } from '../support/results.mjs';
import { frame, Probe } from './probe.mjs';
import { bun, startBun, startSocketIo, startWs } from './servers.mjs';

const TEXT = 0x81;
const COMPRESSED_TEXT = 0xc1;
const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
const FOREIGN = { Origin: 'https://evil.example' };
const MEBIBYTE = 2 ** 20;

/** 100 000 bytes that are 116 bytes compressed. RFC 7692 §7.2.1: without the last four. */
const BOMB = deflateRawSync(Buffer.alloc(100_000, '4'), {
  finishFlush: constants.Z_SYNC_FLUSH,
}).subarray(0, -4);

/** What is done to a server, and what of it is compared. */
const CHECKS = {
  async 'sends a text back to any client'(server) {
    const probe = await Probe.open(server);
    probe.socket.write(frame(TEXT, 'hello'));
    const isEcho = ({ data }) => data.toString() === 'hello';
    const ending = probe.ending(1000);
    await probe.until(() => probe.ended || probe.frames.some(isEcho));
    return probe.frames.some(isEcho) ? 'hello' : ending;
  },
  async 'accepts permessage-deflate'(server) {
    const probe = await Probe.open(server, OFFER);
    return probe.head.includes('permessage-deflate');
  },
  async 'ends a connection whose message is too long when inflated'(server) {
    const probe = await Probe.open(server, OFFER);
    probe.socket.write(frame(COMPRESSED_TEXT, BOMB));
    return probe.ending(2000);
  },
  async 'drops a peer that answers nothing'(server) {
    const probe = await Probe.open(server);
    return (await probe.ending(20_000)) !== 'open';
  },
  async 'ends a connection when the server ends'(server) {
    const probe = await Probe.open(server);
    await probe.until(() => probe.frames.length > 0, 200); // socket.io says hello
    server.stop();
    return probe.ending(1000);
  },
  async 'takes 64 MiB for a peer that reads nothing'(server) {
    const probe = await Probe.open(server);
    probe.socket.pause();
    const waiting = await server.flood();
    return Math.round(waiting / MEBIBYTE / 16) * 16;
  },
  async 'answers a page of another site'(server) {
    const probe = await Probe.open(server, FOREIGN);
    return probe.status;
  },
};

const [ECHO, DEFLATE, INFLATED, HEARTBEAT, STOP, SLOW, ORIGIN] = Object.keys(CHECKS);

/** For each check: options, and what is expected with them. */
const PRODUCTS = {
  ws6455: {
    start: (options) => startWs('ws6455', options, (server) => server.shutdown()),
    cells: [
      [ECHO, {}, 'hello'],
      [DEFLATE, {}, false],
      [DEFLATE, { perMessageDeflate: true }, true],
      [INFLATED, { perMessageDeflate: true, maxPayload: 1000 }, 1009],
      [HEARTBEAT, { heartbeat: { interval: 200, timeout: 200 } }, true],
      [STOP, {}, 1001],
      [SLOW, {}, 64],
      [SLOW, { maxBufferedAmount: MEBIBYTE, overflow: 'drop-oldest' }, 0],
      [ORIGIN, {}, 101],
      [ORIGIN, { origins: 'same' }, 403],
    ],
  },
  ws: {
    start: (options) => startWs('ws', options, (server) => server.close()),
    cells: [
      [ECHO, {}, 'hello'],
      [DEFLATE, {}, false],
      [DEFLATE, { perMessageDeflate: true }, true],
      [INFLATED, { perMessageDeflate: true, maxPayload: 1000 }, 1009],
      [STOP, {}, 'open'],
      [SLOW, {}, 64],
      [ORIGIN, {}, 101],
    ],
  },
  Bun: {
    start: startBun,
    missing: bun ? undefined : 'not installed',
    cells: [
      [ECHO, {}, 'hello'],
      [DEFLATE, {}, false],
      [DEFLATE, { perMessageDeflate: true }, true],
      [INFLATED, { perMessageDeflate: true, maxPayloadLength: 1000 }, 1009],
      [HEARTBEAT, { idleTimeout: 8 }, true],
      [STOP, {}, 1001],
      [SLOW, {}, 16],
      [ORIGIN, {}, 101],
    ],
  },
  'socket.io': {
    start: (options) => startSocketIo(process.argv[2], options),
    missing: process.argv[2] ? undefined : 'no folder given in which it is installed',
    cells: [
      [ECHO, {}, 1005],
      [DEFLATE, {}, false],
      [DEFLATE, { perMessageDeflate: true }, true],
      [INFLATED, { perMessageDeflate: true, maxHttpBufferSize: 1000 }, 1009],
      [HEARTBEAT, { pingInterval: 200, pingTimeout: 200 }, true],
      [STOP, {}, 1005],
      [SLOW, {}, 64],
      [ORIGIN, {}, 101],
    ],
  },
};

for (const [name, { start, missing, cells }] of Object.entries(PRODUCTS)) {
  if (missing) skip(name, missing);
  for (const [check, options, expected] of missing ? [] : cells) {
    await result(`${name} ${check} ${JSON.stringify(options)}: ${expected}`, async () => {
      const server = await start(options);
      try {
        assert.equal(await CHECKS[check](server), expected);
      } finally {
        await server.end();
      }
    });
  }
}
process.exit(); // some products keep timers for a peer that did not answer their Close
