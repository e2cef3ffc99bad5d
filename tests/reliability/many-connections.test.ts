/** Rows R8 and R13 of THREATS.md, with few connections; soak.mjs has thousands. */
import { createServer, type Server } from 'node:http';
import { expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { settled } from '../conformance/turns.js';
import { useClock } from '../support/clock.js';
import type { WireEnd } from '../support/duplex-pair.js';
import { closePayload, OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { ManualWire } from '../support/manual-wire.js';
import { MIB, memoryInUse } from '../support/memory.js';
import { SeededRandom } from '../support/random.js';
import { upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import { frameFor, onWire, recordEvents, type WebSocketInstance } from '../support/websockets.js';

const scope = useScope();
const clock = useClock();

test('R8: a connection that is idle after a message has no timer and little memory', async () => {
  clock.stop();
  const count = 1000;
  const open = (): ManualWire => {
    const wire = new ManualWire();
    const ws = onWire(wire, 'server');
    ws.on('message', () => ws.send('reply'));
    return wire;
  };
  const wires = [open()];
  await turns();
  const bare = Array.from({ length: count }, () => new ManualWire());
  const before = await memoryInUse();
  for (let i = 0; i < count; i++) wires.push(open());
  await turns();
  for (const wire of wires) {
    wire.arrive(frameFor('server', { payload: 'x' }));
    wire.writes.length = 0;
    wire.copies.length = 0;
  }
  await turns();
  const each = ((await memoryInUse()) - before) / count;
  expect(each).toBeLessThan(10 * 1024);
  expect(clock.timerCount).toBe(0);
  for (const wire of [...wires, ...bare]) wire.destroy();
});

/** What a client sends: a handshake, two messages and a Close. */
const DIALOGUE = Buffer.concat([
  Buffer.from(upgradeRequest()),
  frameFor('server', { payload: 'one' }),
  frameFor('server', { fin: false, payload: 't' }),
  frameFor('server', { opcode: OPCODE.CONTINUATION, payload: 'wo' }),
  frameFor('server', { opcode: OPCODE.CLOSE, payload: closePayload(1000) }),
]);

type End = (wire: WireEnd, far: WireEnd) => void;

const ENDS: End[] = [
  (wire) => wire.end(),
  (wire) => wire.destroy(),
  (_, far) => far.destroy(new Error('read ECONNRESET')),
  (wire) => wire.end(frameFor('server', { opcode: 3 })),
];

/** A client that breaks behind a random byte of its dialogue. @returns whether it was complete */
function breakOne(http: Server, random: SeededRandom): boolean {
  const [wire, far] = scope().wire();
  wire.on('error', () => {}).resume();
  http.emit('connection', far);
  const length = random.pick([DIALOGUE.length, random.integer(0, DIALOGUE.length)]);
  wire.write(DIALOGUE.subarray(0, length));
  random.pick(ENDS.slice(0, 1 + Math.min(3, DIALOGUE.length - length)))(wire, far);
  return length === DIALOGUE.length;
}

test('R13: of 2,000 connections, half of them broken, each is told its end once', async () => {
  const http = createServer();
  const wss = new WebSocket.WebSocketServer({ server: http });
  const told: string[][] = [];
  wss.on('connection', (ws: WebSocketInstance) => told.push(recordEvents(ws)));
  scope().later(() => wss.close());
  const random = new SeededRandom(6455);
  let complete = 0;
  const churn = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      if (breakOne(http, random)) complete++;
      if (i % 50 === 49) await settled(() => told.flat().length);
    }
    await until(() => wss.clients.size === 0, 'all clients to be gone');
  };
  await churn(200);
  const before = await memoryInUse();
  await churn(2000);
  expect(told.filter((events) => !events.at(-1)?.startsWith('close'))).toEqual([]);
  expect(told.filter((events) => events.join().split('close').length !== 2)).toEqual([]);
  const whole = told.filter((events) => events.join() === 'message one,message two,close 1000');
  expect(whole.length).toBe(complete);
  expect((await memoryInUse()) - before).toBeLessThan(12 * MIB);
});
