/** The facts of the Autobahn cases, and which of them runs where and cut how. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PayloadFact {
  bytes: number;
  hex?: string;
  repeatHex?: string;
  content?: string;
}

export interface Step {
  frame?: string;
  message?: 'text' | 'binary';
  frameHeaderOnly?: 'text' | 'binary';
  opcode?: number;
  fin?: boolean;
  rsv?: number;
  payload?: PayloadFact;
  payloadPart?: PayloadFact;
  code?: number | null;
  reason?: PayloadFact;
  declaredLength?: number;
  fragmentSize?: number;
  frames?: number;
  lastFrameBytes?: number;
  writeSize?: number;
  ownWrite?: boolean;
  waitSeconds?: number;
  ifStillOpenAfterSeconds?: number;
}

export interface Case {
  id: string;
  group: string;
  expect: string;
  steps?: Step[];
  validUtf8?: boolean;
  params?: {
    messageSize: number;
    messages?: number;
    type: 'text' | 'binary';
    /** groups 12 and 13: the size of the frames, of compressed bytes; absent or null: one frame */
    fragmentBytes?: number | null;
    data?: string;
    sizeUnit?: string;
    testerAsClientOffers?: string;
  };
  close: { firstCloseBy: 'tester' | 'library'; acceptedCodes: number[]; cleanRequired: boolean };
}

interface Facts {
  counts: Record<string, number>;
  cases: Case[];
  tables: {
    compressionData_12: { kind: string; bytes: number; characters: number | null }[];
    compressionParams_13: {
      rows: { group: string; testerAsServerAnswers: Record<string, string> }[];
    };
  };
}

export const FACTS = JSON.parse(
  readFileSync(join(__dirname, 'autobahn-cases.json'), 'utf8'),
) as Facts;

/** Set by whoever wants the long forms too: see `formsOf`. */
export const LARGE = process.env['AUTOBAHN_LARGE'] === '1';

/** The groups of permessage-deflate, which a tester of their own plays. */
export const COMPRESSED_GROUPS: readonly string[] = ['12', '13'];

export const groupOf = ({ id }: Case): string => id.split('.')[0] ?? '';

export function casesOf(...groups: string[]): Case[] {
  return FACTS.cases.filter((one) => groups.includes(groupOf(one)));
}

/**
 * How the tester's bytes are cut: as the case itself says (whole frames, or its own chopping), one
 * byte per chunk, or at random places (of a large case also at each of the first bytes).
 */
export type Form = 'whole' | 'bytes' | 'cuts';

/** How many bytes of payload the tester sends. */
export function volumeOf({ params, steps = [] }: Case): number {
  if (params !== undefined) return params.messageSize * (params.messages ?? 1);
  return steps.reduce((sum, { payload }) => sum + (payload?.bytes ?? 0), 0);
}

const BYTES_LIMIT = { normal: 4_000, large: 1_100_000 };
const CUTS_LIMIT = { normal: 1_100_000, large: Number.POSITIVE_INFINITY };

/**
 * Larger ones that every run cuts at every byte: the most that 16 bits of length can say, the least
 * that takes 64, and many fragments. The others of their size differ in nothing that a cut meets.
 */
export const ALWAYS_BY_BYTES: readonly string[] = ['1.2.6', '1.1.7', '10.1.1'];

/**
 * Every case runs whole in every run. One byte per chunk is affordable up to 4,000 bytes and for
 * `ALWAYS_BY_BYTES`, and with AUTOBAHN_LARGE=1 up to 1 MiB; random cuts up to 1 MiB, and with
 * AUTOBAHN_LARGE=1 without limit.
 */
export function formsOf(one: Case, large = LARGE): Form[] {
  const size = large ? 'large' : 'normal';
  const volume = volumeOf(one);
  const forms: Form[] = ['whole'];
  if (volume <= BYTES_LIMIT[size] || ALWAYS_BY_BYTES.includes(one.id)) forms.push('bytes');
  if (volume <= CUTS_LIMIT[size]) forms.push('cuts');
  return forms;
}

/** Never cut at every byte, only at random places: more than 1 MiB in one case. */
export const NEVER_BY_BYTES: readonly string[] = [
  ...['9.1.4', '9.1.5', '9.1.6', '9.2.4', '9.2.5', '9.2.6'],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((n) => [`9.3.${n}`, `9.4.${n}`]),
  ...['9.7.6', '9.8.6'],
];

/** One way to run a case of groups 12 and 13: how its bytes are cut, and how many messages it sends. */
export interface CompressedRun {
  form: Form;
  messages: number;
}

/** Of 1000 messages the normal run sends as many as make 32 KiB, 3 to 30 of them. */
function normalMessages(size: number): number {
  return Math.min(30, Math.max(3, Math.floor(32_768 / size)));
}

/**
 * Every case of groups 12 and 13 runs whole in every run: with AUTOBAHN_LARGE=1 with all of its 1000
 * messages, else with the first of them. Two messages are cut at every byte in cases of up to
 * 16,384 bytes, and three at random places in all of them; the normal run takes a sample of each,
 * every case that is `inSample`.
 */
export function compressedRunsOf(one: Case, large = LARGE): CompressedRun[] {
  const { messageSize = 0, messages = 0 } = one.params ?? {};
  const runs: CompressedRun[] = [
    { form: 'whole', messages: large ? messages : normalMessages(messageSize) },
  ];
  if (!large && !inSample(one)) return runs;
  if (messageSize <= 16_384) runs.push({ form: 'bytes', messages: 2 });
  runs.push({ form: 'cuts', messages: 3 });
  return runs;
}

/** About one case in six, so drawn that every group and every size is among them. */
export function inSample({ id }: Case): boolean {
  const [group = 0, kind = 0, row = 0] = id.split('.').map(Number);
  return (group + 5 * kind + row) % 6 === 0;
}

/** The bytes of a payload; where any content will do, letters or bytes that are not UTF-8. */
export function payloadOf(fact: PayloadFact): Buffer {
  if (fact.hex !== undefined) return Buffer.from(fact.hex, 'hex');
  if (fact.bytes === 0) return Buffer.alloc(0);
  if (fact.repeatHex !== undefined) return Buffer.alloc(fact.bytes, fact.repeatHex, 'hex');
  const unit = fact.content?.includes('non-UTF-8') ? 'fe00ff80c1' : '4a75737420746578742e';
  return Buffer.alloc(fact.bytes, unit, 'hex');
}
