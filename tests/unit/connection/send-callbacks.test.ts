/** The errors that the callbacks of `send` get. */

import { expect, test } from '@jest/globals';
import { notEncodedError } from '../../../src/connection/send-callbacks.js';
import { type FrameSink, SendQueue } from '../../../src/protocol/send-queue.js';

const ignore = () => {};
const sink: FrameSink = {
  hasKey: () => true,
  writeFrame: ignore,
  onFailure: ignore,
  onEmpty: ignore,
  onYield: ignore,
};

test('a Blob that is read after the wire is gone counts as being read', () => {
  const queue = new SendQueue(undefined, sink);
  const blob = queue.enqueuePending(0x82, 3, false, undefined);
  queue.stop();
  queue.resolve(blob, Buffer.from('abc'));
  expect(notEncodedError(queue.takeAll()).message).toBe(
    'The socket was closed while the blob was being read',
  );
});
