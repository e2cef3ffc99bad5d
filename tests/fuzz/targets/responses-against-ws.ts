/** Opening handshakes at a client, beside `ws`: the same responses, the same events. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Untyped } from '../../compat/subjects.js';
import { settled, turn, until } from '../../conformance/turns.js';
import { type WireEnd, wirePair } from '../../support/duplex-pair.js';
import { SeededRandom } from '../../support/random.js';
import { acceptFor } from '../../support/requests.js';
import { libraryOf, type Name } from '../beside-ws.js';
import { same } from '../check.js';
import { CLIENT_SETUPS, type ClientSetup } from '../client-setups.js';
import { type Head, readHead, valuesOf } from '../http-grammar.js';
import { ACCEPT, oddResponse } from '../odd-responses.js';
import { explainResponse, type ResponseOutcome } from '../response-differences.js';
import type { Target } from '../target.js';
import { cut } from '../verdict.js';

const CREDENTIALS = { Authorization: 'Basic x', Cookie: 'a=b', 'Proxy-Authorization': 'Basic y' };

/** A client, and the servers that it reaches one after the other. */
class Scene {
  readonly events: string[] = [];
  private readonly ends: [near: WireEnd, far: WireEnd][] = [];
  private readonly replies: readonly Buffer[];
  private readonly seed: number;
  /** bytes received, and chunks sent */
  private moved = 0;
  private readonly ws: Untyped;

  constructor(name: Name, setup: ClientSetup, replies: readonly Buffer[], seed: number) {
    this.replies = replies;
    this.seed = seed;
    const Client = libraryOf(name);
    this.ws = new Client('ws://server.example.com/chat', setup.subprotocols ?? [], {
      createConnection: (options: object) => this.connect(options),
      perMessageDeflate: setup.deflate ?? false,
      followRedirects: setup.maxRedirects !== undefined,
      maxRedirects: setup.maxRedirects,
      headers: CREDENTIALS,
    });
    this.attend(setup);
  }

  private attend({ hearsRedirects, hearsResponses }: ClientSetup): void {
    const { events, ws } = this;
    ws.on('upgrade', ({ statusCode }: IncomingMessage) => events.push(`upgrade ${statusCode}`));
    ws.on('open', () => events.push('open'));
    ws.on('message', (data: Buffer) => events.push(`message ${data}`));
    ws.on('error', (error: NodeJS.ErrnoException) => {
      // Behind 'open' it is about a frame, which another target compares.
      events.push(events.includes('open') ? 'error' : describeError(error));
    });
    ws.on('close', (code: number) => events.push(`close ${code}`));
    if (hearsRedirects) ws.on('redirect', (url: string) => events.push(`redirect ${url}`));
    if (hearsResponses) {
      ws.on('unexpected-response', (_: ClientRequest, { statusCode }: IncomingMessage) => {
        events.push(`unexpected-response ${statusCode}`);
        ws.terminate();
      });
    }
  }

  private connect({ host, port, path }: Untyped): Duplex {
    const [near, far] = wirePair();
    const number = this.ends.push([near, far]);
    this.events.push(`connect ${path ?? `${host}:${port}`}`);
    let request = Buffer.alloc(0);
    far.on('data', (chunk: Buffer) => {
      this.moved += chunk.length;
      const isComplete = request.includes('\r\n\r\n');
      request = Buffer.concat([request, chunk]);
      const head = readHead(request);
      if (!isComplete && head !== undefined) void this.answer(number, head, far);
    });
    far.on('error', () => {});
    return near;
  }

  private async answer(number: number, head: Head, far: WireEnd): Promise<void> {
    this.events.push(`request ${inShort(head)}`);
    const [key = ''] = valuesOf(head.fields, 'sec-websocket-key');
    const reply = this.replies[Math.min(number, this.replies.length) - 1] ?? Buffer.alloc(0);
    const bytes = reply.toString('latin1').replaceAll(ACCEPT, acceptFor(key));
    for (const chunk of cut(Buffer.from(bytes, 'latin1'), new SeededRandom(this.seed))) {
      await turn();
      this.moved++;
      if (!far.destroyed && !far.readableEnded) far.write(chunk);
    }
  }

  /** Waits for the end of the dialogue. */
  async play(): Promise<ResponseOutcome> {
    const { events, ws } = this;
    const progress = (): number => events.length + this.moved;
    await settled(progress);
    for (const [, far] of this.ends) far.end();
    const isGone = await until(
      () => ws.readyState === 3 && this.ends.every(([near]) => near.destroyed),
      progress,
    );
    await settled(progress);
    return { events, protocol: ws.protocol, extensions: ws.extensions, isGone };
  }
}

/** All heads in the bytes of a response: interim ones come before it. */
function readHeads(reply: Buffer): Head[] {
  const text = reply.toString('latin1');
  const starts = [...text.matchAll(/HTTP\/\d/gi)].map(({ index }) => index);
  return starts.flatMap((start) => readHead(reply.subarray(start)) ?? []);
}

/** Its code too, if it is not one of ours. */
function describeError({ message, code = '' }: NodeJS.ErrnoException): string {
  return ['error', message, code.startsWith('WS_ERR_') ? '' : code].join(' ').trim();
}

/** What a request says of its destination, and which credentials it has. */
function inShort({ startLine, fields }: Head): string {
  const names = ['authorization', 'cookie', 'proxy-authorization'];
  const sent = names.flatMap((name) => valuesOf(fields, name));
  return [startLine, ...valuesOf(fields, 'host'), ...sent].join(', ');
}

async function run(random: SeededRandom): Promise<void> {
  const setup = random.pick(CLIENT_SETUPS);
  const wanted = {
    subprotocols: setup.subprotocols ?? [],
    deflate: setup.deflate !== undefined,
    redirects: setup.maxRedirects !== undefined,
  };
  const count = wanted.redirects ? random.integer(1, 4) : 1;
  const replies = Array.from({ length: count }, () => oddResponse(random, wanted));
  const seed = random.integer(0, 2 ** 31);
  const ours = await new Scene('ws6455', setup, replies, seed).play();
  const theirs = await new Scene('ws', setup, replies, seed).play();
  if (isDeepStrictEqual(ours, theirs)) return;
  if (explainResponse({ setup, heads: replies.flatMap(readHeads), ours, theirs })) return;
  const text = JSON.stringify(replies.map((reply) => reply.toString('latin1')));
  const what = `${text} at a client with the setup ${setup.name}`;
  same(ours, theirs, `ws6455 and ws, with no row in docs/from-ws.md: ${what}`);
}

export const responsesAgainstWs: Target = { name: 'responses-against-ws', usual: 150, run };
