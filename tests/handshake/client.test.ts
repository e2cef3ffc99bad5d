/**
 * RFC 6455 §4.1: every golden dialogue of `client/` against the client, three times: the server's
 * bytes whole, one by one, and cut at random places. The outcome is the same each time.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { type WireEnd, wirePair } from '../support/duplex-pair.js';
import { OPCODE } from '../support/frames.js';
import { type BytesStep, type Dialogue, fillIn, readDialogues } from '../support/http-dialogue.js';
import { Inbox, show, turns, until } from '../support/inbox.js';
import { byteByByte, randomCuts, SeededRandom } from '../support/random.js';

type Options = NonNullable<ConstructorParameters<typeof WebSocket>[2]>;

/** A connection that the client asked for: where to, and the far end of it. */
interface ClientConnection {
  to: string;
  wire: WireEnd;
  inbox: Inbox;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const sha1 = (text: string): string => createHash('sha1').update(text).digest('base64');

/** What can be written in braces in a response to this key. */
function answersTo(key: string): Record<string, string> {
  const accept = sha1(key + GUID);
  return {
    key,
    accept,
    'accept-cut': accept.slice(0, -1),
    'accept-lower': accept.toLowerCase(),
    'accept-bare': sha1(key),
  };
}

type Cut = (bytes: Buffer, wire: WireEnd) => Promise<void>;

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

/** One client, and the server that a dialogue makes it talk to. */
class Play {
  readonly events: string[] = [];
  readonly codes: string[] = [];
  readonly connections: ClientConnection[] = [];
  readonly ws: InstanceType<typeof WebSocket>;
  #current = 0;
  #values: Record<string, string> = {};

  constructor(readonly dialogue: Dialogue) {
    const { settings } = dialogue;
    const options = { ...(settings['options'] as Record<string, unknown>) };
    options['createConnection'] = (to: { host: string; port: number | string }) => {
      const [near, wire] = wirePair();
      this.connections.push({ to: `${to.host}:${to.port}`, wire, inbox: new Inbox(wire) });
      return near;
    };
    const mask = options['generateMask'];
    if (typeof mask === 'string') {
      options['generateMask'] = (target: Buffer) => void target.write(mask, 'hex');
    }
    const url = settings['url'] as string;
    const protocols = settings['protocols'] as string | string[] | undefined;
    this.ws =
      protocols === undefined
        ? new WebSocket(url, options as Options)
        : new WebSocket(url, protocols, options as Options);
    this.#attend();
  }

