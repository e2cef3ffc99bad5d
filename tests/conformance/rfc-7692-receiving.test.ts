/** RFC 7692 §6, §7.2.2: compressed messages, as they may come. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { copyFrom } from '../support/deflate.js';
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';
import { byteByByte, randomCuts, SeededRandom } from '../support/random.js';
import { CompressedScene, type CompressedSettings } from './compressed-scene.js';
import { broken, table } from './rows.js';
import { ROLES, type Role } from './subject.js';
import { inShort } from './wire-bytes.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = OPCODE;

const HELLO = 'f248cdc9c90700';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const text = (payload: string | Buffer): string => `text ${inShort(Buffer.from(payload))}`;

/** A compressed text in one frame. */
const compressed = (payload: string | Buffer, more: FrameOptions = {}): FrameOptions => ({
  rsv: 4,
  payload: Buffer.isBuffer(payload) ? payload : hex(payload),
  ...more,
});

/** A message of which each of these payloads is a frame. */
const fragments = (payloads: readonly Buffer[]): FrameOptions[] =>
  payloads.map((payload, i) => ({
    payload,
    rsv: i === 0 ? 4 : 0,
    opcode: i === 0 ? TEXT : CONTINUATION,
    fin: i === payloads.length - 1,
  }));

interface Row {
  name: string;
  send: FrameOptions[];
  /** what is reported to the application, beside a failure */
  reported: string[];
  /** what the product sends before its Close */
  sent?: string[];
  /** the code with which the product fails the connection */
  fails?: number;
  /** the value of 'error' */
  error?: string;
  settings?: CompressedSettings;
}

function inPieces(bytes: Buffer): Buffer[] {
  return bytes.length <= 3000 ? byteByByte(bytes) : randomCuts(bytes, new SeededRandom(1), 9000);
}

async function checkCut(row: Row, role: Role, cut: (bytes: Buffer) => Buffer[]): Promise<void> {
  const scene = await CompressedScene.open(role, row.settings);
  const { fails, error } = row;
  await scene.feed(cut(Buffer.concat(row.send.map((frame) => scene.frame(frame)))));
  const { peer, events } = scene;
  // RFC 6455 §7.1.7: whoever fails the connection says why and ends it, whatever the peer does.
  const state = { ended: peer.ended, explained: (peer.closing?.reason ?? '').length > 5 };
  await scene.finish();
  const reported = events.map((event) => (error ? event : event.replace(/^error .*/, 'error')));
  const { faults } = peer.reader;
  const end = fails === undefined ? [] : [error === undefined ? 'error' : `error ${error}`];
  expect({ reported, sent: peer.sent, faults, ...state }).toEqual({
    reported: [...row.reported, ...end, 'close 1006'],
    sent: [...(row.sent ?? []), ...(fails === undefined ? [] : [`close ${fails}`])],
    faults: [],
    ended: fails !== undefined,
    explained: fails !== undefined,
  });
}

/** One test per row and role: as one chunk, and in small pieces. */
function compressedTable(rows: readonly Row[]): void {
  for (const row of rows) {
    for (const role of ROLES) {
      test(`${row.name} (${role})`, async () => {
        await checkCut(row, role, (bytes) => [bytes]);
        await checkCut(row, role, inPieces);
      });
    }
  }
}

describe('D4: the examples of RFC 7692 §7.2.3', () => {
  const hello = text('Hello');
  compressedTable([
    {
      name: '§7.2.3.1: one block, in one frame',
      send: [compressed(HELLO)],
      reported: [hello],
    },
    {
      name: '§7.2.3.1: one block, in two frames',
      send: fragments([hex('f248cd'), hex('c9c90700')]),
      reported: [hello],
    },
    {
      name: '§7.2.3.2: two messages that share the window',
      send: [compressed(HELLO), compressed('f200110000')],
      reported: [hello, hello],
    },
    {
      name: '§7.2.3.2: two messages that do not',
      send: [compressed(HELLO), compressed(HELLO)],
      reported: [hello, hello],
    },
    {
      name: '§7.2.3.3: a block without compression',
      send: [compressed('000500faff48656c6c6f00')],
      reported: [hello],
    },
    {
      name: '§7.2.3.4: a last block, with another message behind it that shares its window',
      send: [compressed('f348cdc9c9070000'), compressed('f200110000')],
      reported: [hello, hello],
    },
    {
      name: '§7.2.3.5: two blocks in one message',
      send: [compressed('f248050000 00ffff cac9c90700')],
      reported: [hello],
    },
    {
      name: '§7.2.3.6: an empty message, and others behind it',
      send: [compressed('00'), compressed(HELLO), compressed('00'), compressed('f200110000')],
      reported: ['text empty', hello, 'text empty', hello],
    },
  ]);
});

