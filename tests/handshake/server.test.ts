/**
 * RFC 6455 §4.2: every golden dialogue of `server/` against the server, three times: the client's
 * bytes whole, one by one, and cut at random places. The answer is the same each time.
 */

import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { wirePair } from '../support/duplex-pair.js';
import { OPCODE } from '../support/frames.js';
import { type BytesStep, type Dialogue, readDialogues } from '../support/http-dialogue.js';
import { Inbox, show, turns, until } from '../support/inbox.js';
import { byteByByte, randomCuts, SeededRandom } from '../support/random.js';

type Server = InstanceType<typeof WebSocket.WebSocketServer>;
type Socket = InstanceType<typeof WebSocket>;
type Options = NonNullable<ConstructorParameters<typeof WebSocket.WebSocketServer>[0]>;

interface Place {
  wire: Duplex;
  events: string[];
  close(): Promise<void>;
}

interface VerifyAnswer {
  ok: boolean;
  code?: number;
  message?: string;
  headers?: Record<string, string>;
}

/** What JSON cannot say: `verifyClient` and `handleProtocols` are given by their answers. */
function readOptions(settings: Record<string, unknown>): Record<string, unknown> {
  const options = { ...(settings['options'] as Record<string, unknown> | undefined) };
  const verify = options['verifyClient'] as VerifyAnswer | boolean | undefined;
  if (typeof verify === 'boolean') {
    options['verifyClient'] = () => verify;
  } else if (verify !== undefined) {
    const { ok, code, message, headers } = verify;
    options['verifyClient'] = (_info: unknown, answer: (...args: unknown[]) => void) => {
      setImmediate(answer, ok, code, message, headers);
    };
  }
  const protocol = options['handleProtocols'];
  if (protocol !== undefined) options['handleProtocols'] = () => protocol;
  return options;
}

/** The application: it sends every message back and collects its events. */
function recordEvents(ws: Socket, events: string[]): void {
  events.push(ws.protocol === '' ? 'connection' : `connection ${ws.protocol}`);
  ws.on('message', (data, isBinary) => {
    const bytes = data as Buffer;
    events.push(`message ${isBinary ? `0x${bytes.toString('hex')}` : bytes.toString()}`);
    ws.send(bytes, { binary: isBinary });
  });
  ws.on('ping', (data) => events.push(`ping ${data.toString()}`));
  ws.on('error', (error) => events.push(`error ${(error as NodeJS.ErrnoException).code}`));
  ws.on('close', (code, reason) => events.push(`close ${code} ${reason.toString()}`));
}

async function openPlace(settings: Record<string, unknown>): Promise<Place> {
  const options = readOptions(settings);
  const events: string[] = [];
  const sockets: Socket[] = [];
  const attach = (server: Server): Server => {
    server.on('connection', (ws) => {
      sockets.push(ws);
      recordEvents(ws, events);
    });
    server.on('callbackError', () => {});
    const lines = settings['headers'] as string[] | undefined;
    if (lines !== undefined) server.on('headers', (headers) => headers.push(...lines));
    if (settings['shouldhandle'] === false) server.shouldHandle = () => false;
    return server;
  };
  const closeAll = async (server: Server, wire: Duplex): Promise<void> => {
    wire.destroy();
    await until(() => sockets.every((ws) => ws.readyState === 3), 'every WebSocket to close');
    await new Promise<void>((done) => server.close(() => done()));
  };

  if (options['port'] !== undefined) {
    const server = attach(new WebSocket.WebSocketServer(options as Options));
    await new Promise((listening) => server.once('listening', listening));
    const { port } = server.address() as AddressInfo;
    const wire = connect(port, '127.0.0.1');
    return { wire, events, close: () => closeAll(server, wire) };
  }

  const http = createServer((request, response) => {
    events.push(`request ${request.url}`);
    response.end('application');
  });
  const closing = settings['closing'] === true;
  const server = attach(
    new WebSocket.WebSocketServer({
      ...options,
      ...(closing ? { noServer: true } : { server: http }),
    } as Options),
  );
  if (closing) {
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      server.close();
      server.handleUpgrade(request, socket, head, (ws) => recordEvents(ws, events));
    });
  }
  const [wire, far] = wirePair();
  http.emit('connection', far);
  return { wire, events, close: () => closeAll(server, wire) };
}

