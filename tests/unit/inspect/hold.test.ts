/** Frames are held at their boundaries, released as they are, changed or dropped, and added. */

import { describe, expect, test } from '@jest/globals';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import {
  type Conversation,
  converse,
  inspected,
  Page,
  RawTarget,
} from '../../support/inspected.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

const text = (payload: string): Buffer => frame({ payload, mask: KEY });

async function start() {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${target.port}` });
  const page = await Page.open(scope(), through);
  const ends = await converse(scope(), through, target);
  return { target, through, page, ...ends };
}

/** Everything that was sent before has arrived when these bytes have. */
async function settle({ client, server }: Conversation): Promise<void> {
  server.socket.write('pong');
  await client.inbox.take(4);
}

const hex = (bytes: Buffer): string => bytes.toString('hex');

test('a frame waits, and goes as it is', async () => {
  const { page, client, server, ...rest } = await start();
  await page.hold('client');
  client.socket.write(text('Hello'));
  const held = await page.next('held');
  expect(held).toMatchObject({ connection: 1, from: 'client', bytes: hex(text('Hello')) });
  await settle({ client, server, ...rest });
  expect(server.inbox.peek()).toHaveLength(0);
  page.send({ type: 'release', id: held.id });
  expect(await server.inbox.take(11)).toEqual(text('Hello'));
  expect(await page.next('released')).toMatchObject({ id: held.id, bytes: held.bytes });
  expect(rest.through.of('frame')[0]?.edited).toBeUndefined();
});

test('the other direction is not held', async () => {
  const all = await start();
  await all.page.hold('client');
  await settle(all);
});

test('other bytes go in its place', async () => {
  const { page, client, server, through } = await start();
  await page.hold('client');
  client.socket.write(text('Hello'));
  const { id } = await page.next('held');
  const wrong = frame({ payload: 'Hello', rsv: 2, mask: KEY });
  page.send({ type: 'release', id, bytes: hex(wrong) });
  expect(await server.inbox.take(wrong.length)).toEqual(wrong);
  expect(through.of('frame')).toEqual([
    expect.objectContaining({
      bytes: hex(wrong),
      rsv2: true,
      edited: { original: hex(text('Hello')) },
      violation: expect.objectContaining({ code: 'WS_ERR_UNEXPECTED_RSV_2_3' }),
    }),
  ]);
});

test('a dropped frame is in the record, and the next one is sent', async () => {
  const { page, client, server, through } = await start();
  await page.hold('client');
  client.socket.write(Buffer.concat([text('one'), text('two')]));
  const first = await page.next('held');
  const second = await page.next('held', 2);
  page.send({ type: 'release', id: first.id, bytes: '' });
  page.send({ type: 'release', id: second.id });
  expect(await server.inbox.take(9)).toEqual(text('two'));
  expect(through.of('bytes')).toEqual([
    expect.objectContaining({ bytes: '', edited: { original: hex(text('one')) } }),
  ]);
});

test('the order is kept: a frame that is released early waits for those before it', async () => {
  const { page, client, server, ...rest } = await start();
  await page.hold('client');
  client.socket.write(Buffer.concat([text('one'), text('two')]));
  const second = await page.next('held', 2);
  page.send({ type: 'release', id: second.id });
  await settle({ client, server, ...rest });
  expect(server.inbox.peek()).toHaveLength(0);
  page.send({ type: 'release', id: second.id - 1 });
  expect(await server.inbox.take(18)).toEqual(Buffer.concat([text('one'), text('two')]));
});

test('a frame that has begun goes on; the next one is held', async () => {
  const { page, client, server } = await start();
  client.socket.write(text('Hello').subarray(0, 4));
  await server.inbox.take(4);
  await page.hold('client');
  client.socket.write(Buffer.concat([text('Hello').subarray(4), text('next')]));
  expect(await server.inbox.take(7)).toEqual(text('Hello').subarray(4));
  expect(await page.next('held')).toMatchObject({ bytes: hex(text('next')) });
  expect(server.inbox.peek()).toHaveLength(0);
});

test('without hold all goes, a frame that is not complete too', async () => {
  const { page, client, server } = await start();
  await page.hold('both');
  const bytes = Buffer.concat([text('one'), text('two').subarray(0, 3)]);
  client.socket.write(bytes);
  await page.next('held');
  await page.hold('none');
  expect(await server.inbox.take(bytes.length)).toEqual(bytes);
  client.socket.write(text('two').subarray(3));
  expect(await server.inbox.take(6)).toEqual(text('two').subarray(3));
});

test('release-all lets go what waits, and holds what comes', async () => {
  const { page, client, server } = await start();
  await page.hold('client');
  client.socket.write(text('one'));
  await page.next('held');
  page.send({ type: 'release-all' });
  expect(await server.inbox.take(9)).toEqual(text('one'));
  client.socket.write(text('two'));
  expect(await page.next('held', 2)).toMatchObject({ bytes: hex(text('two')) });
});

test('the end of a direction waits behind what is held', async () => {
  const { page, client, server, ...rest } = await start();
  await page.hold('client');
  client.socket.end(text('last'));
  const { id } = await page.next('held');
  await settle({ client, server, ...rest });
  expect(server.inbox.ended).toBe(false);
  page.send({ type: 'release', id });
  expect(await server.inbox.rest()).toEqual(text('last'));
});

test('a reset drops what is held', async () => {
  const { page, client, server } = await start();
  await page.hold('client');
  client.socket.write(text('lost'));
  const { id } = await page.next('held');
  client.socket.resetAndDestroy();
  expect(await page.next('released')).toMatchObject({ id, bytes: '' });
  await until(() => server.inbox.closed, 'the reset');
  expect(server.inbox.peek()).toHaveLength(0);
});

test('a page that opens later is told what is held', async () => {
  const { page, client, through } = await start();
  await page.hold('client');
  client.socket.write(text('Hello'));
  const held = await page.next('held');
  const second = await Page.open(scope(), through);
  expect(await second.next('held')).toEqual(held);
  expect(second.of('hello')[0]?.hold).toBe('client');
});

test('a frame that is too long to be held goes on behind those that are held', async () => {
  const { page, client, server } = await start();
  await page.hold('client');
  const long = frame({ opcode: OPCODE.BINARY, payload: Buffer.alloc(2 ** 21, 1), mask: KEY });
  client.socket.write(Buffer.concat([text('first'), long]));
  const { id } = await page.next('held');
  page.send({ type: 'release', id });
  const bytes = await server.inbox.take(11 + long.length);
  expect(bytes.equals(Buffer.concat([text('first'), long]))).toBe(true);
  expect(page.of('held')).toHaveLength(1);
});

describe('bytes of the page', () => {
  const close = frame({ opcode: OPCODE.CLOSE, payload: closePayload(4000) });

  test('are sent in either direction, and marked in the record', async () => {
    const { page, client, server, through } = await start();
    page.send({ type: 'inject', connection: 1, from: 'server', bytes: hex(close) });
    expect(await client.inbox.take(4)).toEqual(close);
    page.send({ type: 'inject', connection: 1, from: 'client', bytes: hex(text('x')) });
    expect(await server.inbox.take(7)).toEqual(text('x'));
    expect(through.of('frame').map(({ from, edited }) => [from, edited])).toEqual([
      ['server', { original: null }],
      ['client', { original: null }],
    ]);
  });

  test('wait for the end of a frame that has begun', async () => {
    const { page, client, server } = await start();
    client.socket.write(text('Hello').subarray(0, 8));
    await server.inbox.take(8);
    page.send({ type: 'inject', connection: 1, from: 'client', bytes: hex(text('x')) });
    page.send({ type: 'describe', index: 1_000_000 });
    await page.next('failed'); // the command before was carried out
    expect(server.inbox.peek()).toHaveLength(0);
    client.socket.write(text('Hello').subarray(8));
    expect(await server.inbox.take(10)).toEqual(
      Buffer.concat([text('Hello').subarray(8), text('x')]),
    );
  });

  test('go before what is held', async () => {
    const { page, client, server } = await start();
    await page.hold('client');
    client.socket.write(text('held'));
    await page.next('held');
    page.send({ type: 'inject', connection: 1, from: 'client', bytes: hex(text('1')) });
    page.send({ type: 'inject', connection: 1, from: 'client', bytes: hex(text('2')) });
    page.send({ type: 'release-all' });
    expect(await server.inbox.take(24)).toEqual(
      Buffer.concat([text('1'), text('2'), text('held')]),
    );
  });
});

test('disconnect closes both ends with 1001', async () => {
  const { page, client, server } = await start();
  page.send({ type: 'disconnect', connection: 1 });
  expect(await client.inbox.rest()).toEqual(Buffer.from([0x88, 2, 0x03, 0xe9]));
  expect(await server.inbox.frame()).toMatchObject({ opcode: OPCODE.CLOSE, masked: true });
});

test.each([
  ['release', { type: 'release', id: 7 }, 'No frame 7 is held'],
  [
    'inject',
    { type: 'inject', connection: 9, from: 'client', bytes: '' },
    'Connection 9 is not open',
  ],
  ['inject', { type: 'inject', connection: 1, from: 'client', bytes: '8' }, 'Bytes are pairs'],
  ['inject', { type: 'inject', connection: 1, from: 'x', bytes: '' }, 'Bytes come from'],
  ['hold', { type: 'hold', hold: 'x' }, 'Frames are held for one of none, client, server, both'],
  ['disconnect', { type: 'disconnect', connection: 9 }, 'Connection 9 is not open'],
  ['describe', { type: 'describe', index: -1 }, 'There is no record -1 to describe'],
  ['break', { type: 'break', rule: 'x', at: 'own' }, 'There is no rule "x"'],
  ['other', { type: 'other' }, 'There is no such command: {"type":"other"}'],
  ['', null, 'A command is an object with a type'],
])('the wrong command %s %j is answered with the reason', async (command, given, error) => {
  const { page } = await start();
  page.socket.send(JSON.stringify(given));
  const failed = await page.next('failed');
  expect(failed.command).toBe(command);
  expect(failed.error).toContain(error);
  await turns();
  expect(page.socket.readyState).toBe(1);
});

test('a sender is not read while too much is held', async () => {
  const { page, client, through } = await start();
  await page.hold('client');
  const one = frame({ opcode: OPCODE.BINARY, payload: Buffer.alloc(60_000), mask: KEY });
  for (let i = 0; i < 1000; i++) client.socket.write(one);
  let before = -1;
  while (before !== page.of('held').length || before === 0) {
    before = page.of('held').length;
    await turns(500);
  }
  expect(page.of('held').length).toBeLessThan(150);
  expect(through.of('frame')).toEqual([]);
});
