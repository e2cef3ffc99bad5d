/** The whole program of docs/recipes.md: a chat server with cookies and two endpoints. */

import { describe, expect, test } from '@jest/globals';
import { frame, KEY, readFrames } from '../../support/frames.js';
import { Inbox } from '../../support/inbox.js';
import { programOf, serveHere } from '../../support/recipes.js';
import { type RequestParts, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

describe('a chat server with cookies and two endpoints', () => {
  const ADA: [string, string] = ['Cookie', 'theme=dark; session=4f1c'];
  const BEN: [string, string] = ['Cookie', 'session=9b2e'];
  const PROGRAM = programOf('A chat server with cookies and two endpoints');
  const start = async () => (await serveHere(scope(), PROGRAM)).port;

  async function ask(port: number, target: string, ...add: [string, string][]): Promise<Inbox> {
    const socket = await scope().connect(port);
    const parts: RequestParts = { target, add };
    socket.write(upgradeRequest(parts));
    return new Inbox(socket);
  }

  async function statusOf(inbox: Inbox): Promise<number> {
    return (await inbox.message()).status;
  }

  test('answers as its table says', async () => {
    const port = await start();
    const own: [string, string] = ['Origin', 'https://server.example.com'];
    const foreign: [string, string] = ['Origin', 'https://attacker.example'];
    expect(await statusOf(await ask(port, '/chat', ADA, foreign))).toBe(403);
    expect(await statusOf(await ask(port, '/chat', own))).toBe(401);
    expect(await statusOf(await ask(port, '/chat', ['Cookie', 'session=0']))).toBe(401);
    expect(await statusOf(await ask(port, '/other', ADA))).toBe(404);
    const { status, body } = await (await ask(port, '/moderation', BEN)).message();
    expect([status, body.toString()]).toEqual([403, 'For moderators only']);
    expect(await statusOf(await ask(port, '/chat', ADA, own))).toBe(101);
    expect(await statusOf(await ask(port, '/moderation', ADA))).toBe(101);
  });

  test('holds the limits of one address', async () => {
    const port = await start();
    const statuses: number[] = [];
    for (let i = 0; i < 21; i++) statuses.push(await statusOf(await ask(port, '/chat', BEN)));
    expect(statuses).toEqual([...Array(20).fill(101), 429]);
  });

  test('gives a slow reader the newest lines, and delays nobody', async () => {
    const port = await start();
    const [slow, fast] = [await ask(port, '/chat', ADA), await ask(port, '/chat', BEN)];
    for (const inbox of [slow, fast]) expect(await statusOf(inbox)).toBe(101);
    slow.stream.pause();
    const [bursts, size] = [120, 15_000]; // more than the buffers of the sockets hold
    const burst = (first: number): Buffer[] =>
      Array.from({ length: 10 }, (_, i) => {
        const payload = String(first + i).padEnd(size, ' ');
        return frame({ payload, mask: KEY });
      });
    const numbersOf = (bytes: Buffer): number[] =>
      readFrames(bytes).frames.map(({ payload }) => Number(payload.toString('latin1', 5, 10)));
    const lineLength = frame({ payload: Buffer.alloc('Ben: '.length + size) }).length;
    const last = bursts * 10;
    for (let i = 1; i < last; i += 10) {
      fast.stream.write(Buffer.concat(burst(i)));
      const numbers = numbersOf(await fast.take(10 * lineLength));
      expect(numbers).toEqual(Array.from({ length: 10 }, (_, j) => i + j));
    }
    slow.stream.resume();
    const numbers: number[] = [];
    while (numbers.at(-1) !== last) numbers.push(...numbersOf(await slow.take(lineLength)));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.length).toBeLessThan(last);
    expect(numbers.slice(-10)).toEqual(Array.from({ length: 10 }, (_, i) => last - 9 + i));
  });

  test('is a chat, and moderators remove members', async () => {
    const port = await start();
    const ada = await ask(port, '/chat', ADA);
    const ben = await ask(port, '/chat', BEN);
    const moderator = await ask(port, '/moderation', ADA);
    for (const inbox of [ada, ben, moderator]) expect(await statusOf(inbox)).toBe(101);
    ben.stream.write(frame({ payload: 'hello', mask: KEY }));
    for (const inbox of [ada, ben]) {
      expect((await inbox.frame()).payload.toString()).toBe('Ben: hello');
    }
    moderator.stream.write(frame({ payload: 'Ben', mask: KEY }));
    const { payload } = await ben.frame();
    expect([payload.readUInt16BE(0), payload.toString('utf8', 2)]).toEqual([
      4000,
      'removed by a moderator',
    ]);
    expect(JSON.parse((await moderator.frame()).payload.toString())).toMatchObject({
      connections: 3,
      refused: { origins: 0 },
    });
  });
});
