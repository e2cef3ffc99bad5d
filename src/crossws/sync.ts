/** A driver of `crossws/sync`, of which no failure reaches the program's calls. */

import { randomUUID } from 'node:crypto';
import { callProgram, toError, warnOfError } from '../connection/callbacks.js';
import type { AdapterOptions, SyncDriver, SyncErrorContext, SyncMessage } from './interface.js';

/** @param deliver gives a message of another process to the connections of this one */
export function startSync(
  options: AdapterOptions,
  deliver: (message: SyncMessage) => void,
): SyncDriver | undefined {
  if (options.sync === undefined) return undefined;
  const report = (stage: SyncErrorContext['stage'], thrown: unknown): void => {
    const { onError } = options;
    if (onError === undefined) {
      warnOfError(`The driver of the option sync failed (${stage})`, toError(thrown));
      return;
    }
    callProgram(
      () => onError(thrown, { stage }),
      () => {},
      (error) => warnOfError('The option onError of the adapter failed', toError(error)),
    );
  };
  const attempt = async (stage: SyncErrorContext['stage'], step: () => unknown): Promise<void> => {
    try {
      await step();
    } catch (thrown) {
      report(stage, thrown);
    }
  };
  const driver = options.sync({ id: randomUUID() });
  const onMessage = (message: SyncMessage): void => {
    try {
      deliver(message);
    } catch (thrown) {
      report('delivery', thrown);
    }
  };
  void attempt('subscribe', () => driver.subscribe(onMessage));
  return {
    subscribe: (given) => driver.subscribe(given),
    publish: (message) => attempt('publish', () => driver.publish(message)),
    close: () => driver.close?.(),
  };
}
