/** The Pongs that answer Pings. */

import { describe, expect, test } from '@jest/globals';
import { close, ping, said, useConnections } from '../../support/connections.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe('Pongs', () => {
  test('ten Pings of a chunk are all answered', async () => {
    const { wire } = await openConnection();
    const names = Array.from({ length: 10 }, (_, i) => `${i}`);
    wire.arrive(...names.map((name) => ping('server', name)));
    await turns();
    expect(said(wire)).toEqual(names.map((name) => `pong ${name}`));
    expect(wire.writes).toHaveLength(1);
  });

  // RFC 6455 §5.5.3: an endpoint may answer only the most recent Ping.
  test('only the newest Ping is answered to a peer that does not read', async () => {
    const { wire, events } = await openConnection('server', {}, { hold: true, highWaterMark: 1 });
    wire.arrive(ping('server', 'a'));
    for (let i = 0; i < 500; i++) wire.arrive(ping('server', `${i}`));
    await turns();
    expect(said(wire)).toEqual(['pong a']);
    expect(wire.writableLength).toBe(3);
    wire.hold = false;
    wire.release();
    await turns();
    expect(said(wire)).toEqual(['pong a', 'pong 499']);
    expect(events).toHaveLength(501);
    wire.arrive(ping('server', 'b'));
    expect(said(wire)).toEqual(['pong a', 'pong 499', 'pong b']);
  });

  test('a Pong that is owed is dropped when the Close came', async () => {
    const { wire } = await openConnection('server', {}, { hold: true, highWaterMark: 1 });
    wire.arrive(ping('server', 'a'));
    wire.arrive(ping('server', 'b'));
    wire.arrive(close('server', 1000));
    wire.hold = false;
    wire.release();
    await turns();
    expect(said(wire)).toEqual(['pong a', 'close 1000']);
  });

  test('none is sent with autoPong: false', async () => {
    const { wire, events } = await openConnection('server', { autoPong: false });
    wire.arrive(ping('server', 'a'));
    await turns();
    expect(events).toEqual(['ping a']);
    expect(wire.writes).toHaveLength(0);
  });

  test("leave before the 'ping' event", async () => {
    const { ws, wire } = await openConnection();
    ws.on('ping', () => ws.send('b'));
    wire.arrive(ping('server', 'a'));
    await turns();
    expect(said(wire)).toEqual(['pong a', 'text b']);
  });
});