  #attend(): void {
    const { ws, events, dialogue } = this;
    ws.on('open', () => {
      events.push(ws.protocol === '' ? 'open' : `open ${ws.protocol}`);
      for (const text of (dialogue.settings['send'] as string[] | undefined) ?? []) ws.send(text);
      const close = dialogue.settings['close'] as [number, string] | undefined;
      if (close !== undefined) ws.close(...close);
    });
    ws.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      events.push(`message ${isBinary ? `0x${bytes.toString('hex')}` : bytes.toString()}`);
    });
    ws.on('ping', (data) => events.push(`ping ${data.toString()}`));
    ws.on('error', (error) => {
      events.push(`error ${error.message}`);
      this.codes.push(String((error as NodeJS.ErrnoException).code));
    });
    ws.on('close', (code, reason) => events.push(`close ${code} ${reason.toString()}`));
  }

  async #arrival(): Promise<ClientConnection> {
    await until(
      () => this.connections.length > this.#current,
      () => `a connection; ${this.events}`,
    );
    const connection = this.connections[this.#current];
    if (connection === undefined) throw new Error('the client asked for no connection');
    return connection;
  }

  async run(cut: Cut): Promise<void> {
    let begun = false;
    for (const step of this.dialogue.steps) {
      if (step.kind === 'connection') {
        if (begun) this.#current += 1;
        expect((await this.#arrival()).to).toBe(step.to);
        continue;
      }
      begun = true;
      const { wire, inbox } = await this.#arrival();
      if (step.kind === 'bytes') {
        if (step.from === 'server') await cut(fillIn(step.bytes, this.#values), wire);
        else await this.#expectBytes(step, inbox);
      } else if (step.from === 'server') {
        wire.end();
      } else {
        expect(show(await inbox.rest())).toBe('');
      }
    }
    await this.#expectOutcome();
  }

  async #expectBytes({ bytes, close }: BytesStep, inbox: Inbox): Promise<void> {
    const stand = bytes.includes('{key}') ? fillIn(bytes, { key: '?'.repeat(24) }) : bytes;
    const actual = await inbox.take(stand.length);
    if (stand !== bytes) {
      const key = /\r\nSec-WebSocket-Key: (.*)\r\n/.exec(actual.toString('latin1'))?.[1] ?? '';
      expect(Buffer.from(key, 'base64').toString('base64')).toBe(key);
      expect(Buffer.from(key, 'base64')).toHaveLength(16);
      expect(key).not.toBe(this.#values['key']); // RFC 6455 §4.1: a new nonce for each connection
      const first = this.#values['first-accept'] ?? sha1(key + GUID);
      this.#values = { ...answersTo(key), 'first-accept': first };
    }
    expect(show(actual)).toBe(show(fillIn(bytes, this.#values)));
    if (close !== undefined) {
      const { opcode, masked, payload } = await inbox.frame();
      expect([opcode, masked, payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, true, close]);
    }
  }

  async #expectOutcome(): Promise<void> {
    const expected = this.dialogue.settings['events'] as string[];
    await until(
      () => this.events.length >= expected.length,
      () => `events: ${this.events}`,
    );
    await turns();
    const starts = expected.map((event) =>
      event.endsWith('…') ? expect.stringContaining(event.slice(0, -1)) : event,
    );
    expect(this.events).toEqual(starts);
    for (const { inbox } of this.connections) expect(show(inbox.peek())).toBe('');
    expect(this.connections).toHaveLength(this.#current + 1);
    const ended = this.dialogue.steps.at(-1)?.kind === 'end';
    expect(this.connections.at(-1)?.inbox.ended).toBe(ended);
    const url = this.dialogue.settings['finalurl'];
    if (url !== undefined) expect(this.ws.url).toBe(url);
    // What we checked ourselves has one of our codes; what Node found keeps Node's.
    const nodes = expected.some((event) => /^error (?:socket hang up|Parse Error|…)/.test(event));
    for (const code of this.codes) {
      expect(code).toMatch(nodes ? /^(?:HPE_|ECONNRESET|WS_ERR_)/ : /^WS_ERR_[A-Z0-9_]+$/);
    }
  }

  async close(): Promise<void> {
    for (const { wire } of this.connections) wire.destroy();
    if (this.ws.readyState !== 3) this.ws.terminate();
    await until(() => this.ws.readyState === 3, 'the client to close');
  }
}

describe('opening handshake, client side', () => {
  const dialogues = readDialogues(join(__dirname, 'client'));

  test('every dialogue cites its chapter and says its outcome', () => {
    expect(dialogues.length).toBeGreaterThan(80);
    for (const { name, notes, settings } of dialogues) {
      expect([name, notes[0]]).toEqual([name, expect.stringMatching(/^RFC \d+ §[\d.]+: /)]);
      expect([name, settings['events']]).toEqual([name, expect.arrayContaining([])]);
    }
  });

  test.each(dialogues.map((dialogue): [string, Dialogue] => [dialogue.name, dialogue]))(
    '%s',
    async (_name, dialogue) => {
      for (const [how, cut] of CUTS) {
        const play = new Play(dialogue);
        try {
          await play.run(cut);
        } catch (error) {
          if (error instanceof Error) error.message = `${how}: ${error.message}`;
          throw error;
        } finally {
          await play.close();
        }
      }
    },
  );
});