type Cut = (bytes: Buffer, wire: Duplex) => Promise<void>;

const CUTS: [string, Cut][] = [
  ['whole', async (bytes, wire) => void wire.write(bytes)],
  [
    'byte by byte',
    async (bytes, wire) => {
      for (const byte of byteByByte(bytes)) {
        if (wire.writable) wire.write(byte);
        await turns(1);
      }
    },
  ],
  [
    'random cuts, seed 6455',
    async (bytes, wire) => {
      for (const chunk of randomCuts(bytes, new SeededRandom(6455))) {
        if (wire.writable) wire.write(chunk);
      }
    },
  ],
];

async function expectAnswer(step: BytesStep, inbox: Inbox): Promise<void> {
  if (!step.loose) {
    expect(show(await inbox.take(step.bytes.length))).toBe(show(step.bytes));
    if (step.close !== undefined) {
      const { opcode, payload } = await inbox.frame();
      expect([opcode, payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, step.close]);
    }
    return;
  }
  const split = step.bytes.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = step.bytes.toString('latin1', 0, split).split('\r\n');
  const answer = await inbox.message();
  expect(answer.startLine).toBe(statusLine);
  const written = answer.fields.map(([name, value]) => `${name}: ${value}`.toLowerCase());
  for (const line of lines) expect(written).toContain(line.toLowerCase());
  const body = step.bytes.subarray(split + 4);
  if (body.length > 0) expect(show(answer.body)).toBe(show(body));
}

async function play(dialogue: Dialogue, cut: Cut): Promise<void> {
  const place = await openPlace(dialogue.settings);
  const inbox = new Inbox(place.wire);
  try {
    for (const step of dialogue.steps) {
      if (step.kind === 'connection') throw new Error('a server cannot choose the connection');
      if (step.kind === 'bytes') {
        if (step.from === 'client') await cut(step.bytes, place.wire);
        else await expectAnswer(step, inbox);
      } else if (step.from === 'client') {
        place.wire.end();
      } else {
        expect(show(await inbox.rest())).toBe('');
      }
    }
    await turns();
    expect(show(inbox.peek())).toBe('');
    expect(inbox.ended).toBe(dialogue.steps.some((s) => s.kind === 'end' && s.from === 'server'));
    const events = dialogue.settings['events'] as string[] | undefined;
    if (events !== undefined) {
      await until(
        () => place.events.length >= events.length,
        () => `events: ${place.events}`,
      );
      expect(place.events).toEqual(events);
    }
  } finally {
    await place.close();
  }
}

describe('opening handshake, server side', () => {
  const dialogues = readDialogues(join(__dirname, 'server'));

  test('every dialogue cites its chapter and begins with the client', () => {
    expect(dialogues.length).toBeGreaterThan(100);
    for (const { name, notes, steps } of dialogues) {
      expect([name, notes[0]]).toEqual([name, expect.stringMatching(/^RFC \d+ §[\d.]+: /)]);
      expect([name, steps[0]]).toEqual([name, expect.objectContaining({ from: 'client' })]);
    }
  });

  test.each(dialogues.map((dialogue): [string, Dialogue] => [dialogue.name, dialogue]))(
    '%s',
    async (_name, dialogue) => {
      for (const [how, cut] of CUTS) {
        try {
          await play(dialogue, cut);
        } catch (error) {
          if (error instanceof Error) error.message = `${how}: ${error.message}`;
          throw error;
        }
      }
    },
  );
});
