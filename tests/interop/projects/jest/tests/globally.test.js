/** `fakeTimers: { enableGlobally: true }`: there never were real timers. */
const { closed, pair } = require('../support.js');

test('timers are fake from the beginning', () => {
  expect(setTimeout).toHaveProperty('clock');
});

test('messages arrive, and it closes', async () => {
  const connection = await pair();
  for (const text of ['a', 'b', 'c']) connection.client.send(text);
  for (const text of ['a', 'b', 'c']) expect(await connection.received.next()).toBe(text);
  expect(await closed(connection)).toEqual([4001, 4001]);
});
