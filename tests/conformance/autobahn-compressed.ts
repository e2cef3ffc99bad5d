/** Plays the Autobahn cases of permessage-deflate, groups 12 and 13: round trips of compressed messages. */
import { describe, expect, test } from '@jest/globals';
import { closePayload, OPCODE } from '../support/frames.js';
import { byteByByte, randomCuts, SeededRandom } from '../support/random.js';
import { type Case, type CompressedRun, casesOf, compressedRunsOf, FACTS } from './cases.js';
import { CompressedScene } from './compressed-scene.js';
import { slice } from './corpus.js';
import { ROLES, type Role } from './subject.js';
import { seedOf } from './tester.js';

interface Outcome {
  form: CompressedRun['form'];
  /** how many messages came back as they were sent */
  echoes: number;
  /** how many of those were compressed */
  compressed: number;
  /** what else came back before the Close */
  others: string[];
  /** the code of the library's Close */
  code: number | undefined;
  /** the library ended the wire: by itself, or after the tester had ended it */
  wire: string;
  /** 'error' and 'close' as the application saw them */
  reported: string[];
  /** rules of RFC 6455 and RFC 7692 that the library's bytes broke */
  faults: string[];
}

/** The answer of the tester as a server: what its rule makes of this offer. */
function answerOf(one: Case, offer: string): string {
  const [group, kind] = one.id.split('.');
  const { rows } = FACTS.tables.compressionParams_13;
  // All of group 12 goes by the rule of 13.1.
  const row = rows.find((each) => each.group === (group === '12' ? '13.1' : `13.${kind}`));
  const answer = row?.testerAsServerAnswers[offer];
  if (answer === undefined || answer.startsWith('declined')) throw new Error(`declined: ${offer}`);
  return answer;
}

/** RFC 7692 §7.1: what an answer may not leave out, or raise, of an offer. */
function faultsOf(offer: string, { agreement, answer }: CompressedScene): string[] {
  const legal = offer.split(',').some((one) => {
    const parameters = one.split(';').map((part) => part.trim());
    const bits = parameters.find((name) => name.startsWith('server_max_window_bits='));
    const { takeover, windowBits } = agreement.server;
    if (parameters.includes('server_no_context_takeover') && takeover) return false;
    if (bits !== undefined && windowBits > Number(bits.split('=')[1])) return false;
    return agreement.client.windowBits === 15 || one.includes('client_max_window_bits');
  });
  return legal ? [] : [`the answer ${answer} to ${offer}`];
}

class Run {
  readonly #one: Case;
  readonly #scene: CompressedScene;
  readonly #run: CompressedRun;
  readonly #random: SeededRandom;
  readonly #type: number;
  #echoes = 0;
  #compressed = 0;
  #others: string[] = [];

  constructor(one: Case, scene: CompressedScene, run: CompressedRun) {
    this.#one = one;
    this.#scene = scene;
    this.#run = run;
    this.#random = new SeededRandom(seedOf(one));
    this.#type = one.params?.type === 'binary' ? OPCODE.BINARY : OPCODE.TEXT;
    const { product } = scene;
    product.on('message', (data: Buffer, binary: boolean) => product.send(data, { binary }));
  }

