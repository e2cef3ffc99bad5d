/** The zlib pool of the process, on the event loop of Node. */

import { AsyncResource } from 'node:async_hooks';
import { ZlibPool } from '../permessage-deflate/zlib-pool.js';
import { time } from './time.js';

export const zlibPool = new ZlibPool({
  onNextTick: (callback) => time.nextTick(callback),
  onNextTurn: (callback) => time.setImmediate(callback),
  bind: (callback) => AsyncResource.bind(callback),
});
