/** Compression is not switched on by itself: D10 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { connectPair } from '../../support/websockets.js';

const scope = useScope();

describe('D10: compression is not switched on by itself', () => {
  test('a server agrees to it only with the option', async () => {
    const responseTo = { perMessageDeflate: true };
    const off = await connectPair(scope(), {}, responseTo);
    expect([off.client.extensions, off.ws.extensions]).toEqual(['', '']);
    const on = await connectPair(scope(), { perMessageDeflate: true }, responseTo);
    expect([on.client.extensions, on.ws.extensions]).toEqual([
      'permessage-deflate',
      'permessage-deflate',
    ]);
    await turns();
  });

  test('a client that does not want it does not offer it', async () => {
    const { request } = await connectPair(
      scope(),
      { perMessageDeflate: true },
      { perMessageDeflate: false },
    );
    expect(request.headers['sec-websocket-extensions']).toBeUndefined();
  });
});
