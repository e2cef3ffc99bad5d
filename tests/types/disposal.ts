/** What `await using` needs, and the options of a shutdown. */

import WebSocket, { WebSocketServer } from 'ws';
import { type Equal, expectType } from './equal.js';

/** As the compiler checks `await using`, which old compilers do not know. */
export function disposables(server: WebSocketServer): AsyncDisposable[] {
  server.on('connection', (socket) => expectType<Equal<typeof socket, WebSocket>>());
  return [server, new WebSocket('ws://127.0.0.1'), ...server.clients];
}

export const rotating = new WebSocketServer({ port: 0, maxLifetime: { after: 3_600_000 } });

export async function stop(server: WebSocketServer, signal: AbortSignal): Promise<number> {
  const report = await server.shutdown({
    code: 1012,
    reason: 'deploy',
    lameDuck: 5_000,
    spread: 10_000,
    timeout: 25_000,
    retryAfter: [0, 30],
    signal,
    onProgress: ({ open, closed, terminated, ms }) => console.log(open, closed, terminated, ms),
  });
  expectType<Equal<typeof report, WebSocket.ShutdownReport>>();
  expectType<Equal<typeof server.state, 'open' | 'draining' | 'closed'>>();
  server.on('draining', () => console.log(server.state));
  await server.shutdown({ retryAfter: 5 });
  return report.closed + report.clean + report.terminated + report.refused + report.ms;
}

export const shutdownOptions: WebSocket.ShutdownOptions = {} as {
  [K in keyof WebSocket.ShutdownOptions]: undefined;
};

// @ts-expect-error: a range has two numbers
export const wrongRange: WebSocket.ShutdownOptions = { retryAfter: [1] };
// @ts-expect-error: a lifetime has a length
export const wrongLifetime: WebSocket.ServerOptions = { maxLifetime: { jitter: 0.2 } };
