/** Makes a screenshot small: one byte a pixel, with a palette of its 256 most frequent colours. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

function chunksOf(png) {
  const chunks = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function chunk(type, data) {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, 'latin1');
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), data])));
  return Buffer.concat([head, data, tail]);
}

function paeth(left, up, corner) {
  const estimate = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** What each filter of the PNG format adds to a byte. */
const FILTERS = [() => 0, (left) => left, (_, up) => up, (left, up) => (left + up) >> 1, paeth];

/** @returns the bytes of the pixels */
function unfilter(data, stride, size) {
  const height = data.length / (stride + 1);
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = FILTERS[data[y * (stride + 1)]];
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x >= size ? pixels[at - size] : 0;
      const up = y > 0 ? pixels[at - stride] : 0;
      const corner = x >= size && y > 0 ? pixels[at - stride - size] : 0;
      pixels[at] = data[y * (stride + 1) + 1 + x] + filter(left, up, corner);
    }
  }
  return pixels;
}

const distance = (a, b) =>
  ((a >> 16) - (b >> 16)) ** 2 +
  (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 +
  ((a & 255) - (b & 255)) ** 2;

/** @returns the palette, and the index of each colour in it */
function paletteOf(colours) {
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const byCount = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  const palette = byCount.slice(0, 256);
  const indexes = new Map(palette.map((colour, i) => [colour, i]));
  for (const colour of byCount.slice(256)) {
    let best = 0;
    palette.forEach((other, i) => {
      if (distance(other, colour) < distance(palette[best], colour)) best = i;
    });
    indexes.set(colour, best);
  }
  return { palette, indexes };
}

/** @param png eight bits a channel, RGB or RGBA without transparency */
export function shrink(png) {
  const chunks = chunksOf(png);
  const header = Buffer.from(chunks[0].data);
  const [width, height, size] = [
    header.readUInt32BE(0),
    header.readUInt32BE(4),
    header[9] === 6 ? 4 : 3,
  ];
  const parts = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data);
  const pixels = unfilter(inflateSync(Buffer.concat(parts)), width * size, size);
  const colours = Uint32Array.from({ length: width * height }, (_, i) =>
    pixels.readUIntBE(i * size, 3),
  );
  const { palette, indexes } = paletteOf(colours);
  const rows = Buffer.alloc((width + 1) * height);
  colours.forEach((colour, i) => {
    rows[i + Math.floor(i / width) + 1] = indexes.get(colour);
  });
  header[9] = 3; // indexed colours
  const entries = Buffer.alloc(palette.length * 3);
  for (const [i, colour] of palette.entries()) entries.writeUIntBE(colour, i * 3, 3);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', entries),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
