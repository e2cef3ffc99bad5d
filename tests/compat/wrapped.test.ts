/** What proxies and copies of ours do beyond `ws`. */

import { describe, expect, test } from '@jest/globals';

import ours = require('../../src/index.js');

import { useScope } from '../support/scope.js';
import { accepted, frameSeen, framesSeen } from './scene.js';
import type { Untyped } from './subjects.js';
import { deepCopy, deflated, WRAPPERS } from './wrappers.js';

const reactive = WRAPPERS['a reactive Proxy'] as (original: object) => Untyped;

describe('ws6455 alone', () => {
  const scope = useScope();

  test('a reactive PerMessageDeflate compresses', async () => {
    const deflate = reactive(new ours.PerMessageDeflate({ isServer: true, threshold: 0 }));
    expect(await deflated(deflate)).toEqual([{}, true, 'text text text text']);
  });

  test('a deep copy sends on the same connection', async () => {
    const { ws, inbox } = await accepted(ours, scope());
    const copy = deepCopy(ws);
    copy.send('from the copy');
    expect([copy === ws, copy.readyState, copy.protocol]).toEqual([false, 1, '']);
    expect(await frameSeen(inbox)).toBe('text from the copy');
  });

  test.each(Object.entries(WRAPPERS))('%s of a prepared message is sent', async (_, wrap) => {
    const { ws, wss, inbox } = await accepted(ours, scope(), { perMessageDeflate: true });
    const prepared = wrap(ours.prepareMessage('text'));
    ws.send(prepared);
    expect(wss.broadcast(prepared)).toBe(1);
    expect(await framesSeen(inbox, 2)).toEqual(['text text', 'text text']);
  });

  test.each(Object.entries(WRAPPERS))(
    '%s of a server and its client: broadcast',
    async (_, wrap) => {
      const { ws, wss, inbox } = await accepted(ours, scope());
      expect(wrap(wss).broadcast('all but one', { except: wrap(ws) })).toBe(0);
      expect(wrap(wss).broadcast('all')).toBe(1);
      expect(await frameSeen(inbox)).toBe('text all');
    },
  );
});
