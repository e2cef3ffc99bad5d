/** A server of the product in a process of its own that shuts down when it gets SIGTERM. */

import { spawn } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from '@jest/globals';
import type { Compiled } from './child.js';
import { until } from './inbox.js';
import type { Scope } from './scope.js';

const PROGRAM = `
  const { WebSocketServer } = require(process.argv[1]);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('listening', () => console.log(server.address().port));
  process.once('SIGTERM', async () => {
    for (const socket of server.clients) socket.send('last');
    const options = { code: 1012, lameDuck: 100, spread: 1000, timeout: 8000, retryAfter: [0, 5] };
    console.log(JSON.stringify(await server.shutdown(options)));
  });
`;

export class DrainingServer {
  private readonly child;
  private readonly lines: string[] = [];
  private readonly events: string[] = [];
  private exitCode: number | null | undefined;

  private constructor(scope: Scope, { entry }: Compiled) {
    const argv = ['-e', PROGRAM, '--', entry];
    this.child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    scope.later(() => this.child.kill('SIGKILL'));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.lines.push(line));
    this.child.once('exit', (code) => {
      this.exitCode = code;
    });
  }

  static async start(scope: Scope, compiled: Compiled): Promise<DrainingServer> {
    const server = new DrainingServer(scope, compiled);
    await until(() => server.lines.length > 0, 'the server to listen', 20_000);
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.lines[0]}`;
  }

  private count(kind: string): number {
    return this.events.filter((event) => event.startsWith(kind)).length;
  }

  /** Opens clients, sends SIGTERM, and expects a clean end of the process and of each client. */
  async drain(count: number, connect: () => EventEmitter): Promise<void> {
    for (let i = 0; i < count; i++) {
      const client = connect();
      client.on('open', () => this.events.push('open'));
      client.on('message', (data: unknown) => this.events.push(`message ${data}`));
      client.on('close', (code: number, reason: Buffer) =>
        this.events.push(`close ${code} ${reason}`),
      );
    }
    await until(() => this.count('open') === count, 'all clients to be open', 10_000);
    const startedAt = performance.now();
    this.child.kill('SIGTERM');
    const hasEnded = () => this.exitCode !== undefined && this.count('close') === count;
    await until(hasEnded, () => `the end: ${this.events.slice(-3)}`, 15_000);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(this.exitCode).toBe(0);
    expect(this.count('message last')).toBe(count);
    const closes = this.events.filter((event) => event.startsWith('close'));
    expect(closes.filter((close) => !/^close 1012 retry-after=[0-5]\.\d$/.test(close))).toEqual([]);
    const report = JSON.parse(this.lines[1] ?? '{}');
    expect(report).toMatchObject({ closed: count, clean: count, terminated: 0 });
  }
}
