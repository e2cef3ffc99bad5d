/**
 * Loaded into a server whose memory is measured. Collects garbage again and again, and at the end
 * writes how much JavaScript memory was alive, in bytes, without connections and with all of them.
 * That is exact to a few bytes per connection; resident memory moves by megabytes for other reasons.
 */
import { writeFileSync } from 'node:fs';

const EVERY_MS = 250;
const { conns } = JSON.parse(process.argv[2] ?? '{}');
const alive = {};

function sample() {
  globalThis.gc();
  const open = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const { heapUsed, external } = process.memoryUsage();
  if (open === conns) alive.connected = heapUsed + external;
  if (open === 0 && !alive.connected) alive.empty = heapUsed + external;
}

setInterval(sample, EVERY_MS).unref();
process.on('exit', () => writeFileSync(process.env.LIVE_MEMORY_FILE, JSON.stringify(alive)));
