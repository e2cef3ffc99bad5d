/** `cluster()` and `primary()`: topics between the processes of node:cluster. */

import nodeCluster from 'node:cluster';
import { checkNumbers, warnOfUnknownOptions } from '../connection/check-options.js';
import type { Broker, BrokerHistory } from '../server/broker.js';
import { ClusterBroker, type ClusterOptions } from './cluster-broker.js';
import { ClusterHub, type PrimaryStats } from './cluster-hub.js';
import { DEFAULT_MAX_QUEUED_BYTES } from './cluster-link.js';

const BYTES = 'a number of bytes of at least 0';

/** The options of `primary`. */
export interface PrimaryOptions {
  /**
   * How many bytes may wait for a worker. Beyond that the messages that wait are lost, except those of
   * topics with a history, and the worker subscribes again. Default 16,777,216.
   */
  maxQueuedBytes?: number | undefined;
}

/** What `primary` returns. */
export interface Primary {
  /** Returns counts of the whole process. */
  stats(): PrimaryStats;
  /** Ends what `primary` began. After the last one the workers have no broker, until it is called again. */
  close(): void;
}

/**
 * Returns a broker for a server in a worker of node:cluster. The primary process must call `primary()`.
 * @throws Error outside of a worker; TypeError and RangeError for an invalid option
 */
export function cluster(
  options: ClusterOptions = {},
): Broker & { readonly history: BrokerHistory } {
  checkNumbers(options, {
    timeout: 'a number of milliseconds of at least 0',
    maxQueuedBytes: BYTES,
  });
  warnOfUnknownOptions(options, ['timeout', 'maxQueuedBytes'], 'cluster()');
  const { worker } = nodeCluster;
  if (worker === undefined) {
    throw new Error(
      'cluster() needs a worker of node:cluster, and this process is none; ' +
        'the primary process calls primary() and cluster.fork()',
    );
  }
  return new ClusterBroker(worker, options);
}

let hub: ClusterHub | undefined;
let maxQueuedBytesOfHub = 0;
let users = 0;

/**
 * Lets the primary process of node:cluster carry the topics of its workers, those before and those to
 * come. Later calls share what the first one began.
 * @throws Error in a worker, and for another `maxQueuedBytes` than that of a call before; TypeError and
 *   RangeError for an invalid option
 */
export function primary(options: PrimaryOptions = {}): Primary {
  checkNumbers(options, { maxQueuedBytes: BYTES });
  warnOfUnknownOptions(options, ['maxQueuedBytes'], 'primary()');
  if (!nodeCluster.isPrimary) {
    throw new Error(
      'primary() is for the primary process, and this is a worker; it calls cluster()',
    );
  }
  const shared = useHub(options.maxQueuedBytes);
  users++;
  let isOpen = true;
  return {
    stats: () => shared.stats,
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      if (--users > 0) return;
      shared.close();
      hub = undefined;
    },
  };
}

function useHub(maxQueuedBytes: number | undefined): ClusterHub {
  if (hub === undefined) {
    maxQueuedBytesOfHub = Number(maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES);
    hub = new ClusterHub(nodeCluster, maxQueuedBytesOfHub);
  }
  if (Number(maxQueuedBytes ?? maxQueuedBytesOfHub) === maxQueuedBytesOfHub) return hub;
  throw new Error(
    `primary() was called before with the maxQueuedBytes ${maxQueuedBytesOfHub}, and one is for all: ` +
      `${maxQueuedBytes} was given`,
  );
}