describe('RFC 7692 §7.2.1: what a compressed message may be made of', () => {
  const emptyBlocks = Buffer.alloc(40_000 * 5, hex('000000ffff'));
  const lastBlock = 'f348cdc9c90700';
  const long = Buffer.from('a'.repeat(40_000));
  const sentence = 'Ein Satz mit Umlauten: äöüß, und einem 😀.';
  const sentenceBytes = deflateRawSync(sentence, { finishFlush: 2 }).subarray(0, -4);
  const noise = new SeededRandom(7692).bytes(32_768);
  const noisy = compressed(deflateRawSync(noise, { finishFlush: 2 }).subarray(0, -4), {
    opcode: BINARY,
  });
  const pinged = fragments(byteByByte(hex(HELLO))).flatMap((frame, i) => [
    frame,
    ...(frame.fin ? [] : [{ opcode: PING, payload: Buffer.from([i]) }]),
  ]);
  const pings = pinged.flatMap(({ opcode, payload }) =>
    opcode === PING ? [inShort(Buffer.from(payload ?? ''))] : [],
  );
  compressedTable([
    {
      name: 'two last blocks: the message is both',
      send: [compressed(`${lastBlock}${lastBlock}00`)],
      reported: [text('HelloHello')],
    },
    {
      name: 'a last block and one that looks back into it',
      send: [compressed(`${lastBlock}f200110000`)],
      reported: [text('HelloHello')],
    },
    {
      name: '40,000 empty blocks before the text',
      send: [compressed(Buffer.concat([emptyBlocks, hex(HELLO)]))],
      reported: [text('Hello')],
    },
    {
      name: 'fragments of one byte, with Pings between them',
      send: pinged,
      reported: [...pings.map((ping) => `ping ${ping}`), text('Hello')],
      sent: pings.map((ping) => `pong ${ping}`),
    },
    {
      name: 'empty fragments, also the first and the last',
      send: fragments([Buffer.alloc(0), hex(HELLO), Buffer.alloc(0)]),
      reported: [text('Hello')],
    },
    {
      name: 'much text in few bytes',
      send: [compressed(deflateRawSync(long, { finishFlush: 2 }).subarray(0, -4))],
      reported: [text(long)],
    },
    {
      name: 'characters that the frames cut',
      send: fragments(byteByByte(sentenceBytes)),
      reported: [text(sentence)],
    },
    {
      name: 'messages that are not compressed, between compressed ones; the window goes on',
      send: [compressed(HELLO), { payload: 'World, not in any window' }, compressed('f200110000')],
      reported: [text('Hello'), text('World, not in any window'), text('Hello')],
    },
    {
      name: 'the farthest look back that there is: 32,768 bytes',
      send: [noisy, compressed(copyFrom(32_768), { opcode: BINARY })],
      reported: [`binary ${inShort(noise)}`, `binary ${inShort(noise.subarray(0, 258))}`],
    },
    {
      name: 'a look back over several messages',
      send: [noisy, compressed(HELLO), compressed(copyFrom(32_768), { opcode: BINARY })],
      reported: [
        `binary ${inShort(noise)}`,
        text('Hello'),
        `binary ${inShort(noise.subarray(5, 263))}`,
      ],
    },
  ]);

  test.each(ROLES)('messages that all look back into those before them (%s)', async (role) => {
    const scene = await CompressedScene.open(role);
    const messages = Array.from({ length: 200 }, (_, i) => `{"number":${i % 7},"text":"again"}`);
    for (const [i, message] of messages.entries()) {
      if (i % 3 === 0) await scene.feed([scene.frame({ payload: message })]);
      else scene.peer.write([await scene.compressed(message)]);
    }
    await scene.until(() => scene.events.length === messages.length);
    expect(scene.events).toEqual(messages.map(text));
    await scene.finish();
  });

  test.each(ROLES)('each on its own where that was agreed (%s)', async (role) => {
    const peer = role === 'server' ? 'client' : 'server';
    const agreed = `permessage-deflate; ${peer}_no_context_takeover`;
    const perMessageDeflate = { [`${peer}NoContextTakeover`]: true };
    const scene = await CompressedScene.open(role, {
      offer: agreed,
      answer: agreed,
      perMessageDeflate,
    });
    expect(scene.agreement[peer].takeover).toBe(false);
    for (let i = 0; i < 20; i++) await scene.feed([await scene.compressed('again and again')]);
    expect(scene.events).toEqual(Array<string>(20).fill(text('again and again')));
    await scene.finish();
  });
});