  async play(): Promise<Outcome> {
    for (let number = 0; number < this.#run.messages; number++) {
      if (!(await this.#roundTrip(number))) break;
    }
    return this.#close();
  }

  /** The next message goes out when the last one has come back. */
  async #roundTrip(number: number): Promise<boolean> {
    const { messageSize = 0, data = '' } = this.#one.params ?? {};
    const { peer } = this.#scene;
    const { heard } = peer.reader;
    const message = slice(data, number, messageSize);
    const bytes = this.#frames(await this.#scene.compress(message));
    peer.write(this.#cut(bytes));
    const came = await this.#scene.until(() => heard.length > 0 || peer.ended);
    for (const { opcode, payload, compressed } of heard.splice(0)) {
      if (opcode !== this.#type || !payload.equals(message)) this.#others.push(`opcode ${opcode}`);
      else this.#echoes++;
      if (compressed) this.#compressed++;
    }
    peer.frames.length = 0;
    return came && this.#others.length === 0 && !peer.ended;
  }

  /** The compressed bytes in frames of the size that the case asks for; RSV1 on the first of them. */
  #frames(payload: Buffer): Buffer {
    const size = this.#one.params?.fragmentBytes ?? payload.length;
    // Where the size divides evenly, one more frame, an empty one, is the last.
    const count = payload.length <= size ? 1 : Math.floor(payload.length / size) + 1;
    const frames = Array.from({ length: count }, (_, i) => {
      const first = i === 0;
      return this.#scene.frame({
        opcode: first ? this.#type : OPCODE.CONTINUATION,
        rsv: first ? 4 : 0,
        fin: i === count - 1,
        payload: payload.subarray(i * size, (i + 1) * size),
        ...(this.#scene.role === 'server' && { mask: this.#random.bytes(4) }),
      });
    });
    return Buffer.concat(frames);
  }

  #cut(bytes: Buffer): Buffer[] {
    if (this.#run.form === 'bytes') return byteByByte(bytes);
    if (this.#run.form === 'whole') return [bytes];
    return randomCuts(bytes, this.#random, Math.max(9, Math.ceil(bytes.length / 10)));
  }

  async #close(): Promise<Outcome> {
    const { peer, events, role } = this.#scene;
    const mask = role === 'server' ? { mask: this.#random.bytes(4) } : {};
    const frame = { opcode: OPCODE.CLOSE, payload: closePayload(1000), ...mask };
    peer.write([this.#scene.frame(frame)]);
    await this.#scene.until(() => peer.close !== undefined || peer.ended);
    if (role === 'server') await this.#scene.until(() => peer.ended);
    const wire = peer.ended ? 'ended by the library' : 'ended after the tester';
    await this.#scene.finish();
    const { reader } = peer;
    return {
      form: this.#run.form,
      echoes: this.#echoes,
      compressed: this.#compressed,
      others: this.#others,
      code: peer.closing?.code,
      wire: peer.ended ? wire : 'never ended',
      reported: events.filter((event) => /^(error|close)/.test(event)),
      faults: reader.rest > 0 ? [...reader.faults, 'half a frame'] : reader.faults,
    };
  }
}

/** Shorter messages may be left as they are, and so may data that do not get smaller. */
const THRESHOLD = 1024;

function outcomeOf(
  one: Case,
  role: Role,
  { form, messages }: CompressedRun,
  seen: Outcome,
): Outcome {
  const { messageSize = 0, type } = one.params ?? {};
  const mustBeCompressed = messageSize >= THRESHOLD && type === 'text';
  return {
    form,
    echoes: messages,
    compressed: mustBeCompressed ? messages : seen.compressed,
    others: [],
    code: 1000,
    // RFC 6455 §7.1.1: the server ends TCP first.
    wire: role === 'server' ? 'ended by the library' : 'ended after the tester',
    reported: ['close 1000'],
    faults: [],
  };
}

async function check(one: Case, role: Role): Promise<void> {
  const offer = one.params?.testerAsClientOffers ?? '';
  for (const run of compressedRunsOf(one)) {
    const answer = (offered: string): string => answerOf(one, offered);
    const scene = await CompressedScene.open(role, { offer, answer });
    if (role === 'server') expect(faultsOf(offer, scene)).toEqual([]);
    const outcome = await new Run(one, scene, run).play();
    expect(outcome).toEqual(outcomeOf(one, role, run, outcome));
  }
}

/** One test per case and role. `role` is the product's, as in `autobahn`. */
export function autobahnCompressed(group: string): void {
  for (const role of ROLES) {
    describe(`the product as a ${role}`, () => {
      for (const one of casesOf(group)) {
        test(`${one.id} (${role}) ${one.group}`, () => check(one, role));
      }
    });
  }
}
