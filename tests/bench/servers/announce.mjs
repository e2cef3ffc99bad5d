/** What every server here has in common: its options, its first line, its end. */
import { once } from 'node:events';

/** The options of the workload, as the bench gives them. */
export function options() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** Says where the server listens, and ends it when the bench (or its process) goes away. */
export async function announce(server, version) {
  if (!server.address()) await once(server, 'listening');
  process.stdin.on('end', () => process.exit(0)).resume();
  console.log(JSON.stringify({ port: server.address().port, version }));
}
