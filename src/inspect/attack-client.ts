/** A server that breaks a rule, and a client of ours that refuses what it sends. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { time } from '../connection/time.js';
import { REFUSALS, type RefusalRow } from '../handshake/errors.js';
import { VIOLATIONS, type ViolationRow } from '../protocol/errors.js';
import { fieldValue, HeadCollector } from '../recording/http-head.js';
import { type ConnectionRecorder, Recorder } from '../recording/recorder.js';
import type { RecordingRecord } from '../recording/records.js';
import { WebSocket } from '../websocket/websocket.js';
import { ANSWER_TIMEOUT, type Verdict } from './attack-server.js';
import type { ServerOffence } from './frame-offences.js';
import type { BreakableRule, BrokenMessage } from './messages.js';

/** Breaks a rule as a server. */
export async function attackClient(
  rule: BreakableRule,
  offence: ServerOffence,
): Promise<BrokenMessage> {
  const records: RecordingRecord[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  answerAll(server, url, offence, records);
  const error = await connect(url, offence);
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
  return { type: 'broken', rule: rule.id, records, ...verdict(rule, error) };
}

/** Answers each connection: a redirect makes several. */
function answerAll(
  server: Server,
  url: string,
  offence: ServerOffence,
  records: RecordingRecord[],
): void {
  const closers = new Map<number, () => void>();
  const recorder = new Recorder((record) => {
    if (record.type === 'recording') return;
    records.push(record);
    const isClose = record.type === 'frame' && record.from === 'client' && record.close;
    if (isClose) closers.get(record.connection)?.();
  });
  server.on('connection', (socket: Socket) => {
    const connection = recorder.connect({ url });
    closers.set(connection.number, () => socket.end());
    answer(socket, connection, offence);
  });
}

function answer(socket: Socket, connection: ConnectionRecorder, offence: ServerOffence): void {
  const collector = new HeadCollector('client');
  let isAnswered = false;
  socket.on('data', (chunk) => {
    connection.receive('client', chunk);
    if (isAnswered || !collector.add(chunk)) return;
    isAnswered = true;
    const key = fieldValue(collector.bytes.toString('latin1'), 'sec-websocket-key');
    const response = offence.respond(key ?? '');
    if (response === undefined) return;
    socket.write(response);
    connection.receive('server', response);
  });
  socket.on('end', () => connection.end('client'));
  socket.on('error', (error) => connection.end('client', error));
}

/** Resolves when the client has closed: to its error, if it has one. */
async function connect(url: string, offence: ServerOffence): Promise<Error | undefined> {
  const options = { handshakeTimeout: ANSWER_TIMEOUT, ...offence.clientOptions };
  const socket = new WebSocket(url, [...(offence.protocols ?? [])], options);
  let error: Error | undefined;
  socket.on('error', (one: Error) => {
    error ??= one;
  });
  const timer = time.setTimeout(() => socket.terminate(), ANSWER_TIMEOUT);
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  time.clearTimeout(timer);
  return error;
}

function verdict({ id, kind, rfc }: BreakableRule, error: Error | undefined): Verdict {
  if (error === undefined) return { outcome: 'The client accepted it', asExpected: false };
  const table: Readonly<Record<string, ViolationRow | RefusalRow>> =
    kind === 'frame' ? VIOLATIONS : REFUSALS;
  const asExpected = 'code' in error && error.code === table[id]?.code;
  const what = kind === 'frame' ? 'connection' : 'handshake';
  const outcome = `The client failed the ${what}: ${error.message}`;
  return { outcome: asExpected ? `${outcome}, as ${rfc} asks` : outcome, asExpected };
}
