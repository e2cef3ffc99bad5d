/**
 * (f) From which size on a payload should follow its header by reference (cork, two writes, uncork)
 * rather than be copied behind it: CPU µs per frame, one frame per tick.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { heading } from './harness.mjs';
import { compareWrites, headerSize, makeFrame, makeHeader, writeHeader } from './wire.mjs';

/** Copies into regions of a slab; a frame that is larger gets a buffer of its own. */
function copied(slabSize, payload) {
  const size = payload.length + headerSize(payload.length);
  let slab = Buffer.allocUnsafeSlow(slabSize);
  let used = 0;
  return (socket) => {
    let target = slab;
    let start = used;
    if (size > slabSize) {
      target = Buffer.allocUnsafeSlow(size);
      start = 0;
    } else if (used + size > slabSize) {
      target = Buffer.allocUnsafeSlow(slabSize);
      slab = target;
      start = 0;
    }
    target.set(payload, writeHeader(target, start, payload.length));
    if (target === slab) used = start + size;
    socket.write(target.subarray(start, start + size));
  };
}

function strategies(size) {
  const { payload } = makeFrame(size);
  return {
    'by reference: cork': (socket) => {
      socket.cork();
      socket.write(makeHeader(size));
      socket.write(payload);
      socket.uncork();
    },
    'two writes': (socket) => {
      socket.write(makeHeader(size));
      socket.write(payload);
    },
    'copied: slab 16 KiB': copied(16384, payload),
    'copied: slab 64 KiB': copied(65536, payload),
    'copied: buffer of its own': copied(0, payload),
  };
}

const SIZES = [1024, 2048, 4096, 8192, 16384, 32768, 65536];
const columns = [];
for (const size of SIZES) columns.push(await compareWrites(strategies(size), size, 1));
heading('One frame per tick: CPU µs per frame');
const row = (name, index) => [name, ...columns.map((column) => digits(column[index]))];
const header = ['way', ...SIZES.map((size) => `${size / 1024} KiB`)];
console.log(table(header, Object.keys(strategies(0)).map(row)));