describe('RFC 7692 §6: what RSV1 may mark', () => {
  const begun = fragments([hex('f248cd'), hex('c9c90700')])[0] ?? {};
  const rsv1 = 'WS_ERR_UNEXPECTED_RSV_1';
  const fails = 1002;
  table([
    {
      name: 'nothing without the extension',
      send: [compressed(HELLO)],
      ...broken(rsv1),
    },
  ]);
  compressedTable([
    {
      name: 'no continuation',
      send: [begun, { opcode: CONTINUATION, rsv: 4, payload: hex('c9c90700') }],
      reported: [],
      fails,
      error: rsv1,
    },
    {
      name: 'no continuation of a message that is not compressed',
      send: [
        { fin: false, payload: 'a' },
        { opcode: CONTINUATION, rsv: 4, payload: hex(HELLO) },
      ],
      reported: [],
      fails,
      error: rsv1,
    },
    { name: 'no Ping', send: [{ opcode: PING, rsv: 4 }], reported: [], fails, error: rsv1 },
    {
      name: 'no Pong between fragments',
      send: [begun, { opcode: PONG, rsv: 4 }],
      reported: [],
      fails,
      error: rsv1,
    },
    {
      name: 'no Close',
      send: [{ opcode: CLOSE, rsv: 4, payload: closePayload(1000) }],
      reported: [],
      fails,
      error: rsv1,
    },
    ...[1, 2, 3, 5, 6, 7].map((rsv) => ({
      name: `reserved bits ${rsv} on a text: the others still mean nothing`,
      send: [compressed(HELLO), compressed(HELLO, { rsv })],
      reported: [text('Hello')],
      fails,
      error: 'WS_ERR_UNEXPECTED_RSV_2_3',
    })),
  ]);
});

describe('what cannot be inflated, or is no text', () => {
  const fails = 1007;
  const whole = deflateRawSync(
    `${'A text of some length, '.repeat(9)}${new SeededRandom(3).bytes(30).toString('hex')}`,
    { finishFlush: 2 },
  ).subarray(0, -4);
  const earlier = [compressed(HELLO), { payload: 'plain' }];
  const before = [text('Hello'), text('plain')];
  compressedTable([
    {
      name: 'an empty payload, at once',
      send: [...earlier, compressed('')],
      reported: before,
      fails,
    },
    {
      name: 'empty fragments and nothing else',
      send: fragments([Buffer.alloc(0), Buffer.alloc(0)]),
      reported: [],
      fails,
    },
    {
      name: 'a block of the reserved type',
      send: [...earlier, compressed('0600')],
      reported: before,
      fails,
    },
    {
      name: 'a stored block whose two lengths differ',
      send: [compressed('000500fbff48656c6c6f00')],
      reported: [],
      fails,
    },
    {
      name: 'a look back before the first byte',
      send: [compressed(copyFrom(1))],
      reported: [],
      fails,
    },
    {
      name: 'a look back one byte too far',
      send: [compressed(HELLO), compressed(copyFrom(6))],
      reported: [text('Hello')],
      fails,
    },
    {
      name: 'a look back into a message that was not compressed',
      send: [{ payload: 'Hello' }, compressed('f200110000')],
      reported: [text('Hello')],
      fails,
    },
    {
      name: 'random bytes',
      send: [...earlier, compressed(new SeededRandom(7).bytes(100))],
      reported: before,
      fails,
    },
    {
      name: 'a second last block that is cut short',
      send: [compressed('f348cdc9c90700f348cd')],
      reported: [],
      fails,
    },
    {
      name: 'bytes that are not UTF-8 once they are inflated',
      send: [
        ...earlier,
        compressed(deflateRawSync(hex('61e282'), { finishFlush: 2 }).subarray(0, -4)),
      ],
      reported: before,
      fails,
      error: 'WS_ERR_INVALID_UTF8',
    },
    {
      name: 'the same bytes are a binary message',
      send: [
        compressed(deflateRawSync(hex('61e282'), { finishFlush: 2 }).subarray(0, -4), {
          opcode: BINARY,
        }),
      ],
      reported: ['binary 61e282'],
    },
  ]);

  test.each(ROLES)('a message cut short anywhere (%s)', async (role) => {
    for (let length = 0; length < whole.length; length++) {
      const scene = await CompressedScene.open(role);
      await scene.feed([scene.frame(compressed(whole.subarray(0, length)))]);
      const seen = { length, events: scene.events.length, code: scene.peer.closing?.code };
      expect(seen).toEqual({ length, events: 1, code: fails });
      await scene.finish();
    }
  });

  test.each(ROLES)(
    'a look back behind the start where no context is taken over (%s)',
    async (role) => {
      const peer = role === 'server' ? 'client' : 'server';
      const agreed = `permessage-deflate; ${peer}_no_context_takeover`;
      const perMessageDeflate = { [`${peer}NoContextTakeover`]: true };
      const settings = { offer: agreed, answer: agreed, perMessageDeflate };
      const scene = await CompressedScene.open(role, settings);
      await scene.feed([scene.frame(compressed(HELLO)), scene.frame(compressed('f200110000'))]);
      await scene.finish();
      expect([scene.events[0], scene.events.length]).toEqual([text('Hello'), 3]);
      expect(scene.peer.closing?.code).toBe(fails);
    },
  );
});
