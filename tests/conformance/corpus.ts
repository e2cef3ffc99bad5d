/**
 * Data of the kinds and sizes that Autobahn's groups 12 and 13 send. The originals are files of
 * other people; what matters to a compressor is how regular they are.
 */
import { SeededRandom } from '../support/random.js';

const WORDS = (
  'Abend aber alle als am an auch auf aus bei bin da dann das dem den der des dich die du durch ein ' +
  'einer er es für ganz gar Geist gleich Herz Himmel hin ich ihm ihr im in ist ja kein Leben Licht ' +
  'Liebe man mein mich mir mit nach nicht noch nun nur ob oder schon sein sich sie so um und uns ' +
  'vom von vor was weil wenn wer wie wir wo wohl zu zum zur'
).split(' ');

type Piece = (random: SeededRandom) => string;

const words = (random: SeededRandom, count: number): string =>
  Array.from({ length: count }, () => random.pick(WORDS)).join(' ');

const ascii = (text: string): string => text.replaceAll('ü', 'ue');

const RECORD: Piece = (random) =>
  ascii(
    `{"id":"${random.bytes(12).toString('hex')}","active":${random.next() < 0.5},"age":${random.integer(18, 90)},` +
      `"balance":"$${random.integer(0, 9999)}.${random.integer(10, 99)}","tags":["${words(random, 3)}"],` +
      `"about":"${words(random, 30)}"},\n`,
  );

const ELEMENT: Piece = (random) =>
  ascii(`<tr class="row${random.integer(0, 3)}"><td><a href="/${random.integer(0, 1e6)}">`) +
  ascii(`${words(random, 4)}</a></td><td>${words(random, 12)}</td></tr>\n`);

const SENTENCE: Piece = (random) => `${words(random, random.integer(4, 12))}.\n`;

function repeated(piece: Piece, length: number): string {
  const random = new SeededRandom(length);
  let text = '';
  while (text.length < length) text += piece(random);
  return text.slice(0, length);
}

/** A header, then rows of grey that change slowly. */
function bitmap(size: number): Buffer {
  const noise = new SeededRandom(size).bytes(5003);
  const bytes = Buffer.alloc(size, noise);
  for (let i = 1078; i < size; i++) {
    const slope = Math.sin((i % 512) / 80) * 60 + Math.floor(i / 512) / 5;
    bytes[i] = 60 + slope + ((bytes[i] ?? 0) >> 6);
  }
  return bytes;
}

/** Objects in words between streams that are compressed already. */
function document(size: number): Buffer {
  const random = new SeededRandom(size);
  const noise = random.bytes(40_000);
  const parts: Buffer[] = [];
  for (let have = 0; have < size; have = parts.reduce((sum, { length }) => sum + length, 0)) {
    parts.push(Buffer.from(repeated(SENTENCE, random.integer(1000, 9000)), 'latin1'));
    parts.push(noise.subarray(random.integer(0, 20_000)));
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** The page's 27 characters of two bytes, spread over it. */
function page(length: number): string {
  const letters = [...repeated(ELEMENT, length)];
  for (let i = 1; i <= 27; i++) letters[i * 9000] = 'é';
  return letters.join('');
}

const MAKERS: Record<string, () => Buffer | string> = {
  JSON: () => repeated(RECORD, 194_056),
  '8-bit grey bitmap image 512x512': () => bitmap(263_222),
  'German prose/verse text file': () => Buffer.from(repeated(SENTENCE, 222_218), 'latin1'),
  'HTML page': () => page(263_620),
  'PDF document': () => document(1_042_328),
};

const made = new Map<string, Buffer | string>();

/** The data of a kind: text where messages are cut by characters. */
export function corpus(kind: string): Buffer | string {
  const data = made.get(kind) ?? MAKERS[kind]?.();
  if (data === undefined) throw new Error(`no data of the kind ${kind}`);
  made.set(kind, data);
  return data;
}

function part(data: Buffer | string, from: number, size: number): Buffer {
  return Buffer.from(
    typeof data === 'string' ? data.slice(from, from + size) : data.subarray(from, from + size),
  );
}

/** The message with this number: the next slice of the data, round and round. */
export function slice(kind: string, number: number, size: number): Buffer {
  const data = corpus(kind);
  const from = (number * size) % data.length;
  const first = part(data, from, size);
  const missing = from + size - data.length;
  return missing > 0 ? Buffer.concat([first, part(data, 0, missing)]) : first;
}
