/**
 * What the servers of fan-out.mjs have in common. Their first line is `{ port, version }`. Then they obey
 * lines of standard input: `publish N` publishes N messages to each topic, `cpu` prints the CPU time so far.
 */
import { createInterface } from 'node:readline';
import { messageOf } from '../fan-out-frames.mjs';
import { options } from './announce.mjs';

const { size, topics } = options();

/** `publish(topic, text)` is what a contender has for it. */
export function obey(port, version, publish) {
  let number = 0;
  const commands = {
    publish: (copies) => {
      for (let left = copies; left > 0; left--, number++) {
        for (const topic of topics) publish(topic, messageOf(number, topic, size));
      }
    },
    cpu: () => console.log(JSON.stringify(process.cpuUsage())),
  };
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const [name, count] = line.split(' ');
    commands[name](Number(count));
  });
  lines.on('close', () => process.exit(0));
  console.log(JSON.stringify({ port, version }));
}
